#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

/* Settings of a server that sends to the fake, and quickly tries again. */
#define TO_FAKE(url)                                                                 \
    url, "api_key=0123456789abcdef0123456789abcdef", "forwarder_backoff_base=0.001", \
        "forwarder_backoff_max=0.002"

static char *dd_url(struct fake_intake *fake)
{
    static char text[96];

    snprintf(text, sizeof text, "dd_url=%s", fake_intake_url(fake));
    return text;
}

/* ---- what the intake got ----------------------------------------------- */

static bool is_named(json_t *item, const char *metric)
{
    const char *name = json_string_value(json_object_get(item, "metric"));

    return name != NULL && strcmp(name, metric) == 0;
}

/* Number n of that name, or NULL. */
static json_t *series_of(json_t *items, const char *metric, size_t n)
{
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item) if (is_named(item, metric) && n-- == 0) return item;
    return NULL;
}

static double value_of(json_t *series)
{
    json_t *point = json_array_get(json_object_get(series, "points"), 0);

    return json_number_value(json_array_get(point, 1));
}

static int64_t stamp_of(json_t *series)
{
    json_t *point = json_array_get(json_object_get(series, "points"), 0);

    return json_integer_value(json_array_get(point, 0));
}

/* Of all points of a rate: value times interval, which is what clients sent. */
static double total_of(json_t *items, const char *metric)
{
    double sum = 0;
    json_t *series;

    for (size_t n = 0; (series = series_of(items, metric, n)) != NULL; n++)
        sum += round(value_of(series) *
                     (double)json_integer_value(json_object_get(series, "interval")));
    return sum;
}

static void assert_value(json_t *items, const char *metric, const char *type, double value)
{
    json_t *series = series_of(items, metric, 0);

    if (series == NULL)
        fail_msg("%s did not arrive", metric);
    assert_string_equal(json_string_value(json_object_get(series, "type")), type);
    if (fabs(value_of(series) - value) > 1e-9)
        fail_msg("%s: %f is not %f", metric, value_of(series), value);
}

static bool has_tag(json_t *item, const char *tag)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(item, "tags"), i,
                       one) if (strcmp(json_string_value(one), tag) == 0) return true;
    return false;
}

/* ---- one datagram of everything ---------------------------------------- */

static const char everything[] = "e2e.count:2|c|#b:2,a:1\n"
                                 "e2e.count:3|c|@0.5|#a:1,b:2\n" /* 6, and the same series */
                                 "e2e.gauge:1|g\ne2e.gauge:7.5|g\n"
                                 "e2e.set:a|s\ne2e.set:b|s\ne2e.set:a|s\n"
                                 "e2e.histogram:1:2:3:4|h\n"
                                 "e2e.timing:20|ms|@0.5\n"
                                 "e2e.distribution:5:10:15|d|#env:x\n"
                                 "e2e.timed:42|g|T1700000000\n"
                                 "_e{5,4}:title|text|#t:1\n"
                                 "_sc|e2e.check|2|m:down\n"
                                 "this is no line\n";

static void check_series(struct fake_intake *fake, int64_t from_s)
{
    json_t *items = fake_intake_items(fake, "/api/v2/series");
    json_t *count = series_of(items, "e2e.count", 0);

    assert_non_null(count);
    assert_float_equal(total_of(items, "e2e.count"), 8, 0);
    for (size_t n = 1; series_of(items, "e2e.count", n) != NULL; n++) /* an interval ended */
        assert_true(value_of(series_of(items, "e2e.count", n)) == 0);
    assert_true(has_tag(count, "a:1") && has_tag(count, "b:2") && has_tag(count, "extra:1"));
    assert_string_equal(json_string_value(json_object_get(count, "host")), "test-host");
    assert_in_range(stamp_of(count), from_s - 10, time(NULL) + 1); /* or of the interval */
    assert_value(items, "e2e.gauge", "gauge", 7.5);
    assert_value(items, "e2e.set", "gauge", 2);
    assert_value(items, "e2e.histogram.max", "gauge", 4);
    assert_value(items, "e2e.histogram.avg", "gauge", 2.5);
    assert_float_equal(total_of(items, "e2e.histogram.count"), 4, 0);
    assert_value(items, "e2e.timing.max", "gauge", 20);
    assert_float_equal(total_of(items, "e2e.timing.count"), 2, 0);
    assert_value(items, "e2e.timed", "gauge", 42);
    assert_int_equal(stamp_of(series_of(items, "e2e.timed", 0)), 1700000000);
    json_decref(items);
}

