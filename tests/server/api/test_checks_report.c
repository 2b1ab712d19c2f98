#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "flush/memory/json_view.h"
#include "server/api/checks_report.h"
#include "server/api/shape.h"

#define FINE(name, state) "{\"name\":\"" name "\",\"state\":\"" state "\"}"

/* What came of the last body. */
static struct checks_brief *brief;
static struct bytes whole;
static char problem[CHECKS_PROBLEM_MAX];

static int forget(void **state)
{
    (void)state;
    checks_brief_free(brief);
    bytes_free(&whole);
    brief = NULL;
    return 0;
}

static enum checks_reading read_slice(struct slice text)
{
    struct json_fault fault;
    struct slice body;

    forget(NULL);
    if (!json_view_check(text, CHECKS_KEYS_MAX, &body, &fault))
        fail_msg("%s at %zu", fault.sentence, fault.at);
    return checks_report_read(body, 1000, 2000, &brief, &whole, problem);
}

/* Owned. */
static json_t *parsed(const struct bytes *text)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text->at, text->len, JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("%s: %.*s", error.text, (int)text->len, (const char *)text->at);
    return json;
}

static void assert_json(const struct bytes *text, const char *want)
{
    if (text->len != strlen(want) || memcmp(text->at, want, text->len) != 0)
        fail_msg("%.*s\nis not\n%s", (int)text->len, (const char *)text->at, want);
}

/* ---- all of it --------------------------------------------------------- */

#define RUNNER "\"runner\":{\"pid\":7,\"version\":\"1\",\"started\":5,\"python\":\"3.11.2\"}"
#define SENT                                                                                 \
    "\"sent\":{\"points\":9,\"service_checks\":2,\"events\":1,\"given_up\":{\"timeout\":3}," \
    "\"queued\":4}"
#define STATES(ok, error)                                                              \
    "\"states\":{\"waiting\":0,\"ok\":" ok                                             \
    ",\"running\":0,\"warning\":0,\"backing off\":0,\"error\":" error ",\"killed\":0," \
    "\"refused\":0}"
#define BRIEFLY                                                                            \
    "\"name\":\"a\",\"id\":\"a:1\",\"source\":\"a.yaml:3\",\"interval_s\":15,\"state\":"   \
    "\"error\",\"last_run\":60,\"seconds\":0.5,\"next_run\":75,\"runs\":4,\"failures\":1," \
    "\"skipped\":2,\"kills\":0,\"metrics\":3,\"error\":\"no\""
#define AT_LENGTH                                                                            \
    BRIEFLY ",\"samples\":6,\"events\":0,\"service_checks\":1,\"dropped\":{\"many\":8},"     \
            "\"warnings\":[\"w\"],\"traceback\":\"t\\nu\",\"output\":{\"lines\":5,\"last\":" \
            "\"l\"}"

static void what_was_told_is_told_again(void **state)
{
    (void)state;

    assert_int_equal(read_slice(SLICE("{" RUNNER ",\"problems\":[\"b.yaml:5: a tab\"],"
                                      "\"instances\":[{" AT_LENGTH "}]," SENT "}")),
                     CHECKS_READ);
    assert_json(&whole, "{\"ended\":null," RUNNER "," SENT
                        ",\"problems\":[\"b.yaml:5: a tab\"],\"all\":1,\"left_out\":0," STATES(
                            "0", "1") ",\"instances\":[{" AT_LENGTH "}]}");
    assert_json(&brief->report,
                "{\"ended\":null," RUNNER "," SENT
                ",\"problems\":[\"b.yaml:5: a tab\"],\"all\":1,\"left_out\":0," STATES(
                    "0", "1") ",\"instances\":[{" BRIEFLY "}]}");
    assert_int_equal(brief->heard_ms, 1000);
    assert_int_equal(brief->heard_s, 2000);
    assert_int_equal(brief->failing, 1);
    assert_int_equal(brief->runs, 4);
    assert_int_equal(brief->points, 9);
    assert_int_equal(brief->given_up, 3);
    assert_string_equal(brief->worst, "a (a.yaml:3): no");
    assert_string_equal(brief->problem, "b.yaml:5: a tab");
}

/* What is missing is null, and what is not known is left out. */
static void little_is_enough(void **state)
{
    (void)state;

    assert_int_equal(read_slice(SLICE("{\"instances\":[],\"ended\":true,\"new\":{\"a\":[1]}}")),
                     CHECKS_READ);
    assert_true(brief->ended);
    assert_json(&whole,
                "{\"ended\":true,\"runner\":null,\"sent\":null,\"problems\":null,\"all\":0,"
                "\"left_out\":0," STATES("0", "0") ",\"instances\":[]}");
    assert_int_equal(
        read_slice(SLICE("{\"instances\":[{\"state\":\"ok\",\"name\":\"a\",\"error\":"
                         "null,\"runs\":null,\"x\":1}]}")),
        CHECKS_READ);
    assert_int_equal(brief->instances[CHECKS_OK], 1);
    assert_string_equal(brief->worst, "");
}

