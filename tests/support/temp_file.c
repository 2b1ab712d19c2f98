#include "tests/support/temp_file.h"

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
