#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/expect_report.h"
#include "server/commands/expect_update.h"
#include "tests/support/pipeline.h"

/* What a server with these lines, a second each, would have sent. */
struct rig {
    struct pipeline *pipeline;
    struct expect_seen *seen;
    double now_s;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    rig->pipeline = PIPELINE(1, 1000, "heeler_interval=1", "heeler_rollup_max_bytes=0",
                             "dogstatsd_no_aggregation_pipeline=false");
    rig->seen = expect_seen_new("h");
    rig->now_s = 1000;
    assert_true(flusher_observe(rig->pipeline->flusher, expect_seen_observer(rig->seen)));
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    pipeline_free(rig->pipeline);
    expect_seen_free(rig->seen);
    free(rig);
    return 0;
}

/* In one interval. */
static void send(struct rig *rig, const char *lines)
{
    pipeline_line(rig->pipeline, 0, rig->now_s + 0.1, lines);
    rig->now_s += 1;
    pipeline_flush(rig->pipeline, rig->now_s);
}

/* The report, owned; NULL: all is met. */
static char *report_of(struct rig *rig, const char *yaml)
{
    struct problems problems = { .n_unlisted = 0 };
    struct private_account account = { .lines = 1 };
    struct expect_file file;
    struct verdicts verdicts;
    char *text = NULL;
    size_t size;

    pipeline_finish(rig->pipeline);
    if (!expect_file_read(&file, "f.yaml", (const unsigned char *)yaml, strlen(yaml),
                          &problems))
        fail_msg("%s", problems.errors.at[0]);
    expect_check_all(&verdicts, &file, rig->seen, &account);
    assert_false(verdicts.failed);
    FILE *out = open_memstream(&text, &size);
    expect_report_put(out, &verdicts, "f.yaml", rig->seen, &account);
    fclose(out);
    if (verdicts.n_failed == 0) {
        free(text);
        text = NULL;
    }
    verdicts_free(&verdicts);
    expect_file_free(&file);
    problems_free(&problems);
    return text;
}

static void assert_met(struct rig *rig, const char *yaml)
{
    char *report = report_of(rig, yaml);

    if (report != NULL)
        fail_msg("%s", report);
}

static void assert_differs(struct rig *rig, const char *yaml, const char *line)
{
    char *report = report_of(rig, yaml);

    assert_non_null(report);
    if (strstr(report, line) == NULL)
        fail_msg("no \"%s\" in \"%s\"", line, report);
    free(report);
}

static void intervals_are_one(void **state)
{
    struct rig *rig = *state;

    send(rig, "c:1|c\nc:2|c|@0.5\ng:9|g\ns:a|s\ns:b|s\nh:1|h\nt:10|ms\nd:100|d");
    send(rig, "c:4|c\ng:7|g\ns:b|s\ns:c|s\nh:3|h\nt:30|ms\nd:200|d\nlate:5|c|T900");
    assert_met(rig, "series:\n"
                    "- { name: c, value: 9, type: count }\n"
                    "- { name: g, value: 7, type: gauge }\n"
                    "- { name: s, value: 3, type: set }\n"
                    "- { name: h, count: 2, sum: 4, min: 1, max: 3, avg: 2, type: histogram }\n"
                    "- { name: t, median: 10, p95: 30, unit: millisecond }\n"
                    "- { name: d, count: 2, sum: 300, p50: 100, p99: 200, max: 200 }\n"
                    "- { name: late, value: 5 }\n"
                    "only: true\n");
}

