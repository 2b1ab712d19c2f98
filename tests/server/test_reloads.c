/* Every option that a reload takes over takes effect.
 *
 * Those that change what comes out are tried on a pipeline: what follows a reload must be,
 * byte for byte, what a start with the new value makes, and not what the old value makes.
 * The others belong to loops of their own, and each has a way to be seen. An option marked
 * RELOADS or RENAMES that has no case here fails the test. One subject: the tables of these
 * cases, which are compared with the table of options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "tests/support/beside.h"
#include "tests/support/fake_intake.h"
#include "tests/support/fake_mail.h"
#include "tests/support/pipeline.h"
#include "tests/support/running.h"
#include "tests/support/temp_file.h"
#include "tests/support/udp.h"
#include "tests/support/with_settings.h"

/* ---- what comes out ---------------------------------------------------- */

#define LONG_NAME "map.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"
#define MAPPER(match, type)                                                                    \
    "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"map.\",\"mappings\":[{\"match\":" \
    "\"" match "\",\"match_type\":\"" type "\",\"name\":\"mapped\"}]}]"
#define STRIP \
    "metric_tag_filterlist=[{\"metric_name\":\"n\",\"action\":\"exclude\",\"tags\":[\"a\"]}]"
#define MANY "*" /* two hundred distributions, histograms and counters */

struct case_of_output {
    enum setting setting;
    char *set;         /* the change */
    const char *lines; /* in which it shows */
    char *before;      /* a setting of both, or NULL */
};

static const struct case_of_output outputs[] = {
    { SETTING_dogstatsd_tags, "dogstatsd_tags=x:1", "n:1|c", NULL },
    { SETTING_tags, "tags=x:1", "n:1|c", NULL },
    { SETTING_extra_tags, "extra_tags=x:1", "n:1|c", NULL },
    { SETTING_env, "env=x", "n:1|c", NULL },
    { SETTING_dogstatsd_mapper_profiles, MAPPER("map.*", "wildcard"), "map.x:1|c", NULL },
    { SETTING_dogstatsd_mapper_cache_size, "dogstatsd_mapper_cache_size=0",
      LONG_NAME ":1|c\n" LONG_NAME ":1|c|#a", MAPPER("map.(a+)+$", "regex") },
    { SETTING_statsd_metric_namespace, "statsd_metric_namespace=x", "n:1|c", NULL },
    { SETTING_statsd_metric_namespace_blacklist, "statsd_metric_namespace_blacklist=n", "n:1|c",
      "statsd_metric_namespace=x" },
    { SETTING_statsd_metric_blocklist, "statsd_metric_blocklist=n", "n:1|c\nm:1|c", NULL },
    { SETTING_statsd_metric_blocklist_match_prefix, "statsd_metric_blocklist_match_prefix=true",
      "nn:1|c\nm:1|c", "statsd_metric_blocklist=n" },
    { SETTING_metric_filterlist, "metric_filterlist=n", "n:1|c\nm:1|c", NULL },
    { SETTING_metric_filterlist_match_prefix, "metric_filterlist_match_prefix=true",
      "nn:1|c\nm:1|c", "metric_filterlist=n" },
    { SETTING_metric_tag_filterlist, STRIP, "n:1|d|#a:1",
      "metric_tag_filterlist_adp_only=false" },
    { SETTING_metric_tag_filterlist_adp_only, "metric_tag_filterlist_adp_only=false",
      "n:1|d|#a:1", STRIP },
    { SETTING_dogstatsd_expiry_seconds, "dogstatsd_expiry_seconds=1", "n:1|c", NULL },
    { SETTING_dogstatsd_context_expiry_seconds, "dogstatsd_context_expiry_seconds=300", "n:1|g",
      NULL },
    { SETTING_dogstatsd_no_aggregation_pipeline_batch_size,
      "dogstatsd_no_aggregation_pipeline_batch_size=1", "n:1|c|T1000\nm:1|g|T1001", NULL },
    { SETTING_histogram_aggregates, "histogram_aggregates=sum", "n:1:2|h", NULL },
    { SETTING_histogram_percentiles, "histogram_percentiles=0.5", "n:1:2:3|h", NULL },
    { SETTING_histogram_copy_to_distribution, "histogram_copy_to_distribution=true", "n:1|h",
      NULL },
    { SETTING_histogram_copy_to_distribution_prefix, "histogram_copy_to_distribution_prefix=x.",
      "n:1|h", "histogram_copy_to_distribution=true" },
    { SETTING_heeler_histogram_exact_values, "heeler_histogram_exact_values=1", "n:1:2:3|h",
      NULL },
    { SETTING_enable_payloads_series, "enable_payloads.series=false", "n:1|c", NULL },
    { SETTING_enable_payloads_events, "enable_payloads.events=false", "_e{1,1}:a|b", NULL },
    { SETTING_enable_payloads_service_checks, "enable_payloads.service_checks=false", "_sc|n|0",
      NULL },
    { SETTING_enable_payloads_sketches, "enable_payloads.sketches=false", "n:1|d", NULL },
    { SETTING_use_v2_api_series, "use_v2_api.series=false", "n:1|c", NULL },
    { SETTING_serializer_max_payload_size, "serializer_max_payload_size=1024", MANY, NULL },
    { SETTING_serializer_max_uncompressed_payload_size,
      "serializer_max_uncompressed_payload_size=1024", MANY, NULL },
    { SETTING_serializer_max_series_points_per_payload,
      "serializer_max_series_points_per_payload=1", "n:1|c\nm:1|c", NULL },
    { SETTING_serializer_max_series_payload_size, "serializer_max_series_payload_size=1024",
      MANY, NULL },
    { SETTING_serializer_max_series_uncompressed_payload_size,
      "serializer_max_series_uncompressed_payload_size=1024", MANY, NULL },
    { SETTING_serializer_compressor_kind, "serializer_compressor_kind=zlib", "n:1|c", NULL },
    { SETTING_serializer_zstd_compressor_level, "serializer_zstd_compressor_level=5", MANY,
      "serializer_compressor_kind=zstd" },
};

