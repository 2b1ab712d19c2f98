#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/notify/hourly.h"
#include "flush/notify/notify_queue.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, WALL_S = 1796061600 };

/* What was told, in its order: "a1 sent", "a1 waiting" ... */
static char told[8192];
static size_t n_told[NOTIFICATION_END_COUNT];
static uint64_t serial;

static void hear(void *self, struct notify_result *given)
{
    static const char *const words[] = {
#define WORD(id, word) [id] = (word),
        NOTIFICATION_ENDS(WORD)
#undef WORD
    };
    size_t len = strlen(told);
    (void)self;

    snprintf(told + len, sizeof told - len, "%s %s%s\n", given->id, words[given->end],
             given->notification != NULL ? "" : "...");
    n_told[given->end] += given->notification != NULL;
    notification_free(given->notification);
    free(given);
}

static struct notify_queue *queue_of(uint32_t per_hour, size_t bytes_max)
{
    struct notify_queue_config config = { .bytes_max = bytes_max,
                                          .per_hour = per_hour,
                                          .tell = hear };
    struct notify_queue *queue = notify_queue_new(&config);

    assert_non_null(queue);
    told[0] = '\0';
    memset(n_told, 0, sizeof n_told);
    serial = 0;
    return queue;
}

/* The next to that receiver, which is called by it and a number. */
static void add(struct notify_queue *queue, const char *receiver, size_t picture)
{
    struct notification one = { .raised_s = WALL_S,
                                .transition = { MONITOR_OK, MONITOR_ALERT, WALL_S, 0, true,
                                                false },
                                .receiver = slice_of(receiver),
                                .title = SLICE("title"),
                                .text = SLICE("text") };
    char bytes[4096] = "PNG";

    snprintf(one.id, sizeof one.id, "%s%llu", receiver, (unsigned long long)++serial);
    bytes_add(&one.picture, bytes, picture);
    struct notification *made = notification_new(&one);

    bytes_free(&one.picture);
    assert_non_null(made);
    assert_true(notify_queue_add(queue, made));
}

/* Who has the turn now; ends it so. NULL: nobody. */
static const char *turn(struct notify_queue *queue, int64_t now_ms, enum notify_outcome outcome)
{
    static char id[NOTIFICATION_ID_SIZE + 20];
    struct notify_turn turn;

    if (!notify_queue_next(queue, now_ms, WALL_S + now_ms / 1000, &turn))
        return NULL;
    snprintf(id, sizeof id, "%s", turn.notification->id);
    if (turn.n > 1)
        snprintf(id, sizeof id, "digest of %zu", turn.n);
    notify_queue_end(queue, &turn, outcome, now_ms, 0, "250 ok");
    return id;
}

static void each_receiver_gets_them_in_order_one_at_a_time(void **state)
{
    struct notify_queue *queue = queue_of(100, 1 << 20);
    struct notify_turn a, b, none;
    (void)state;

    assert_int_equal(notify_queue_wait_ms(queue, 0), -1);
    add(queue, "a", 0);
    add(queue, "a", 0);
    add(queue, "b", 0);
    assert_int_equal(notify_queue_wait_ms(queue, 0), 0);
    assert_true(notify_queue_next(queue, 0, WALL_S, &b));
    assert_true(notify_queue_next(queue, 0, WALL_S, &a));
    assert_false(notify_queue_next(queue, 0, WALL_S, &none)); /* both are under way */
    assert_int_equal(notify_queue_wait_ms(queue, 0), -1);
    notify_queue_end(queue, &a, NOTIFY_TAKEN, 0, 0, "");
    notify_queue_end(queue, &b, NOTIFY_REFUSED, 0, 0, "");
    assert_string_equal(turn(queue, 0, NOTIFY_TAKEN), "a2");
    assert_string_equal(told, "a1 sent\nb3 refused\na2 sent\n");
    assert_int_equal(notify_queue_count(queue), 0);
    assert_int_equal(notify_queue_bytes(queue), 0);
    notify_queue_free(queue);
}