static void tags_are_a_part_or_all(void **state)
{
    struct rig *rig = *state;

    send(rig,
         "c:1|c|#b:2,a:1\nc:2|c|#a:1\nc:4|c\ng:1|g|#x:1\ng:5|g|#x:2\nd:1|d|#x:1\nd:3|d|#x:2");
    assert_met(rig, "series:\n"
                    "- { name: c, value: 7 }\n"
                    "- { name: c, value: 3, tags: [a:1] }\n"
                    "- { name: c, value: 1, tags: [b:*] }\n"
                    "- { name: c, value: 2, tags_exactly: [a:1] }\n"
                    "- { name: c, value: 4, tags_exactly: [] }\n"
                    "- { name: c, tags: [a:2], absent: true }\n"
                    "- { name: g, tags: ['x:1'], value: 1 }\n"
                    "- { name: d, count: 2, sum: 4, max: 3 }\n");
    assert_differs(rig, "series: [{ name: c, tags: [a:2] }]",
                   "nearest:  c  count  4   (without a:2)");
    assert_differs(rig, "series: [{ name: c, tags_exactly: [b:2] }]", "(with a:1)");
}

static void hosts_of_senders_are_told_apart(void **state)
{
    struct rig *rig = *state;

    send(rig, "c:1|c|#host:web\nc:2|c");
    assert_met(rig,
               "series: [{ name: c, host: web, value: 1 }, { name: c, host: '', value: 2 }]");
}

static void differences_say_what_came(void **state)
{
    struct rig *rig = *state;

    send(rig, "shop.orders:2|c|#env:test\nshop.order:1|c\nshop.time:5|ms\nx:1|c\nx:1|g");
    assert_differs(rig, "series: [{ name: shop.orders, value: 3 }]",
                   "    expected: value 3, but it is 2\n"
                   "    came:     shop.orders  count  2  env:test\n");
    assert_differs(rig, "series: [{ name: shop.ordres, value: 3 }]",
                   "    expected: value 3\n"
                   "    came:     nothing of it\n"
                   "    nearest:  shop.order  count  1   (another name)\n"
                   "              shop.orders  count  2  env:test   (another name)\n");
    assert_differs(rig, "series: [{ name: my.shop.orders }]",
                   "nearest:  shop.orders  count  2  env:test   (another name)");
    assert_differs(rig, "series: [{ name: time }]", "nearest:  shop.time  histogram  count 1");
    assert_differs(rig, "series: [{ name: shop.orders, type: gauge }]", "(another type)");
    assert_differs(rig, "series: [{ name: shop.orders, absent: true }]",
                   "expected: nothing\n    came:     shop.orders");
    assert_differs(rig, "series: [{ name: shop.time, value: 3 }]",
                   "value 3, which a histogram does not have (it has count, sum");
    assert_differs(rig, "series: [{ name: shop.orders, p95: 3 }]",
                   "p95 3, which a count does not have (it has a value)");
    assert_differs(rig, "series: [{ name: x, value: 1 }]", "say which by its type");
    assert_met(rig, "series: [{ name: x, value: 1, type: gauge }, { name: x }]");
}

static void what_is_not_expected_differs_if_only(void **state)
{
    struct rig *rig = *state;

    send(rig, "a:1|c\nb:1|c\njvm.x:1|g\ndatadog.dogstatsd.client.metrics:1|c\n_sc|c|1");
    assert_met(rig, "series: [{ name: a }]\n");
    assert_met(rig, "series: [{ name: a }, { name: b }]\nchecks: [{ name: c }]\n"
                    "only: true\nignore: [jvm.*]\n");
    assert_differs(rig, "series: [{ name: a }]\nonly: true\nignore: [jvm.*]\n",
                   "    came:     series b  count  1\n"
                   "    came:     check c  warning\n");
    assert_differs(rig, "series: [{ name: datadog.dogstatsd.client.metrics, absent: true }]\n",
                   "expected: nothing");
}

static void events_and_checks_are_counted(void **state)
{
    struct rig *rig = *state;

    send(rig, "_e{1,4}:T|a\\nb|t:error|p:low|k:key|s:src|#x:1\n_e{1,1}:T|c\n"
              "_sc|db|0|#x:1|m:fine\n_sc|db|2\n_sc|db|2");
    assert_met(rig, "events:\n"
                    "- { title: T, count: 2 }\n"
                    "- { title: T, text: \"a\\nb\", alert: error, priority: low, key: key,"
                    " source: src, tags: [x:1], count: 1 }\n"
                    "- { title: X, absent: true }\n"
                    "- { title: X, count: 0 }\n"
                    "checks:\n"
                    "- { name: db, count: 3 }\n"
                    "- { name: db, status: critical, count: at least 2 }\n"
                    "- { name: db, status: ok, message: 'f*' }\n");
    assert_differs(rig, "events: [{ title: T, alert: success }]", "(another alert)");
    assert_differs(rig, "checks: [{ name: db, count: 4 }]", "count 4, but it is 3");
    assert_differs(rig, "checks: [{ name: db, message: none }]", "(another message)");
}

