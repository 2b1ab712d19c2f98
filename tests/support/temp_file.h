/* tests/support/temp_file.h: a file with some bytes in it, or a folder, for one test. */
#ifndef TESTS_SUPPORT_TEMP_FILE_H
#define TESTS_SUPPORT_TEMP_FILE_H

#include <stddef.h>

enum { TEMP_PATH_SIZE = 64 };

/* A new file; its path is written to path. Fails the test if it cannot. */
void temp_file_write(char path[TEMP_PATH_SIZE], const char *at, size_t len);

/* The whole file as an owned, NUL-terminated text. */
char *temp_file_read(const char *path);

/* A new folder; and its end, with all that is in it. */
void temp_folder_make(char path[TEMP_PATH_SIZE]);
void temp_folder_remove(const char *path);

/* One that a test has from its set-up to its end, which these are, and a file in it. */
extern char temp_folder[TEMP_PATH_SIZE];
int temp_folder_begin(void **state);
int temp_folder_end(void **state);
void temp_folder_put(const char *name, const char *text);
void temp_folder_put_in(const char *folder, const char *name, const char *text);

#endif
