#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "tests/support/guard.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct slice read_whole(const char *text)
{
    struct slice value;
    struct json_fault fault;

    if (!json_view_check(guarded_text(text), 100, &value, &fault))
        fail_msg("%s: %s at byte %zu", text, fault.sentence, fault.at);
    return value;
}

static void takes_what_the_grammar_takes(void **state)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } cases[] = {
        { "null", JSON_KIND_NULL },
        { " true\n", JSON_KIND_TRUE },
        { "\t\r\n false", JSON_KIND_FALSE },
        { "0", JSON_KIND_NUMBER },
        { "-0.5e+10", JSON_KIND_NUMBER },
        { "1E3", JSON_KIND_NUMBER },
        { "\"\"", JSON_KIND_STRING },
        { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\xc3\xa9\"", JSON_KIND_STRING },
        { "[]", JSON_KIND_ARRAY },
        { "[ ]", JSON_KIND_ARRAY },
        { "[1,2 , [3] , {} ]", JSON_KIND_ARRAY },
        { "{}", JSON_KIND_OBJECT },
        { "{ \"a\" : 1 , \"b\":[ ] }", JSON_KIND_OBJECT },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(json_view_kind(read_whole(cases[i].text)), cases[i].kind);
    assert_int_equal(json_view_kind((struct slice){ NULL, 0 }), JSON_KIND_NONE);
}

static void tells_where_a_text_is_wrong(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *sentence;
    } cases[] = {
        { "", 0, "expected a value" },
        { " nul", 1, "expected a value" },
        { "01", 1, "something stands behind the value" },
        { "-", 1, "a digit is missing in a number" },
        { "1.", 2, "a digit is missing in a number" },
        { "1e", 2, "a digit is missing in a number" },
        { "+1", 0, "expected a value" },
        { ".5", 0, "expected a value" },
        { "NaN", 0, "expected a value" },
        { "\"a", 2, "a string does not end" },
        { "\"a\nb\"", 2, "a control character in a string" },
        { "\"\\x\"", 2, "no such escape in a string" },
        { "\"\\u12g4\"", 5, "\\u in a string without four hexadecimal digits" },
        { "\"\xff\"", 1, "a string is no valid UTF-8" },
        { "\"\xc3", 1, "a string is no valid UTF-8" },
        { "[1,]", 3, "expected a value" },
        { "[1 2]", 3, "expected a comma or ]" },
        { "[1}", 2, "expected a comma or ]" },
        { "[", 1, "expected a value" },
        { "{\"a\":1,}", 7, "expected the name of a member, in double quotes" },
        { "{a:1}", 1, "expected the name of a member, in double quotes" },
        { "{\"a\" 1}", 5, "expected a colon behind the name of a member" },
        { "{\"a\":1]", 6, "expected a comma or }" },
        { "{\"a\":}", 5, "expected a value" },
        { "{} x", 3, "something stands behind the value" },
        { "[]]", 2, "something stands behind the value" },
    };
    struct slice value;
    struct json_fault fault;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (json_view_check(guarded_text(cases[i].text), 100, &value, &fault))
            fail_msg("%s is taken", cases[i].text);
        assert_string_equal(fault.sentence, cases[i].sentence);
        assert_int_equal(fault.at, cases[i].at);
    }
}

static void bounds_the_depth_and_the_members(void **state)
{
    char deep[2 * JSON_DEPTH_MAX + 3];
    struct slice value;
    struct json_fault fault;
    (void)state;

    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    deep[2 * JSON_DEPTH_MAX] = '\0';
    assert_int_equal(read_whole(deep).len, 2 * JSON_DEPTH_MAX);
    memset(deep, '[', JSON_DEPTH_MAX + 1);
    memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    deep[2 * JSON_DEPTH_MAX + 2] = '\0';
    assert_false(json_view_check(slice_of(deep), 100, &value, &fault));
    assert_string_equal(fault.sentence, "more than 64 brackets are open");
    assert_int_equal(fault.at, JSON_DEPTH_MAX);
    assert_true(json_view_check(SLICE("[{\"a\":1},{\"b\":1}]"), 2, &value, &fault));
    assert_false(json_view_check(SLICE("[{\"a\":1},{\"b\":1}]"), 1, &value, &fault));
    assert_string_equal(fault.sentence, "too many members");
}

