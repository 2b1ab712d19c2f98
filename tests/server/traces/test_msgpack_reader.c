#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/traces/msgpack_reader.h"
#include "tests/support/guard.h"
#include "tests/support/msgpack_out.h"
#include "tests/support/text_cases.h"

static struct arena_budget budget;
static struct arena arena;
static struct msgpack_reader reader;
static char said[256];

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 1 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return budget.left == budget.all ? 0 : -1;
}

static void start(const char *notation)
{
    struct bytes body = { 0 };

    msgpack_out(&body, notation);
    msgpack_reader_start(&reader, guarded(body.at, body.len), &arena);
    bytes_free(&body);
}

/* What was read, or what is wrong; and how much of it was not read. */
static const char *told(bool fine)
{
    if (!fine)
        snprintf(said, sizeof said, "%s%s", reader.fault == MSGPACK_CUT ? "cut: " : "",
                 reader.sentence);
    else if (msgpack_left(&reader) > 0)
        snprintf(said + strlen(said), sizeof said - strlen(said), ", %zu left",
                 msgpack_left(&reader));
    return said;
}

#define NUMBER_SAID(name, type, read, format)        \
    static const char *name(const char *notation)    \
    {                                                \
        type number = 77;                            \
                                                     \
        start(notation);                             \
        bool fine = read(&reader, &number);          \
        snprintf(said, sizeof said, format, number); \
        return told(fine);                           \
    }

NUMBER_SAID(u64_said, uint64_t, msgpack_read_u64, "%lu")
NUMBER_SAID(u32_said, uint32_t, msgpack_read_u32, "%u")
NUMBER_SAID(i64_said, int64_t, msgpack_read_i64, "%ld")
NUMBER_SAID(i32_said, int32_t, msgpack_read_i32, "%d")
NUMBER_SAID(double_said, double, msgpack_read_double, "%.17g")
NUMBER_SAID(list_said, uint32_t, msgpack_read_list, "%u")
NUMBER_SAID(map_said, uint32_t, msgpack_read_map, "%u")

static const char *bool_said(const char *notation)
{
    bool truth = true;

    start(notation);
    bool fine = msgpack_read_bool(&reader, &truth);
    snprintf(said, sizeof said, "%s", truth ? "true" : "false");
    return told(fine);
}

static const char *text_told(bool (*read)(struct msgpack_reader *, struct slice *),
                             const char *notation)
{
    struct slice text = SLICE("untouched");

    start(notation);
    bool fine = read(&reader, &text);
    snprintf(said, sizeof said, "%.*s", (int)text.len, text.len > 0 ? text.at : "");
    return told(fine);
}

static const char *text_said(const char *notation)
{
    return text_told(msgpack_read_text, notation);
}

static const char *bytes_said(const char *notation)
{
    return text_told(msgpack_read_bytes, notation);
}

static const char *skip_said(const char *notation)
{
    start(notation);
    said[0] = '\0';
    return told(msgpack_skip(&reader));
}

static void reads_whole_numbers_in_any_form(void **state)
{
    static const struct text_case unsigned_cases[] = {
        { "00", "0" },
        { "7f", "127" },
        { "cc ff", "255" },
        { "cd ff fe", "65534" },
        { "ce ff ff ff ff", "4294967295" },
        { "cf ff ff ff ff ff ff ff ff", "18446744073709551615" },
        { "cf 00 00 00 01 00 00 00 02", "4294967298" },
        { "d0 05", "5" },
        { "d3 7f ff ff ff ff ff ff ff", "9223372036854775807" },
        { "ff", "18446744073709551615" },
        { "d0 80", "18446744073709551488" },
        { "d3 80 00 00 00 00 00 00 00", "9223372036854775808" },
        { "c0", "0" },
        { "05 06 07", "5, 2 left" },
        { "cb 3f f0 00 00 00 00 00 00", "expected a whole number" },
        { "'5'", "expected a whole number" },
        { "c3", "expected a whole number" },
        { "90", "expected a whole number" },
        { "c1", "no value begins with the byte 0xc1" },
        { "", "cut: the body ends too early" },
        { "cc", "cut: the body ends too early" },
        { "cf 00 00 00 01 00 00 00", "cut: the body ends too early" },
    };
    static const struct text_case signed_cases[] = {
        { "7f", "127" },
        { "e0", "-32" },
        { "d0 80", "-128" },
        { "d1 80 00", "-32768" },
        { "d2 80 00 00 00", "-2147483648" },
        { "d3 80 00 00 00 00 00 00 00", "-9223372036854775808" },
        { "cf 7f ff ff ff ff ff ff ff", "9223372036854775807" },
        { "cf 80 00 00 00 00 00 00 00", "the number is beyond 64 bits with a sign" },
        { "c0", "0" },
    };
    static const struct text_case narrow_unsigned_cases[] = {
        { "cf 00 00 00 00 ff ff ff ff", "4294967295" },
        { "cf 00 00 00 01 00 00 00 00", "the number is beyond 32 bits" },
        { "ff", "the number is beyond 32 bits" },
        { "c0", "0" },
    };
    static const struct text_case narrow_signed_cases[] = {
        { "ce 7f ff ff ff", "2147483647" },
        { "ce 80 00 00 00", "the number is beyond 32 bits with a sign" },
        { "d3 ff ff ff ff 80 00 00 00", "-2147483648" },
        { "d3 ff ff ff ff 7f ff ff ff", "the number is beyond 32 bits with a sign" },
        { "cf ff ff ff ff ff ff ff ff", "the number is beyond 64 bits with a sign" },
        { "c0", "0" },
    };
    (void)state;

    TEXT_CASES_CHECK(unsigned_cases, u64_said);
    TEXT_CASES_CHECK(signed_cases, i64_said);
    TEXT_CASES_CHECK(narrow_unsigned_cases, u32_said);
    TEXT_CASES_CHECK(narrow_signed_cases, i32_said);
}

