#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/rollups/rollup_internal.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"
#include "tests/support/submit.h"

enum { DAY = 86400, HOUR = 3600, START = 1700006400 }; /* a whole day since 1970 */

static struct rollup *rollup_of(const struct pipeline *p)
{
    return flusher_rollup(p->flusher);
}

static uint64_t timed(const struct pipeline *p, enum timed_place place)
{
    return counter_read(&p->ledger.timed[place]);
}

static double answer(struct pipeline *p, const char *question, int64_t from_s, int64_t to_s,
                     int64_t time_s)
{
    return ask_point(rollup_of(p), question, from_s, to_s, NULL, time_s);
}

/* ---- live series, with and without ------------------------------------- */

enum { NAME_SIZE = 128 };

static void name_of(const struct rollup *rollup, uint32_t number, char out[NAME_SIZE])
{
    const struct rollup_series *entry = rollup_entry(rollup, number);
    struct slice name = identities_text(rollup_identities(rollup), entry->id.name);
    size_t n,
        len = (size_t)snprintf(out, NAME_SIZE, "%u %.*s", entry->kind, (int)name.len, name.at);
    const struct slice *tags = identities_tags(rollup_identities(rollup), entry->id.tags, &n);

    for (size_t i = 0; i < n; i++)
        len +=
            (size_t)snprintf(out + len, NAME_SIZE - len, " %.*s", (int)tags[i].len, tags[i].at);
}

/* The number of that series; fails the test if there is none. */
static uint32_t number_of(const struct rollup *rollup, const char *wanted)
{
    char name[NAME_SIZE];

    for (uint32_t number = 0; number < rollup_end(rollup); number++) {
        if (!rollup_entry(rollup, number)->live)
            continue;
        name_of(rollup, number, name);
        if (strcmp(name, wanted) == 0)
            return number;
    }
    fail_msg("there is no %s", wanted);
    return 0;
}

/* What it has in a window; false: nothing. */
static bool cell_of(const struct rollup *rollup, struct rollup_span span, uint32_t number,
                    struct window_cell *out)
{
    double values[COLUMN_VALUES];
    uint64_t mask = 0, bit = UINT64_C(1) << number % COLUMN_VALUES;

    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        mask = rollup_read(rollup, span, number / COLUMN_VALUES, (enum window_column)column,
                           values);
        if ((mask & bit) != 0)
            out->column[column] = values[__builtin_popcountll(mask & (bit - 1))];
    }
    return (mask & bit) != 0;
}

static struct slice blob_of(const struct rollup *rollup, struct rollup_span span,
                            uint32_t number)
{
    const uint8_t *at;
    uint32_t next = 0, series;
    size_t len;

    while (rollup_next_blob(rollup, span, &next, &series, &at, &len))
        if (series == number)
            return (struct slice){ (const char *)at, len };
    return (struct slice){ NULL, 0 };
}

/* Whatever the series of `alone` has, that of `mixed` has, bit for bit, and nothing else. */
static void assert_same_series(const struct rollup *alone, const struct rollup *mixed,
                               uint32_t number)
{
    struct rollup_span a, b;
    char name[NAME_SIZE];

    name_of(alone, number, name);
    uint32_t other = number_of(mixed, name);

    for (size_t level = 0; level < rollup_levels(alone); level++)
        for (int64_t at = 0, same; rollup_find(mixed, level, &at, &b);
             at += rollup_step(alone, level)) {
            struct window_cell left = { { 0 } }, right = { { 0 } };
            bool is_there = rollup_find(alone, level, (same = at, &same), &a) && same == at;
            bool has = is_there && cell_of(alone, a, number, &left);

            if (has != cell_of(mixed, b, other, &right) ||
                memcmp(&left, &right, sizeof left) != 0)
                fail_msg("%s at %lld of level %zu: %.17g instead of %.17g", name, (long long)at,
                         level, right.column[0], left.column[0]);
            if (is_there && !slice_equal(blob_of(alone, a, number), blob_of(mixed, b, other)))
                fail_msg("%s at %lld of level %zu: another object", name, (long long)at, level);
        }
    int64_t at = 0;
    while (rollup_find_late(mixed, 0, &at, &b)) {
        struct window_cell none;
        assert_false(cell_of(mixed, b, other, &none));
        at += rollup_step(mixed, 0);
    }
}

