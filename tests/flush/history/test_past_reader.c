#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/history/feeder.h"
#include "flush/history/past_reader.h"
#include "flush/history/sql.h"
#include "flush/rollups/rollup_internal.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"
#include "tests/support/submit.h"
#include "tests/support/temp_file.h"

/* A server that is stopped and started again, as many times as a test wants, beside one that
 * had enough memory and never was: both are asked the same. */
struct server {
    struct pipeline *pipeline;
    struct history *history;
    struct past past;
};

static char root[TEMP_PATH_SIZE];
static int64_t start_s; /* a full hour, two hours ago: the keeper looks at the clock */
static struct pipeline *whole;
static struct retention retention = { { { 10, 86400 }, { 60, 86400 }, { 3600, 864000 } }, 3 };

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    start_s = clock_wall_s() / 3600 * 3600 - 7200;
    whole = PIPELINE(1, (double)start_s, "heeler_lookback=86400", "heeler_late_max=300",
                     "heeler_rollup_max_bytes=67108864");
    return 0;
}

static int clear(void **state)
{
    (void)state;
    pipeline_free(whole);
    temp_folder_remove(root);
    return 0;
}

static void wait_for(const struct counter *counter, uint64_t least)
{
    for (int i = 0; i < 60000 && counter_read(counter) < least; i++)
        poll(NULL, 0, 1);
    assert_true(counter_read(counter) >= least);
}

static struct server begin(int64_t at_s, const char *memory)
{
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    struct server server = { .history = history_start(&config, NULL, NULL) };

    server.pipeline = PIPELINE(1, (double)at_s, "heeler_lookback=60", "heeler_late_max=300",
                               (char *)(uintptr_t)memory);
    pipeline_started_at(server.pipeline, at_s);
    assert_non_null(server.history);
    wait_for(&history_ledger(server.history)->state, HISTORY_OPEN);
    return server;
}

/* What it is given to live as long as the server does. */
static void attach(struct server *server)
{
    struct rollup *rollup = flusher_rollup(server->pipeline->flusher);
    struct feeder *feeder = feeder_new(server->history, &retention, rollup);

    assert_non_null(feeder);
    assert_true(flusher_observe(server->pipeline->flusher, feeder_observer(feeder)));
    server->past = past_of(server->history);
    rollup_use_past(rollup, &server->past);
}

static void end(struct server *server)
{
    pipeline_finish(server->pipeline);
    pipeline_free(server->pipeline);
    assert_true(history_stop(server->history, clock_monotonic_ms() + 60000));
}

/* Both get it. */
static void line(struct server *server, int64_t at_s, const char *text)
{
    pipeline_line(server->pipeline, 0, (double)at_s, text);
    pipeline_line(whole, 0, (double)at_s, text);
}

static void flush(struct server *server, int64_t at_s)
{
    pipeline_flush(server->pipeline, (double)at_s);
    pipeline_flush(whole, (double)at_s);
}

/* Numbers that differ, of every kind, of several series. */
static void send_some(struct server *server, int64_t from_s, int64_t to_s)
{
    char text[200];

    for (int64_t t = from_s; t < to_s; t += 10) {
        int64_t n = t / 10 % 97;

        snprintf(
            text, sizeof text,
            "c:%d|c|#k:0\nc:%d|c|#k:1\ng:%d.5|g\ns:%d|s\ns:%d|s|#k:a\nd:%d|d|#k:%d\nh:%d|h",
            (int)n, (int)(n % 3), (int)(n * 7 % 31), (int)(n % 11), (int)(n % 5),
            (int)(n * n % 71), (int)(n % 2), (int)n);
        line(server, t + 1, text);
        flush(server, t + 10);
    }
}

static void assert_same(struct server *server, const char *question, int64_t from_s,
                        int64_t to_s)
{
    json_t *here = ask(flusher_rollup(server->pipeline->flusher), question, from_s, to_s);
    json_t *there = ask(flusher_rollup(whole->flusher), question, from_s, to_s);
    const json_t *found = json_object_get(here, "series");

    if (found == NULL || !json_equal(found, json_object_get(there, "series")))
        fail_msg("%s\n%s\n%s", question, json_dumps(here, 0), json_dumps(there, 0));
    json_decref(here);
    json_decref(there);
}

