/* One subject: what becomes of a payload, on one rig that checks the ledger after every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/patience.h"
#include "flush/delivery/delivery.h"
#include "flush/payloads/encode.h"
#include "tests/support/beside.h"
#include "tests/support/each_file.h"
#include "tests/support/fake_intake.h"
#include "tests/support/temp_file.h"

enum { WAIT_S = 60 }; /* only a step that never comes takes it; machines are busy */

static const struct fake_answer come_back_later = { .status = 503, .retry_after = "3600" };

static const char api_key[] = "0123456789abcdef0123456789abcdef";

/* A delivery with its surroundings; the ledger is checked after every step. */
struct rig {
    struct fake_intake *fake;
    struct outbox outbox;
    union {
        struct delivery_ledger ledger;
        struct delivery_ledger ledgers[2]; /* of a second endpoint */
    };
    struct delivery_config config;
    struct delivery *delivery;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool unbalanced; /* under mutex */
};

typedef uint64_t part(const struct delivery_count *count);

static uint64_t points_of(const struct delivery_count *count)
{
    return atomic_load(&count->points);
}

static uint64_t payloads_of(const struct delivery_count *count)
{
    return atomic_load(&count->payloads);
}

static bool is_balanced(const struct delivery_ledger *ledger, part *of)
{
    uint64_t ends = of(&ledger->delivered) + of(&ledger->delivered_stale) +
                    of(&ledger->discarded_local) + of(&ledger->queued) + of(&ledger->spooled);

    for (int i = 0; i < REFUSED_COUNT; i++)
        ends += of(&ledger->refused[i]);
    for (int i = 0; i < UNSENT_COUNT; i++)
        ends += of(&ledger->shed[i]);
    return ends == of(&ledger->accepted) + of(&ledger->recovered) + of(&ledger->split);
}

static void check_step(void *argument, const struct delivery_ledger *ledger)
{
    struct rig *rig = argument;

    pthread_mutex_lock(&rig->mutex);
    if (!is_balanced(ledger, points_of) || !is_balanced(ledger, payloads_of))
        rig->unbalanced = true;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->mutex);
}

/* Until a counter has reached n. */
static void wait_counter(struct rig *rig, const _Atomic(uint64_t) *counter, uint64_t n)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&rig->mutex);
    while (atomic_load(counter) < n && waited == 0)
        waited = pthread_cond_timedwait(&rig->changed, &rig->mutex, &until);
    pthread_mutex_unlock(&rig->mutex);
    assert_true(atomic_load(counter) >= n);
}

static bool rig_stop(struct rig *rig, int64_t within_ms);

/* Behind a test that failed. */
static void rig_undo(void *what)
{
    struct rig *rig = what;

    if (rig->delivery != NULL)
        rig_stop(rig, 1000);
    outbox_close(&rig->outbox);
}

/* Static, as the threads look at it. */
static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ .fake = fake_intake_start() };
    assert_true(outbox_open(&rig->outbox));
    undo_later(rig_undo, rig);
    pthread_mutex_init(&rig->mutex, NULL);
    pthread_cond_init(&rig->changed, NULL);
    rig->config = (struct delivery_config){
        .base_url = fake_intake_url(rig->fake),
        .api_key = api_key,
        .timeout_ms = 10000,
        .queue_bytes = 1 << 20,
        .concurrent = 4,
        .backoff = { .factor = 2, .base_ms = 1, .max_ms = 8, .recovery_interval = 2 },
        .observe = check_step,
        .observe_argument = rig,
    };
}

static void rig_start(struct rig *rig)
{
    rig->delivery = delivery_start(&rig->config, &rig->outbox, rig->ledgers);
    assert_non_null(rig->delivery);
}

static bool rig_stop(struct rig *rig, int64_t within_ms)
{
    struct delivery *given = rig->delivery;

    rig->delivery = NULL;
    return delivery_stop(given, clock_monotonic_ns() + within_ms * 1000000);
}

static void rig_close(struct rig *rig)
{
    fake_intake_stop(rig->fake);
    assert_false(rig->unbalanced);
    assert_int_equal(rig->ledger.queued.points, 0);
    assert_int_equal(rig->ledger.queued_bytes, 0);
    assert_int_equal(outbox_bytes(&rig->outbox), 0);
    undo_forget(rig);
    outbox_close(&rig->outbox);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->mutex);
}

static void push_emitted(void *argument, struct payload *given)
{
    outbox_push(argument, given);
}

/* One series of two points, its value telling it from others. */
static void push(struct rig *rig, double value)
{
    struct point points[] = { { 1700000000, value }, { 1700000010, value } };
    struct series series = { .id = { .metric = SLICE("m"), .host = SLICE("h1") },
                             .type = SERIES_GAUGE,
                             .points = points,
                             .n_points = 2 };
    struct bytes item = { 0 };
    struct payload_writer *writer = payload_writer_new(
        ROUTE_SERIES_V2, COMPRESSION_ZSTD, 1, (struct payload_limits){ 0, 1 << 20, 1 << 20 },
        encode_frame(ROUTE_SERIES_V2), time(NULL), push_emitted, &rig->outbox);

    encode_series_v2(&item, &series);
    assert_int_equal(payload_writer_add(writer, item.at, item.len, 2), PAYLOAD_ADDED);
    payload_writer_end(writer);
    bytes_free(&item);
}

