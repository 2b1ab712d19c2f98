#include "tests/support/temp_file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void temp_file_write(char path[TEMP_PATH_SIZE], const char *at, size_t len)
{
    strcpy(path, "/tmp/heeler-test-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), (ssize_t)len);
    close(fd);
}

char *temp_file_read(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    ssize_t len = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (len < 0 && text != NULL)
        text[0] = '\0';
    return text;
}

void temp_folder_make(char path[TEMP_PATH_SIZE])
{
    strcpy(path, "/tmp/heeler-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found, (void)kind, (void)place;
    return remove(path);
}

void temp_folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

char temp_folder[TEMP_PATH_SIZE];

int temp_folder_begin(void **state)
{
    (void)state;
    temp_folder_make(temp_folder);
    return 0;
}

int temp_folder_end(void **state)
{
    (void)state;
    temp_folder_remove(temp_folder);
    return 0;
}

void temp_folder_put_in(const char *folder, const char *name, const char *text)
{
    char path[TEMP_PATH_SIZE + 64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

void temp_folder_put(const char *name, const char *text)
{
    temp_folder_put_in(temp_folder, name, text);
}