/* No average of a counter: who stops says of the open interval that it was quiet, and who
 * starts in it adds a point. */
static void assert_all_same(struct server *server, int64_t from_s, int64_t to_s)
{
    static const char *const questions[] = {
        "sum:c{*}.as_count()",
        "sum:c{k:1}.rollup(sum, 60)",
        "max:c{*}.rollup(max, 60)",
        "avg:g{*}",
        "max:g{*}.rollup(max, 60)",
        "avg:g{*}.rollup(last, 60)",
        "count:s{*}",
        "count:s{*}.rollup(60)",
        "avg:s{*}.rollup(max, 60)",
        "p95:d{*}",
        "p50:d{k:0}.rollup(60)",
        "sum:d{*}.rollup(60)",
        "count:d{*}",
        "avg:h.max{*}",
        "sum:h.count{*}.as_count()",
        "sum:nobody{*}",
        "min:d{*}.rollup(min, 10)",
    };

    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        assert_same(server, questions[i], from_s, to_s);
}

static void after_a_restart_the_answers_are_as_if_there_had_been_none(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 600);
    end(&server);
    server = begin(start_s + 600, "heeler_max_contexts=1000");
    attach(&server);
    assert_all_same(&server, start_s, start_s + 600);
    send_some(&server, start_s + 600, start_s + 1230);
    assert_all_same(&server, start_s, start_s + 1230);
    assert_all_same(&server, start_s + 300, start_s + 900);
    end(&server);
}

static void what_memory_has_no_room_for_is_asked_of_the_disk(void **state)
{
    struct server server = begin(start_s, "heeler_rollup_max_bytes=40000");
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 3000);
    wait_for(&history_ledger(server.history)->windows_total, 300 - 60);
    assert_true(counter_read(&server.pipeline->ledger.rollup_dropped) > 0);
    assert_int_equal(counter_read(&server.pipeline->ledger.rollup_ungiven), 0);
    assert_all_same(&server, start_s, start_s + 600);
    assert_all_same(&server, start_s, start_s + 3000);
    end(&server);
}

static uint64_t cells_of(struct store *store, int64_t step_s)
{
    uint64_t cells;

    assert_int_equal(store_cells(store, step_s, &cells), SQLITE_OK);
    return cells;
}

static void open_windows_are_parts_of_theirs_at_the_end(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    struct store store;
    (void)state;

    attach(&server);
    line(&server, start_s + 1, "c:1|c");
    flush(&server, start_s + 20);
    line(&server, start_s + 21, "c:1|c");
    end(&server);
    assert_int_equal(store_open(&store, root), DATABASE_OPEN);
    assert_int_equal(cells_of(&store, 10), 3); /* the zero in the middle too */
    assert_int_equal(cells_of(&store, 60), 1);
    assert_int_equal(cells_of(&store, 3600), 1);
    store_close(&store);
}

static void what_is_dropped_before_it_was_taken_is_counted(void **state)
{
    struct database owner;
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    (void)state;

    assert_int_equal(database_open(&owner, root), DATABASE_OPEN);
    struct server server = { .history = history_start(&config, NULL, NULL) };

    server.pipeline = PIPELINE(1, (double)start_s, "heeler_lookback=0");
    attach(&server);
    send_some(&server, start_s, start_s + 200);
    assert_true(counter_read(&server.pipeline->ledger.rollup_ungiven) > 0);
    wait_for(&history_ledger(server.history)->state, HISTORY_HELD);
    assert_int_equal(counter_read(&history_ledger(server.history)->lost_total), 0);
    end(&server);
    database_close(&owner);
}