/* The value of the series in a request. */
static double value_in(struct rig *rig, size_t index)
{
    const struct fake_request *request = fake_intake_request(rig->fake, index);

    assert_non_null(request);
    json_t *list = fake_request_decode(request);
    double value;

    assert_int_equal(json_unpack(list, "[{s:[[i,f]]}]", "points", &(int){ 0 }, &value), 0);
    json_decref(list);
    return value;
}

static void a_payload_arrives_whole_with_the_agents_headers(void **state)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        { "dd-api-key", api_key },
        { "content-type", "application/x-protobuf" },
        { "content-encoding", "zstd" },
        { "dd-agent-payload", "v5.0.207" },
        { "dd-agent-version", "7.83.3" },
        { "user-agent", "datadog-agent/7.83.3 heeler/" HEELER_VERSION },
        { "expect", NULL },
    };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig_start(&rig);
    push(&rig, 4.5);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    const struct fake_request *request = fake_intake_request(rig.fake, 0);

    assert_string_equal(request->path, "/api/v2/series");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const char *value = fake_request_header(request, headers[i].name);

        if (headers[i].value == NULL)
            assert_null(value);
        else
            assert_string_equal(value, headers[i].value);
    }
    assert_true(value_in(&rig, 0) == 4.5);
    assert_true(rig.ledger.last_success_ms > 0);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.payloads, 1);
    rig_close(&rig);
}

/* Each comes to its door alone, whose account counts it. */
static void every_route_has_its_own_path_and_type(void **state)
{
    struct delivery_target traces = { .api_key = api_key, .door = DOOR_TRACES };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    traces.base_url = fake_intake_url(rig.fake);
    rig.config.more = &traces;
    rig.config.n_more = 1;
    rig.config.concurrent = 1;
    rig_start(&rig);
    for (enum payload_route route = 0; route < ROUTE_COUNT; route++) {
        struct payload_writer *writer = payload_writer_new(
            route, COMPRESSION_NONE, 0, (struct payload_limits){ 0, 100, 100 },
            (struct payload_frame){ .head = SLICE("") }, time(NULL), push_emitted, &rig.outbox);

        struct delivery_ledger *ledger = &rig.ledgers[payload_route_door(route)];
        uint64_t before = ledger->delivered.payloads;

        payload_writer_add(writer, "{}", 2, 1);
        payload_writer_end(writer);
        wait_counter(&rig, &ledger->delivered.payloads, before + 1);
        const struct fake_request *request = fake_intake_request(rig.fake, (size_t)route);

        assert_string_equal(request->path, payload_route_path(route));
        assert_string_equal(fake_request_header(request, "content-type"),
                            payload_route_content_type(route));
        assert_null(fake_request_header(request, "content-encoding"));
        bool has_version = fake_request_header(request, "dd-agent-payload") != NULL;

        assert_true(has_version == payload_route_is_protobuf(route));
    }
    assert_int_equal(rig.ledgers[0].accepted.payloads, ROUTE_COUNT - 1);
    assert_int_equal(rig.ledgers[1].accepted.payloads, 1);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void what_is_refused_is_dropped_and_counted_by_status(void **state)
{
    static const struct fake_answer answers[] = { { .status = 400 }, { .status = 413 } };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    fake_intake_script(rig.fake, answers, 2);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.refused[REFUSED_400].points, 2);
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.refused[REFUSED_413].points, 2);
    push(&rig, 3);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    assert_int_equal(fake_intake_count(rig.fake), 3);
    assert_int_equal(rig.ledger.retries, 0);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void everything_else_is_tried_again(void **state)
{
    static char long_text[INTAKE_ANSWER_MAX + 1];
    static const struct {
        struct fake_answer answer;
        enum intake_error error;
        const char *why;
    } cases[] = {
        { { .status = 500 }, ERROR_HTTP, "broken" },
        { { .status = 503 }, ERROR_HTTP, "busy" },
        { { .status = 404 }, ERROR_HTTP, "not found, as the Agent" },
        { { .status = 429 }, ERROR_HTTP, "too many" },
        { { .status = 302 }, ERROR_HTTP, "redirects are not followed" },
        { { .trick = FAKE_RESET }, ERROR_RESET, "connection lost" },
        { { .body = long_text }, ERROR_HTTP, "202, and a body that goes on" },
        { { .retry_after = long_text }, ERROR_HTTP, "202, and a header that goes on" },
        { { .status = 400, .body = long_text },
          ERROR_HTTP,
          "refused with a body that goes on" },
    };
    (void)state;

    memset(long_text, 'x', sizeof long_text - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct rig rig;
        const struct fake_answer twice[] = { cases[i].answer, cases[i].answer };

        rig_open(&rig);
        fake_intake_script(rig.fake, twice, 2);
        rig_start(&rig);
        push(&rig, 7);
        wait_counter(&rig, &rig.ledger.delivered.points, 2);
        assert_int_equal(rig.ledger.retries, 2);
        if (rig.ledger.errors[cases[i].error] != 2)
            fail_msg("%s", cases[i].why);
        assert_int_equal(fake_intake_count(rig.fake), 3);
        assert_true(value_in(&rig, 2) == 7);
        assert_true(rig_stop(&rig, 60000));
        rig_close(&rig);
    }
}