static void what_fails_is_tried_again_later_and_later(void **state)
{
    static const int64_t waits_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
    struct notify_queue *queue = queue_of(100, 1 << 20);
    int64_t now_ms = 5;
    (void)state;

    add(queue, "a", 0);
    add(queue, "a", 0);
    for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++) {
        assert_string_equal(turn(queue, now_ms, NOTIFY_FAILED), "a1"); /* the order is kept */
        assert_int_equal(notify_queue_wait_ms(queue, now_ms), waits_s[i] * 1000);
        assert_null(turn(queue, now_ms + waits_s[i] * 1000 - 1, NOTIFY_TAKEN));
        now_ms += waits_s[i] * 1000;
    }
    add(queue, "b", 0); /* another receiver does not wait for it */
    assert_string_equal(turn(queue, now_ms - 1, NOTIFY_TAKEN), "b3");
    assert_string_equal(turn(queue, now_ms, NOTIFY_TAKEN), "a1");
    assert_string_equal(turn(queue, now_ms, NOTIFY_FAILED), "a2"); /* at once; and from 1 s */
    assert_int_equal(notify_queue_wait_ms(queue, now_ms), 1000);
    notify_queue_free(queue);
}

static void who_asks_for_more_patience_gets_it(void **state)
{
    static const struct {
        int64_t asked_ms, waits_ms;
    } cases[] = { { 0, 1000 }, { 500, 1000 }, { 30000, 30000 }, { 86400000, 300000 } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct notify_queue *queue = queue_of(100, 1 << 20);
        struct notify_turn turn;

        add(queue, "a", 0);
        assert_true(notify_queue_next(queue, 0, WALL_S, &turn));
        notify_queue_end(queue, &turn, NOTIFY_FAILED, 0, cases[i].asked_ms, "429");
        assert_int_equal(notify_queue_wait_ms(queue, 0), cases[i].waits_ms);
        notify_queue_free(queue);
    }
}

/* The third of an hour that has two waits, and goes with all that came since. */
static void what_is_too_much_for_an_hour_is_one_digest(void **state)
{
    struct notify_queue *queue = queue_of(2, 1 << 20);
    int64_t due_ms = HOUR_MS + MINUTE_MS; /* by the minute */
    (void)state;

    for (int i = 0; i < 4; i++)
        add(queue, "a", 0);
    assert_string_equal(turn(queue, 0, NOTIFY_TAKEN), "a1");
    assert_string_equal(turn(queue, 30 * MINUTE_MS, NOTIFY_TAKEN), "a2");
    assert_null(turn(queue, 30 * MINUTE_MS, NOTIFY_TAKEN));
    assert_int_equal(notify_queue_wait_ms(queue, 0), due_ms);
    add(queue, "a", 0);
    assert_null(turn(queue, due_ms - 1, NOTIFY_TAKEN));
    assert_string_equal(turn(queue, due_ms, NOTIFY_FAILED), "digest of 3");
    add(queue, "a", 0); /* the one under way is as it is */
    assert_string_equal(turn(queue, due_ms + 1000, NOTIFY_TAKEN), "digest of 3");
    assert_int_equal(n_told[NOTIFICATION_SENT], 2);
    assert_int_equal(n_told[NOTIFICATION_DIGESTED], 3);
    /* Two were sent within the hour again: the next waits, and an hour behind the digest. */
    assert_null(turn(queue, due_ms + 1000, NOTIFY_TAKEN));
    add(queue, "a", 0);
    assert_null(turn(queue, due_ms + HOUR_MS - 1, NOTIFY_TAKEN));
    assert_string_equal(turn(queue, due_ms + HOUR_MS + 1000, NOTIFY_TAKEN), "digest of 2");
    notify_queue_free(queue);
}

static void a_digest_of_one_is_that_one(void **state)
{
    struct notify_queue *queue = queue_of(1, 1 << 20);
    (void)state;

    add(queue, "a", 0);
    add(queue, "a", 0);
    assert_string_equal(turn(queue, 0, NOTIFY_TAKEN), "a1");
    assert_null(turn(queue, HOUR_MS, NOTIFY_TAKEN));
    assert_string_equal(turn(queue, HOUR_MS + MINUTE_MS, NOTIFY_TAKEN), "a2");
    assert_int_equal(n_told[NOTIFICATION_SENT], 2);
    notify_queue_free(queue);
}

