#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "flush/delivery/mirror_sink.h"
#include "flush/delivery/sink_list.h"
#include "flush/redis/resp.h"
#include "tests/support/redis_server.h"

#define ID    "0123456789ab"
#define OTHER "ba9876543210"

static struct redis_server server;
static struct event_base *base;
static struct outbox outbox;
static struct sink *sink;
static struct mirror_ledger ledger;

static int begin(void **state)
{
    (void)state;
    server = (struct redis_server){ 0 };
    redis_server_start(&server);
    base = event_base_new();
    return base != NULL && outbox_open(&outbox) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    sink_free(sink);
    sink = NULL;
    outbox_close(&outbox);
    event_base_free(base);
    redis_server_stop(&server);
    return 0;
}

static void open_sink(size_t queue_bytes, int64_t resend_ms)
{
    struct mirror_sink_config config = {
        .url = server.url,
        .prefix = "heeler",
        .id = ID,
        .hostname = "h",
        .started_s = time(NULL) - 100,
        .resend_ms = resend_ms,
        .queue_bytes = queue_bytes,
        .retry_min_ms = 5,
        .ledger = &ledger,
        .outbox = &outbox,
    };
    char problem[256];

    ledger = (struct mirror_ledger){ 0 };
    sink = mirror_sink_new(base, &config, problem, sizeof problem);
    if (sink == NULL)
        fail_msg("%s", problem);
}

/* ---- payloads ---------------------------------------------------------- */

static void give(struct bytes *commands, uint32_t points)
{
    struct payload *payload = calloc(1, sizeof *payload + commands->len);

    payload->route = ROUTE_REDIS;
    payload->points = points;
    payload->size = payload->raw_size = commands->len;
    memcpy(payload->bytes, commands->at, commands->len);
    bytes_free(commands);
    payload->holders = 1;
    outbox_adopt(&outbox, payload);
    sink_accept(sink, payload, 0);
    outbox_let_go(&outbox, payload);
    assert_int_equal(outbox_bytes(&outbox), 0);
}

static void put(struct bytes *out, const char *key, const char *field, const char *value)
{
    resp_command(out, 4);
    resp_word(out, SLICE("HSET"));
    resp_word(out, slice_of(key));
    resp_word(out, slice_of(field));
    resp_word(out, slice_of(value));
}

static void give_value(const char *key, const char *field, const char *value)
{
    struct bytes out = { 0 };

    put(&out, key, field, value);
    give(&out, 1);
}

static void give_announcement(const char *id)
{
    struct bytes out = { 0 };

    resp_command(&out, 5);
    resp_word(&out, SLICE("XADD"));
    resp_word(&out, SLICE("stream"));
    resp_word(&out, slice_of(id));
    resp_word(&out, SLICE("step"));
    resp_word(&out, SLICE("10"));
    give(&out, 0);
}

/* ---- waiting ----------------------------------------------------------- */

static uint64_t points(const struct delivery_count *count)
{
    return atomic_load(&count->points);
}

static void out_of_time(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what, (void)argument;
    fail_msg("nothing came for a minute");
}

/* The loop turns until then. */
static struct event *limit_start(void)
{
    static const struct timeval limit = { 60, 0 };
    struct event *event = evtimer_new(base, out_of_time, NULL);

    evtimer_add(event, &limit);
    return event;
}

/* The loop turns until then. */
#define TURN_UNTIL(condition)                   \
    do {                                        \
        struct event *limit_ = limit_start();   \
        while (!(condition))                    \
            event_base_loop(base, EVLOOP_ONCE); \
        event_free(limit_);                     \
    } while (0)

static bool all_delivered(uint64_t n)
{
    return points(&ledger.points.delivered) == n &&
           atomic_load(&ledger.points.queued.payloads) == 0;
}

static bool is_up(void)
{
    return atomic_load(&ledger.up) == 1;
}

static void assert_balanced(void)
{
    delivery_ledger_check(&ledger.points);
    assert_int_equal(atomic_load(&ledger.points.imbalance), 0);
}

/* ---- what it does ------------------------------------------------------ */