static void send_live(struct pipeline *p, int64_t t)
{
    char text[400];
    int n = (int)(t / 10 % 97);

    snprintf(text, sizeof text,
             "c:%d.7|c|#k:0\nc:%d|c|#k:1\ng:%d.3|g\ns:%d|s\nd:%d.1|d|#k:%d\nh:%d|h", n, n % 3,
             n * 7 % 31, n % 11, n * n % 71, n % 2, n);
    pipeline_line(p, 0, (double)t + 1, text);
}

/* ---- late ones, and where they belong ---------------------------------- */

enum { LATE_SERIES = 40, LATE_MAX = HOUR, LEVELS = 3, LIVE_S = 3 * HOUR };

static const int64_t steps[LEVELS] = { 10, 60, HOUR };

/* What should be in each window, independently of how it came there. */
struct model {
    struct window_cell (*cells[LEVELS])[LATE_SERIES]; /* by window since two days before */
    uint64_t kept, old;
};

static size_t window_of(size_t level, int64_t time_s)
{
    return (size_t)((time_s - (START - 2 * DAY - HOUR)) / steps[level]);
}

static void model_open(struct model *model)
{
    for (size_t level = 0; level < LEVELS; level++)
        model->cells[level] =
            calloc(window_of(level, START + LIVE_S + HOUR) + 1, sizeof *model->cells[level]);
}

static void model_close(struct model *model)
{
    for (size_t level = 0; level < LEVELS; level++)
        free(model->cells[level]);
}

/* newest_s: the stamp of the newest snapshot. */
static void model_add(struct model *model, int series, int64_t time_s, double value,
                      int64_t now_s, int64_t newest_s)
{
    bool kept = false;

    for (size_t level = 0; level < LEVELS; level++) {
        bool is_open = time_s / steps[level] == newest_s / steps[level];

        if (!is_open && now_s - time_s > LATE_MAX)
            continue;
        window_cell_add(&model->cells[level][window_of(level, time_s)][series],
                        &(struct window_cell){ { value, 1, value, value, 0 } });
        kept = true;
    }
    model->kept += kept;
    model->old += !kept;
}

static void assert_as_modelled(const struct rollup *rollup, const struct model *model)
{
    char name[NAME_SIZE];

    for (int series = 0; series < LATE_SERIES; series++) {
        snprintf(name, sizeof name, "%d late.%d", series % 2 == 0 ? CELL_GAUGE : CELL_COUNT,
                 series);
        uint32_t number = number_of(rollup, name);

        for (size_t level = 0; level < LEVELS; level++)
            for (int64_t at = START - 2 * DAY - HOUR; at < START + LIVE_S; at += steps[level]) {
                const struct window_cell *wanted =
                    &model->cells[level][window_of(level, at)][series];
                struct window_cell found = { { 0 } }, more;
                struct rollup_span span;
                int64_t start = at;

                if (rollup_find(rollup, level, &start, &span) && start == at &&
                    !cell_of(rollup, span, number, &found))
                    found = (struct window_cell){ { 0 } };
                start = at;
                if (rollup_find_late(rollup, level, &start, &span) && start == at &&
                    cell_of(rollup, span, number, &more))
                    window_cell_add(&found, &more);
                if (memcmp(&found, wanted, WINDOW_LAST * sizeof(double)) != 0)
                    fail_msg("%s at %lld of level %zu: %g of %g instead of %g of %g", name,
                             (long long)(at - START), level, found.column[WINDOW_SUM],
                             found.column[WINDOW_COUNT], wanted->column[WINDOW_SUM],
                             wanted->column[WINDOW_COUNT]);
            }
    }
}

/* From a second to two days, each magnitude as often. */
static int64_t random_age(void)
{
    return (int64_t)exp((double)rand() / RAND_MAX * log(2 * DAY));
}

/* A line with a timestamp, or a point of a body, of whole values, so that sums are exact in any
 * order. */
