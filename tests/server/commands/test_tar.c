#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/commands/tar.h"

enum { BLOCK = 512 };

/* As any reader checks it: the sum of all bytes, those of the sum taken as spaces. */
static unsigned long sum_of(const char *header)
{
    unsigned long sum = 0;

    for (int i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
    return sum;
}

static void files_stand_one_behind_the_other_and_are_filled_up(void **state)
{
    static const struct {
        const char *name;
        size_t len, at;
    } files[] = { { "folder/empty", 0, 0 },
                  { "folder/one", 1, BLOCK },
                  { "folder/block", BLOCK, 3 * BLOCK },
                  { "folder/more", BLOCK + 1, 5 * BLOCK } };
    char content[BLOCK + 1], *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    (void)state;

    memset(content, 'x', sizeof content);
    for (size_t i = 0; i < 4; i++)
        assert_true(tar_add(out, files[i].name, content, files[i].len, 1700000000));
    assert_true(tar_finish(out));
    fclose(out);
    assert_int_equal(size, 10 * BLOCK);
    for (size_t i = 0; i < 4; i++) {
        const char *header = bytes + files[i].at;

        assert_string_equal(header, files[i].name);
        assert_memory_equal(header + 257,
                            "ustar\0"
                            "00",
                            8);
        assert_int_equal(header[156], '0');
        assert_int_equal(strtoul(header + 100, NULL, 8), 0600);
        assert_int_equal(strtoul(header + 124, NULL, 8), files[i].len);
        assert_int_equal(strtoul(header + 136, NULL, 8), 1700000000);
        assert_int_equal(strtoul(header + 148, NULL, 8), sum_of(header));
        for (size_t b = 0; b < files[i].len; b++)
            assert_int_equal(header[BLOCK + b], 'x');
    }
    for (size_t i = 8 * BLOCK; i < size; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
}

static void what_does_not_fit_or_cannot_be_written_is_refused(void **state)
{
    char name[TAR_NAME_MAX + 2], *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    (void)state;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(tar_add(out, name, "", 0, 0));
    name[sizeof name - 2] = '\0';
    assert_true(tar_add(out, name, "", 0, -1)); /* a clock before 1970 */
    fclose(out);
    free(bytes);
    out = fopen("/dev/full", "we");
    assert_non_null(out);
    (void)tar_add(out, "a", "", 0, 0);
    assert_false(tar_finish(out));
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_stand_one_behind_the_other_and_are_filled_up),
        cmocka_unit_test(what_does_not_fit_or_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
