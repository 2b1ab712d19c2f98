/* config/yaml_scalar.h: switches and numbers as YAML 1.1 spells them.
 *
 * The Agent's reader of files knows "yes" and "off", "1_000_000" and "2.5e6", 0x1F,
 * 0b11, and 017 for fifteen. Only a plain scalar is read like that; in quotes it is
 * a text. Variables have no such spellings. Pure. */
#ifndef CONFIG_YAML_SCALAR_H
#define CONFIG_YAML_SCALAR_H

#include "config/options.h"

enum { YAML_SCALAR_SIZE = 64 }; /* room for any that is written anew, with its NUL */

/* The value as a variable would have it ("true", "1000000"), for an option of this
 * type: out, or the text itself where YAML 1.1 has nothing to add. */
const char *yaml_scalar_plain(enum option_type type, const char *text,
                              char out[YAML_SCALAR_SIZE]);

#endif