/* It is called off while the disk may be read, or before. */
static void a_question_that_nobody_waits_for_ends(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    char problem[256];
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 600);
    end(&server);
    server = begin(start_s + 600, "heeler_max_contexts=1000");
    attach(&server);
    for (int steps = 0; steps < 20; steps++) {
        struct evaluation *evaluation =
            evaluation_new(flusher_rollup(server.pipeline->flusher), SLICE("sum:c{*}"), start_s,
                           start_s + 600, problem, sizeof problem);

        assert_non_null(evaluation);
        for (int i = 0; i < steps; i++) {
            enum query_state now = evaluation_step(evaluation);

            if (now == QUERY_WAITS)
                (void)server.past.ops->take(server.history);
            else if (now != QUERY_MORE)
                break;
        }
        evaluation_free(evaluation);
    }
    (void)server.past.ops->take(server.history);
    end(&server);
}

/* Whatever the time is that nothing came, all levels begin with the first value: a question
 * that asks for more is answered as finely as one that does not. */
static void no_level_began_before_the_first_value(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    const struct rollup *rollup = flusher_rollup(server.pipeline->flusher);
    (void)state;

    attach(&server);
    flush(&server, start_s + 10);
    flush(&server, start_s + 30);
    send_some(&server, start_s + 30, start_s + 200);
    wait_for(&history_ledger(server.history)->written_until_s[1], (uint64_t)start_s + 120);
    wait_for(&history_ledger(server.history)->oldest_s[1], 1);
    assert_true(rollup_reaches(rollup, 0, start_s - 600));
    assert_same(&server, "avg:g{*}.rollup(avg, 10)", start_s - 600, start_s + 200);
    end(&server);
}

static double sum_of(struct server *server, int64_t from_s, int64_t to_s)
{
    json_t *answer = ask(flusher_rollup(server->pipeline->flusher),
                         "sum:c{*}.as_count().rollup(sum, 3600)", from_s, to_s);
    const json_t *points =
        json_object_get(json_array_get(json_object_get(answer, "series"), 0), "pointlist");
    const json_t *point;
    double sum = 0;
    size_t i;

    json_array_foreach(points, i, point) if (json_is_number(json_array_get(point, 1))) sum +=
        json_number_value(json_array_get(point, 1));
    json_decref(answer);
    return sum;
}

static void count_ones(struct server *server, int64_t from_s, int64_t to_s)
{
    for (int64_t t = from_s; t < to_s; t += 10) {
        pipeline_line(server->pipeline, 0, (double)t + 1, "c:1|c");
        pipeline_flush(server->pipeline, (double)t + 10);
    }
}

/* As the mirror does while it writes what the rollups are about to close. */
struct refusing {
    int left;
    int64_t newest_s;
};

static bool refuse(void *observer, int64_t stamp_s, int64_t now_s)
{
    struct refusing *refusing = observer;

    (void)now_s;
    if (stamp_s >= refusing->newest_s)
        refusing->newest_s = stamp_s;
    return stamp_s == refusing->newest_s || refusing->left == 0 || refusing->left-- == 0;
}

/* Memory begins anew, and the same time comes once more. */
static void a_clock_that_is_set_back_takes_nothing_from_the_disk(void **state)
{
    static const struct observer_ops ops = { .may_begin = refuse };
    struct refusing refusing = { .left = 1000 };
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    const struct history_ledger *ledger = history_ledger(server.history);
    (void)state;

    assert_true(
        flusher_observe(server.pipeline->flusher, (struct observer){ &ops, &refusing }));
    attach(&server);
    count_ones(&server, start_s, start_s + 1800);
    pipeline_step_clock(server.pipeline, -1200);
    count_ones(&server, start_s + 600, start_s + 2000);
    assert_int_equal(refusing.left, 0);
    wait_for(&ledger->written_until_s[0], (uint64_t)start_s + 1990); /* behind all of those */
    assert_true(counter_read(&ledger->windows_total) < 1000); /* not one for each refusal */
    end(&server);
    server = begin(start_s + 2000, "heeler_max_contexts=1000");
    attach(&server);
    assert_float_equal(sum_of(&server, start_s, start_s + 3600), 180 + 140, 0);
    end(&server);
}

/* ---- what comes late --------------------------------------------------- */

