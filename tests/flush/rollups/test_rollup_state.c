#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/pipeline.h"

enum { START = 1700000000 / 3600 * 3600 };

/* Numbers that differ, of every kind. */
static void send_some(struct pipeline *p, int from_s, int to_s)
{
    char text[200];

    for (int t = from_s; t < to_s; t += 10) {
        int n = t / 10 % 97;

        snprintf(text, sizeof text, "c:%d|c|#k:0\ng:%d.5|g\ns:%d|s\nd:%d|d|#k:%d\nh:%d|h", n,
                 n * 7 % 31, n % 11, n * n % 71, n % 2, n);
        pipeline_line(p, 0, START + t + 1, text);
        pipeline_flush(p, START + t + 10);
    }
}

static void assert_same(struct pipeline *here, struct pipeline *there, int from_s, int to_s)
{
    static const char *const questions[] = {
        "sum:c{*}.as_count()", "sum:c{*}.rollup(sum, 60)", "avg:g{*}",  "max:g{*}.rollup(60)",
        "count:s{*}",          "count:s{*}.rollup(60)",    "p95:d{*}",  "p50:d{k:0}.rollup(60)",
        "avg:h.max{*}",        "sum:d{*}.rollup(3600)",    "sum:no{*}",
    };

    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        json_t *a =
            ask(flusher_rollup(here->flusher), questions[i], START + from_s, START + to_s);
        json_t *b =
            ask(flusher_rollup(there->flusher), questions[i], START + from_s, START + to_s);

        if (!json_equal(json_object_get(a, "series"), json_object_get(b, "series")))
            fail_msg("%s\n%s\n%s", questions[i], json_dumps(a, 0), json_dumps(b, 0));
        json_decref(a);
        json_decref(b);
    }
}

static void a_successor_answers_as_if_nothing_had_been(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=3600");
    struct pipeline *whole = PIPELINE(1, START, "heeler_lookback=3600");
    (void)state;

    for (int i = 0; i < 4; i++) {
        send_some(p, 330 * i, 330 * (i + 1));
        send_some(whole, 330 * i, 330 * (i + 1));
        pipeline_upgrade(p);
        assert_same(p, whole, 0, 330 * (i + 1));
    }
    send_some(p, 1320, 1500);
    send_some(whole, 1320, 1500);
    assert_same(p, whole, 0, 1500);
    pipeline_free(p);
    pipeline_free(whole);
}

static uint32_t number_of(const struct rollup *rollup, const char *name)
{
    const struct identities *identities = rollup_identities(rollup);

    for (uint32_t number = 0; number < rollup_end(rollup); number++) {
        const struct rollup_series *entry = rollup_entry(rollup, number);

        if (entry->live &&
            slice_equal(identities_text(identities, entry->id.name), slice_of(name)))
            return number;
    }
    fail_msg("no %s", name);
    return 0;
}

/* Redis has what was in the open windows, under a name that the successor goes on with. */
static void who_watches_is_given_the_whole_of_what_goes_on(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=3600");
    struct pipeline *whole = PIPELINE(1, START, "heeler_lookback=3600");
    struct rollup_value value;
    struct state left;
    (void)state;

    send_some(p, 0, 330);
    send_some(whole, 0, 330);
    int fd = pipeline_replace(p);
    struct rollup *rollup = flusher_rollup(p->flusher);

    assert_true(rollup_watch(rollup));
    assert_true(state_map(&left, fd, p->problem, sizeof p->problem));
    assert_true(pipeline_restore(p, &left));
    assert_same(p, whole, 0, 330);
    for (size_t level = 0; level < rollup_levels(rollup); level++)
        assert_int_equal(rollup_unwritten(rollup, level), 0); /* nothing of it is new */
    pipeline_line(p, 0, START + 331, "c:1000|c|#k:0");
    pipeline_line(whole, 0, START + 331, "c:1000|c|#k:0");
    pipeline_flush(p, START + 340);
    pipeline_flush(whole, START + 340);
    assert_same(p, whole, 0, 340);
    assert_true(rollup_take(rollup, 2, number_of(rollup, "c"), &value));
    double sum = 1000;
    for (int i = 0; i < 33; i++)
        sum += i;
    assert_float_equal(value.column[WINDOW_SUM], sum, 0);
    state_done(&left);
    close(fd);
    pipeline_free(p);
    pipeline_free(whole);
}

