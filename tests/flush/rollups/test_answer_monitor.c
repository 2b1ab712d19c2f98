#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "flush/rollups/answer_ops.h"
#include "tests/support/inquire.h"

enum { START = 1700006400, MINUTE_S = 60, HOUR_S = 3600 };

static json_t *ask_for(struct pipeline *p, const char *text, int64_t from_s, int64_t to_s,
                       uint32_t trigger_s)
{
    return inquire_of(p, &answer_monitor,
                      (struct inquiry){ .kind = INQUIRY_MONITOR,
                                        .text = slice_of(text),
                                        .from_s = from_s,
                                        .to_s = to_s,
                                        .limit = trigger_s });
}

static json_t *ask(struct pipeline *p, const char *text, int64_t from_s, int64_t to_s)
{
    return ask_for(p, text, from_s, to_s, 0);
}

/* Of an answer with one group: its value, NAN where there is none; the answer is given. */
static double only_value(json_t *given)
{
    const json_t *groups = json_object_get(given, "groups");
    const json_t *value = json_object_get(json_array_get(groups, 0), "value");
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;

    assert_int_equal(json_array_size(groups), 1);
    json_decref(given);
    return number;
}

/* Two minutes of a few series. */
static struct pipeline *some_series(void)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=4194304");

    for (int i = 0; i < 12; i++) {
        char lines[512];

        snprintf(lines, sizeof lines,
                 "load:%d|g|#env:prod,host:b\nload:10|g|#env:prod,host:a\n"
                 "load:20|g|#env:dev,host:a,zone:z\n"
                 "hits:2|c|#env:prod\nhits:4|c|#env:dev\nbad:1|c|#env:prod",
                 i);
        pipeline_line(p, 0, START + 10 * i + 1, lines);
    }
    pipeline_flush(p, START + 121);
    return p;
}

static void assert_groups(struct pipeline *p, const char *text, const char *expected)
{
    json_t *answer = ask(p, text, START, START + 120);
    const json_t *groups = json_object_get(answer, "groups");
    char shown[1024] = "";
    int n = 0;

    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *tags = json_object_get(group, "tags");

        n += snprintf(shown + n, sizeof shown - (size_t)n, "%s%s=%g on '%s' of %zu tags",
                      i > 0 ? "; " : "", json_string_value(json_object_get(group, "group")),
                      json_number_value(json_object_get(group, "value")),
                      json_string_value(json_object_get(group, "host")), json_array_size(tags));
    }
    assert_string_equal(shown, expected);
    json_decref(answer);
}

static void groups_are_called_after_their_sorted_tags(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "max(last_2m):max:load{*} > 1", "*=20 on '' of 0 tags" },
        { "max(last_2m):max:load{*} by {host} > 1",
          "host:a=20 on 'a' of 1 tags; host:b=11 on 'b' of 1 tags" },
        { "max(last_2m):max:load{*} by {host,env} > 1",
          "env:dev,host:a=20 on 'a' of 2 tags; env:prod,host:a=10 on 'a' of 2 tags; "
          "env:prod,host:b=11 on 'b' of 2 tags" },
        /* a tag that is not there; a key that is said twice */
        { "max(last_2m):max:load{host:a} by {zone} > 1",
          "zone:N/A=10 on '' of 1 tags; zone:z=20 on '' of 1 tags" },
        { "max(last_2m):max:load{*} by {host,host} > 1",
          "host:a=20 on 'a' of 1 tags; host:b=11 on 'b' of 1 tags" },
        /* the groups are gone on the way, or there are none */
        { "max(last_2m):count_not_null(max:load{*} by {host}) > 1", "*=2 on '' of 0 tags" },
        { "max(last_2m):max:nothing{*} by {host} > 1", "" },
        { "max(last_2m):max:nothing{*} > 1", "" },
    };
    struct pipeline *p = some_series();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_groups(p, cases[i].text, cases[i].expected);
    pipeline_free(p);
}