/* To both: into a series of its own, and into those that live. */
static void send_late(struct server *server, int64_t time_s)
{
    const struct submitted_point point = { time_s, (double)(time_s % 1000) };
    const double values[] = { 1, (double)(time_s % 70), 500 };
    struct pipeline *both[] = { server->pipeline, whole };

    for (int i = 0; i < 2; i++) {
        submit_points(both[i], SUBMITTED_GAUGE, 0, "late", "k:0", &point, 1);
        submit_points(both[i], SUBMITTED_COUNT, 0, "c", "k:0", &point, 1);
        submit_values(both[i], "d", "k:1,host:h", time_s, values, 3);
    }
}

static void assert_late_same(struct server *server, int64_t from_s, int64_t to_s)
{
    static const char *const questions[] = {
        "sum:c{*}.as_count()",
        "sum:c{k:1}.rollup(sum, 60)",
        "avg:late{k:0}.rollup(10)",
        "max:late{*}.rollup(max, 60)",
        "sum:late{*}.rollup(sum, 60)",
        "sum:late{*}.rollup(sum, 3600)",
        "p95:d{*}.rollup(10)",
        "p50:d{k:1}.rollup(60)",
        "count:d{*}.rollup(10)",
        "sum:d{*}.rollup(3600)",
        "avg:g{*}",
        "count:s{*}.rollup(60)",
    };

    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        assert_same(server, questions[i], from_s, to_s);
}

static void what_comes_late_is_on_the_disk_too(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 20);
    send_late(&server, start_s - 200); /* before anything was there */
    send_some(&server, start_s + 20, start_s + 600);
    for (int64_t age = 20; age < 300; age += 70)
        send_late(&server, start_s + 600 - age); /* memory has a minute of them */
    assert_late_same(&server, start_s, start_s + 600);
    send_some(&server, start_s + 600, start_s + 1100);
    assert_late_same(&server, start_s, start_s + 1100);
    send_late(&server, start_s + 1095); /* when it ends, this one waits */
    end(&server);
    server = begin(start_s + 1100, "heeler_max_contexts=1000");
    attach(&server);
    assert_late_same(&server, start_s, start_s + 1100);
    for (int64_t age = 25; age < 300; age += 70)
        send_late(&server, start_s + 1100 - age); /* before it began */
    send_some(&server, start_s + 1100, start_s + 1600);
    assert_late_same(&server, start_s, start_s + 1600);
    end(&server);
    server = begin(start_s + 1600, "heeler_max_contexts=1000");
    attach(&server);
    assert_late_same(&server, start_s, start_s + 1600);
    assert_same(&server, "sum:c{k:0}.as_count()", start_s - 600, start_s + 1600);
    assert_same(&server, "p50:d{*}", start_s - 600, start_s + 600);
    end(&server);
}

/* Single intervals that the settings let go stay until they are given: what is late for them is
 * a part of its own all the same. */
static void what_memory_lets_go_is_written_once(void **state)
{
    struct server server = begin(start_s, "heeler_lookback=0");
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 300);
    for (int64_t age = 15; age < 60; age += 10)
        send_late(&server, start_s + 300 - age);
    end(&server);
    server = begin(start_s + 300, "heeler_max_contexts=1000");
    attach(&server);
    assert_late_same(&server, start_s, start_s + 300);
    end(&server);
}

static void what_is_late_and_nobody_takes_is_bounded(void **state)
{
    struct database owner;
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    (void)state;

    assert_int_equal(database_open(&owner, root), DATABASE_OPEN);
    struct server server = { .history = history_start(&config, NULL, NULL) };

    server.pipeline = PIPELINE(1, (double)start_s, "heeler_lookback=0", "heeler_late_max=20",
                               "heeler_rollup_max_bytes=100000");
    attach(&server);
    const struct rollup *rollup = flusher_rollup(server.pipeline->flusher);

    for (int64_t t = start_s + 60; t < start_s + 3000; t += 10) {
        flush(&server, t);
        send_late(&server, t - 15);
        assert_true(rollup->loose_bytes <= 100000 / 8);
    }
    assert_true(rollup->n_loose > 0);
    assert_true(counter_read(&server.pipeline->ledger.rollup_ungiven) > 0);
    end(&server);
    database_close(&owner);
}