enum { N_OUTPUTS = sizeof outputs / sizeof outputs[0], START_S = 1000 };

static void give(struct pipeline *pipeline, double t_s, const char *lines)
{
    char line[160];

    if (strcmp(lines, MANY) != 0) {
        pipeline_line(pipeline, 0, t_s, lines);
        return;
    }
    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "n%d:%d|c|#t:%d,u:%d\nd%d:%d:%d|d|#t:%d", i, i, i * 7919,
                 i * 104729, i, i, i * i, i * 7919);
        pipeline_line(pipeline, 0, t_s, line);
    }
}

static uint64_t hash_of(const struct payload *payload)
{
    uint64_t hash = 14695981039346656037U;

    for (size_t i = 0; i < payload->size; i++)
        hash = (hash ^ payload->bytes[i]) * 1099511628211U;
    return hash;
}

/* Every payload, and what is counted beside them; owned. */
static char *describe(struct pipeline *pipeline)
{
    const struct worker_ledger *worker = &pipeline->workers[0].ledger;
    struct payload *payload = outbox_take(&pipeline->outbox);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    while (payload != NULL) {
        struct payload *next = payload->next;

        fprintf(out, "route %d compression %d points %" PRIu32 " size %zu hash %" PRIx64 "\n",
                (int)payload->route, (int)payload->compression, payload->points, payload->size,
                hash_of(payload));
        outbox_settle(&pipeline->outbox, payload);
        payload = next;
    }
    fprintf(out, "births %" PRIu64 " switched %" PRIu64 " limited %" PRIu64 "\n",
            counter_read(&worker->births),
            counter_read(&worker->histograms_switched) +
                counter_read(&pipeline->ledger.histograms_switched),
            counter_read(&pipeline->ledger.mapper_limited));
    fclose(out);
    return text;
}