static void reads_numbers_and_truth(void **state)
{
    static const struct text_case numbers[] = {
        { "cb 3f f8 00 00 00 00 00 00", "1.5" },
        { "cb 7f f0 00 00 00 00 00 00", "inf" },
        { "cb 80 00 00 00 00 00 00 00", "-0" },
        { "ca 3f c0 00 00", "1.5" },
        { "05", "5" },
        { "cf ff ff ff ff ff ff ff ff", "1.8446744073709552e+19" },
        { "d0 9c", "-100" },
        { "c0", "0" },
        { "'1.5'", "expected a number" },
        { "c2", "expected a number" },
        { "ca 3f c0 00", "cut: the body ends too early" },
    };
    static const struct text_case truths[] = {
        { "c2", "false" },
        { "c3", "true" },
        { "c0", "false" },
        { "01", "expected true or false" },
        { "", "cut: the body ends too early" },
    };
    (void)state;

    TEXT_CASES_CHECK(numbers, double_said);
    TEXT_CASES_CHECK(truths, bool_said);
}

static void reads_texts_and_repairs_them(void **state)
{
    static const struct text_case texts[] = {
        { "a0", "" },
        { "a3 =abc=", "abc" },
        { "d9 03 =abc=", "abc" },
        { "da 00 03 =abc=", "abc" },
        { "db 00 00 00 03 =abc= 00", "abc, 1 left" },
        { "c4 03 =abc=", "abc" },
        { "c5 00 03 =abc=", "abc" },
        { "c6 00 00 00 03 =abc=", "abc" },
        { "c0", "" },
        { "a3 =aé=", "aé" },
        { "a2 61 c3", "a\xef\xbf\xbd" },
        { "c4 03 ff 61 fe", "\xef\xbf\xbd"
                            "a\xef\xbf\xbd" },
        { "05", "expected a text" },
        { "80", "expected a text" },
        { "d4 01 61", "expected a text" },
        { "a3 =ab=", "cut: the body ends too early" },
        { "db ff ff ff ff =a=", "cut: the body ends too early" },
        { "c6 ff ff ff", "cut: the body ends too early" },
    };
    static const struct text_case bytes[] = {
        { "c4 02 61 ff", "a\xff" },
        { "a2 61 ff", "a\xff" },
        { "c0", "" },
        { "05", "expected a text" },
    };
    (void)state;

    TEXT_CASES_CHECK(texts, text_said);
    TEXT_CASES_CHECK(bytes, bytes_said);
}

/* An item has a byte at least, a pair has two: also where twice the length is beyond 32 bits.
 */
