#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/log_file.h"
#include "tests/support/temp_file.h"

struct rig {
    char folder[TEMP_PATH_SIZE];
    char path[TEMP_PATH_SIZE + 8];
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    temp_folder_make(rig->folder);
    snprintf(rig->path, sizeof rig->path, "%s/log", rig->folder);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    temp_folder_remove(rig->folder);
    free(rig);
    return 0;
}

/* The file of that suffix holds this; NULL: it is not there. */
static void assert_file(const struct rig *rig, const char *suffix, const char *text)
{
    char path[TEMP_PATH_SIZE + 32];

    snprintf(path, sizeof path, "%s%s", rig->path, suffix);
    if (text == NULL) {
        assert_int_not_equal(access(path, F_OK), 0);
        return;
    }
    char *found = temp_file_read(path);
    assert_string_equal(found, text);
    free(found);
}

static struct log_file *open_rolling(const struct rig *rig, uint64_t bytes, uint64_t rolls)
{
    struct log_file *file = log_file_open(rig->path);

    assert_non_null(file);
    file->max_bytes = bytes;
    file->max_rolls = rolls;
    return file;
}

static void write_lines(struct log_file *file, const char *first, const char *last)
{
    char line[3] = { first[0], '\n' };

    for (; line[0] <= last[0]; line[0]++)
        assert_true(log_file_write(file, line, 2));
}

static void sizes_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        { "0", 0 },           { "10485760", 10485760 }, { "10Mb", 10 << 20 },
        { "10MB", 10 << 20 }, { "512k", 512 << 10 },    { "1 gb", 1 << 30 },
        { "77b", 77 },        { "2kB", 2048 },
    };
    static const char *const bad[] = { "",
                                       "b",
                                       "-1",
                                       "1.5Mb",
                                       "10MiB",
                                       "10 Mb x",
                                       "ten",
                                       "1kk",
                                       "k10",
                                       "99999999999999999999",
                                       "18446744073709551615k" };
    uint64_t bytes;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(log_size_parse(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (log_size_parse(bad[i], &bytes))
            fail_msg("%s", bad[i]);
}

static void a_full_file_rolls_and_the_oldest_goes(void **state)
{
    struct rig *rig = *state;
    struct log_file *file = open_rolling(rig, 4, 2);

    write_lines(file, "a", "b");
    assert_file(rig, ".1", NULL);
    write_lines(file, "c", "g");
    assert_file(rig, "", "g\n");
    assert_file(rig, ".1", "e\nf\n");
    assert_file(rig, ".2", "c\nd\n");
    assert_file(rig, ".3", NULL);
    log_file_free(file);

    file = open_rolling(rig, 4, 2); /* what is in it already counts */
    write_lines(file, "h", "i");
    assert_file(rig, "", "i\n");
    assert_file(rig, ".1", "g\nh\n");
    log_file_free(file);
}

static void with_no_bound_every_old_file_is_kept(void **state)
{
    struct rig *rig = *state;
    struct log_file *file = open_rolling(rig, 2, 0);

    write_lines(file, "a", "e");
    assert_file(rig, ".4", "a\n");
    assert_file(rig, ".1", "d\n");
    assert_file(rig, "", "e\n");
    log_file_free(file);
}

static void a_file_without_a_bound_never_rolls(void **state)
{
    struct rig *rig = *state;
    struct log_file *file = open_rolling(rig, 0, 1);

    write_lines(file, "a", "z");
    assert_file(rig, ".1", NULL);
    log_file_free(file);
}

/* No reader is there: opening does not wait for one, and one that goes takes nothing along. */
static void a_fifo_waits_for_no_reader(void **state)
{
    struct rig *rig = *state;
    char text[64] = "";

    assert_int_equal(mkfifo(rig->path, 0600), 0);
    struct log_file *file = open_rolling(rig, 4, 1);
    write_lines(file, "a", "c");
    assert_file(rig, ".1", NULL);
    int reader = open(rig->path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(read(reader, text, sizeof text - 1), 6);
    assert_string_equal(text, "a\nb\nc\n");
    close(reader);
    write_lines(file, "d", "d");
    assert_true(log_file_reopen(file));
    log_file_free(file);
}

static void what_can_be_no_log_is_told_at_once(void **state)
{
    struct rig *rig = *state;

    assert_null(log_file_open(rig->folder));
    assert_null(log_file_open("/nonexistent/log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test_setup_teardown(a_full_file_rolls_and_the_oldest_goes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(with_no_bound_every_old_file_is_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_without_a_bound_never_rolls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fifo_waits_for_no_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_can_be_no_log_is_told_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