/* Followed from the end of the interval that is open now. */
static void follow(struct pipeline *pipeline, const struct settings *fresh, bool renames)
{
    char problem[512];
    struct rules *rules = rules_new(fresh, "h", &pipeline->ledger, problem, sizeof problem);

    if (rules == NULL)
        fail_msg("%s", problem);
    rules->naming = renames;
    table_follow(pipeline->workers[0].table, rules,
                 (uint32_t)((fresh->dogstatsd_context_expiry_seconds + 9) / 10));
}

/* The pipeline starts with `set`, or follows `later` before anything came; NULL: neither. */
static char *output_of(const struct case_of_output *one, char *set, char *later)
{
    char *sets[8] = { PIPELINE_SETS };
    struct settings fresh = { 0 };
    size_t n = 3;

    if (one->before != NULL)
        sets[n++] = one->before;
    if (set != NULL)
        sets[n++] = set;
    struct pipeline *pipeline = pipeline_new(1, START_S, sets, n);
    if (later != NULL) {
        sets[n++] = later;
        assert_true(with_settings(&fresh, sets, n));
        follow(pipeline, &fresh, options[one->setting].change == OPTION_RENAMES);
    }
    /* The encoder follows when the first interval under the new rules is sent. */
    pipeline_flush(pipeline, START_S + 20);
    free(describe(pipeline));
    give(pipeline, START_S + 21, one->lines);
    give(pipeline, START_S + 75, one->lines);
    pipeline_flush(pipeline, START_S + 85);
    pipeline_finish(pipeline);
    char *text = describe(pipeline);
    pipeline_free(pipeline);
    settings_free(&fresh);
    return text;
}

static void what_comes_out_follows_a_reload(void **state)
{
    (void)state;

    for (size_t i = 0; i < N_OUTPUTS; i++) {
        char *old = output_of(&outputs[i], NULL, NULL);
        char *fresh = output_of(&outputs[i], outputs[i].set, NULL);
        char *followed = output_of(&outputs[i], NULL, outputs[i].set);

        if (strcmp(old, fresh) == 0)
            fail_msg("%s: does not show:\n%s", outputs[i].set, old);
        if (strcmp(fresh, followed) != 0)
            fail_msg("%s:\n%sis not\n%s", outputs[i].set, followed, fresh);
        free(old);
        free(fresh);
        free(followed);
    }
}

/* ---- the loops --------------------------------------------------------- */

/* A server and its intake; ended, and undone when a test fails. */
struct rig {
    struct running running;
    struct fake_intake *fake;
    char url[96];
    int fd;
};

static bool reload(struct rig *rig, char *set)
{
    struct reload out = { .problems = { .n_unlisted = 0 } };

    running_set(&rig->running, set);
    bool done = server_reload(rig->running.server, &out, "test");
    reload_free(&out);
    return done;
}

/* With two settings of the case's own. */
static void start(struct rig *rig, char *one, char *other)
{
    memset(rig, 0, sizeof *rig);
    rig->fake = fake_intake_start();
    snprintf(rig->url, sizeof rig->url, "dd_url=%s", fake_intake_url(rig->fake));
    bool started = RUNNING_START(&rig->running, NULL, rig->url, "api_key=first",
                                 "heeler_interval=1", one, other);
    assert_true(started);
    rig->fd = udp_sender(running_listener(&rig->running, 0));
}

static void end(struct rig *rig)
{
    assert_true(running_stop(&rig->running));
    close(rig->fd);
    running_free(&rig->running);
    fake_intake_stop(rig->fake);
}