static void holds_lengths_against_what_is_left(void **state)
{
    static const struct text_case lists[] = {
        { "90", "0" },
        { "92 01 02", "2, 2 left" },
        { "dc 00 02 01 02", "2, 2 left" },
        { "dd 00 00 00 02 01 02", "2, 2 left" },
        { "c0", "0" },
        { "81", "expected a list" },
        { "92 01", "cut: the body ends too early" },
        { "dc ff ff 01 02", "cut: the body ends too early" },
        { "dd ff ff ff ff 01 02", "cut: the body ends too early" },
        { "dd ff ff", "cut: the body ends too early" },
    };
    static const struct text_case maps[] = {
        { "80", "0" },
        { "81 01 02", "1, 2 left" },
        { "de 00 01 01 02", "1, 2 left" },
        { "df 00 00 00 01 01 02", "1, 2 left" },
        { "c0", "0" },
        { "90", "expected a map" },
        { "81 01", "cut: the body ends too early" },
        { "82 01 02 03", "cut: the body ends too early" },
        { "de ff ff 01 02", "cut: the body ends too early" },
        { "df 80 00 00 01 01 02", "cut: the body ends too early" },
        { "df ff ff ff ff 01 02", "cut: the body ends too early" },
    };
    (void)state;

    TEXT_CASES_CHECK(lists, list_said);
    TEXT_CASES_CHECK(maps, map_said);
}

static void skips_any_value(void **state)
{
    static const struct text_case cases[] = {
        { "c0 01", ", 1 left" },
        { "c3", "" },
        { "cf 00 00 00 00 00 00 00 00", "" },
        { "ca 00 00 00 00", "" },
        { "'abc' 01", ", 1 left" },
        { "c4 03 =abc=", "" },
        { "d4 01 61", "" },
        { "d8 01 =0123456789abcdef= 00", ", 1 left" },
        { "c7 03 01 =abc= 00", ", 1 left" },
        { "c8 00 03 01 =abc=", "" },
        { "c9 00 00 00 03 01 =abc=", "" },
        { "90", "" },
        { "93 01 'a' 92 01 02 00", ", 1 left" },
        { "82 'a' 81 'b' 90 'c' 91 c0 00", ", 1 left" },
        { "93 01 02", "cut: the body ends too early" },
        { "81 'abc' a3 =ab=", "cut: the body ends too early" },
        { "c7 03 01 =ab=", "cut: the body ends too early" },
        { "91 c1", "no value begins with the byte 0xc1" },
        { "df 80 00 00 01 01 02", "cut: the body ends too early" },
    };
    (void)state;

    TEXT_CASES_CHECK(cases, skip_said);
}

static void bounds_how_deep_what_is_skipped_nests(void **state)
{
    struct bytes body = { 0 };
    (void)state;

    for (int i = 0; i < MSGPACK_DEPTH_MAX; i++)
        msgpack_out(&body, i % 2 == 0 ? "91" : "81 c0");
    msgpack_out(&body, "05");
    msgpack_reader_start(&reader, msgpack_out_body(&body), &arena);
    assert_true(msgpack_skip(&reader));
    assert_int_equal(msgpack_left(&reader), 0);

    body.len--;
    msgpack_out(&body, "91 05");
    msgpack_reader_start(&reader, msgpack_out_body(&body), &arena);
    assert_false(msgpack_skip(&reader));
    assert_int_equal(reader.fault, MSGPACK_BAD);
    assert_string_equal(reader.sentence, "more than 32 lists and maps are in each other");
    bytes_free(&body);
}

static void says_where_it_was(void **state)
{
    (void)state;

    start("05 c1");
    uint64_t number;

    assert_true(msgpack_read_u64(&reader, &number));
    assert_false(msgpack_read_u64(&reader, &number));
    assert_false(msgpack_was_in(&reader, "start", 0));
    assert_false(msgpack_was_in(&reader, "span", 3));
    assert_string_equal(reader.place, "start of span 3");
    assert_int_equal(reader.value - reader.start, 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_false(msgpack_was_in(&reader, "something", i));
    assert_int_equal(strlen(reader.place), MSGPACK_PLACE_MAX - 1);
}

static void says_when_there_is_no_memory(void **state)
{
    struct arena_budget nothing;
    struct arena poor;
    struct slice text;
    (void)state;

    arena_budget_init(&nothing, 0);
    arena_init(&poor, &nothing);
    msgpack_reader_start(&reader, SLICE("\xa1\xff"), &poor);
    assert_false(msgpack_read_text(&reader, &text));
    assert_int_equal(reader.fault, MSGPACK_NO_MEMORY);
    arena_free(&poor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_whole_numbers_in_any_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_numbers_and_truth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_texts_and_repairs_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(holds_lengths_against_what_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(skips_any_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_how_deep_what_is_skipped_nests, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(says_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_there_is_no_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