static void an_answer_within_the_bound_is_taken(void **state)
{
    static char text[INTAKE_ANSWER_MAX - 1024];
    static const struct fake_answer answer = { .body = text };
    static struct rig rig;
    (void)state;

    memset(text, 'x', sizeof text - 1);
    rig_open(&rig);
    fake_intake_script(rig.fake, &answer, 1);
    rig_start(&rig);
    push(&rig, 1);
    push(&rig, 2); /* the count begins anew with each answer */
    wait_counter(&rig, &rig.ledger.delivered.points, 4);
    assert_int_equal(rig.ledger.retries, 0);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void an_intake_that_hangs_times_out_and_is_tried_again(void **state)
{
    static const struct fake_answer hang = { .trick = FAKE_HANG };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.timeout_ms = 1000; /* the second try has to be answered within it */
    fake_intake_script(rig.fake, &hang, 1);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.errors[ERROR_TIMEOUT], 1);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void an_intake_that_is_not_there_is_tried_until_it_is(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.base_url = "http://127.0.0.1:1";
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.errors[ERROR_CONNECT], 3);
    assert_int_equal(rig.ledger.queued.points, 2);
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledger.shed[UNSENT_STOPPED].points, 2);
    rig_close(&rig);
}

static void stopping_tries_at_once_what_was_told_to_wait(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.retries, 1);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(fake_intake_count(rig.fake), 2);
    assert_int_equal(rig.ledger.delivered.points, 2);
    rig_close(&rig);
}

static void after_an_outage_the_newest_goes_first(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 1;
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.retries, 1);
    push(&rig, 2);
    push(&rig, 3);
    wait_counter(&rig, &rig.ledger.accepted.payloads, 3);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.payloads, 3);
    assert_true(value_in(&rig, 1) == 3);
    assert_true(value_in(&rig, 2) == 2);
    assert_true(value_in(&rig, 3) == 1);
    rig_close(&rig);
}

static void a_full_queue_sheds_the_oldest(void **state)
{
    enum { PUSHED = 100 };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 1;
    rig.config.queue_bytes = 2000;
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    push(&rig, 0);
    wait_counter(&rig, &rig.ledger.retries, 1);
    for (int i = 1; i < PUSHED; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledger.accepted.payloads, PUSHED);
    wait_counter(&rig, &rig.ledger.shed[UNSENT_QUEUE_FULL].payloads, PUSHED / 2);
    assert_true(rig_stop(&rig, 60000));
    size_t sent = rig.ledger.delivered.payloads;

    assert_in_range(sent, 2, PUSHED / 2);
    assert_int_equal(sent + rig.ledger.shed[UNSENT_QUEUE_FULL].payloads, PUSHED);
    for (size_t i = 0; i < sent; i++)
        assert_true(value_in(&rig, 1 + i) == (double)(PUSHED - 1 - i));
    rig_close(&rig);
}

static void stopping_gives_up_early_when_nothing_could_be_sent_in_time(void **state)
{
    const struct fake_answer answers[] = { come_back_later, come_back_later };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    fake_intake_script(rig.fake, answers, 2);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.retries, 1);
    /* An hour: the test would never end if it were waited for. */
    assert_true(rig_stop(&rig, 3000000));
    assert_int_equal(fake_intake_count(rig.fake), 2);
    assert_int_equal(rig.ledger.shed[UNSENT_STOPPED].points, 2);
    rig_close(&rig);
}

static void what_is_in_flight_at_the_deadline_is_shed(void **state)
{
    static const struct fake_answer hang[] = { { .trick = FAKE_HANG }, { .trick = FAKE_HANG } };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 2;
    fake_intake_script(rig.fake, hang, 2);
    rig_start(&rig);
    for (int i = 0; i < 5; i++)
        push(&rig, i);
    assert_true(fake_intake_wait(rig.fake, 2));
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledger.shed[UNSENT_STOPPED].points, 10);
    rig_close(&rig);
}

