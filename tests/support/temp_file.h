/* tests/support/temp_file.h: a file with some bytes in it, for one test. */
#ifndef TESTS_SUPPORT_TEMP_FILE_H
#define TESTS_SUPPORT_TEMP_FILE_H

#include <stddef.h>

enum { TEMP_PATH_SIZE = 64 };

/* A new file; its path is written to path. Fails the test if it cannot. */
void temp_file_write(char path[TEMP_PATH_SIZE], const char *at, size_t len);

/* The whole file as an owned, NUL-terminated text. */
char *temp_file_read(const char *path);

#endif
