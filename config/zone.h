/* config/zone.h: whether the system has a time zone of that name.
 *
 * "Europe/Paris" is the file of that name in ZONE_FOLDER. The C library takes any other name
 * for UTC and says nothing, so who means a zone asks here first. */
#ifndef CONFIG_ZONE_H
#define CONFIG_ZONE_H

#include <stdbool.h>
#include <stdio.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"

/* Whether there are any: the package tzdata is there. */
bool zone_has_any(void);

bool zone_exists(const char *name);

/* The file of that name, whatever is in it, for the caller to close. NULL: there is none. */
FILE *zone_open(const char *name);

#endif