static void counts_are_added_up_before_anything_is_computed_with_them(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "sum(last_2m):sum:hits{*}.as_count() > 1", 72 },
        { "sum(last_2m):sum:hits{*}.as_count() + 1 > 1", 73 },
        { "sum(last_2m):abs(1 - sum:hits{*}.as_count()) > 1", 71 },
        { "sum(last_2m):sum:bad{*}.as_count() / sum:hits{*}.as_count() * 100 > 1", 12 / 0.72 },
        { "sum(last_2m):(sum:hits{env:dev}.as_count() - sum:hits{env:prod}.as_count()) / "
          "sum:hits{*}.as_count() > 1",
          24 / 72.0 },
        /* a function of one operand is its own */
        { "sum(last_2m):cumsum(sum:bad{*}.as_count()) + 0 > 1", 78 },
        /* without .as_count() it is point by point */
        { "sum(last_2m):sum:bad{*} / sum:hits{*} > 1", 2 },
        { "sum(last_2m):sum:load{host:b} + 1 > 1", 78 },
        { "change(sum(last_1m),1m_ago):sum:load{host:b} > 1", 36 },
        { "pct_change(avg(last_1m),1m_ago):sum:hits{*}.as_count() > 1", 0 },
        { "change(sum(last_1m),1m_ago):sum:bad{*}.as_count() / sum:hits{*}.as_count() > 1", 0 },
    };
    struct pipeline *p = some_series();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_change = strstr(cases[i].text, "1m_ago") != NULL;
        double value =
            only_value(ask(p, cases[i].text, START + (is_change ? 60 : 0), START + 120));

        if (!(fabs(value - cases[i].value) < 1e-9))
            fail_msg("%s: %g, expected %g", cases[i].text, value, cases[i].value);
    }
    pipeline_free(p);
}

static void what_can_not_be_evaluated_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text;
        int64_t from_s;
        const char *sentence;
    } cases[] = {
        { "1 && 2", START, "expected the query of a metric monitor" },
        { "\"a\".over(\"*\").last(2).count_by_status()", START,
          "expected the query of a metric monitor" },
        { "avg(last_5m):avg:load{* > 1", START, "column 28: expected a comparison" },
        { "avg(last_5m):avg:load{*} > 1", START + 120, "from and to are seconds" },
        { "max(last_1d):sum:hits{*}.rollup(sum, 10) > 1", START + 120 - 86400,
          "the range has 8640 points of 10 seconds" },
        { "change(avg(last_5m),1h_ago):anomalies(avg:load{*}, 'basic', 2) > 1", START,
          "column 29: expected no anomalies( ) in a change" },
        { "avg(last_5m):sum:load{*} by {a} / sum:load{*} by {b} > 1", START,
          "column 33: expected groups by the same keys" },
    };
    struct pipeline *p = some_series();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = ask(p, cases[i].text, cases[i].from_s, START + 120);
        const char *error = json_string_value(json_object_get(answer, "error"));

        if (error == NULL || strncmp(error, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s: %s", cases[i].text, error != NULL ? error : "answered");
        assert_int_equal(json_integer_value(json_object_get(answer, "status")), 400);
        json_decref(answer);
    }
    pipeline_free(p);
}

/* ---- anomalies --------------------------------------------------------- */

/* Two hours around 10; in the last five minutes every other point is 1000, and in the last two
 * every fourth one below, too. A counter that is silent from then on. */
static struct pipeline *with_anomalies(void)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=4194304",
                                  "dogstatsd_expiry_seconds=30", "heeler_lookback=10800");

    for (int i = 0; i < 720; i++) {
        char lines[128];
        int value = i >= 690 && i % 2 == 0 ? 1000 : i >= 708 && i % 4 == 1 ? -1000 : 9 + i % 3;

        snprintf(lines, sizeof lines, "load:%d|g\n%s", value, i < 690 ? "hits:50|c" : "");
        pipeline_line(p, 0, START + 10 * i + 1, lines);
    }
    pipeline_flush(p, START + 7201);
    return p;
}