/* A name may be written with escapes, and the first of two counts. */
static void names_are_what_they_say(void **state)
{
    (void)state;

    assert_int_equal(
        read_slice(SLICE("{\"instances\":[{\"\\u006eame\":\"a\",\"state\":\"killed\","
                         "\"err\\u006fr\":\"no\",\"error\":\"later\",\"errors\":7,\"\":7}]}")),
        CHECKS_READ);
    json_t *all = parsed(&whole), *first = json_array_get(json_object_get(all, "instances"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "a");
    assert_string_equal(json_string_value(json_object_get(first, "error")), "no");
    assert_string_equal(brief->worst, "a: no");
    json_decref(all);
}

static void a_member_of_another_kind_is_refused_by_its_name(void **state)
{
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        { "{}", "instances: expected a list" },
        { "{\"instances\":{}}", "instances: expected a list" },
        { "{\"instances\":[],\"ended\":1}", "ended: expected true or false" },
        { "{\"instances\":[],\"runner\":[]}", "runner: expected an object" },
        { "{\"instances\":[],\"runner\":{\"pid\":\"7\"}}",
          "runner.pid: expected a whole number of 0 or more" },
        { "{\"instances\":[],\"problems\":[\"a\",7]}", "problems: expected a list of texts" },
        { "{\"instances\":[],\"sent\":{\"given_up\":{\"a\":-1}}}",
          "sent.given_up: expected an object of whole numbers of 0 or more" },
        { "{\"instances\":[7]}", "instances[0]: expected an object" },
        { "{\"instances\":[" FINE("a", "ok") ",{}]}", "instances[1].name: expected text" },
        { "{\"instances\":[{\"name\":7}]}", "instances[0].name: expected text" },
        { "{\"instances\":[{\"name\":\"a\"}]}",
          "instances[0].state: expected one that there is, as ok or error" },
        { "{\"instances\":[" FINE("a", "fine") "]}",
          "instances[0].state: expected one that there is, as ok or error" },
        { "{\"instances\":[{\"name\":\"a\",\"seconds\":-0.5}]}",
          "instances[0].seconds: expected a number of 0 or more" },
        { "{\"instances\":[{\"name\":\"a\",\"seconds\":1e999}]}",
          "instances[0].seconds: expected a number of 0 or more" },
        { "{\"instances\":[{\"name\":\"a\",\"runs\":1.5}]}",
          "instances[0].runs: expected a whole number of 0 or more" },
        { "{\"instances\":[{\"name\":\"a\",\"output\":{\"last\":[]}}]}",
          "instances[0].output.last: expected text" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_slice(slice_of(cases[i].body)), CHECKS_WRONG);
        assert_string_equal(problem, cases[i].sentence);
        assert_null(brief);
        assert_null(whole.at);
    }
}

/* ---- bounds ------------------------------------------------------------ */

/* Owned. */
static char *repeated(const char *begin, const char *piece, size_t n, const char *end)
{
    struct bytes text = { 0 };

    bytes_add_text(&text, begin);
    for (size_t i = 0; i < n; i++)
        bytes_add_text(&text, piece);
    bytes_add(&text, end, strlen(end) + 1);
    assert_false(text.failed);
    return (char *)text.at;
}