static void payloads_arrive_in_order_and_are_told_of(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    give_value("k", "f", "1"); /* before there is a connection */
    give_announcement("1-10");
    TURN_UNTIL(all_delivered(1));
    for (int i = 2; i <= 500; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        give_value("k", "f", value);
    }
    give_announcement("2-10");
    TURN_UNTIL(all_delivered(500));
    redis_server_expect(&server, "500", "HGET", "k", "f");
    redis_server_expect(&server, "2", "XLEN", "stream");
    assert_balanced();
}

static void after_a_cut_the_last_seconds_are_sent_again(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    give_value("k", "f", "1");
    give_value("k", "f", "2");
    give_value("k", "g", "3");
    give_announcement("1-10");
    TURN_UNTIL(all_delivered(3));
    redis_server_expect(&server, "OK", "FLUSHALL"); /* as a replica that took over too early */
    free(redis_server_ask(&server, "CLIENT", "KILL", "TYPE", "normal", NULL));
    TURN_UNTIL(!is_up());
    give_value("k", "h", "4");
    TURN_UNTIL(all_delivered(4));
    redis_server_expect(&server, "2", "HGET", "k", "f");
    redis_server_expect(&server, "3", "HGET", "k", "g");
    redis_server_expect(&server, "4", "HGET", "k", "h");
    assert_int_equal(points(&ledger.points.accepted), 4);
    assert_balanced();
}

static void nothing_is_sent_again_that_is_older(void **state)
{
    (void)state;

    open_sink(1 << 20, 0);
    give_value("k", "f", "1");
    TURN_UNTIL(all_delivered(1));
    redis_server_expect(&server, "OK", "FLUSHALL");
    free(redis_server_ask(&server, "CLIENT", "KILL", "TYPE", "normal", NULL));
    TURN_UNTIL(!is_up());
    give_value("k", "g", "2");
    TURN_UNTIL(all_delivered(2));
    redis_server_expect(&server, "0", "HEXISTS", "k", "f");
    assert_balanced();
}

static void a_server_that_was_killed_gets_what_it_missed(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    give_value("k", "f", "1");
    TURN_UNTIL(all_delivered(1));
    redis_server_kill(&server);
    TURN_UNTIL(!is_up());
    for (int i = 2; i <= 100; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        give_value("k", "f", value);
    }
    assert_int_equal(points(&ledger.points.queued), 99);
    TURN_UNTIL(atomic_load(&ledger.failures[REDIS_FAILED_CONNECT]) >= 2);
    redis_server_restart(&server);
    TURN_UNTIL(all_delivered(100));
    redis_server_expect(&server, "100", "HGET", "k", "f");
    assert_balanced();
}

static void a_full_queue_sheds_the_oldest_and_counts_them(void **state)
{
    enum { VALUE = 8000, QUEUE = 65536, N = 40 };
    static char value[VALUE + 1];
    (void)state;

    redis_server_kill(&server);
    open_sink(QUEUE, 30000);
    TURN_UNTIL(atomic_load(&ledger.failures[REDIS_FAILED_CONNECT]) >= 1);
    memset(value, 'x', VALUE);
    for (int i = 0; i < N; i++) {
        char field[16];
        snprintf(field, sizeof field, "f%d", i);
        give_value("k", field, value);
    }
    give_announcement("1-10");
    uint64_t kept = points(&ledger.points.queued);
    assert_in_range(kept, 7, 8);
    assert_int_equal(points(&ledger.points.shed[UNSENT_QUEUE_FULL]), N - kept);
    assert_true(atomic_load(&ledger.points.queued_bytes) <= QUEUE);
    redis_server_restart(&server);
    TURN_UNTIL(all_delivered(kept));
    redis_server_expect(&server, "1", "HEXISTS", "k", "f39");
    redis_server_expect(&server, "0", "HEXISTS", "k", "f0");
    redis_server_expect(&server, "0", "EXISTS", "stream"); /* it would not be true */
    assert_balanced();
}

