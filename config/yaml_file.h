/* config/yaml_file.h: the settings in one YAML file. */
#ifndef CONFIG_YAML_FILE_H
#define CONFIG_YAML_FILE_H

#include "config/problems.h"
#include "config/settings.h"

/* The file is bounded (config/yaml_document.h), and so are its values, in bytes with aliases
 * written out; YAML_DEPTH_MAX is for these too. */
enum { YAML_TEXT_MAX = 16 << 20 };

/* If the file is not YAML, nothing of it is used. */
void yaml_file_load(struct settings *settings, const char *path, struct problems *problems);

#endif