static void of_anomalies_the_value_is_the_share_outside_the_band(void **state)
{
#define ANOMALIES(window, more) \
    "avg(last_" window "):anomalies(avg:load{*}, 'basic', 3" more ") >= 1"
    static const struct {
        const char *text;
        uint32_t trigger_s;
        double value;
    } cases[] = {
        { ANOMALIES("1h", ", alert_window='last_5m', interval=10"), 0, 18 / 30.0 },
        { ANOMALIES("1h", ", alert_window='last_2m', interval=10"), 0, 9 / 12.0 },
        { ANOMALIES("1h", ", direction='above', alert_window='last_5m', interval=10"), 0, 0.5 },
        { ANOMALIES("1h", ", direction='below', alert_window='last_5m', interval=10"), 0, 0.1 },
        { ANOMALIES("1h", ", direction='both', alert_window='last_5m', interval=10"), 0,
          18 / 30.0 },
        /* it says itself what is looked at, else the monitor does, else it is all of it */
        { ANOMALIES("1h", ", alert_window='last_5m', interval=10"), 120, 18 / 30.0 },
        { ANOMALIES("1h", ", interval=10"), 120, 9 / 12.0 },
        { ANOMALIES("5m", ", interval=10"), 0, 18 / 30.0 },
        /* five points at least are looked at, and each is as long as it says */
        { ANOMALIES("1h", ", alert_window='last_1m'"), 0, 4 / 6.0 },
        { ANOMALIES("1h", ", direction='above', alert_window='last_5m', interval=60"), 0, 1 },
    };
    struct pipeline *p = with_anomalies();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t window_s = strstr(cases[i].text, "last_1h)") != NULL ? HOUR_S : 5 * MINUTE_S;
        double value = only_value(ask_for(p, cases[i].text, START + 7200 - window_s,
                                          START + 7200, cases[i].trigger_s));

        if (!(fabs(value - cases[i].value) < 1e-9))
            fail_msg("%s: %g, expected %g", cases[i].text, value, cases[i].value);
    }
    pipeline_free(p);
}

static void what_recovers_has_a_window_of_its_own(void **state)
{
    struct pipeline *p = with_anomalies();
    struct inquiry inquiry = { .kind = INQUIRY_MONITOR,
                               .text = SLICE(
                                   ANOMALIES("1h", ", alert_window='last_5m', interval=10")),
                               .from_s = START + 3600,
                               .to_s = START + 7200,
                               .offset = 120 };
    (void)state;

    for (int i = 0; i < 2; i++) {
        json_t *answer = inquire_of(p, &answer_monitor, inquiry);
        const json_t *group = json_array_get(json_object_get(answer, "groups"), 0);

        assert_true(json_number_value(json_object_get(group, "value")) == 18 / 30.0);
        assert_true(json_number_value(json_object_get(group, "recovery")) ==
                    (i == 0 ? 9 / 12.0 : 18 / 30.0));
        json_decref(answer);
        inquiry.offset = 0; /* it is that of the alert */
    }
    pipeline_free(p);
}

static void without_a_band_nothing_is_outside_of_it(void **state)
{
    struct pipeline *p = with_anomalies();
    (void)state;

    assert_true(
        only_value(ask(p, ANOMALIES("5m", ", interval=10"), START + 300, START + 600)) == 0);
    pipeline_free(p);
}

static void what_was_not_counted_is_0_where_it_is_said(void **state)
{
#define OF_COUNTS(more)                                                            \
    "avg(last_1h):anomalies(sum:hits{*}.as_count(), 'basic', 3, direction='below'" \
    ", alert_window='last_4m', interval=10" more ") >= 1"
    struct pipeline *p = with_anomalies();
    json_t *answer =
        ask(p, OF_COUNTS(", count_default_zero='true'"), START + 3600, START + 7200);
    const json_t *group = json_array_get(json_object_get(answer, "groups"), 0);
    (void)state;

    assert_true(json_number_value(json_object_get(group, "value")) == 1);
    /* ... but it did not come. */
    assert_true(json_integer_value(json_object_get(group, "last_s")) < START + 7200 - 240);
    json_decref(answer);
    assert_true(isnan(only_value(ask(p, OF_COUNTS(""), START + 3600, START + 7200))));
    pipeline_free(p);
}

/* ---- windows ----------------------------------------------------------- */