static void no_more_than_allowed_are_in_flight(void **state)
{
    struct fake_answer hang[8] = { 0 };
    static struct rig rig;
    (void)state;

    for (int i = 0; i < 8; i++)
        hang[i].trick = FAKE_HANG;
    rig_open(&rig);
    rig.config.concurrent = 2;
    fake_intake_script(rig.fake, hang, 8);
    rig_start(&rig);
    for (int i = 0; i < 8; i++)
        push(&rig, i);
    for (size_t i = 2; i <= 8; i += 2) {
        assert_true(fake_intake_wait(rig.fake, i));
        fake_intake_release(rig.fake);
    }
    wait_counter(&rig, &rig.ledger.delivered.payloads, 8);
    assert_int_equal(fake_intake_most_hanging(rig.fake), 2);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void without_an_intake_payloads_are_counted_and_gone(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.base_url = NULL;
    rig_start(&rig);
    push(&rig, 1);
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.discarded_local.points, 4);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.discarded_local.payloads, 2);
    rig_close(&rig);
}

static void stopping_sends_what_was_just_pushed(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig_start(&rig);
    for (int i = 0; i < 50; i++)
        push(&rig, i);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.payloads, 50);
    rig_close(&rig);
}

static void a_setting_that_makes_no_sense_does_not_start(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.base_url = "http://not a host";
    assert_null(delivery_start(&rig.config, &rig.outbox, rig.ledgers));
    rig.config.base_url = "http://127.0.0.1";
    rig.config.api_key = "two\nlines";
    assert_null(delivery_start(&rig.config, &rig.outbox, rig.ledgers));
    rig_close(&rig);
}

/* ---- too large, bad, forbidden ----------------------------------------- */

/* One payload of n series, one point each, with the values 0 to n - 1. */
static void push_series(struct rig *rig, int n)
{
    struct bytes item = { 0 };
    struct payload_writer *writer = payload_writer_new(
        ROUTE_SERIES_V2, COMPRESSION_ZSTD, 1, (struct payload_limits){ 0, 1 << 20, 1 << 20 },
        encode_frame(ROUTE_SERIES_V2), time(NULL), push_emitted, &rig->outbox);

    for (int i = 0; i < n; i++) {
        struct point point = { 1700000000, i };
        struct series series = { .id = { .metric = SLICE("m"), .host = SLICE("h1") },
                                 .type = SERIES_GAUGE,
                                 .points = &point,
                                 .n_points = 1 };

        bytes_clear(&item);
        encode_series_v2(&item, &series);
        assert_int_equal(payload_writer_add(writer, item.at, item.len, 1), PAYLOAD_ADDED);
    }
    payload_writer_end(writer);
    bytes_free(&item);
}