static void check_sketches(struct fake_intake *fake)
{
    json_t *items = fake_intake_items(fake, "/api/beta/sketches");
    json_t *sketch = series_of(items, "e2e.distribution", 0);
    json_t *point = json_array_get(json_object_get(sketch, "points"), 0);

    assert_int_equal(json_array_size(items), 1);
    assert_true(has_tag(sketch, "env:x"));
    assert_int_equal(json_integer_value(json_object_get(point, "cnt")), 3);
    assert_float_equal(json_number_value(json_object_get(point, "sum")), 30, 0);
    assert_float_equal(json_number_value(json_object_get(point, "min")), 5, 0);
    assert_float_equal(json_number_value(json_object_get(point, "max")), 15, 0);
    json_decref(items);
}

static void check_records(struct fake_intake *fake)
{
    json_t *events = fake_intake_items(fake, "/intake/");
    json_t *checks = fake_intake_items(fake, "/api/v1/check_run");
    json_t *event = json_array_get(events, 0), *check = json_array_get(checks, 0);

    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_string_value(json_object_get(event, "msg_title")), "title");
    assert_string_equal(json_string_value(json_object_get(event, "msg_text")), "text");
    assert_true(has_tag(event, "t:1"));
    assert_int_equal(json_array_size(checks), 1);
    assert_string_equal(json_string_value(json_object_get(check, "check")), "e2e.check");
    assert_int_equal(json_integer_value(json_object_get(check, "status")), 2);
    assert_string_equal(json_string_value(json_object_get(check, "message")), "down");
    json_decref(events);
    json_decref(checks);
}

/* Twice, because what the process keeps must not leak from one to the next. */
static void every_kind_of_line_arrives_at_the_intake(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct fake_intake *fake = fake_intake_start();
        static struct running running;
        int64_t from_s = time(NULL);

        assert_true(RUNNING_START(&running, NULL, TO_FAKE(dd_url(fake)), "extra_tags=extra:1"));
        int fd = udp_sender(running_listener(&running, 0));
        udp_send(fd, everything);
        assert_true(running_until(&running, running_datagrams, 1));
        assert_true(running_stop(&running));
        check_series(fake, from_s);
        check_sketches(fake);
        check_records(fake);
        assert_int_equal(running_ledger(&running, "datagrams"), 1);
        assert_int_equal(running_ledger(&running, "lines"), 14);
        assert_int_equal(running_ledger(&running, "rejected"), 1);
        assert_int_equal(running_ledger(&running, "values"), 16);
        assert_int_equal(running_ledger(&running, "folded"), 16);
        assert_int_equal(running_ledger(&running, "delivered"),
                         running_ledger(&running, "points"));
        assert_string_equal(running_imbalance(&running), "0/0/0");
        close(fd);
        running_free(&running);
        fake_intake_stop(fake);
    }
}

/* ---- many intervals, many flows ---------------------------------------- */

static void send_counts(struct running *running, int flows, int rounds, uint64_t *sent)
{
    int fds[16];

    for (int i = 0; i < flows; i++)
        fds[i] = udp_sender(running_listener(running, 0));
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < flows; i++) {
            udp_send(fds[i], "many.count:1|c|#a:1,b:2\nmany.count:2|c|#b:2,a:1");
            ++*sent;
        }
    for (int i = 0; i < flows; i++)
        close(fds[i]);
}