static void assert_slice(struct slice found, const char *expected)
{
    if (!slice_equal(found, slice_of(expected)))
        fail_msg("%.*s, not %s", (int)found.len, found.at, expected);
}

static void walks_over_items_and_members(void **state)
{
    struct slice inside = json_view_inside(
        read_whole("[ 1 , \"a]\\\"\",[2,\"]\",{\"x\":[]}] ,{\"b\":\"}\"}, null ]"));
    static const char *const items[] = { "1", "\"a]\\\"\"", "[2,\"]\",{\"x\":[]}]",
                                         "{\"b\":\"}\"}", "null" };
    struct slice name, value, object;
    (void)state;

    for (size_t i = 0; i < COUNT(items); i++) {
        assert_true(json_view_next_item(&inside, &value));
        assert_slice(value, items[i]);
    }
    assert_false(json_view_next_item(&inside, &value));
    object = read_whole("{\"a\" : 1.50, \"b\\u0063\":[ 1 ],\"a\":2}");
    inside = json_view_inside(object);
    assert_true(json_view_next_member(&inside, &name, &value));
    assert_slice(name, "\"a\"");
    assert_slice(value, "1.50");
    assert_slice(json_view_member(object, "bc"), "[ 1 ]");
    assert_slice(json_view_member(object, "a"), "1.50");
    assert_int_equal(json_view_member(object, "b").len, 0);
    assert_int_equal(json_view_member(read_whole("[\"a\",1]"), "a").len, 0);
    assert_int_equal(json_view_inside(read_whole("{ }")).len, 0);
    assert_int_equal(json_view_inside(read_whole("3")).len, 0);
}

static void decodes_text(void **state)
{
    static const struct {
        const char *string, *text;
    } cases[] = {
        { "\"\"", "" },
        { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz" },
        { "\"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\ud83dx\"", "\xef\xbf\xbdx" },
        { "\"\\ude00\"", "\xef\xbf\xbd" },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                "A" },
        { "7", "" },
    };
    char room[64];
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct slice string = read_whole(cases[i].string);
        size_t len = json_view_text(string, room);

        assert_slice((struct slice){ room, len }, cases[i].text);
        assert_int_equal(json_view_says(string, cases[i].text),
                         json_view_kind(string) == JSON_KIND_STRING);
        assert_false(json_view_says(string, "something else"));
    }
    assert_false(json_view_says(read_whole("\"title\""), "titl"));
    assert_false(json_view_says(read_whole("\"titl\""), "title"));
}

static void reads_numbers(void **state)
{
    double number;
    int64_t whole;
    (void)state;

    assert_true(json_view_number(read_whole("-1.5e3"), &number));
    assert_true(number == -1500);
    assert_false(json_view_number(read_whole("1e999"), &number));
    assert_false(json_view_number(read_whole("\"1\""), &number));
    assert_true(json_view_whole(read_whole("9007199254740993"), &whole));
    assert_int_equal(whole, 9007199254740993);
    assert_true(json_view_whole(read_whole("1.7e9"), &whole));
    assert_int_equal(whole, 1700000000);
    assert_false(json_view_whole(read_whole("1.5"), &whole));
    assert_false(json_view_whole(read_whole("1e300"), &whole));
    assert_false(json_view_whole(read_whole("true"), &whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_grammar_takes),
        cmocka_unit_test(tells_where_a_text_is_wrong),
        cmocka_unit_test(bounds_the_depth_and_the_members),
        cmocka_unit_test(walks_over_items_and_members),
        cmocka_unit_test(decodes_text),
        cmocka_unit_test(reads_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