static void what_is_too_large_is_split_and_only_a_single_series_dropped(void **state)
{
    /* The whole; its newer half; one of that; the other of that; the older half. */
    static const struct fake_answer answers[] = { { .status = 413 },
                                                  { .status = 413 },
                                                  { .status = 413 },
                                                  { .status = 202 },
                                                  { .status = 202 } };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 1;
    fake_intake_script(rig.fake, answers, 5);
    rig_start(&rig);
    push_series(&rig, 4);
    wait_counter(&rig, &rig.ledger.delivered.points, 3);
    assert_int_equal(rig.ledger.refused[REFUSED_413].points, 1);
    assert_int_equal(rig.ledger.split.payloads, 2);
    assert_int_equal(rig.ledger.retries, 0);
    assert_int_equal(fake_intake_count(rig.fake), 5);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void check_letter(void *argument, const char *path)
{
    char text[4096];
    FILE *file = fopen(path, "rb");
    size_t len = fread(text, 1, sizeof text - 1, file);

    (void)argument;
    fclose(file);
    text[len] = '\0';
    assert_non_null(strstr(text, "status: 400\nanswer: bad thing from ****"));
    assert_non_null(strstr(text, "route: /api/v2/series\n"));
    assert_null(strstr(text, api_key));
}

static void what_is_bad_is_kept_with_the_answer_and_without_the_key(void **state)
{
    static const struct fake_answer bad = {
        .status = 400, .body = "bad thing from 0123456789abcdef0123456789abcdef"
    };
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    temp_folder_make(folder);
    rig_open(&rig);
    rig.config.dead_letter_path = folder;
    fake_intake_script(rig.fake, &bad, 1);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.refused[REFUSED_400].points, 2);
    assert_int_equal(rig.ledger.dead_letters, 1);
    assert_int_equal(each_file(folder, ".letter", check_letter, NULL), 1);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void dead_letters_are_bounded(void **state)
{
    static struct fake_answer bad[150];
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    for (int i = 0; i < 150; i++)
        bad[i].status = 400;
    temp_folder_make(folder);
    rig_open(&rig);
    rig.config.dead_letter_path = folder;
    fake_intake_script(rig.fake, bad, 150);
    rig_start(&rig);
    for (int i = 0; i < 150; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledger.refused[REFUSED_400].payloads, 150);
    assert_int_equal(each_file(folder, ".letter", NULL, NULL), 100);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void while_the_key_is_refused_only_the_key_is_asked_about(void **state)
{
    static const struct fake_answer answers[] = {
        { .status = 403 }, { .status = 403 }, { .status = 403 }, { .status = 200 }
    };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 1;
    fake_intake_script(rig.fake, answers, 4);
    rig_start(&rig);
    push(&rig, 7);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    assert_int_equal(rig.ledger.retries, 1);
    assert_int_equal(rig.ledger.key, KEY_VALID);
    for (size_t i = 1; i < 4; i++) {
        const struct fake_request *asked = fake_intake_request(rig.fake, i);

        assert_string_equal(asked->path, "/api/v1/validate");
        assert_string_equal(fake_request_header(asked, "dd-api-key"), api_key);
    }
    assert_true(value_in(&rig, 4) == 7);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void a_wrong_key_is_found_at_the_start(void **state)
{
    static const struct fake_answer forbidden = { .status = 403 };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.validation_interval_ms = 3600000;
    fake_intake_script(rig.fake, &forbidden, 1);
    rig_start(&rig);
    assert_true(fake_intake_wait(rig.fake, 1));
    push(&rig, 1); /* the key is put right meanwhile */
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void a_new_key_is_tried_at_once_with_what_was_held(void **state)
{
    static const struct fake_answer answers[] = { { .status = 403 }, { .status = 403 } };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 1;
    rig.config.backoff.base_ms = rig.config.backoff.max_ms = 3600000;
    fake_intake_script(rig.fake, answers, 1);
    rig_start(&rig);
    push(&rig, 7);
    wait_counter(&rig, &rig.ledger.retries, 1);
    rig.config.api_key = "another-key";
    rig.config.backoff.base_ms = rig.config.backoff.max_ms = 1;
    assert_true(delivery_follow(rig.delivery, &rig.config));
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    assert_string_equal(fake_request_header(fake_intake_request(rig.fake, 1), "dd-api-key"),
                        "another-key");
    assert_true(value_in(&rig, 1) == 7);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void a_request_under_way_keeps_its_key(void **state)
{
    static const struct fake_answer hang = { .trick = FAKE_HANG };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.concurrent = 2;
    fake_intake_script(rig.fake, &hang, 1);
    rig_start(&rig);
    push(&rig, 1);
    assert_true(fake_intake_wait(rig.fake, 1));
    rig.config.api_key = "another-key";
    for (int i = 0; i < 3; i++) /* the last one counts */
        assert_true(delivery_follow(rig.delivery, &rig.config));
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    fake_intake_release(rig.fake);
    wait_counter(&rig, &rig.ledger.delivered.points, 4);
    assert_string_equal(fake_request_header(fake_intake_request(rig.fake, 0), "dd-api-key"),
                        api_key);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

static void other_targets_are_not_followed(void **state)
{
    struct delivery_target more = { "http://127.0.0.1:1", api_key, DOOR_METRICS };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig_start(&rig);
    rig.config.more = &more;
    rig.config.n_more = 1;
    assert_false(delivery_follow(rig.delivery, &rig.config));
    rig.config.n_more = 0;
    assert_true(delivery_follow(rig.delivery, &rig.config)); /* and stopped at once */
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

/* ---- two endpoints ----------------------------------------------------- */

static void a_dead_endpoint_does_not_slow_a_live_one(void **state)
{
    struct delivery_target dead = { "http://127.0.0.1:1", api_key, DOOR_METRICS };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig.config.more = &dead;
    rig.config.n_more = 1;
    rig.config.concurrent = 1;
    rig_start(&rig);
    for (int i = 0; i < 20; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledgers[0].delivered.payloads, 20);
    wait_counter(&rig, &rig.ledgers[1].errors[ERROR_CONNECT], 2);
    assert_int_equal(rig.ledgers[1].queued.payloads, 20);
    assert_int_equal(rig.ledgers[0].errors[ERROR_CONNECT], 0);
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledgers[1].shed[UNSENT_STOPPED].payloads, 20);
    rig_close(&rig);
}

static void every_key_gets_every_payload(void **state)
{
    struct delivery_target second = { NULL, "another key", DOOR_METRICS };
    size_t n[2] = { 0 };
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    second.base_url = fake_intake_url(rig.fake);
    rig.config.more = &second;
    rig.config.n_more = 1;
    rig_start(&rig);
    for (int i = 0; i < 10; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledgers[0].delivered.payloads, 10);
    wait_counter(&rig, &rig.ledgers[1].delivered.payloads, 10);
    for (size_t i = 0; i < 20; i++)
        n[strcmp(fake_request_header(fake_intake_request(rig.fake, i), "dd-api-key"),
                 api_key) == 0]++;
    assert_int_equal(n[0], 10);
    assert_int_equal(n[1], 10);
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
}

/* ---- the spool --------------------------------------------------------- */

static void use_spool(struct rig *rig, const char *folder)
{
    rig->config.spool = (struct delivery_spool){ folder, 1 << 24, 1.0, 0 };
}

static void forget(void *argument, const char *path)
{
    char text[8192];
    FILE *file = fopen(path, "rb");
    size_t len = fread(text, 1, sizeof text, file);

    (void)argument;
    fclose(file);
    assert_null(memmem(text, len, api_key, strlen(api_key)));
}

static void what_a_dead_intake_did_not_take_is_sent_after_a_restart(void **state)
{
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    temp_folder_make(folder);
    rig_open(&rig);
    use_spool(&rig, folder);
    rig.config.backoff.base_ms = rig.config.backoff.max_ms = 3600000;
    rig.config.concurrent = 1;
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    for (int i = 0; i < 10; i++)
        push(&rig, i);
    /* At once, not only at the stop: it might be killed. */
    wait_counter(&rig, &rig.ledger.spooled.payloads, 10);
    assert_int_equal(each_file(folder, ".payload", forget, NULL), 10);
    assert_int_equal(rig.ledger.queued.points, 0);
    assert_int_equal(rig.ledger.queued_bytes, 0);
    fake_intake_script(rig.fake, &come_back_later, 1);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.spooled.points, 20);
    assert_int_equal(delivery_shed_points(&rig.ledger), 0);

    rig.ledger = (struct delivery_ledger){ 0 };
    rig_start(&rig);
    wait_counter(&rig, &rig.ledger.delivered.payloads, 10);
    assert_int_equal(rig.ledger.recovered.points, 20);
    assert_int_equal(rig.ledger.spooled.points, 0);
    assert_int_equal(each_file(folder, ".payload", NULL, NULL), 0);
    for (size_t i = 0; i < 10; i++)
        assert_true(value_in(&rig, 2 + i) == (double)(9 - i));
    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void what_is_in_flight_at_the_deadline_goes_to_the_spool(void **state)
{
    static const struct fake_answer hang[] = { { .trick = FAKE_HANG }, { .trick = FAKE_HANG } };
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    temp_folder_make(folder);
    rig_open(&rig);
    use_spool(&rig, folder);
    rig.config.concurrent = 2;
    fake_intake_script(rig.fake, hang, 2);
    rig_start(&rig);
    for (int i = 0; i < 5; i++)
        push(&rig, i);
    assert_true(fake_intake_wait(rig.fake, 2));
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledger.spooled.points, 10);
    assert_int_equal(each_file(folder, ".payload", NULL, NULL), 5);
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void a_full_spool_sheds_its_oldest(void **state)
{
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    temp_folder_make(folder);
    rig_open(&rig);
    use_spool(&rig, folder);
    rig.config.spool.max_bytes = 3 * 4096;
    rig.config.concurrent = 1;
    rig.config.backoff.base_ms = rig.config.backoff.max_ms = 3600000;
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    for (int i = 0; i < 10; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledger.shed[UNSENT_SPOOL_FULL].payloads, 7);
    wait_counter(&rig, &rig.ledger.spooled.payloads, 3); /* the last one takes its place */
    assert_true(rig_stop(&rig, 60000)); /* healthy again: what is left is sent */
    assert_int_equal(rig.ledger.delivered.payloads, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(value_in(&rig, 1 + i) == (double)(9 - i));
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void remove_file(void *argument, const char *path)
{
    (void)argument;
    unlink(path);
}

static void damage_file(void *argument, const char *path)
{
    FILE *file = fopen(path, "r+b");

    (void)argument;
    fseek(file, -1, SEEK_END);
    fputc('!', file);
    fclose(file);
}

static void files_that_are_lost_or_damaged_are_counted_and_the_rest_sent(void **state)
{
    static const struct {
        void (*harm)(void *, const char *);
        enum delivery_shed shed;
    } cases[] = { { remove_file, UNSENT_SPOOL_LOST }, { damage_file, UNSENT_SPOOL_DAMAGED } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[TEMP_PATH_SIZE];
        static struct rig rig;

        temp_folder_make(folder);
        rig_open(&rig);
        use_spool(&rig, folder);
        rig.config.concurrent = 1;
        rig.config.backoff.base_ms = rig.config.backoff.max_ms = 3600000;
        fake_intake_script(rig.fake, &come_back_later, 1);
        rig_start(&rig);
        for (int k = 0; k < 3; k++)
            push(&rig, k);
        wait_counter(&rig, &rig.ledger.spooled.payloads, 3);
        each_file(folder, ".payload", cases[i].harm, NULL);
        push(&rig, 3);
        wait_counter(&rig, &rig.ledger.spooled.payloads, 4);
        assert_true(rig_stop(&rig, 60000));
        assert_int_equal(rig.ledger.shed[cases[i].shed].payloads, 3);
        assert_int_equal(rig.ledger.delivered.payloads, 1);
        rig_close(&rig);
        temp_folder_remove(folder);
    }
}

static void a_folder_that_was_deleted_is_made_again(void **state)
{
    char folder[TEMP_PATH_SIZE];
    static struct rig rig;
    (void)state;

    temp_folder_make(folder);
    rig_open(&rig);
    use_spool(&rig, folder);
    rig.config.concurrent = 1;
    rig.config.backoff.base_ms = rig.config.backoff.max_ms = 3600000;
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    push(&rig, 0);
    wait_counter(&rig, &rig.ledger.spooled.payloads, 1);
    temp_folder_remove(folder);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.spooled.payloads, 2);
    assert_int_equal(each_file(folder, ".payload", NULL, NULL), 1);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.payloads, 1);
    assert_int_equal(rig.ledger.shed[UNSENT_SPOOL_LOST].payloads, 1);
    rig_close(&rig);
    temp_folder_remove(folder);
}

static void without_a_folder_memory_goes_on_alone(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    use_spool(&rig, "/proc/heeler");
    fake_intake_script(rig.fake, &come_back_later, 1);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.retries, 1);
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.queued.payloads, 2);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.payloads, 2);
    rig_close(&rig);
}

static void what_comes_over_an_hour_late_is_counted_apart(void **state)
{
    static struct rig rig;
    (void)state;

    rig_open(&rig);
    rig_start(&rig);
    struct payload_writer *writer = payload_writer_new(
        ROUTE_CHECKS, COMPRESSION_NONE, 0, (struct payload_limits){ 0, 100, 100 },
        encode_frame(ROUTE_CHECKS), time(NULL) - 3700, push_emitted, &rig.outbox);

    payload_writer_add(writer, "{}", 2, 1);
    payload_writer_end(writer);
    wait_counter(&rig, &rig.ledger.delivered_stale.points, 1);
    assert_true(rig_stop(&rig, 60000));
    assert_int_equal(rig.ledger.delivered.points, 0);
    rig_close(&rig);
}

/* ---- the log ----------------------------------------------------------- */

static void the_wrong_key_is_said_once_and_never_shown(void **state)
{
    static const char echo[] = "no such key 0123456789abcdef0123456789abcdef";
    const struct fake_answer answers[] = { { .status = 403, .body = echo },
                                           { .status = 403, .body = echo }, /* the question */
                                           { .status = 200 },
                                           { .status = 202 },
                                           { .status = 400, .body = echo } };
    static struct rig rig;
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    char text[8192];
    (void)state;

    rig_open(&rig);
    fake_intake_script(rig.fake, answers, 5);
    dup2(fileno(file), STDERR_FILENO);
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.delivered.points, 2);
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.refused[REFUSED_400].points, 2);
    bool stopped = rig_stop(&rig, 60000);

    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_true(stopped);
    assert_null(strstr(text, api_key));
    const char *said = strstr(text, "API key ***cdef");

    assert_non_null(said);
    assert_null(strstr(said + 1, "API key ***cdef"));
    assert_non_null(strstr(text, "takes payloads again"));
    assert_non_null(strstr(text, "with 400: no such key ****"));
    rig_close(&rig);
}

/* ---- a name server that hangs ------------------------------------------ */

static pthread_mutex_t lookup_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t lookup_changed = PTHREAD_COND_INITIALIZER;
static int lookups_hanging;
static bool lookups_released;

/* Stands before the library's: names that begin with "hang." are never found. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    if (node != NULL && strncmp(node, "hang.", 5) == 0) {
        pthread_mutex_lock(&lookup_mutex);
        lookups_hanging++;
        pthread_cond_broadcast(&lookup_changed);
        while (!lookups_released)
            pthread_cond_wait(&lookup_changed, &lookup_mutex);
        lookups_hanging--;
        pthread_cond_broadcast(&lookup_changed);
        pthread_mutex_unlock(&lookup_mutex);
        return EAI_FAIL;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, result);
}

static void end_lookups(void *mutex)
{
    pthread_mutex_lock(mutex);
    lookups_released = true;
    pthread_cond_broadcast(&lookup_changed);
    while (lookups_hanging > 0)
        pthread_cond_wait(&lookup_changed, &lookup_mutex);
    lookups_released = false;
    pthread_mutex_unlock(mutex);
}

static void release_lookups(void)
{
    undo_forget(&lookup_mutex);
    pthread_mutex_lock(&lookup_mutex);
    bool hang = lookups_hanging > 0;

    pthread_mutex_unlock(&lookup_mutex);
    end_lookups(&lookup_mutex);
    assert_true(hang);
}

static void stopping_does_not_wait_for_a_name_server(void **state)
{
    static struct rig rig;
    (void)state;

    undo_later(end_lookups, &lookup_mutex);
    rig_open(&rig);
    rig.config.base_url = "http://hang.invalid";
    rig.config.timeout_ms = 1000;
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.errors[ERROR_TIMEOUT], 2);
    push(&rig, 2);
    /* The look-ups are released only afterwards: returning is the test. */
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledger.shed[UNSENT_STOPPED].points, 4);

    release_lookups();
    rig_close(&rig);
}

