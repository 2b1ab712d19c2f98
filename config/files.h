/* config/files.h: what takes more than one call of the system to do with files. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/must_check.h"

/* All of it, however long that takes. Returns the bytes that were written; fewer: errno says
 * why. */
MUST_CHECK size_t files_write(int fd, const void *from, size_t len);

/* Makes every missing folder of the path's first len bytes. False with errno; *failed is
 * how many bytes of the path the folder has that could not be made. */
MUST_CHECK bool files_make_folders(const char *path, size_t len, mode_t mode, size_t *failed);

#endif
