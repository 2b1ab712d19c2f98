#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "flush/history/journal.h"
#include "flush/history/past_reader.h"
#include "flush/rollups/answer_ops.h"
#include "tests/support/pipeline.h"
#include "tests/support/temp_file.h"

/* A server that is stopped and started again: events in its memory, and the same and older ones
 * on the disk. */
static char root[TEMP_PATH_SIZE];
static struct retention retention = { { { 10, 864000 } }, 1 };
static struct pipeline *pipeline;
static struct history *history;
static struct past past;
static int64_t start_s;

static void begin(void)
{
    struct keeper_config config = { .folder = root, .bounds = { &retention, 256 << 20 } };

    history = history_start(&config, NULL, NULL);
    pipeline = PIPELINE(1, (double)start_s, "heeler_lookback=60");
    assert_non_null(history);
    struct journal *journal = journal_new(history, flusher_recent(pipeline->flusher));

    assert_non_null(journal);
    assert_true(flusher_observe(pipeline->flusher, journal_observer(journal)));
    past = past_of(history);
    rollup_use_past(flusher_rollup(pipeline->flusher), &past);
}

static void until_open(void)
{
    for (int i = 0; i < 60000 && !past.ops->is_open(past.self); i++)
        poll(NULL, 0, 1);
    assert_true(past.ops->is_open(past.self));
}

static void end(void)
{
    pipeline_finish(pipeline);
    pipeline_free(pipeline);
    assert_true(history_stop(history, clock_monotonic_ms() + 60000));
}

static int make(void **state)
{
    (void)state;
    temp_folder_make(root);
    start_s = clock_wall_s() / 10 * 10 - 100;
    begin();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    end();
    temp_folder_remove(root);
    return 0;
}

/* Events from..to: "event N" of the second N, a third of them from each source, of low priority
 * if N is even. */
static void send(int from, int to)
{
    static const char *const sources[] = { "|s:deploys", "|s:backups", "" };
    char line[200], title[32];

    for (int i = from; i < to; i++) {
        int len = snprintf(title, sizeof title, "event %d", i);

        snprintf(line, sizeof line, "_e{%d,1}:%s|x|d:%d%s%s|#n:%d,env:live", len, title, i,
                 i % 2 == 0 ? "|p:low" : "", sources[i % 3], i % 10);
        pipeline_line(pipeline, 0, pipeline_now(pipeline), line);
    }
    pipeline_flush(pipeline, pipeline_now(pipeline));
}

/* The status; the answer is *out, or NULL. */
static int ask_once(const struct answer_ops *ops, const struct inquiry *inquiry, json_t **out)
{
    const struct answer_source source = { .rollup = flusher_rollup(pipeline->flusher),
                                          .recent = flusher_recent(pipeline->flusher) };
    struct answer_problem problem = { 0, "" };
    struct bytes answer = { 0 };
    enum answer_state state = ANSWER_MORE;
    void *begun = ops->begin(&source, inquiry, &problem);

    assert_non_null(begun);
    for (int i = 0; i < 60000 && (state == ANSWER_MORE || state == ANSWER_WAITS); i++) {
        if (state == ANSWER_WAITS && !past.ops->take(past.self))
            poll(NULL, 0, 1);
        state = ops->step(begun, &answer, &problem);
    }
    ops->free(begun);
    *out =
        state == ANSWER_DONE ? json_loadb((const char *)answer.at, answer.len, 0, NULL) : NULL;
    bytes_free(&answer);
    assert_true(state == ANSWER_FAILED || *out != NULL);
    return state == ANSWER_DONE ? 200 : problem.status;
}

static bool was_given_up(const json_t *answer)
{
    const char *message = json_string_value(json_object_get(answer, "message"));

    return history_is_overdue(history) ||
           (message != NULL && strstr(message, "does not answer") != NULL);
}

/* The same; a disk that a busy machine keeps for longer than an answer waits is asked again. */
static int ask(const struct answer_ops *ops, const struct inquiry *inquiry, json_t **out)
{
    int status = ask_once(ops, inquiry, out);

    for (int look = 0; look < 20 && was_given_up(*out); look++) {
        json_decref(*out);
        for (int i = 0; i < 3000 && history_is_overdue(history); i++, poll(NULL, 0, 1))
            (void)past.ops->take(past.self);
        status = ask_once(ops, inquiry, out);
    }
    return status;
}

