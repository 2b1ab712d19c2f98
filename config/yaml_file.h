/* config/yaml_file.h: the settings in one YAML file. */
#ifndef CONFIG_YAML_FILE_H
#define CONFIG_YAML_FILE_H

#include "config/problems.h"
#include "config/settings.h"

enum {
    YAML_FILE_MAX = 1 << 20,  /* bytes of the file */
    YAML_TEXT_MAX = 16 << 20, /* bytes of its values, aliases written out */
    YAML_DEPTH_MAX = 64,      /* of the file, and of a value with aliases written out */
    YAML_ANCHOR_MAX = 1000,   /* libyaml compares each with all others */
};

/* If the file is not YAML, nothing of it is used. */
void yaml_file_load(struct settings *settings, const char *path, struct problems *problems);

#endif