/* Until the condition holds, sending an event each time that the last one has arrived. */
static bool until(struct rig *rig, bool (*holds)(struct rig *rig))
{
    int64_t deadline_ns = clock_monotonic_ns() + INT64_C(60000000000);
    struct server_view view;
    uint64_t sent = 0;

    while (!holds(rig)) {
        if (clock_monotonic_ns() > deadline_ns)
            return false;
        server_view(rig->running.server, &view);
        if (running_datagrams(&view, sent)) {
            udp_send(rig->fd, "_e{1,1}:a|b");
            sent++;
        }
        (void)running_until(&rig->running, running_snapshots,
                            counter_read(&view.flusher_ledger->snapshots) + 1);
    }
    return true;
}

static size_t requests_with_key(struct rig *rig, const char *key)
{
    size_t n = 0;

    for (size_t i = 0; i < fake_intake_count(rig->fake); i++) {
        const char *found =
            fake_request_header(fake_intake_request(rig->fake, i), "dd-api-key");

        n += found != NULL && strcmp(found, key) == 0;
    }
    return n;
}

static bool second_key_is_used(struct rig *rig)
{
    return requests_with_key(rig, "second") > 0;
}

static void keys_follow(struct rig *rig)
{
    start(rig, "env=", "tags=");
    assert_true(reload(rig, "api_key=second"));
    assert_true(until(rig, second_key_is_used));
    end(rig);
}

static void key_of_the_file_follows(struct rig *rig)
{
    char path[TEMP_PATH_SIZE], set[TEMP_PATH_SIZE + 32];

    temp_file_write(path, "first\n", strlen("first\n"));
    snprintf(set, sizeof set, "heeler_api_key_file=%s", path);
    start(rig, set, "api_key=");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("second\n", file);
    fclose(file);
    assert_true(reload(rig, "env="));
    unlink(path);
    assert_true(until(rig, second_key_is_used));
    end(rig);
}

static void more_keys_follow(struct rig *rig)
{
    struct fake_intake *other = fake_intake_start();
    char first[160], second[160];

    snprintf(first, sizeof first, "additional_endpoints={\"%s\":[\"a\"]}",
             fake_intake_url(other));
    snprintf(second, sizeof second, "additional_endpoints={\"%s\":[\"second\"]}",
             fake_intake_url(other));
    start(rig, first, "env=");
    assert_true(reload(rig, second));
    struct fake_intake *main_one = rig->fake;
    rig->fake = other;
    assert_true(until(rig, second_key_is_used));
    rig->fake = main_one;
    end(rig);
    fake_intake_stop(other);
}

/* The one event is sent, answered 503 and tried again, or not for an hour. */
static void is_tried_again(struct rig *rig, struct fake_answer first, char *one, char *other,
                           char *change)
{
    start(rig, one, other);
    fake_intake_script(rig->fake, &first, 1);
    assert_true(reload(rig, change));
    udp_send(rig->fd, "_e{1,1}:a|b");
    assert_true(fake_intake_wait(rig->fake, 2));
    fake_intake_release(rig->fake);
    end(rig);
}

static void base_of_backoff_follows(struct rig *rig)
{
    is_tried_again(rig, (struct fake_answer){ .status = 503 }, "forwarder_backoff_base=3600",
                   "forwarder_backoff_max=3600", "forwarder_backoff_base=0.001");
}

static void bound_of_backoff_follows(struct rig *rig)
{
    is_tried_again(rig, (struct fake_answer){ .status = 503 }, "forwarder_backoff_base=3600",
                   "forwarder_backoff_max=3600", "forwarder_backoff_max=0.001");
}

static void time_of_requests_follows(struct rig *rig)
{
    is_tried_again(rig, (struct fake_answer){ .trick = FAKE_HANG }, "forwarder_timeout=3600",
                   "forwarder_backoff_max=0.001", "forwarder_timeout=1");
}

static bool queue_is_full(struct rig *rig)
{
    struct server_view view;

    server_view(rig->running.server, &view);
    return atomic_load(&view.delivery_ledger->shed[UNSENT_QUEUE_FULL].points) > 0;
}