/* As SIGUSR2 does: what the disk does not get is in the state. The owner of the file ends
 * meanwhile; NULL: it is the server that is replaced. */
static void replace(struct server *server, struct database *owner)
{
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    struct state state;
    char problem[256];

    assert_true(history_leave(server->history) == (owner == NULL));
    int fd = pipeline_replace(server->pipeline);

    if (owner != NULL)
        database_close(owner);
    assert_true(history_stop(server->history, clock_monotonic_ms() + 60000));
    server->history = history_start(&config, NULL, NULL);
    assert_non_null(server->history);
    wait_for(&history_ledger(server->history)->state, HISTORY_OPEN);
    attach(server);
    assert_true(state_map(&state, fd, problem, sizeof problem));
    assert_true(pipeline_restore(server->pipeline, &state));
    state_done(&state);
    close(fd);
}

static void a_successor_has_what_was_early_once(void **state)
{
    struct server server = begin(start_s, "heeler_max_contexts=1000");
    (void)state;

    attach(&server);
    send_some(&server, start_s, start_s + 610);
    send_late(&server, start_s + 500);
    send_late(&server, start_s + 613); /* in the interval that is open, and in the minute */
    send_late(&server, start_s + 665); /* in a minute that is not */
    replace(&server, NULL);
    send_some(&server, start_s + 610, start_s + 1100);
    assert_late_same(&server, start_s, start_s + 1100);
    end(&server);
    server = begin(start_s + 1100, "heeler_max_contexts=1000");
    attach(&server);
    assert_late_same(&server, start_s, start_s + 1100);
    end(&server);
}

/* Another process has the file, as in a rolling update. */
static void a_successor_is_given_what_the_disk_does_not_have(void **state)
{
    struct database owner;
    struct keeper_config config = { .folder = root, .bounds = { &retention, 64 << 20 } };
    (void)state;

    assert_int_equal(database_open(&owner, root), DATABASE_OPEN);
    struct server server = { .history = history_start(&config, NULL, NULL) };

    server.pipeline = PIPELINE(1, (double)start_s, "heeler_lookback=3600",
                               "heeler_late_max=300", "heeler_max_contexts=1000");
    attach(&server);
    wait_for(&history_ledger(server.history)->state, HISTORY_HELD);
    send_some(&server, start_s, start_s + 20);
    send_late(&server, start_s - 200);
    send_some(&server, start_s + 20, start_s + 610);
    send_late(&server, start_s + 450);
    replace(&server, &owner);
    assert_late_same(&server, start_s, start_s + 610);
    send_some(&server, start_s + 610, start_s + 1230);
    assert_all_same(&server, start_s, start_s + 1230);
    end(&server);
    server = begin(start_s + 1230, "heeler_max_contexts=1000");
    attach(&server);
    assert_all_same(&server, start_s, start_s + 1230);
    assert_late_same(&server, start_s, start_s + 1230);
    assert_same(&server, "sum:c{k:0}.as_count()", start_s - 600, start_s + 1230);
    end(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_a_restart_the_answers_are_as_if_there_had_been_none),
        TEST(what_memory_has_no_room_for_is_asked_of_the_disk),
        TEST(open_windows_are_parts_of_theirs_at_the_end),
        TEST(what_is_dropped_before_it_was_taken_is_counted),
        TEST(a_question_that_nobody_waits_for_ends),
        TEST(no_level_began_before_the_first_value),
        TEST(a_clock_that_is_set_back_takes_nothing_from_the_disk),
        TEST(what_comes_late_is_on_the_disk_too),
        TEST(what_memory_lets_go_is_written_once),
        TEST(what_is_late_and_nobody_takes_is_bounded),
        TEST(a_successor_has_what_was_early_once),
        TEST(a_successor_is_given_what_the_disk_does_not_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