/* Nothing is released before the live one has all: that it does is the test. */
static void a_name_that_hangs_stalls_only_its_own_endpoint(void **state)
{
    struct delivery_target hanging = { "http://hang.invalid", api_key, DOOR_METRICS };
    static struct rig rig;
    (void)state;

    undo_later(end_lookups, &lookup_mutex);
    rig_open(&rig);
    rig.config.more = &hanging;
    rig.config.n_more = 1;
    rig.config.timeout_ms = 1000;
    rig_start(&rig);
    push(&rig, 0);
    wait_counter(&rig, &rig.ledgers[1].errors[ERROR_TIMEOUT], 2);
    for (int i = 1; i < 20; i++)
        push(&rig, i);
    wait_counter(&rig, &rig.ledgers[0].delivered.payloads, 20);
    assert_int_equal(rig.ledgers[1].queued.payloads, 20);
    assert_true(rig_stop(&rig, 1000));
    assert_int_equal(rig.ledgers[1].shed[UNSENT_STOPPED].payloads, 20);
    release_lookups();
    rig_close(&rig);
}

/* ---- the age of a connection ------------------------------------------- */

static _Atomic(int64_t) ahead_s; /* of all clocks, for the rest of the process */

int clock_gettime(clockid_t id, struct timespec *out)
{
    long result = syscall(SYS_clock_gettime, id, out);

    out->tv_sec += atomic_load(&ahead_s);
    return (int)result;
}