static void counts_over_many_intervals_add_up(const char *workers)
{
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    struct server_view view;
    uint64_t sent = 0;

    assert_true(RUNNING_START(&running, NULL, TO_FAKE(dd_url(fake)), "heeler_interval=1",
                              (char *)workers));
    for (uint64_t snapshots = 1; snapshots <= 3; snapshots++) {
        send_counts(&running, 16, 10, &sent);
        assert_true(running_until(&running, running_datagrams, sent));
        assert_true(running_until(&running, running_snapshots, snapshots));
    }
    send_counts(&running, 16, 10, &sent);
    server_view(running.server, &view);
    assert_int_equal(counter_read(&view.flusher_ledger->lines_imbalance), 0);
    assert_int_equal(counter_read(&view.flusher_ledger->values_imbalance), 0);
    for (uint32_t i = 0; i < view.workers; i++)
        assert_true(counter_read(&view.worker_ledgers[i].accepted) > 0);
    assert_true(running_stop(&running));

    json_t *items = fake_intake_items(fake, "/api/v2/series");
    assert_int_equal(running_ledger(&running, "datagrams"), sent);
    assert_float_equal(total_of(items, "many.count"), (double)(3 * sent), 0);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    json_t *series;
    for (size_t n = 0; (series = series_of(items, "many.count", n)) != NULL; n++)
        for (size_t before = 0; before < n; before++) /* the intake keeps one point a stamp */
            assert_true(stamp_of(series) != stamp_of(series_of(items, "many.count", before)));
    json_decref(items);
    running_free(&running);
    fake_intake_stop(fake);
}

static void one_worker_loses_nothing_over_many_intervals(void **state)
{
    (void)state;
    counts_over_many_intervals_add_up("heeler_workers=1");
}

static void two_workers_lose_nothing_over_many_intervals(void **state)
{
    (void)state;
    counts_over_many_intervals_add_up("heeler_workers=2");
}

/* ---- intakes in trouble ------------------------------------------------ */