static void long_texts_are_cut_between_characters(void **state)
{
    static const struct {
        const char *piece; /* of the traceback, as it is written */
        const char *last;  /* before the mark */
    } cases[] = {
        { "a", "a" },
        { "\xc3\xa4", "\xc3\xa4" },
        { "\xe2\x82\xac", "\xe2\x82\xac" },
        { "\xf0\x9f\x90\x95", "\xf0\x9f\x90\x95" },
        { "\\n", "\n" },
        { "\\u00e4", "\xc3\xa4" },
        { "\\ud83d\\udc15", NULL }, /* half of one may be the last: U+FFFD */
        { "x\\ud83d\\udc15", NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *body =
            repeated("{\"instances\":[{\"name\":\"a\",\"state\":\"ok\",\"traceback\":\"",
                     cases[i].piece, 9000, "\"}]}");
        assert_int_equal(read_slice(slice_of(body)), CHECKS_READ);
        json_t *json = parsed(&whole);
        const char *text = json_string_value(json_object_get(
            json_array_get(json_object_get(json, "instances"), 0), "traceback"));
        size_t len = strlen(text), mark = strlen("…");

        assert_in_range(len, 100, SHAPE_TEXT_MAX + mark);
        assert_string_equal(text + len - mark, "…");
        if (cases[i].last != NULL) {
            size_t last = strlen(cases[i].last);

            assert_memory_equal(text + len - mark - last, cases[i].last, last);
        }
        json_decref(json);
        free(body);
    }
}

static void lists_and_counts_are_bounded(void **state)
{
    struct bytes text = { 0 };
    char piece[64];
    (void)state;

    bytes_add_text(&text, "{\"problems\":[");
    for (int i = 0; i < 1000; i++)
        bytes_add_text(&text, i > 0 ? ",\"p\"" : "\"p\"");
    bytes_add_text(&text, "],\"instances\":[],\"sent\":{\"given_up\":{");
    for (int i = 0; i < 1000; i++) {
        snprintf(piece, sizeof piece, "%s\"r%d\":1", i > 0 ? "," : "", i);
        bytes_add_text(&text, piece);
    }
    bytes_add_text(&text, "}}}");
    assert_int_equal(read_slice((struct slice){ (char *)text.at, text.len }), CHECKS_READ);
    bytes_free(&text);
    json_t *json = parsed(&whole);
    assert_int_equal(json_array_size(json_object_get(json, "problems")), 32);
    assert_int_equal(
        json_object_size(json_object_get(json_object_get(json, "sent"), "given_up")), 16);
    assert_int_equal(brief->problems, 1000); /* what is counted is all of them */
    assert_int_equal(brief->given_up, 1000);
    json_decref(json);
}

static void instances_are_bounded_and_the_worst_are_shown(void **state)
{
    char *body = repeated("{\"instances\":[" FINE("w", "warning"), "," FINE("a", "ok"), 1996,
                          "," FINE("k", "killed") "," FINE("e", "error") "," FINE(
                              "r", "refused") "," FINE("beyond", "refused") ",7]}");
    static const char *const first[] = { "r", "k", "e", "w", "a" };
    (void)state;

    assert_int_equal(read_slice(slice_of(body)), CHECKS_READ);
    free(body);
    json_t *all = parsed(&whole), *some = parsed(&brief->report);
    assert_int_equal(json_array_size(json_object_get(all, "instances")), CHECKS_INSTANCES_MAX);
    assert_int_equal(json_integer_value(json_object_get(all, "left_out")), 2);
    assert_int_equal(brief->all, CHECKS_INSTANCES_MAX + 2);
    assert_int_equal(brief->failing, 3);
    assert_string_equal(brief->worst, "r");
    json_t *shown = json_object_get(some, "instances");
    assert_int_equal(json_array_size(shown), CHECKS_SHOWN_MAX);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(shown, i), "name")), first[i]);
    json_decref(all);
    json_decref(some);
}

/* A finding does not end, and begin again, with each run. */
static void one_that_runs_again_still_fails(void **state)
{
    (void)state;

    assert_int_equal(
        read_slice(
            SLICE("{\"instances\":[{\"name\":\"a\",\"state\":\"running\",\"error\":\"no\"},"
                  "{\"name\":\"b\",\"state\":\"running\",\"error\":null}]}")),
        CHECKS_READ);
    assert_int_equal(brief->failing, 1);
    assert_string_equal(brief->worst, "a: no");
}

/* It goes into a line of the log, and onto a terminal. */
static void a_sentence_is_printable_and_of_one_line(void **state)
{
    (void)state;

    assert_int_equal(
        read_slice(SLICE("{\"instances\":[{\"name\":\"a\\u001b[2J\\n\",\"state\":\"killed\","
                         "\"source\":\"s\\u0000t\",\"error\":\"\\u00e4\\n\"}],"
                         "\"problems\":[\"\\n\"]}")),
        CHECKS_READ);
    for (const char *c = brief->worst; *c != '\0'; c++)
        assert_in_range(*c, ' ', '~');
    assert_string_equal(brief->problem, "\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_was_told_is_told_again, forget),
        cmocka_unit_test_teardown(little_is_enough, forget),
        cmocka_unit_test_teardown(names_are_what_they_say, forget),
        cmocka_unit_test_teardown(a_member_of_another_kind_is_refused_by_its_name, forget),
        cmocka_unit_test_teardown(long_texts_are_cut_between_characters, forget),
        cmocka_unit_test_teardown(lists_and_counts_are_bounded, forget),
        cmocka_unit_test_teardown(instances_are_bounded_and_the_worst_are_shown, forget),
        cmocka_unit_test_teardown(one_that_runs_again_still_fails, forget),
        cmocka_unit_test_teardown(a_sentence_is_printable_and_of_one_line, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