static void a_window_begins_and_ends_where_it_is_asked_to(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=4194304",
                                  "heeler_lookback=30000", "dogstatsd_expiry_seconds=30");
    (void)state;

    /* One a minute, for seven hours: a chart of six has points of two minutes. */
    for (int i = 0; i < 7 * 60; i++)
        pipeline_line(p, 0, START + 60 * i + 5, "hits:1|c");
    pipeline_flush(p, START + 7 * HOUR_S + 1);
    for (int minute = 360; minute < 366; minute++)
        assert_true(only_value(ask(p, "sum(last_6h):sum:hits{*}.as_count() > 1",
                                   START + (minute - 360) * MINUTE_S,
                                   START + minute * MINUTE_S)) == 360);
    pipeline_free(p);
}

static void many_groups_come_in_many_steps(void **state)
{
    enum { GROUPS = 3000 };
    struct pipeline *p =
        PIPELINE(1, START, "heeler_rollup_max_bytes=16777216", "heeler_max_contexts=4000");
    struct answer_source source = { .rollup = flusher_rollup(p->flusher) };
    struct inquiry inquiry = { .kind = INQUIRY_MONITOR,
                               .text = SLICE("avg(last_1m):avg:m{*} by {g} > 1"),
                               .from_s = START,
                               .to_s = START + 60 };
    char line[64], before[64] = "";
    int steps;
    (void)state;

    for (int i = 0; i < GROUPS; i++) {
        snprintf(line, sizeof line, "m:%d|g|#g:%d", i, i);
        pipeline_line(p, 0, START + 1, line);
    }
    pipeline_flush(p, START + 61);
    json_t *answer = inquire(&answer_monitor, &source, &inquiry, &steps);
    const json_t *groups = json_object_get(answer, "groups");

    assert_int_equal(json_array_size(groups), GROUPS);
    assert_true(steps > 6);
    for (size_t i = 0; i < GROUPS; i++) {
        const json_t *group = json_array_get(groups, i);
        const char *name = json_string_value(json_object_get(group, "group"));

        assert_true(strcmp(before, name) < 0);
        assert_true(json_number_value(json_object_get(group, "value")) == atoi(name + 2));
        snprintf(before, sizeof before, "%s", name);
    }
    json_decref(answer);
    pipeline_free(p);
}

/* 6,000 groups with 360 points each are more than an answer may have. */
static void of_very_many_groups_the_points_are_longer(void **state)
{
    enum { GROUPS = 6000, EVERY_S = 600 };
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=134217728",
                                  "heeler_max_contexts=7000", "heeler_lookback=10800");
    char line[64];
    (void)state;

    for (int at_s = 0; at_s < HOUR_S; at_s += EVERY_S)
        for (int i = 0; i < GROUPS; i++) {
            snprintf(line, sizeof line, "m:%d|g|#g:%d", i, i);
            pipeline_line(p, 0, START + at_s + 1, line);
        }
    pipeline_flush(p, START + HOUR_S + 1);
    json_t *answer =
        ask(p, "avg(last_1h):anomalies(avg:m{*} by {g}, 'basic', 2, interval=10) >= 1", START,
            START + HOUR_S);

    assert_null(json_object_get(answer, "error"));
    assert_int_equal(json_array_size(json_object_get(answer, "groups")), GROUPS);
    json_decref(answer);
    answer = ask(p, "avg(last_1h):avg:m{*} by {g}.rollup(10) > 1", START, START + HOUR_S);
    assert_int_equal(strncmp(json_string_value(json_object_get(answer, "error")),
                             "the answer has too many series", 30),
                     0);
    json_decref(answer);
    pipeline_free(p);
}

/* ---- the past ---------------------------------------------------------- */

/* Who has an hour of windows of a minute from before memory, of one series, but must fetch them
 * first. */
static struct {
    struct rollup *rollup;
    int fetched; /* times that it said so */
    uint32_t series;
    int next;
} shelf;

static int64_t oldest_s(const void *self, int64_t step_s)
{
    (void)self;
    return step_s == MINUTE_S ? START - HOUR_S : 0;
}

static bool has_come(void *self)
{
    (void)self;
    return true;
}

