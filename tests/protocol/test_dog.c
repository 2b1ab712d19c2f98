#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "protocol/dog.h"

static void a_header_names_its_version(void **state)
{
    static const struct {
        unsigned char bytes[DOG_HEADER_BYTES];
        int version;
    } rows[] = {
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf1, 0xff, 0, 0 }, 1 },
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf2, 0xff, 0, 0 }, 2 },
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf3, 0xff, 0, 0 }, 3 },
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf4, 0xff, 0, 0 }, 0 }, /* not known yet */
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf0, 0xff, 0, 0 }, 0 },
        { { 0xd4, 0x74, 0xd0, 0x60, 0x03, 0xff, 0, 0 }, 0 },
        { { 0xd4, 0x74, 0xd0, 0x60, 0xf3, 0xff, 0, 1 }, 0 },
        { { 0xd4, 0x74, 0xd0, 0x61, 0xf3, 0xff, 0, 0 }, 0 },
    };
    unsigned char written[DOG_HEADER_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(dog_version(rows[i].bytes), rows[i].version);
    dog_write_header(written);
    assert_memory_equal(written, rows[2].bytes, sizeof written);
    assert_true(dog_is_magic(SLICE("\xd4\x74\xd0\x60\xf3")));
    assert_true(dog_is_magic(SLICE("\xd4\x74")));
    assert_false(dog_is_magic(SLICE("\xd4\x75")));
    assert_false(dog_is_magic(SLICE("")));
}

/* Byte by byte as the Agent writes them: field keys 08 time, 10 size, 1a payload, 20 pid, 28
 * size of the ancillary data, 32 these. */
static void records_of_the_agent_are_read(void **state)
{
    static const struct {
        struct slice bytes;
        int version;
        int64_t time_ns;
        int32_t pid;
        const char *payload;
    } rows[] = {
        { SLICE("\x08\x80\xa0\x97\xec\xe3\x9f\xe7\xcb\x17\x10\x05\x1a\x05"
                "a:1|c"),
          3, INT64_C(1700000000123457536), 0, "a:1|c" },
        { SLICE("\x08\x80\xe2\xcf\xaa\x06\x10\x05\x1a\x05"
                "a:1|c\x20\x39"),
          2, INT64_C(1700000000000000000), 57, "a:1|c" },
        { SLICE("\x08\x80\xe2\xcf\xaa\x06\x10\x05\x1a\x05"
                "a:1|c\x20\x39\x28\x03\x32\x03xyz"),
          1, INT64_C(1700000000000000000), 57, "a:1|c" },
        { SLICE("\x1a\x05"
                "a:1|c"),
          3, 0, 0, "a:1|c" }, /* no size: all of it */
        { SLICE("\x10\x03\x1a\x05"
                "a:1|c"),
          3, 0, 0, "a:1" }, /* the buffer was longer than the datagram */
        { SLICE("\x08\x01"), 3, 1, 0, "" },
        { SLICE(""), 3, 0, 0, "" },
        { SLICE("\x42\x02hi\x4d"
                "1234\x51"
                "12345678\x1a\x01x"),
          3, 0, 0, "x" }, /* fields of another day */
        { SLICE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 3, 0, -1, "" },
    };
    struct dog_record record;
    size_t at;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = dog_read_record(rows[i].bytes, rows[i].version, &record, &at);
        if (why != NULL)
            fail_msg("%zu: %s", i, why);
        assert_int_equal(record.time_ns, rows[i].time_ns);
        assert_int_equal(record.pid, rows[i].pid);
        assert_true(slice_equal(record.payload, slice_of(rows[i].payload)));
        assert_false(record.note.is_there);
    }
}

static void what_is_damaged_is_told_with_its_place(void **state)
{
    static const struct {
        struct slice bytes;
        int version;
        size_t at;
        const char *why;
    } rows[] = {
        { SLICE("\x08"), 3, 0, "a number is cut or too long" },
        { SLICE("\x08\x01\x80"), 3, 2, "here is no field of protobuf" },
        { SLICE("\x08\x01\x00"), 3, 2, "here is no field of protobuf" },
        { SLICE("\x08\x01\x1b"), 3, 2, "a field is of no kind that protobuf has" },
        { SLICE("\x08\x01\x1a\x05"
                "a:1"),
          3, 2, "a field is longer than its record" },
        { SLICE("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 3, 0,
          "a field is longer than its record" },
        { SLICE("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 3, 0,
          "a length is cut or too long" },
        { SLICE("\x10\x06\x1a\x05"
                "a:1|c"),
          3, 0, "its payload is shorter than it says" },
        { SLICE("\x51"
                "1234567"),
          3, 0, "a field is longer than its record" },
        { SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 3, 0, "its time is none" },
        { SLICE("\x08\xff\xff\xff\xff\xff\xff\x7f"), 2, 0, "its time is none" },
    };
    struct dog_record record;
    size_t at = 0;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = dog_read_record(rows[i].bytes, rows[i].version, &record, &at);
        if (why == NULL)
            fail_msg("%zu is read", i);
        assert_string_equal(why, rows[i].why);
        assert_int_equal(at, rows[i].at);
    }
}

static void what_is_written_is_read(void **state)
{
    static const struct dog_record rows[] = {
        { .time_ns = INT64_MAX, .pid = INT32_MAX, .payload = { "a:1|c", 5 } },
        { .time_ns = 1700000000123456789, .payload = { "a:1|c\nb:2|g", 11 } },
        { .pid = -1, .payload = { "", 0 } },
        { .payload = { "", 0 } }, /* it is not the end of the records */
        { .payload = { "", 0 }, .note = { true, true, UINT64_MAX, UINT64_MAX, INT64_MAX } },
        { .payload = { "", 0 }, .note = { .is_there = true } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char out[DOG_FRONT_MAX + 16];
        size_t front = dog_write_front(&rows[i], out), at;
        struct dog_record record;
        assert_true(front <= DOG_FRONT_MAX);
        memcpy(out + front, rows[i].payload.at, rows[i].payload.len);
        uint32_t size = dog_read_size(out);
        assert_int_equal(size, front + rows[i].payload.len - DOG_SIZE_BYTES);
        assert_true(size > 0);
        assert_null(dog_read_record((struct slice){ (char *)out + DOG_SIZE_BYTES, size },
                                    DOG_VERSION, &record, &at));
        assert_int_equal(record.time_ns, rows[i].time_ns);
        assert_int_equal(record.pid, rows[i].pid);
        assert_true(slice_equal(record.payload, rows[i].payload));
        assert_int_equal(record.note.is_there, rows[i].note.is_there);
        assert_int_equal(record.note.is_last, rows[i].note.is_last);
        assert_true(record.note.lines == rows[i].note.lines);
        assert_true(record.note.datagrams == rows[i].note.datagrams);
        assert_int_equal(record.note.since_ns, rows[i].note.since_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_names_its_version),
        cmocka_unit_test(records_of_the_agent_are_read),
        cmocka_unit_test(what_is_damaged_is_told_with_its_place),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
