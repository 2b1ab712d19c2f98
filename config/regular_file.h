/* config/regular_file.h: a file that a setting names, opened without waiting.
 *
 * A pipe whose writer never comes, or a device, would hold up the start, and at a
 * reload the thread that answers health checks. */
#ifndef CONFIG_REGULAR_FILE_H
#define CONFIG_REGULAR_FILE_H

#include <stdio.h>

/* For reading. NULL, and why in words (static, or until the next strerror). */
FILE *regular_file_open(const char *path, const char **why);

#endif
