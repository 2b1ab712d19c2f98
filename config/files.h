/* config/files.h: what takes more than one call of the system to do with files. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <limits.h>
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

/* The path of what is called so beside the program that runs; name may begin with "../". Also
 * when another program has taken its place there. False: nobody says where it is. */
MUST_CHECK bool files_beside_program(char out[PATH_MAX], const char *name);

#endif
