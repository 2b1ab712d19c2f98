#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/commands/dog_file.h"
#include "server/commands/dog_save.h"
#include "tests/support/temp_file.h"

#define HEADER(version) "\xd4\x74\xd0\x60" version "\xff\0\0"

/* As the Agent writes it: two records, of which the latter has a pid and ancillary bytes, and a
 * state of some bytes. */
static const char agents[] =
    HEADER("\xf3") "\x13\0\0\0"
                   "\x08\x80\xa0\x97\xec\xe3\x9f\xe7\xcb\x17\x10\x05\x1a\x05"
                   "a:1|c"
                   "\x19\0\0\0"
                   "\x08\x80\xa0\x97\xec\xe3\x9f\xe7\xcb\x17\x10\x05\x1a\x05"
                   "b:2|g\x20\x39\x28\0\x32"
                   "\0"
                   "\0\0\0\0"
                   "\x12\x03\x08\x39\x12"
                   "\x05\0\0\0";
enum { AGENTS_LEN = sizeof agents - 1, FIRST_AT = 8, SECOND_AT = FIRST_AT + 4 + 19 };

/* What a file of these bytes gives: names of the metrics in it, and how it ends. */
struct found {
    char names[64];
    enum dog_step step;
    char problem[160];
};

static struct found read_bytes(const char *at, size_t n)
{
    char *copy = malloc(n + 1); /* of that very size */
    struct found found = { .names = "" };
    struct dog_record record;
    size_t names = 0;

    assert_non_null(copy);
    memcpy(copy, at, n);
    FILE *memory = n > 0 ? fmemopen(copy, n, "r") : tmpfile();
    struct dog_file *file = dog_file_new(memory);
    assert_non_null(file);
    while ((found.step = dog_file_next(file, &record)) == DOG_RECORD) {
        assert_true(names < sizeof found.names - 1);
        found.names[names++] = record.payload.len > 0 ? record.payload.at[0] : '.';
    }
    assert_int_equal(dog_file_next(file, &record), found.step);
    snprintf(found.problem, sizeof found.problem, "%s", dog_file_problem(file));
    assert_int_equal(dog_file_taken(file) <= n, 1);
    dog_file_free(file);
    free(copy);
    return found;
}

static void is_bad(struct found found, const char *names, const char *problem)
{
    assert_int_equal(found.step, DOG_BAD);
    assert_string_equal(found.names, names);
    assert_string_equal(found.problem, problem);
}

static void the_agents_files_are_read(void **state)
{
    static const struct {
        const char *at;
        size_t n;
        const char *names;
    } rows[] = {
        { agents, AGENTS_LEN, "ab" },
        { HEADER("\xf3") "\0\0\0\0\0\0\0\0", 16, "" },
        { HEADER("\xf1") "\x09\0\0\0\x10\x05\x1a\x05"
                         "a:1|c",
          21, "a" }, /* the first version has no state */
        { HEADER("\xf1"), 8, "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct found found = read_bytes(rows[i].at, rows[i].n);
        if (found.step != DOG_END)
            fail_msg("%zu: %s", i, found.problem);
        assert_string_equal(found.names, rows[i].names);
    }
}

static void a_cut_file_is_read_as_far_as_it_goes(void **state)
{
    (void)state;

    for (size_t n = 0; n < AGENTS_LEN; n++) {
        struct found found = read_bytes(agents, n);
        assert_int_equal(found.step, DOG_BAD);
        assert_memory_equal(found.problem, "byte ", 5);
        size_t records =
            (n >= FIRST_AT + 4 + 19 ? 1U : 0U) + (n >= SECOND_AT + 4 + 25 ? 1U : 0U);
        if (strlen(found.names) != records)
            fail_msg("%zu bytes: \"%s\"", n, found.names);
    }
    is_bad(read_bytes(agents, 0), "", "byte 0: the file is empty");
    is_bad(read_bytes(agents, 5), "",
           "byte 5: the file ends amid the header that begins at byte 0");
}

static void what_is_damaged_is_told_with_its_place(void **state)
{
    char bytes[AGENTS_LEN];
    (void)state;

    is_bad(read_bytes("my_metric:1|c\n", 14), "",
           "byte 0: this is no capture file of version 1 to 3");
    is_bad(read_bytes(HEADER("\xf4"), 8), "",
           "byte 0: this is no capture file of version 1 to 3");
    memcpy(bytes, agents, AGENTS_LEN);
    bytes[SECOND_AT + 3] = 1;
    is_bad(read_bytes(bytes, AGENTS_LEN), "a",
           "byte 31: a record of 16777241 bytes, more than any has");
    memcpy(bytes, agents, AGENTS_LEN);
    bytes[SECOND_AT + 4 + 10] = 15; /* a key that is none */
    is_bad(read_bytes(bytes, AGENTS_LEN), "a",
           "byte 45: a field is of no kind that protobuf has");
    memcpy(bytes, agents, AGENTS_LEN);
    bytes[AGENTS_LEN - 4] = 6;
    is_bad(read_bytes(bytes, AGENTS_LEN), "ab",
           "byte 73: the file ends amid the state that begins at byte 64");
}

/* Makes a file of three records; its bytes are owned. */
static char *save(bool compressed, size_t *n)
{
    static const struct dog_record rows[] = {
        { .time_ns = 1, .payload = { "a:1|c", 5 } },
        { .time_ns = 2, .pid = 7, .payload = { "b:1|c", 5 } },
        { .time_ns = 3, .payload = { "", 0 } },
    };
    char folder[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 8];
    struct stat stat_of;

    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/dog", folder);

    struct dog_save *made = dog_save_new(path, compressed);
    assert_non_null(made);
    assert_null(dog_save_new(path, compressed));
    assert_int_equal(errno, EEXIST);
    for (size_t i = 0; i < 3; i++)
        dog_save_add(made, &rows[i]);
    assert_true(dog_save_flush(made));
    assert_true(dog_save_end(made));
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    FILE *file = fopen(path, "r");
    char *bytes = malloc((size_t)stat_of.st_size);
    *n = (size_t)stat_of.st_size;
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    temp_folder_remove(folder);
    return bytes;
}

static void what_is_saved_is_read(void **state)
{
    (void)state;

    for (int compressed = 0; compressed < 2; compressed++) {
        size_t n;
        char *bytes = save(compressed, &n);
        struct found found = read_bytes(bytes, n);
        assert_int_equal(found.step, DOG_END);
        assert_string_equal(found.names, "ab.");
        assert_int_equal(bytes[0] == 0x28, compressed);
        for (size_t i = 0; i < n; i++) { /* it may end anywhere */
            found = read_bytes(bytes, i);
            assert_int_equal(found.step, DOG_BAD);
            assert_memory_equal(found.names, "ab.", strlen(found.names));
        }
        free(bytes);
    }
}

static void damaged_compression_is_told(void **state)
{
    size_t n;
    char *bytes = save(true, &n);
    (void)state;

    bytes[5] ^= 0x7f; /* of the frame's header or its first block */
    bytes[6] ^= 0x7f;
    struct found found = read_bytes(bytes, n);
    assert_int_equal(found.step, DOG_BAD);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_agents_files_are_read),
        cmocka_unit_test(a_cut_file_is_read_as_far_as_it_goes),
        cmocka_unit_test(what_is_damaged_is_told_with_its_place),
        cmocka_unit_test(what_is_saved_is_read),
        cmocka_unit_test(damaged_compression_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
