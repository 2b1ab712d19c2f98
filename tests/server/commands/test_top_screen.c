#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/commands/top_screen.h"

/* What is printed of the answer; owned. */
static char *print(const char *answer, const char *filter, size_t first, size_t rows)
{
    struct top_look look = { .where = "here",
                             .sort = "values",
                             .filter = filter,
                             .first = first,
                             .rows = rows,
                             .end = "\n" };
    json_t *json = json_loads(answer, 0, NULL);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(json);
    assert_non_null(out);
    assert_true(top_screen_is_answer(json));
    top_screen_print(json, &look, out);
    fclose(out);
    json_decref(json);
    return text;
}

static void assert_printed(const char *answer, const char *expected)
{
    char *text = print(answer, "", 0, 100);

    assert_string_equal(text, expected);
    free(text);
}

static void numbers_are_short_and_what_is_unknown_is_a_dash(void **state)
{
    (void)state;
    assert_printed("{\"by\":\"metric\",\"seen_s\":10,\"rows\":["
                   "{\"what\":\"a\",\"values\":0.25,\"series\":1},"
                   "{\"what\":\"b\",\"values\":123456789,\"series\":99999},"
                   "{\"what\":\"c\",\"values\":1e300,\"series\":null}]}",
                   "heeler top by metric at here, over 10.0 s\n"
                   "  values/s*     series  metric\n"
                   "        0.2          1  a\n"
                   "     123.5M      99999  b\n"
                   "          -          -  c\n");
}

static void an_estimate_is_called_one(void **state)
{
    char *text =
        print("{\"by\":\"sender\",\"seen_s\":12,\"estimated\":true,\"rows\":[]}", "", 0, 100);

    (void)state;
    assert_non_null(strstr(text, " at here, over 12.0 s, estimated\n"));
    free(text);
}

static void names_of_strangers_are_escaped(void **state)
{
    char *text = print("{\"by\":\"sender\",\"seen_s\":0,\"rows\":["
                       "{\"what\":\"pid 1 \\u001b[2J\",\"container\":\"\\u202ex\"}]}",
                       "", 0, 100);

    (void)state;
    assert_non_null(strstr(text, "nothing is known yet"));
    assert_non_null(strstr(text, "pid 1 \\x1b[2J, container \\xe2\\x80\\xaex\n"));
    free(text);
}

static void a_walk_that_is_under_way_is_told(void **state)
{
    (void)state;
    assert_printed("{\"by\":\"tag\",\"walked\":false,\"rows\":[]}",
                   "heeler top by tag at here, the tags are still being counted\n"
                   "   distinct  tag key\n");
    assert_printed("{\"by\":\"tag\",\"walked\":true,\"rows\":[]}", "heeler top by tag at here\n"
                                                                   "   distinct  tag key\n");
}

static void rows_are_filtered_and_then_scrolled(void **state)
{
    static const char answer[] = "{\"by\":\"tag\",\"rows\":[{\"what\":\"xa\"},{\"what\":\"b\"},"
                                 "{\"what\":\"XB\",\"grows\":true},{\"what\":\"xc\"}]}";
    json_t *json = json_loads(answer, 0, NULL);
    char *text = print(answer, "x", 1, 1);

    (void)state;
    assert_int_equal(top_screen_rows(json, "x"), 3);
    assert_int_equal(top_screen_rows(json, ""), 4);
    assert_string_equal(text, "heeler top by tag at here, with x\n"
                              "   distinct  tag key\n"
                              "          -  XB (grows)\n");
    json_decref(json);
    free(text);
}

static void what_is_no_answer_is_seen(void **state)
{
    static const char *const cases[] = { "[]",
                                         "{}",
                                         "{\"by\":\"tag\"}",
                                         "{\"rows\":[]}",
                                         "{\"by\":1,\"rows\":[]}",
                                         "{\"by\":\"tag\",\"rows\":{}}" };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *json = json_loads(cases[i], 0, NULL);
        assert_false(top_screen_is_answer(json));
        json_decref(json);
    }
    assert_false(top_screen_is_answer(NULL));
    char *text =
        print("{\"by\":\"else\",\"seen_s\":\"x\",\"rows\":[1,null,[],{\"what\":2}]}", "", 0, 9);
    assert_non_null(strstr(text, "(none)"));
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_short_and_what_is_unknown_is_a_dash),
        cmocka_unit_test(an_estimate_is_called_one),
        cmocka_unit_test(names_of_strangers_are_escaped),
        cmocka_unit_test(a_walk_that_is_under_way_is_told),
        cmocka_unit_test(rows_are_filtered_and_then_scrolled),
        cmocka_unit_test(what_is_no_answer_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