static void bound_of_queue_follows(struct rig *rig)
{
    static const struct fake_answer away = { .status = 503 };

    start(rig, "forwarder_backoff_base=3600", "forwarder_backoff_max=3600");
    fake_intake_script(rig->fake, &away, 1);
    assert_true(reload(rig, "forwarder_retry_queue_payloads_max_size=0"));
    assert_true(until(rig, queue_is_full));
    end(rig);
}

static bool key_was_asked_about(struct rig *rig)
{
    for (size_t i = 0; i < fake_intake_count(rig->fake); i++)
        if (strstr(fake_intake_request(rig->fake, i)->path, "validate") != NULL)
            return true;
    return false;
}

static void questions_about_keys_follow(struct rig *rig)
{
    start(rig, "env=", "tags=");
    assert_true(reload(rig, "forwarder_apikey_validation_interval=525600"));
    assert_true(until(rig, key_was_asked_about));
    end(rig);
}

static bool two_connections(struct rig *rig)
{
    size_t n = fake_intake_count(rig->fake);

    return n >= 2 && fake_intake_request(rig->fake, 0)->port !=
                         fake_intake_request(rig->fake, n - 1)->port;
}

static void age_of_connections_follows(struct rig *rig)
{
    start(rig, "forwarder_max_concurrent_requests=1", "tags=");
    assert_true(reload(rig, "forwarder_connection_reset_interval=1"));
    assert_true(until(rig, two_connections));
    end(rig);
}

static bool has_told_of_itself(struct rig *rig)
{
    json_t *items = fake_intake_items(rig->fake, "/api/v2/series");
    bool found = json_array_size(items) > 0; /* nobody sends series but the server itself */

    json_decref(items);
    return found;
}

static void telemetry_follows(struct rig *rig)
{
    start(rig, "env=", "tags=");
    assert_true(reload(rig, "heeler_self_telemetry=true"));
    assert_true(until(rig, has_told_of_itself));
    end(rig);
}

static void level_of_the_log_follows(struct rig *rig)
{
    start(rig, "env=", "tags=");
    assert_false(log_enabled(LOG_LEVEL_DEBUG));
    assert_true(reload(rig, "log_level=debug"));
    assert_true(log_enabled(LOG_LEVEL_DEBUG));
    end(rig);
}

static void hosts_follow(struct rig *rig)
{
    char *body = NULL;

    start(rig, "heeler_http_listen=127.0.0.1:0", "tags=");
    int port = server_http_port(rig->running.server);
    assert_int_equal(
        running_ask(&rig->running, port, EVHTTP_REQ_GET, "/metrics", "Host", &body), 403);
    free(body);
    assert_true(reload(rig, "heeler_http_hosts=x"));
    assert_int_equal(
        running_ask(&rig->running, port, EVHTTP_REQ_GET, "/metrics", "Host", &body), 200);
    free(body);
    end(rig);
}

static void keys_of_the_page_follow(struct rig *rig)
{
    char *body = NULL;

    start(rig, "heeler_http_listen=0.0.0.0:0", "tags=");
    int port = server_http_port(rig->running.server);
    assert_int_equal(
        running_ask(&rig->running, port, EVHTTP_REQ_GET, "/api/v1/query", NULL, &body), 403);
    free(body);
    assert_true(reload(rig, "heeler_app_keys=0123456789abcdef"));
    assert_int_equal(
        running_ask(&rig->running, port, EVHTTP_REQ_GET, "/api/v1/query", NULL, &body), 401);
    free(body);
    end(rig);
}

