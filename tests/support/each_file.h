/* tests/support/each_file.h: the files below a folder. */
#ifndef TESTS_SUPPORT_EACH_FILE_H
#define TESTS_SUPPORT_EACH_FILE_H

#include <stddef.h>

/* Shows (if not NULL) the whole path of each regular file whose name ends like
 * that, in name order. Returns how many there are. */
size_t each_file(const char *folder, const char *suffix,
                 void (*show)(void *argument, const char *file), void *argument);

#endif