static void send_late(struct pipeline *p, struct model *model, int64_t now_s)
{
    char text[64], name[16];
    int series = rand() % LATE_SERIES, value = rand() % 1000;
    int64_t time_s = now_s - random_age();

    snprintf(name, sizeof name, "late.%d", series);
    snprintf(text, sizeof text, "%s:%d|%c|T%lld", name, value, series % 2 == 0 ? 'g' : 'c',
             (long long)time_s);
    if (rand() % 2 == 0) {
        pipeline_line(p, 0, (double)now_s, text);
        pipeline_flush(p, (double)now_s);
    } else {
        submit_point(p, series % 2 == 0 ? SUBMITTED_GAUGE : SUBMITTED_COUNT, name, time_s,
                     value);
    }
    model_add(model, series, time_s, value, now_s, now_s - 10);
}

static void live_series_are_as_without_what_comes_late(void **state)
{
    char *memory = "heeler_rollup_max_bytes=67108864";
    struct pipeline *alone = PIPELINE(1, START, "heeler_lookback=604800", memory);
    struct pipeline *mixed = PIPELINE(1, START, "heeler_lookback=604800", memory);
    struct model model = { .kept = 0 };
    uint64_t sent = 0;
    (void)state;

    srand(5);
    model_open(&model);
    for (int64_t t = START; t < START + LIVE_S; t += 10) {
        send_live(alone, t);
        send_live(mixed, t);
        pipeline_flush(alone, (double)t + 10);
        pipeline_flush(mixed, (double)t + 10);
        for (int i = rand() % 8; i > 0; i--, sent++)
            send_late(mixed, &model, t + 10);
        assert_true(rollup_newest(rollup_of(mixed)) == t);
    }
    for (uint32_t number = 0; number < rollup_end(rollup_of(alone)); number++)
        assert_same_series(rollup_of(alone), rollup_of(mixed), number);
    assert_as_modelled(rollup_of(mixed), &model);
    assert_int_equal(timed(mixed, TIMED_OPEN) + timed(mixed, TIMED_LATE), model.kept);
    assert_int_equal(timed(mixed, TIMED_OLD), model.old);
    assert_int_equal(timed(mixed, TIMED_FULL), 0);
    assert_true(model.kept > sent / 4 && model.old > sent / 20);
    assert_int_equal(counter_read(&mixed->ledger.rollup_dropped), 0);
    model_close(&model);
    pipeline_free(alone);
    pipeline_free(mixed);
}

/* ---- what questions see ------------------------------------------------ */