static struct past_reading *begin_reading(void *self, struct rollup *rollup,
                                          struct slice metric)
{
    (void)metric;
    shelf.rollup = rollup;
    shelf.fetched = shelf.next = 0;
    return self;
}

static enum past_state recall(struct past_reading *reading)
{
    static const struct slice tags[] = { { "g:old", 5 } };
    struct rollup_outside outside = {
        .name = SLICE("m"), .tags = tags, .n_tags = 1, .kind = CELL_GAUGE
    };

    (void)reading;
    if (shelf.fetched++ < 3)
        return PAST_WAITS;
    assert_true(rollup_recall(shelf.rollup, &outside, 0, &shelf.series));
    return PAST_READY;
}

static bool want(struct past_reading *reading, const struct past_range *range)
{
    (void)reading;
    return range->step_s == MINUTE_S;
}

static enum past_state next_row(struct past_reading *reading, struct past_row *out)
{
    static const double values[] = { 7 }, counts[] = { 1 };

    (void)reading;
    if (shelf.next == 60)
        return PAST_END;
    *out = (struct past_row){ .start_s = START - HOUR_S + MINUTE_S * shelf.next++,
                              .n = 1,
                              .series = &shelf.series };
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        out->columns[column] = column == WINDOW_COUNT ? counts : values;
    return PAST_READY;
}

static const char *no_problem(const struct past_reading *reading)
{
    (void)reading;
    return "";
}

static void end_reading(struct past_reading *given)
{
    (void)given;
}

static void a_window_beyond_memory_waits_for_the_past(void **state)
{
    static const struct past_ops ops = {
        .oldest_s = oldest_s,
        .take = has_come,
        .begin = begin_reading,
        .recall = recall,
        .read = want,
        .next = next_row,
        .problem = no_problem,
        .free = end_reading,
    };
    const struct past past = { &ops, &shelf };
    struct pipeline *p = some_series();
    struct answer_source source = { .rollup = flusher_rollup(p->flusher) };
    struct inquiry inquiry = { .kind = INQUIRY_MONITOR,
                               .text = SLICE("sum(last_10m):avg:m{*} by {g} > 1"),
                               .from_s = START - 600,
                               .to_s = START };
    struct answer_problem problem = { 0, "" };
    struct bytes answer = { 0 };
    enum answer_state now;
    int waits = 0;
    (void)state;

    rollup_use_past(source.rollup, &past);
    void *begun = answer_monitor.begin(&source, &inquiry, &problem);

    assert_non_null(begun);
    while ((now = answer_monitor.step(begun, &answer, &problem)) == ANSWER_MORE ||
           now == ANSWER_WAITS)
        waits += now == ANSWER_WAITS;
    answer_monitor.free(begun);
    rollup_use_past(source.rollup, NULL);
    assert_int_equal(now, ANSWER_DONE);
    assert_int_equal(waits, 3);
    bytes_add(&answer, "", 1);
    assert_string_equal(
        (const char *)answer.at,
        "{\"groups\":[{\"group\":\"g:old\",\"tags\":[\"g:old\"],\"host\":\"\",\"value\":70,"
        "\"points\":10,\"last_s\":1700006400,\"buckets\":10,\"first\":true}]}\n");
    bytes_free(&answer);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_called_after_their_sorted_tags),
        cmocka_unit_test(counts_are_added_up_before_anything_is_computed_with_them),
        cmocka_unit_test(what_can_not_be_evaluated_is_refused_with_a_sentence),
        cmocka_unit_test(of_anomalies_the_value_is_the_share_outside_the_band),
        cmocka_unit_test(what_recovers_has_a_window_of_its_own),
        cmocka_unit_test(without_a_band_nothing_is_outside_of_it),
        cmocka_unit_test(what_was_not_counted_is_0_where_it_is_said),
        cmocka_unit_test(a_window_begins_and_ends_where_it_is_asked_to),
        cmocka_unit_test(many_groups_come_in_many_steps),
        cmocka_unit_test(of_very_many_groups_the_points_are_longer),
        cmocka_unit_test(a_window_beyond_memory_waits_for_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