/* Names, tags and texts are others' bytes. */
static void an_update_is_met_by_what_it_was_made_of(void **state)
{
    static const struct expect_file former = { .path = "f.yaml", .only = true };
    struct rig *rig = *state;
    char *text = NULL;
    size_t size;

    send(rig, "c:1|c|#b:2,a:1\nc:0.25|c\ng:-7|g|#a: x,\"q\\,true,0x1,- y\nyes:1|c|#a:\xc3\xa9\n"
              "odd\x1b[2J:1|c|#\xff\nh:1|h\nh:2|h\nd:5|d|@0.5\ns:x|s\nt:5|ms|#host:web\n"
              "_e{1,4}:T|a\\nb|t:error\n_e{1,4}:T|a\\nb|t:error\n_sc|null|3|m:it's: #1\n"
              "tag:1|c|#\xf3\xa0\x80\x81z,\xe2\x80\x8bz,\xef\xbf\xbez\njvm.x:1|c\ndatadog."
              "dogstatsd.client.x:1|c");
    pipeline_finish(rig->pipeline);
    expect_seen_sort(rig->seen);
    FILE *out = open_memstream(&text, &size);
    expect_update_put(out, &former, "# What the shop sends.\n\n", rig->seen);
    fclose(out);
    assert_int_equal(strncmp(text, "# What the shop sends.\n\nseries:\n", 32), 0);
    assert_non_null(strstr(text, "\nonly: true\n"));
    assert_null(strstr(text, "datadog.dogstatsd.client"));
    assert_met(rig, text);
    free(text);
}

static void nothing_is_an_update_too(void **state)
{
    static const struct expect_file former = { .path = "f.yaml" };
    struct rig *rig = *state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    expect_update_put(out, &former, "", rig->seen);
    fclose(out);
    assert_string_equal(text, "series: []\n");
    assert_met(rig, text);
    free(text);
}

static void many_are_remembered_and_few_are_listed(void **state)
{
    struct rig *rig = *state;
    char line[64];

    for (int i = 0; i < 400; i++) {
        snprintf(line, sizeof line, "a%d:1|c\na%d:1|d\n_sc|a%d|0", i, i, i);
        send(rig, line);
    }
    assert_met(rig, "series: [{ name: a*, type: count, value: 400 }]\n"
                    "checks: [{ name: a*, count: 400 }]\n");
    assert_differs(rig, "only: true\n", "and 1195 more");
}

static void a_command_has_the_status_of_a_shell(void **state)
{
    static const struct {
        struct command_end end;
        int status;
        const char *sentence;
    } cases[] = {
        { { .number = 0 }, 0, "the command ended with status 0" },
        { { .number = 3 }, 3, "the command ended with status 3" },
        { { .number = 9, .by_signal = true },
          137,
          "the command was ended by signal 9 (Killed)" },
        { { .number = 15, .by_signal = true, .timed_out = true, .timeout_s = 5 },
          124,
          "the command did not end in 5 s and was ended" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128] = "";
        FILE *out = fmemopen(text, sizeof text, "w");

        expect_report_put_end(out, &cases[i].end);
        fclose(out);
        assert_string_equal(text, cases[i].sentence);
        assert_int_equal(command_end_status(&cases[i].end), cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(intervals_are_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_are_a_part_or_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hosts_of_senders_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(differences_say_what_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_expected_differs_if_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(events_and_checks_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_is_met_by_what_it_was_made_of, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_an_update_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_remembered_and_few_are_listed, set_up,
                                        tear_down),
        cmocka_unit_test(a_command_has_the_status_of_a_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