static void what_an_intake_answers_503_arrives_once_it_recovers(void **state)
{
    static const struct fake_answer trouble[] = { { .status = 503 }, { .status = 503 } };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    (void)state;

    fake_intake_script(fake, trouble, 2);
    assert_true(RUNNING_START(&running, NULL, TO_FAKE(dd_url(fake)), "heeler_interval=1"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "retried:5|c");
    assert_true(running_until(&running, running_delivered, 1));
    assert_true(fake_intake_count(fake) >= 3);
    assert_true(running_stop(&running));
    double total = 0; /* the first two requests were refused */
    for (size_t i = 2; i < fake_intake_count(fake); i++) {
        json_t *decoded = fake_request_decode(fake_intake_request(fake, i));
        total += total_of(decoded, "retried");
        json_decref(decoded);
    }
    assert_float_equal(total, 5, 0);
    assert_int_equal(running_ledger(&running, "delivered"), running_ledger(&running, "points"));
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static void a_hanging_intake_holds_the_stop_no_longer_than_its_timeout(void **state)
{
    static const struct fake_answer hang[] = { { .trick = FAKE_HANG } };
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    (void)state;

    fake_intake_script(fake, hang, 1);
    assert_true(RUNNING_START(&running, NULL, TO_FAKE(dd_url(fake)), "heeler_interval=1",
                              "heeler_stop_timeout=1", "forwarder_timeout=3600"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "hangs:5|g");
    assert_true(fake_intake_wait(fake, 1));
    assert_true(running_stop(&running)); /* and not in an hour */
    assert_int_equal(fake_intake_count(fake), 1);
    assert_int_equal(running_ledger(&running, "points"), 1);
    assert_int_equal(running_ledger(&running, "delivered"), 0);
    assert_int_equal(running_ledger(&running, "points_shed"), 1);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    close(fd);
    running_free(&running);
    fake_intake_stop(fake);
}

/* ---- without an intake ------------------------------------------------- */

static void local_mode_shows_the_bucket_and_sends_nothing(void **state)
{
    static struct running running;
    static char *text; /* the console writes them, too */
    static size_t size;
    FILE *console = open_memstream(&text, &size);
    (void)state;

    assert_true(RUNNING_START(&running, console, "heeler_stop_timeout=5"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "shown.gauge:42|g|#env:demo\nshown.count:7|c");
    assert_true(running_until(&running, running_datagrams, 1));
    assert_true(running_stop(&running));
    fclose(console);
    assert_non_null(strstr(text, "shown.gauge"));
    assert_non_null(strstr(text, "env:demo"));
    assert_non_null(strstr(text, "shown.count"));
    assert_int_equal(running_ledger(&running, "local"), 2);
    assert_int_equal(running_ledger(&running, "delivered"), 0);
    assert_string_equal(running_imbalance(&running), "0/0/0");
    free(text);
    close(fd);
    running_free(&running);
}

static void datagrams_are_passed_on_as_they_came(void **state)
{
    static const char odd[] = "forwarded:1|c\n\nno line at all\n";
    static struct running running;
    int port, to = udp_receiver(&port);
    char set[64], got[256];
    (void)state;

    snprintf(set, sizeof set, "statsd_forward_port=%d", port);
    assert_true(RUNNING_START(&running, NULL, "statsd_forward_host=127.0.0.1", set));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, odd);
    ssize_t len = recv(to, got, sizeof got, 0);
    assert_int_equal(len, sizeof odd - 1);
    assert_memory_equal(got, odd, sizeof odd - 1);
    assert_true(running_stop(&running));
    close(to);
    close(fd);
    running_free(&running);
}

/* ---- starts that fail -------------------------------------------------- */

static void a_start_that_fails_says_why_and_leaves_nothing_behind(void **state)
{
    static struct running first, second;
    char set[64];
    (void)state;

    assert_true(RUNNING_START(&first, NULL, "heeler_http_listen=127.0.0.1:0"));
    snprintf(set, sizeof set, "dogstatsd_port=%s",
             strrchr(running_listener(&first, 0), ':') + 1);
    assert_false(RUNNING_START(&second, NULL, set));
    assert_non_null(strstr(second.problem, "in use"));
    running_stop(&second);
    running_free(&second);

    snprintf(set, sizeof set, "heeler_http_listen=127.0.0.1:%d",
             server_http_port(first.server));
    assert_false(RUNNING_START(&second, NULL, set));
    assert_non_null(strstr(second.problem, "in use"));
    running_stop(&second);
    running_free(&second);

    /* The first one did not notice. */
    int fd = udp_sender(running_listener(&first, 0));
    udp_send(fd, "still:1|c");
    assert_true(running_until(&first, running_datagrams, 1));
    assert_true(running_stop(&first));
    close(fd);
    running_free(&first);
}

static void without_dogstatsd_the_server_still_runs(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "use_dogstatsd=false", "heeler_interval=1"));
    assert_null(running_listener(&running, 0));
    assert_true(running_until(&running, running_snapshots, 1));
    assert_true(running_stop(&running));
    running_free(&running);
}

static void the_log_names_no_password_of_dd_url(void **state)
{
    static struct running running;
    (void)state;

    assert_true(RUNNING_START(&running, NULL, "dd_url=http://user:secret@127.0.0.1:1",
                              "api_key=k", "forwarder_backoff_base=3600",
                              "forwarder_backoff_max=7200"));
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "sending to http://***@127.0.0.1:1"));
    assert_null(strstr(running.log, "secret"));
    running_free(&running);
}