static void an_error_that_heals_is_waited_for_in_order(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    TURN_UNTIL(is_up());
    redis_server_expect(&server, "OK", "CONFIG", "SET", "maxmemory", "1");
    give_value("k", "f", "1");
    give_value("k", "f", "2");
    give_announcement("1-10");
    TURN_UNTIL(atomic_load(&ledger.errors[MIRROR_OOM]) >= 4); /* tried again */
    assert_int_equal(points(&ledger.points.delivered), 0);
    redis_server_expect(&server, "OK", "CONFIG", "SET", "maxmemory", "0");
    TURN_UNTIL(all_delivered(2));
    redis_server_expect(&server, "2", "HGET", "k", "f");
    redis_server_expect(&server, "1", "XLEN", "stream");
    assert_balanced();
}

static int count_of(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* Each connection to it is made, and each ends with the first write. */
static void a_replica_is_said_once(void **state)
{
    char path[TEMP_PATH_SIZE];
    (void)state;

    temp_file_write(path, "", 0);
    assert_true(log_open(LOG_LEVEL_INFO, path, false, false));
    redis_server_expect(&server, "OK", "REPLICAOF", "127.0.0.1", "1");
    open_sink(1 << 20, 30000);
    give_value("k", "f", "1");
    TURN_UNTIL(atomic_load(&ledger.failures[REDIS_FAILED_READONLY]) >= 2);
    redis_server_expect(&server, "OK", "REPLICAOF", "NO", "ONE");
    TURN_UNTIL(all_delivered(1));
    log_close();
    log_set_level(LOG_LEVEL_OFF);
    char *text = temp_file_read(path);
    assert_int_equal(count_of(text, "is a replica"), 1);
    assert_int_equal(count_of(text, "takes the windows"), 1);
    free(text);
    unlink(path);
    assert_balanced();
}

static void what_can_never_be_written_is_dropped_alone(void **state)
{
    struct bytes out = { 0 };
    (void)state;

    open_sink(1 << 20, 30000);
    redis_server_expect(&server, "OK", "SET", "taken", "text");
    put(&out, "k", "a", "1");
    put(&out, "taken", "a", "1");
    put(&out, "k", "b", "2");
    give(&out, 3);
    give_value("taken", "b", "1");
    TURN_UNTIL(all_delivered(2));
    assert_int_equal(delivery_refused_points(&ledger.points), 2);
    assert_int_equal(atomic_load(&ledger.errors[MIRROR_WRONGTYPE]), 2);
    redis_server_expect(&server, "2", "HGET", "k", "b");
    assert_balanced();
}

static void who_may_not_announce_still_writes(void **state)
{
    (void)state;

    redis_server_expect(&server, "OK", "ACL", "SETUSER", "default", "-xadd");
    open_sink(1 << 20, 30000);
    give_value("k", "a", "1");
    give_announcement("1-10");
    give_value("k", "a", "2");
    TURN_UNTIL(all_delivered(2));
    assert_int_equal(atomic_load(&ledger.errors[MIRROR_NOPERM]), 1);
    redis_server_expect(&server, "OK", "ACL", "SETUSER", "default", "-hset");
    give_value("k", "a", "3");
    TURN_UNTIL(atomic_load(&ledger.errors[MIRROR_NOPERM]) >= 3);
    redis_server_expect(&server, "OK", "ACL", "SETUSER", "default", "+hset");
    TURN_UNTIL(all_delivered(3));
    assert_balanced();
}

static void an_announcement_that_is_there_already_is_no_error(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    give_announcement("5-10");
    give_announcement("5-10");
    give_announcement("4-10");
    TURN_UNTIL(all_delivered(0));
    assert_int_equal(atomic_load(&ledger.errors[MIRROR_OTHER]), 0);
    redis_server_expect(&server, "1", "XLEN", "stream");
}

static void another_instance_of_this_host_is_seen(void **state)
{
    char score[32];
    (void)state;

    open_sink(1 << 20, 30000);
    snprintf(score, sizeof score, "%lld", (long long)time(NULL));
    redis_server_expect(&server, "1", "ZADD", "heeler:instances", score,
                        "{\"id\":\"" OTHER "\",\"host\":\"h\",\"pid\":7,\"interval\":10}");
    give_announcement("1-10");
    TURN_UNTIL(atomic_load(&ledger.duplicates) == 1);
}

static void at_the_stop_one_attempt_is_made_and_the_rest_counted(void **state)
{
    (void)state;

    redis_server_kill(&server);
    open_sink(1 << 20, 30000);
    give_value("k", "a", "1");
    give_announcement("1-10");
    TURN_UNTIL(atomic_load(&ledger.failures[REDIS_FAILED_CONNECT]) >= 1);
    assert_false(sink_is_drained(sink));
    sink_hurry(sink);
    TURN_UNTIL(sink_is_drained(sink));
    sink_keep_rest(sink);
    assert_int_equal(points(&ledger.points.shed[UNSENT_STOPPED]), 1);
    assert_int_equal(atomic_load(&ledger.points.queued.payloads), 0);
    assert_balanced();
}

static void at_the_stop_a_living_server_gets_all(void **state)
{
    (void)state;

    open_sink(1 << 20, 30000);
    for (int i = 0; i < 1000; i++)
        give_value("k", "a", "1");
    sink_hurry(sink); /* it was not even connected */
    TURN_UNTIL(sink_is_drained(sink));
    assert_true(all_delivered(1000));
    sink_keep_rest(sink);
    assert_balanced();
}

/* Nothing was sent yet: the loop has not turned. */
static void a_successor_sends_what_is_unsent(void **state)
{
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160];
    (void)state;

    open_sink(1 << 20, 30000);
    give_value("k", "a", "1");
    give_value("k", "a", "2");
    give_announcement("1-10");
    struct sink_list list = { .at = { sink }, .n = 1 };

    assert_true(sink_list_hand_over(&list, out));
    assert_int_equal(points(&ledger.points.handed_over), 2);
    assert_int_equal(atomic_load(&ledger.points.queued.payloads), 0);
    assert_balanced();
    sink_free(sink);
    int fd = state_writer_end(out);

    assert_true(state_map(&found, fd, problem, sizeof problem));
    open_sink(1 << 20, 30000);
    list = (struct sink_list){ .at = { sink }, .n = 1 };
    sink_list_take_over(&list, &outbox, found.parts[STATE_PAYLOADS]);
    assert_int_equal(points(&ledger.points.recovered), 2);
    assert_int_equal(outbox_bytes(&outbox), 0);
    TURN_UNTIL(atomic_load(&ledger.points.delivered.payloads) == 3);
    redis_server_expect(&server, "2", "HGET", "k", "a");
    assert_balanced();
    state_done(&found);
    close(fd);
}