/* A monitor whose test goes to that receiver; its number. */
static int64_t start_with_monitor(struct rig *rig, const char *receiver)
{
    char json[256], *body = NULL;

    start(rig, "heeler_http_listen=127.0.0.1:0", "tags=");
    snprintf(json, sizeof json,
             "{\"type\":\"metric alert\",\"query\":\"avg(last_5m):avg:x{*} > 1\",\"message\":"
             "\"@%s\"}",
             receiver);
    int status = running_json(&rig->running, server_http_port(rig->running.server), "POST",
                              "/api/v1/monitor", json, &body);
    json_t *made = body != NULL ? json_loads(body, 0, NULL) : NULL;
    int64_t number = json_integer_value(json_object_get(made, "id"));

    json_decref(made);
    free(body);
    assert_int_equal(status, 200);
    return number;
}

/* Again, as long as the evaluator has not heard of it. */
static void test_monitor(struct rig *rig, int64_t number)
{
    int64_t deadline_ns = clock_monotonic_ns() + INT64_C(60000000000);
    int status;
    char path[64];

    snprintf(path, sizeof path, "/api/v1/monitor/%" PRId64 "/test", number);
    do {
        char *body = NULL;

        status = running_json(&rig->running, server_http_port(rig->running.server), "POST",
                              path, "{}", &body);
        free(body);
    } while (status == 409 && clock_monotonic_ns() < deadline_ns);
    assert_int_equal(status, 202);
}

/* One struct, taken over whole: webhooks, the heartbeat and the limit of an hour. */
static void webhooks_follow(struct rig *rig)
{
    struct fake_intake *hook = fake_intake_start();
    char set[200];

    int64_t number = start_with_monitor(rig, "webhook-x");

    test_monitor(rig, number); /* there is none of that name yet */
    snprintf(set, sizeof set, "heeler_webhooks=[{\"name\":\"x\",\"url\":\"%s\"}]",
             fake_intake_url(hook));
    assert_true(reload(rig, set));
    test_monitor(rig, number);
    assert_true(fake_intake_wait(hook, 1));
    assert_false(reload(rig, "heeler_webhooks=[{\"name\":\"x\"}]"));
    test_monitor(rig, number); /* still by the former one */
    assert_true(fake_intake_wait(hook, 2));
    end(rig);
    assert_int_equal(fake_intake_count(hook), 2);
    fake_intake_stop(hook);
}

static void mail_follows(struct rig *rig)
{
    struct fake_mail *mail = fake_mail_start(&(struct fake_mail_config){ .user = NULL });
    char set[200];

    int64_t number = start_with_monitor(rig, "night@example.org");

    snprintf(set, sizeof set, "heeler_smtp_url=smtp://127.0.0.1:%d?tls=never",
             fake_mail_port(mail));
    running_set(&rig->running, "heeler_mail_to=@example.org");
    running_set(&rig->running, "heeler_smtp_from=heeler@example.org");
    assert_true(reload(rig, set));
    test_monitor(rig, number);
    assert_true(fake_mail_wait(mail, 1));
    end(rig);
    fake_mail_stop(mail);
}

/* Delivery, and each worker, gives up by it; the limit is far above the new value. */
static void time_of_the_stop_follows(struct rig *rig)
{
    static const struct fake_answer hangs = { .trick = FAKE_HANG };

    start(rig, "heeler_stop_timeout=3600", "forwarder_timeout=3600");
    fake_intake_script(rig->fake, &hangs, 1);
    udp_send(rig->fd, "_e{1,1}:a|b");
    assert_true(fake_intake_wait(rig->fake, 1));
    assert_true(reload(rig, "heeler_stop_timeout=1"));
    end(rig);
}

/* Read by main when its time comes, from the settings in force. */
static void settings_of_the_stop_follow(struct rig *rig)
{
    start(rig, "env=", "tags=");
    assert_true(reload(rig, "heeler_linger=7"));
    assert_true(reload(rig, "heeler_linger_max=77"));
    assert_true(reload(rig, "heeler_stop_handover=true"));
    const struct settings *settings = server_settings(rig->running.server);
    assert_int_equal(settings->heeler_linger, 7);
    assert_int_equal(settings->heeler_linger_max, 77);
    assert_true(settings->heeler_stop_handover);
    end(rig);
}

