/* config/yaml_document.h: the first document of a YAML file, as libyaml's tree.
 *
 * libyaml takes quadratic time for depth and anchors, so both are bounded before it makes the
 * tree. An alias is the number of its anchor, so a small file can be a large or endless tree:
 * who walks through it bounds that. Errors are sentences that begin with PATH:LINE. */
#ifndef CONFIG_YAML_DOCUMENT_H
#define CONFIG_YAML_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/must_check.h"
#include "config/problems.h"

enum {
    YAML_FILE_MAX = 1 << 20, /* bytes of the file */
    YAML_DEPTH_MAX = 64,     /* of the file */
    YAML_ANCHOR_MAX = 1000,  /* libyaml compares each with all others */
};

/* Of the text of that file. To be freed by yaml_document_delete(), unless it is false: then
 * there is an error among the problems, or no memory. */
MUST_CHECK bool yaml_document_read(yaml_document_t *out, const unsigned char *text, size_t len,
                                   const char *path, struct problems *problems);

/* The same of the file itself. */
MUST_CHECK bool yaml_document_load(yaml_document_t *out, const char *path,
                                   struct problems *problems);

#endif