/* Of the same connection? The second request comes a minute later. */
static bool is_used_again(int64_t reset_s)
{
    static struct rig rig;

    rig_open(&rig);
    rig.config.reset_s = reset_s;
    rig_start(&rig);
    push(&rig, 1);
    wait_counter(&rig, &rig.ledger.delivered.payloads, 1);
    atomic_fetch_add(&ahead_s, 60);
    push(&rig, 2);
    wait_counter(&rig, &rig.ledger.delivered.payloads, 2);
    bool same =
        fake_intake_request(rig.fake, 0)->port == fake_intake_request(rig.fake, 1)->port;

    assert_true(rig_stop(&rig, 60000));
    rig_close(&rig);
    return same;
}

static void a_connection_that_is_too_old_is_given_up(void **state)
{
    (void)state;

    assert_true(is_used_again(0));
    assert_true(is_used_again(90));
    assert_false(is_used_again(30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_tried_at_once_with_what_was_held),
        cmocka_unit_test(a_request_under_way_keeps_its_key),
        cmocka_unit_test(other_targets_are_not_followed),
        cmocka_unit_test(a_payload_arrives_whole_with_the_agents_headers),
        cmocka_unit_test(every_route_has_its_own_path_and_type),
        cmocka_unit_test(what_is_refused_is_dropped_and_counted_by_status),
        cmocka_unit_test(everything_else_is_tried_again),
        cmocka_unit_test(an_answer_within_the_bound_is_taken),
        cmocka_unit_test(an_intake_that_hangs_times_out_and_is_tried_again),
        cmocka_unit_test(an_intake_that_is_not_there_is_tried_until_it_is),
        cmocka_unit_test(stopping_tries_at_once_what_was_told_to_wait),
        cmocka_unit_test(after_an_outage_the_newest_goes_first),
        cmocka_unit_test(a_full_queue_sheds_the_oldest),
        cmocka_unit_test(stopping_gives_up_early_when_nothing_could_be_sent_in_time),
        cmocka_unit_test(what_is_in_flight_at_the_deadline_is_shed),
        cmocka_unit_test(no_more_than_allowed_are_in_flight),
        cmocka_unit_test(without_an_intake_payloads_are_counted_and_gone),
        cmocka_unit_test(stopping_sends_what_was_just_pushed),
        cmocka_unit_test(a_setting_that_makes_no_sense_does_not_start),
        cmocka_unit_test(what_is_too_large_is_split_and_only_a_single_series_dropped),
        cmocka_unit_test(what_is_bad_is_kept_with_the_answer_and_without_the_key),
        cmocka_unit_test(dead_letters_are_bounded),
        cmocka_unit_test(while_the_key_is_refused_only_the_key_is_asked_about),
        cmocka_unit_test(a_wrong_key_is_found_at_the_start),
        cmocka_unit_test(a_dead_endpoint_does_not_slow_a_live_one),
        cmocka_unit_test(every_key_gets_every_payload),
        cmocka_unit_test(what_a_dead_intake_did_not_take_is_sent_after_a_restart),
        cmocka_unit_test(what_is_in_flight_at_the_deadline_goes_to_the_spool),
        cmocka_unit_test(a_full_spool_sheds_its_oldest),
        cmocka_unit_test(files_that_are_lost_or_damaged_are_counted_and_the_rest_sent),
        cmocka_unit_test(a_folder_that_was_deleted_is_made_again),
        cmocka_unit_test(without_a_folder_memory_goes_on_alone),
        cmocka_unit_test(what_comes_over_an_hour_late_is_counted_apart),
        cmocka_unit_test(the_wrong_key_is_said_once_and_never_shown),
        cmocka_unit_test(stopping_does_not_wait_for_a_name_server),
        cmocka_unit_test(a_name_that_hangs_stalls_only_its_own_endpoint),
        cmocka_unit_test(a_connection_that_is_too_old_is_given_up), /* the clocks go ahead */
    };
    patience_stretch(12); /* a stop is whether and where, and not how soon */
    return BESIDE_RUN(tests);
}