/* Where it writes to was changed meanwhile. */
static void what_is_inherited_for_another_server_is_given_up(void **state)
{
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160];
    (void)state;

    open_sink(1 << 20, 30000);
    give_value("k", "a", "1");
    struct sink_list list = { .at = { sink }, .n = 1 };

    sink->place = 1;
    assert_true(sink_list_hand_over(&list, out));
    int fd = state_writer_end(out);

    assert_true(state_map(&found, fd, problem, sizeof problem));
    sink->place = 0;
    sink_list_take_over(&list, &outbox, found.parts[STATE_PAYLOADS]);
    assert_int_equal(points(&ledger.points.recovered), 0);
    state_done(&found);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(payloads_arrive_in_order_and_are_told_of),
        TEST(after_a_cut_the_last_seconds_are_sent_again),
        TEST(nothing_is_sent_again_that_is_older),
        TEST(a_server_that_was_killed_gets_what_it_missed),
        TEST(a_full_queue_sheds_the_oldest_and_counts_them),
        TEST(an_error_that_heals_is_waited_for_in_order),
        TEST(a_replica_is_said_once),
        TEST(what_can_never_be_written_is_dropped_alone),
        TEST(who_may_not_announce_still_writes),
        TEST(an_announcement_that_is_there_already_is_no_error),
        TEST(another_instance_of_this_host_is_seen),
        TEST(at_the_stop_one_attempt_is_made_and_the_rest_counted),
        TEST(at_the_stop_a_living_server_gets_all),
        TEST(a_successor_sends_what_is_unsent),
        TEST(what_is_inherited_for_another_server_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