/* Somebody keeps windows for longer, and does not have the last ones. */
static void a_successor_is_given_what_nobody_has(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=3600");
    struct pipeline *whole = PIPELINE(1, START, "heeler_lookback=3600");
    int64_t start_s = START;
    struct rollup_span span;
    (void)state;

    send_some(p, 0, 330);
    send_some(whole, 0, 330);
    rollup_give_from(flusher_rollup(p->flusher), 0, START + 100);
    pipeline_upgrade(p);
    const struct rollup *rollup = flusher_rollup(p->flusher);

    assert_true(rollup_find(rollup, 0, &start_s, &span));
    assert_int_equal(start_s, START + 100);
    assert_false(rollup_covers(rollup, 0, START + 90));
    assert_true(rollup_covers(rollup, 0, START + 100));
    start_s = START;
    assert_true(rollup_find(rollup, 1, &start_s, &span)); /* which nobody keeps */
    assert_int_equal(start_s, START);
    assert_same(p, whole, 100, 330);
    pipeline_free(p);
    pipeline_free(whole);
}

static void levels_of_other_lengths_begin_anew(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60 300");
    struct pipeline *other = PIPELINE(1, START, "heeler_rollups=60 600");
    struct state left;
    (void)state;

    send_some(p, 0, 330);
    int fd = pipeline_replace(p);

    assert_true(state_map(&left, fd, p->problem, sizeof p->problem));
    assert_true(flusher_restore_windows(other->flusher, left.parts[STATE_WINDOWS]));
    int64_t start_s = START;
    struct rollup_span span;

    assert_true(rollup_find(flusher_rollup(other->flusher), 1, &start_s, &span));
    assert_int_equal(start_s, START);
    assert_false(rollup_find(flusher_rollup(other->flusher), 2, &start_s, &span));
    state_done(&left);
    close(fd);
    pipeline_free(p);
    pipeline_free(other);
}

/* A state has a checksum; whatever it says, nothing is led astray. */
static void what_is_damaged_leaves_them_empty(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_lookback=3600");
    struct state left;
    static uint8_t copy[1 << 20];
    (void)state;

    send_some(p, 0, 330);
    int fd = pipeline_replace(p);

    assert_true(state_map(&left, fd, p->problem, sizeof p->problem));
    struct state_reader part = left.parts[STATE_WINDOWS];
    size_t size = (size_t)(part.end - part.at);

    assert_in_range(size, 1, sizeof copy);
    for (size_t at = 0; at < size; at += 1 + size / 120) {
        struct state_reader in = { copy, copy + size, false, part.version };

        memcpy(copy, part.at, size);
        copy[at] ^= (uint8_t)(1 + at % 255);
        struct pipeline *other = PIPELINE(1, START, "heeler_lookback=3600");

        (void)flusher_restore_windows(other->flusher, in);
        json_decref(ask(flusher_rollup(other->flusher), "p95:d{*}", START, START + 330));
        json_decref(ask(flusher_rollup(other->flusher), "sum:c{*}", START, START + 330));
        send_some(other, 400, 420);
        in.end = copy + at; /* and cut */
        struct pipeline *third = PIPELINE(1, START, "heeler_lookback=3600");

        (void)flusher_restore_windows(third->flusher, in);
        send_some(third, 400, 420);
        pipeline_free(other);
        pipeline_free(third);
    }
    state_done(&left);
    close(fd);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_successor_answers_as_if_nothing_had_been),
        cmocka_unit_test(who_watches_is_given_the_whole_of_what_goes_on),
        cmocka_unit_test(a_successor_is_given_what_nobody_has),
        cmocka_unit_test(levels_of_other_lengths_begin_anew),
        cmocka_unit_test(what_is_damaged_leaves_them_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