static void no_hour_has_more_than_allowed(void **state)
{
    enum { PER_HOUR = 10, HOURS = 12 };
    static int64_t at_ms[HOURS * 60 * 10];
    struct notify_queue *queue = queue_of(PER_HOUR, 1 << 24);
    size_t n = 0, first = 0, alone = 0;
    (void)state;

    for (int64_t now_ms = 0; now_ms < (int64_t)HOURS * HOUR_MS; now_ms += 7919) {
        const char *who;

        add(queue, "a", 0);
        while ((who = turn(queue, now_ms, NOTIFY_TAKEN)) != NULL) {
            alone += strncmp(who, "digest", 6) != 0;
            at_ms[n++] = now_ms;
        }
        while (first < n && at_ms[first] <= now_ms - HOUR_MS)
            first++;
        assert_true(n - first <= PER_HOUR);
    }
    assert_true(n >= PER_HOUR + HOURS - 2);
    assert_int_equal(n_told[NOTIFICATION_SENT], alone);
    assert_int_equal(n_told[NOTIFICATION_SENT] + n_told[NOTIFICATION_DIGESTED] +
                         notify_queue_count(queue),
                     serial);
    notify_queue_free(queue);
}

static void beyond_the_bound_pictures_go_first_and_then_the_oldest(void **state)
{
    struct notify_queue *queue = queue_of(100, 16384);
    struct notify_turn under_way;
    (void)state;

    add(queue, "a", 4096);
    assert_true(notify_queue_next(queue, 0, WALL_S, &under_way));
    for (int i = 0; i < 4; i++)
        add(queue, i % 2 == 0 ? "b" : "a", 3000);
    assert_int_equal(n_told[NOTIFICATION_SHED], 0);
    assert_true(notify_queue_bytes(queue) <= 16384);
    assert_int_equal(under_way.notification->picture.len, 4096); /* libcurl may look at it */
    while (n_told[NOTIFICATION_SHED] == 0)
        add(queue, "c", 0);
    assert_non_null(strstr(told, "b2 shed\n"));
    while (n_told[NOTIFICATION_SHED] < 4)
        add(queue, "c", 0);
    assert_string_equal(told, "b2 shed\na3 shed\nb4 shed\na5 shed\n");
    notify_queue_end(queue, &under_way, NOTIFY_TAKEN, 0, 0, "");
    assert_non_null(strstr(told, "a1 sent\n"));
    notify_queue_free(queue);
}

static void what_waits_at_the_end_comes_back(void **state)
{
    struct notify_queue *queue = queue_of(1, 1 << 20);
    (void)state;

    for (int i = 0; i < 3; i++)
        add(queue, "a", 10);
    add(queue, "b", 10);
    assert_string_equal(turn(queue, 0, NOTIFY_TAKEN), "b4");
    assert_string_equal(turn(queue, 0, NOTIFY_TAKEN), "a1");
    assert_null(turn(queue, 0, NOTIFY_TAKEN));
    assert_string_equal(turn(queue, HOUR_MS + MINUTE_MS, NOTIFY_FAILED), "digest of 2");
    notify_queue_give_back(queue);
    assert_string_equal(told, "b4 sent\na1 sent\na2 waiting...\na3 waiting...\n"
                              "a2 waiting\na3 waiting\n");
    assert_int_equal(notify_queue_count(queue), 0);
    notify_queue_free(queue);
}

static void an_hour_is_counted_by_the_minute(void **state)
{
    struct hourly hourly = { .n = 0 };
    (void)state;

    assert_int_equal(hourly_next_ms(&hourly, 12345), 12345);
    hourly_add(&hourly, 59999, 1);
    hourly_add(&hourly, 60000, 1);
    assert_int_equal(hourly_count(&hourly, 60000 + HOUR_MS - 1), 2);
    assert_int_equal(hourly_next_ms(&hourly, 60000), HOUR_MS + 60000);
    assert_int_equal(hourly_count(&hourly, HOUR_MS + 60000), 1);
    assert_int_equal(hourly_count(&hourly, HOUR_MS + 120000), 0);
    hourly_add(&hourly, (int64_t)1 << 40, 1);
    assert_int_equal(hourly_count(&hourly, (int64_t)1 << 40), 1);
    assert_int_equal(hourly_count(&hourly, (int64_t)1 << 41), 0);
}

