/* config/yaml_file.h: the settings in one YAML file. */
#ifndef CONFIG_YAML_FILE_H
#define CONFIG_YAML_FILE_H

#include "config/problems.h"
#include "config/settings.h"

enum {
    YAML_FILE_MAX = 4 << 20,  /* bytes of the file */
    YAML_TEXT_MAX = 16 << 20, /* bytes of its values, aliases written out */
    YAML_DEPTH_MAX = 32,      /* of one structured value */
};

/* Nothing of a file that is not YAML is used. */
void yaml_file_load(struct settings *settings, const char *path, struct problems *problems);

#endif