static struct inquiry inquiry_of(uint32_t page, uint32_t limit)
{
    return (struct inquiry){
        .kind = INQUIRY_EVENTS, .from_s = 0, .to_s = INT64_MAX, .offset = page, .limit = limit
    };
}

static int number_of(const json_t *event)
{
    return atoi(json_string_value(json_object_get(event, "title")) + 6);
}

/* These, from the highest number to the lowest, each so far from the next. */
static void assert_events(const struct inquiry *inquiry, int first, int last, int apart)
{
    json_t *answer;

    assert_int_equal(ask(&answer_events, inquiry, &answer), 200);
    json_t *events = json_object_get(answer, "events");
    size_t n = first >= last ? (size_t)((first - last) / apart) + 1 : 0;

    assert_null(json_object_get(answer, "message"));
    assert_int_equal(json_array_size(events), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(number_of(json_array_get(events, i)), first - (int)i * apart);
    json_decref(answer);
}

static void assert_all_pages(int n)
{
    struct inquiry inquiry = inquiry_of(0, 1000);

    for (; (int)inquiry.offset * 1000 <= n; inquiry.offset++) {
        int first = n - (int)inquiry.offset * 1000;

        assert_events(&inquiry, first, first > 1000 ? first - 999 : 1, 1);
    }
    assert_int_equal(inquiry.offset, n / 1000 + 1);
    inquiry = inquiry_of(2, 70);
    assert_events(&inquiry, n - 140, n - 209, 1); /* of memory and of the disk */
    inquiry = inquiry_of(100000, 1000);
    assert_events(&inquiry, 0, 1, 1);
}

static void all_that_is_kept_is_found_page_by_page(void **state)
{
    (void)state;
    until_open();
    send(1, 2501);
    assert_all_pages(2500);
    end();
    begin();
    until_open();
    assert_all_pages(2500); /* before memory has any, or while it gets them */
    for (int i = 0; i < 100; i++)
        pipeline_flush(pipeline, pipeline_now(pipeline) + 1);
    assert_all_pages(2500); /* and behind that */
    send(2501, 2541);
    assert_all_pages(2540);
}

static void what_is_looked_for_is_found_on_the_disk_too(void **state)
{
    struct inquiry inquiry = inquiry_of(0, 1000);
    (void)state;

    until_open();
    send(1, 1201);
    inquiry.from_s = 30;
    inquiry.to_s = 60;
    assert_events(&inquiry, 60, 30, 1);
    inquiry = inquiry_of(0, 1000);
    inquiry.text = SLICE("env:live, n:7");
    assert_events(&inquiry, 1197, 7, 10);
    inquiry.also = SLICE("backups");
    assert_events(&inquiry, 1177, 7, 30); /* 7 is 1 more than a multiple of 3 */
    inquiry = inquiry_of(0, 1000);
    inquiry.priority = 1 + EVENT_LOW;
    assert_events(&inquiry, 1200, 2, 2);
    inquiry.also = SLICE("nobody,deploys");
    assert_events(&inquiry, 1200, 6, 6);
    inquiry.also = SLICE("nobody");
    assert_events(&inquiry, 0, 1, 1);
}

static void equal_events_are_shown_as_often_as_they_came(void **state)
{
    struct inquiry inquiry = inquiry_of(0, 1000);
    json_t *answer;
    (void)state;

    until_open();
    for (int i = 0; i < 130; i++)
        send(5, 6);
    assert_int_equal(ask(&answer_events, &inquiry, &answer), 200);
    assert_int_equal(json_array_size(json_object_get(answer, "events")), 130);
    json_decref(answer);
}

static void one_is_found_by_its_number(void **state)
{
    struct inquiry inquiry = { .kind = INQUIRY_EVENT };
    json_t *answer;
    (void)state;

    until_open();
    send(1, 301);
    for (int i = 1; i <= 300; i += 299) {
        char title[32];

        snprintf(title, sizeof title, "event %d", i);
        inquiry.from_s = recent_event_id(slice_of(title), SLICE("x"), i);
        assert_int_equal(ask(&answer_event, &inquiry, &answer), 200);
        assert_int_equal(number_of(json_object_get(answer, "event")), i);
        json_decref(answer);
    }
    inquiry.from_s = 12345;
    assert_int_equal(ask(&answer_event, &inquiry, &answer), 404);
}

/* Of bytes that take six times as many in JSON. */
static void an_answer_that_would_be_too_large_is_refused(void **state)
{
    enum { TITLE = 5700, N = 1000 };
    static char line[TITLE + 100];
    const struct counter *written = &history_ledger(history)->notes_total;
    struct inquiry inquiry = inquiry_of(0, N);
    int head = snprintf(line, sizeof line, "_e{%d,1}:", TITLE);
    json_t *answer;
    (void)state;

    until_open();
    memset(line + head, 1, TITLE);
    snprintf(line + head + TITLE, 10, "|x");
    for (uint64_t i = 1; i <= N; i++) {
        pipeline_line(pipeline, 0, pipeline_now(pipeline), line);
        pipeline_flush(pipeline, pipeline_now(pipeline));
        for (int look = 0; i % 50 == 0 && look < 60000 && counter_read(written) < i; look++)
            poll(NULL, 0, 1);
    }
    assert_int_equal(ask(&answer_events, &inquiry, &answer), 503);
    inquiry.limit = N / 10;
    assert_int_equal(ask(&answer_events, &inquiry, &answer), 200);
    assert_int_equal(json_array_size(json_object_get(answer, "events")), N / 10);
    json_decref(answer);
}

/* Another process has the file. */
static void without_the_disk_memory_answers_and_says_so(void **state)
{
    struct inquiry one = { .kind = INQUIRY_EVENT, .from_s = 5 };
    struct inquiry inquiry = inquiry_of(0, 1000);
    struct database owner;
    json_t *answer;
    (void)state;

    end();
    assert_int_equal(database_open(&owner, root), DATABASE_OPEN);
    begin();
    send(1, 11);
    assert_int_equal(ask(&answer_events, &inquiry, &answer), 200);
    assert_int_equal(json_array_size(json_object_get(answer, "events")), 10);
    assert_string_equal(
        json_string_value(json_object_get(answer, "message")),
        "not all events of that time: the past on disk is not there at the moment");
    json_decref(answer);
    inquiry.limit = 5; /* which memory has */
    assert_events(&inquiry, 10, 6, 1);
    assert_int_equal(ask(&answer_event, &one, &answer), 503);
    database_close(&owner);
}

/* Nothing is taken from where answers lie, as if none came. */
static void a_disk_that_does_not_answer_is_not_waited_for(void **state)
{
    const struct answer_source source = { .rollup = flusher_rollup(pipeline->flusher),
                                          .recent = flusher_recent(pipeline->flusher) };
    struct inquiry inquiry = inquiry_of(0, 1000);
    struct answer_problem problem;
    struct bytes answer = { 0 };
    enum answer_state now;
    (void)state;

    until_open();
    send(1, 11);
    void *begun = answer_events.begin(&source, &inquiry, &problem);
    struct past_reading *windows =
        past.ops->begin(past.self, flusher_rollup(pipeline->flusher), SLICE("load"));

    assert_true(begun != NULL && windows != NULL);
    while ((now = answer_events.step(begun, &answer, &problem)) == ANSWER_MORE ||
           now == ANSWER_WAITS)
        poll(NULL, 0, 1);
    assert_int_equal(now, ANSWER_DONE);
    bytes_add(&answer, "", 1);
    assert_non_null(strstr((const char *)answer.at, "\"title\":\"event 1\""));
    assert_non_null(strstr((const char *)answer.at, "does not answer"));
    bytes_free(&answer);
    past.ops->free(windows); /* who asks about windows may have gone before */
    assert_false(past.ops->is_open(past.self));
    answer_events.free(begun); /* both readings come back to nobody */
    begun = answer_events.begin(&source, &inquiry, &problem);
    assert_int_equal(answer_events.step(begun, &answer, &problem), ANSWER_DONE); /* at once */
    bytes_free(&answer);
    answer_events.free(begun);
    for (int i = 0; i < 60000 && !past.ops->is_open(past.self); i++, poll(NULL, 0, 1))
        (void)past.ops->take(past.self);
    assert_events(&inquiry, 10, 1, 1);
    begun = answer_events.begin(&source, &inquiry, &problem);
    assert_int_equal(answer_events.step(begun, &answer, &problem), ANSWER_MORE);
    answer_events.free(begun); /* called off at once, which says nothing of the disk */
    assert_true(past.ops->is_open(past.self));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_is_kept_is_found_page_by_page),
        TEST(what_is_looked_for_is_found_on_the_disk_too),
        TEST(equal_events_are_shown_as_often_as_they_came),
        TEST(one_is_found_by_its_number),
        TEST(an_answer_that_would_be_too_large_is_refused),
        TEST(without_the_disk_memory_answers_and_says_so),
        TEST(a_disk_that_does_not_answer_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