/* By a clock that says something else; of what it does not remember it has no more. */
static void what_another_counted_is_added(void **state)
{
    int64_t wall_ms = (int64_t)WALL_S * 1000;
    struct hourly theirs = { .n = 0 }, hourly = { .n = 0 };
    (void)state;

    hourly_add(&theirs, wall_ms - 50 * MINUTE_MS, 3);
    hourly_add(&theirs, wall_ms - 10 * MINUTE_MS, 4);
    hourly_recall(&hourly, 30 * MINUTE_MS, &theirs, wall_ms); /* up for half an hour */
    assert_int_equal(hourly_count(&hourly, 30 * MINUTE_MS), 7);
    assert_int_equal(hourly_count(&hourly, 62 * MINUTE_MS), 4);
    assert_int_equal(hourly_count(&hourly, 80 * MINUTE_MS), 4);
    assert_int_equal(hourly_count(&hourly, 81 * MINUTE_MS), 0);

    hourly = (struct hourly){ .n = 0 };
    hourly_recall(&hourly, 90 * MINUTE_MS, &theirs, wall_ms + 30 * MINUTE_MS);
    assert_int_equal(hourly_count(&hourly, 90 * MINUTE_MS), 4);
    hourly_recall(&hourly, 90 * MINUTE_MS, &theirs, wall_ms - HOUR_MS); /* it was set back */
    assert_int_equal(hourly_count(&hourly, 90 * MINUTE_MS), 11);
    hourly_recall(&hourly, 90 * MINUTE_MS, &(struct hourly){ .n = 0 }, wall_ms);
    assert_int_equal(hourly_count(&hourly, 90 * MINUTE_MS), 11);
}

static void the_hour_goes_on_in_another_process(void **state)
{
    struct notify_queue *queue = queue_of(2, 1 << 20);
    struct hourly sent = { .n = 0 };
    (void)state;

    hourly_add(&sent, (int64_t)WALL_S * 1000 - MINUTE_MS, 1);
    assert_true(notify_queue_recall(queue, SLICE("a"), &sent, WALL_S - 60, HOUR_MS, WALL_S));
    for (int i = 0; i < 3; i++)
        add(queue, "a", 0);
    add(queue, "b", 0);
    assert_string_equal(turn(queue, HOUR_MS, NOTIFY_TAKEN), "b4");
    assert_string_equal(turn(queue, HOUR_MS, NOTIFY_TAKEN), "a1");
    assert_null(turn(queue, HOUR_MS, NOTIFY_TAKEN));
    /* an hour behind that digest, or when there is room */
    assert_in_range(notify_queue_wait_ms(queue, HOUR_MS), HOUR_MS - 2 * MINUTE_MS, HOUR_MS);
    assert_string_equal(turn(queue, 2 * HOUR_MS, NOTIFY_TAKEN), "digest of 2");
    notify_queue_free(queue);
}

static int n_counted;

static void count(void *self, struct notify_result *given)
{
    n_counted += given->is_counted;
    hear(self, given);
}

/* What a receiver takes is one, whether it stands for one or for many. */
static void what_is_taken_is_counted_once(void **state)
{
    struct notify_queue_config config = { .bytes_max = 1 << 20, .per_hour = 1, .tell = count };
    struct notify_queue *queue = notify_queue_new(&config);
    (void)state;

    assert_non_null(queue);
    n_counted = 0;
    for (int i = 0; i < 4; i++)
        add(queue, "a", 0);
    assert_non_null(turn(queue, 0, NOTIFY_FAILED));
    assert_int_equal(n_counted, 0);
    assert_non_null(turn(queue, MINUTE_MS, NOTIFY_TAKEN));
    assert_int_equal(n_counted, 1);
    assert_null(turn(queue, MINUTE_MS, NOTIFY_TAKEN));
    assert_string_equal(turn(queue, 2 * HOUR_MS, NOTIFY_TAKEN), "digest of 3");
    assert_int_equal(n_counted, 2);
    add(queue, "b", 0);
    assert_non_null(turn(queue, 2 * HOUR_MS, NOTIFY_REFUSED));
    assert_int_equal(n_counted, 2);
    notify_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_receiver_gets_them_in_order_one_at_a_time),
        cmocka_unit_test(what_fails_is_tried_again_later_and_later),
        cmocka_unit_test(who_asks_for_more_patience_gets_it),
        cmocka_unit_test(what_is_too_much_for_an_hour_is_one_digest),
        cmocka_unit_test(a_digest_of_one_is_that_one),
        cmocka_unit_test(no_hour_has_more_than_allowed),
        cmocka_unit_test(beyond_the_bound_pictures_go_first_and_then_the_oldest),
        cmocka_unit_test(what_waits_at_the_end_comes_back),
        cmocka_unit_test(an_hour_is_counted_by_the_minute),
        cmocka_unit_test(what_another_counted_is_added),
        cmocka_unit_test(the_hour_goes_on_in_another_process),
        cmocka_unit_test(what_is_taken_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
