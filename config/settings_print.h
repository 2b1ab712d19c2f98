/* config/settings_print.h: the effective settings, as a person reads them. */
#ifndef CONFIG_SETTINGS_PRINT_H
#define CONFIG_SETTINGS_PRINT_H

#include <stdio.h>

#include "config/settings.h"

/* "key = value  (origin)", a line for every option; secrets keep only their last
 * four characters. */
void settings_print(const struct settings *settings, FILE *out);
void settings_print_one(const struct settings *settings, enum setting which, FILE *out);

#endif