/* A Redis that takes connections and never answers. */
static void a_hanging_redis_delays_nothing_of_the_intake(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x7f000001) };
    socklen_t len = sizeof address;
    struct fake_intake *fake = fake_intake_start();
    static struct running running;
    char redis[80];
    int redis_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;

    assert_int_equal(bind(redis_fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(redis_fd, 4), 0);
    getsockname(redis_fd, (struct sockaddr *)&address, &len);
    snprintf(redis, sizeof redis, "heeler_redis_url=redis://:secret@127.0.0.1:%d",
             ntohs(address.sin_port));
    assert_true(RUNNING_START(&running, NULL, TO_FAKE(dd_url(fake)), redis, "heeler_interval=1",
                              "heeler_stop_timeout=1"));
    int fd = udp_sender(running_listener(&running, 0));
    udp_send(fd, "hung:1|g"); /* a counter has a point in the last interval, too */
    assert_true(running_until(&running, running_delivered, 1));
    assert_true(running_stop(&running));
    assert_non_null(strstr(running.log, "points_shed=0"));
    assert_non_null(strstr(running.log, "redis_delivered=0"));
    assert_null(strstr(running.log, "secret"));
    close(fd);
    close(redis_fd);
    running_free(&running);
    fake_intake_stop(fake);
}

static bool contexts_are_full(const struct server_view *view, uint64_t n)
{
    return view->workers > 0 &&
           counter_read(&view->worker_ledgers[0].shed[SHED_CONTEXTS_FULL]) >= n;
}

/* rep-009 of tests/data/reported.jsonl. */
static void values_that_are_shed_say_so_in_the_log(void **state)
{
    static struct running running;
    char line[64];
    (void)state;

    bool started =
        RUNNING_START(&running, NULL, "heeler_interval=1", "heeler_max_contexts=100");
    assert_true(started);
    int fd = udp_sender(running_listener(&running, 0));
    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "card.x:1|c|#user:%d", i);
        udp_send(fd, line);
        assert_true(running_until(&running, running_datagrams, (uint64_t)i + 1));
    }
    assert_true(running_until(&running, contexts_are_full, 1));
    assert_true(running_stop(&running));
    close(fd);
    assert_non_null(strstr(running.log, "WARN server: "));
    assert_non_null(strstr(running.log, "values were shed (contexts_full): a new context "
                                        "beyond heeler_max_contexts\n"));
    assert_string_equal(running_imbalance(&running), "0/0/0");
    running_free(&running);
}

/* Of the loop that turned longest ago, later than n. */
static bool all_turned_after(const struct server_view *view, uint64_t n)
{
    int64_t least_ms = view->flusher_alive_ms;

    if (view->delivery_alive_ms < least_ms)
        least_ms = view->delivery_alive_ms;
    for (uint32_t i = 0; i < view->workers; i++) {
        int64_t alive_ms = (int64_t)counter_read(&view->worker_ledgers[i].alive_ms);
        least_ms = alive_ms < least_ms ? alive_ms : least_ms;
    }
    return least_ms > (int64_t)n;
}

/* With nothing to do, and an interval that is longer than health has patience. */
static void every_idle_loop_shows_that_it_turns(void **state)
{
    static struct running running;
    (void)state;

    bool started = RUNNING_START(&running, NULL, "heeler_interval=60", "heeler_workers=2");
    assert_true(started);
    int64_t now_ms = clock_monotonic_ns() / 1000000;
    assert_true(running_until(&running, all_turned_after, (uint64_t)now_ms));
    assert_true(running_stop(&running));
    running_free(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line_arrives_at_the_intake),
        cmocka_unit_test(one_worker_loses_nothing_over_many_intervals),
        cmocka_unit_test(two_workers_lose_nothing_over_many_intervals),
        cmocka_unit_test(what_an_intake_answers_503_arrives_once_it_recovers),
        cmocka_unit_test(a_hanging_intake_holds_the_stop_no_longer_than_its_timeout),
        cmocka_unit_test(local_mode_shows_the_bucket_and_sends_nothing),
        cmocka_unit_test(datagrams_are_passed_on_as_they_came),
        cmocka_unit_test(a_start_that_fails_says_why_and_leaves_nothing_behind),
        cmocka_unit_test(without_dogstatsd_the_server_still_runs),
        cmocka_unit_test(every_idle_loop_shows_that_it_turns),
        cmocka_unit_test(values_that_are_shed_say_so_in_the_log),
        cmocka_unit_test(the_log_names_no_password_of_dd_url),
        cmocka_unit_test(a_hanging_redis_delays_nothing_of_the_intake),
    };

    return BESIDE_RUN(tests);
}