static void submitted_series_are_in_questions_with_all_that_they_are(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=dc:x");
    static const double values[] = { 1, 2, 3, 4, 100 };
    int64_t now = START + 600;
    (void)state;

    pipeline_go_on(p, START, now);
    submit_points(p, SUBMITTED_GAUGE, 0, "g", "b:2,a:1,host:web1",
                  (struct submitted_point[]){ { now - 300, 5 }, { now - 299, 7 } }, 2);
    submit_points(p, SUBMITTED_COUNT, 60, "n", "",
                  (struct submitted_point[]){ { now - 300, 60 } }, 1);
    submit_points(p, SUBMITTED_RATE, 10, "r", "",
                  (struct submitted_point[]){ { now - 300, 2 }, { now - 290, 4 } }, 2);
    submit_points(p, SUBMITTED_COUNT, 0, "plain", "",
                  (struct submitted_point[]){ { now - 300, 60 } }, 1);
    submit_values(p, "d", "host:d", now - 300, values, 5);
    for (int round = 0; round < 2; round++) { /* beside their windows, and in them */
        int64_t from = now - 300, to = now - 200;
        const struct {
            const char *question;
            double value;
        } cases[] = {
            { "avg:g{a:1,b:2,dc:x,host:web1}.rollup(10)", 6 },
            { "max:g{host:web1}.rollup(max,10)", 7 },
            { "avg:g{*}.rollup(last,10)", 7 },
            { "sum:n{*}.as_count().rollup(sum,10)", 60 },
            { "sum:n{*}.rollup(10)", 1 }, /* a second of that minute */
            { "sum:r{*}.rollup(10)", 2 },
            { "sum:r{*}.as_count().rollup(sum,10)", 20 },
            { "sum:r{*}.as_count().rollup(sum,60)", 60 },
            { "sum:plain{*}.rollup(10)", 6 }, /* of an interval of ours */
            { "count:d{host:d}.rollup(10)", 5 },
            { "sum:d{*}.rollup(10)", 110 },
            { "max:d{*}.rollup(60)", 100 },
            { "min:d{*}.rollup(60)", 1 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            double value = answer(p, cases[i].question, from, to, from);

            if (value != cases[i].value)
                fail_msg("round %d, %s: %g", round, cases[i].question, value);
        }
        assert_true(fabs(answer(p, "p50:d{*}.rollup(10)", from, to, from) - 3) < 0.1);
        if (round == 0) {
            assert_true(counter_read(&p->ledger.shed[SHED_REFUSED_TIME]) == 0);
            rollup_put_all_late(rollup_of(p));
            assert_int_equal(rollup_of(p)->late.n, 0);
        }
    }
    pipeline_free(p);
}

static void what_is_in_the_open_window_is_folded_in(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    (void)state;

    pipeline_go_on(p, START, START + 600);
    pipeline_line(p, 0, START + 601, "c:2|c");
    pipeline_line(p, 0, START + 602, "c:3:4|c|T1700006995"); /* START + 595 */
    pipeline_flush(p, START + 603);
    assert_int_equal(timed(p, TIMED_OPEN), 2);
    assert_int_equal(rollup_of(p)->late.n, 0);
    pipeline_flush(p, START + 610);
    assert_true(answer(p, "sum:c{*}.as_count().rollup(sum,10)", START + 580, START + 610,
                       START + 590) == 7);
    assert_true(answer(p, "sum:c{*}.as_count().rollup(sum,60)", START + 540, START + 660,
                       START + 540) == 7);
    assert_true(answer(p, "sum:c{*}.as_count().rollup(sum,3600)", START, START + 610, START) ==
                9);
    pipeline_free(p);
}

static void what_is_ahead_is_there_when_its_time_comes(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    int64_t now = START + 600;
    double values[] = { 3, 9 };
    (void)state;

    pipeline_go_on(p, START, now);
    submit_point(p, SUBMITTED_GAUGE, "g", now + 600, 6);
    submit_values(p, "d", "host:d", now + 600, values, 2);
    submit_point(p, SUBMITTED_GAUGE, "g", now + 601, 7);
    submit_values(p, "d", "host:d", now + 601, values, 2);
    assert_int_equal(counter_read(&p->ledger.shed[SHED_REFUSED_TIME]), 3);
    assert_int_equal(timed(p, TIMED_OPEN), 3);
    assert_true(rollup_newest(rollup_of(p)) == now - 10);
    assert_true(isnan(answer(p, "g{*}.rollup(10)", now, now + 650, now + 600)));
    pipeline_go_on(p, now, now + 620);
    assert_true(answer(p, "g{*}.rollup(10)", now, now + 650, now + 600) == 6);
    assert_true(answer(p, "sum:d{*}.rollup(10)", now, now + 650, now + 600) == 12);
    assert_true(answer(p, "g{*}.rollup(60)", now, now + 700, now + 600) == 6);
    assert_int_equal(rollup_of(p)->late.n, 0);
    pipeline_free(p);
}

static void the_last_of_a_window_is_the_newest_by_its_time(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "tags=");
    int64_t now = START + 600, at = START + 300;
    (void)state;

    pipeline_go_on(p, START, now);
    submit_point(p, SUBMITTED_GAUGE, "g", at + 2, 2);
    submit_point(p, SUBMITTED_GAUGE, "g", at + 7, 7);
    submit_point(p, SUBMITTED_GAUGE, "g", at + 1, 1);
    assert_true(answer(p, "g{*}.rollup(last,10)", START, now, at) == 7);
    assert_true(answer(p, "g{*}.rollup(last,60)", START, now, at) == 7);
    assert_true(answer(p, "g{*}.rollup(last,3600)", START, now, START) == 7);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_series_are_as_without_what_comes_late),
        cmocka_unit_test(submitted_series_are_in_questions_with_all_that_they_are),
        cmocka_unit_test(what_is_in_the_open_window_is_folded_in),
        cmocka_unit_test(what_is_ahead_is_there_when_its_time_comes),
        cmocka_unit_test(the_last_of_a_window_is_the_newest_by_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
