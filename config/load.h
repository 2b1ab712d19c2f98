/* config/load.h: settings from their sources, each going before the one ahead of it:
 *
 *   defaults < the YAML file < environment < KEY=VALUE of the command line
 *
 * The environment's DD_A_B is the key a.b; an empty variable counts as not set.
 * Other variables than DD_* are not looked at. An api_key may come from a file of its own
 * (config/key_file.h), behind all of these. In the file an empty value or
 * null means the default; everything structured becomes JSON whose scalars are
 * all strings, as written. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/must_check.h"
#include "config/problems.h"
#include "config/settings.h"

struct settings_source {
    const char *file;   /* NULL: none */
    char **environment; /* ends in NULL; NULL: none */
    char **sets;        /* "KEY=VALUE" */
    size_t n_sets;
    bool no_secret_files; /* they are not read: for one who may not, and needs none of them */
};

/* Fills *out, to be freed by settings_free() whatever the result. False if there
 * is an error; what was wrong is refused and all else is there, so that it can be
 * printed, unless memory ran out. Adds to the problems. */
MUST_CHECK bool settings_load(struct settings *out, const struct settings_source *source,
                              struct problems *problems);

#endif