static const struct case_of_loop {
    enum setting setting;
    void (*check)(struct rig *rig);
} loops[] = {
    { SETTING_api_key, keys_follow },
    { SETTING_heeler_api_key_file, key_of_the_file_follows },
    { SETTING_additional_endpoints, more_keys_follow },
    { SETTING_forwarder_backoff_base, base_of_backoff_follows },
    { SETTING_forwarder_backoff_max, bound_of_backoff_follows },
    /* One struct with the two above, taken over whole; chance hides what each does alone. */
    { SETTING_forwarder_backoff_factor, base_of_backoff_follows },
    { SETTING_forwarder_recovery_interval, base_of_backoff_follows },
    { SETTING_forwarder_recovery_reset, base_of_backoff_follows },
    { SETTING_forwarder_timeout, time_of_requests_follows },
    { SETTING_forwarder_retry_queue_payloads_max_size, bound_of_queue_follows },
    /* The same number of delivery's, in units too large to be filled here. */
    { SETTING_forwarder_retry_queue_max_size, bound_of_queue_follows },
    { SETTING_forwarder_apikey_validation_interval, questions_about_keys_follow },
    { SETTING_forwarder_connection_reset_interval, age_of_connections_follows },
    { SETTING_heeler_self_telemetry, telemetry_follows },
    { SETTING_log_level, level_of_the_log_follows },
    { SETTING_heeler_http_hosts, hosts_follow },
    { SETTING_heeler_app_keys, keys_of_the_page_follow },
    { SETTING_heeler_mail_to, mail_follows },
    { SETTING_heeler_smtp_url, mail_follows },
    { SETTING_heeler_smtp_url_file, mail_follows },
    { SETTING_heeler_smtp_from, mail_follows },
    { SETTING_heeler_webhooks, webhooks_follow },
    { SETTING_heeler_notify_per_hour, webhooks_follow },
    { SETTING_heeler_heartbeat_url, webhooks_follow },
    { SETTING_heeler_stop_timeout, time_of_the_stop_follows },
    { SETTING_heeler_linger, settings_of_the_stop_follow },
    { SETTING_heeler_linger_max, settings_of_the_stop_follow },
    { SETTING_heeler_stop_handover, settings_of_the_stop_follow },
};

enum { N_LOOPS = sizeof loops / sizeof loops[0] };

/* Of the case that it is told. */
static void a_loop_follows_a_reload(void **state)
{
    static struct rig rig;
    const struct case_of_loop *loop = *state;

    loop->check(&rig);
}

/* Whether another case before it is checked by the same. */
static bool is_checked(size_t loop)
{
    for (size_t i = 0; i < loop; i++)
        if (loops[i].check == loops[loop].check)
            return true;
    return false;
}

static void every_option_of_a_reload_has_a_case(void **state)
{
    (void)state;

    for (size_t option = 0; option < SETTING_COUNT; option++) {
        int cases = 0;

        for (size_t i = 0; i < N_OUTPUTS; i++)
            cases += outputs[i].setting == option;
        for (size_t i = 0; i < N_LOOPS; i++)
            cases += loops[i].setting == option;
        if (cases != (options[option].change != OPTION_RESTARTS))
            fail_msg("%s has %d cases here", options[option].key, cases);
    }
}

int main(void)
{
    static struct CMUnitTest tests[2 + N_LOOPS] = {
        cmocka_unit_test(every_option_of_a_reload_has_a_case),
        cmocka_unit_test(what_comes_out_follows_a_reload),
    };
    size_t n = 2;

    for (size_t i = 0; i < N_LOOPS; i++)
        if (!is_checked(i))
            tests[n++] = (struct CMUnitTest){ .name = options[loops[i].setting].key,
                                              .test_func = a_loop_follows_a_reload,
                                              .teardown_func = undo_all,
                                              .initial_state = (void *)(uintptr_t)&loops[i] };
    return beside_run(tests, n);
}
