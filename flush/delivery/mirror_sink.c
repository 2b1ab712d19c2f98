#include "flush/delivery/mirror_sink.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/delivery/duplicates.h"
#include "flush/delivery/mirror_list.h"
#include "flush/delivery/sink_list.h"
#include "flush/redis/backoff.h"
#include "flush/redis/resp.h"
#include "flush/redis/timer.h"

enum { SAY_AGAIN_MS = 60000, ASK_AGAIN_MS = 5000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000 };

/* The client returns a tag with each reply. Ours holds the order of the entry and the points of
 * the command. */
enum { TAG_POINTS_BITS = 8, REGISTRY_TAG = 0 };

struct mirror_sink {
    struct sink sink;
    struct mirror_sink_config config; /* its texts are not kept */
    struct event_base *base;
    struct mirror_ledger *ledger;
    struct redis_client *client;
    struct duplicates *duplicates;
    struct event *retry;

    struct mirror_list list;

    bool up, paused; /* paused: after an error, until the retry */
    size_t pending;  /* commands under way */
    int errors;      /* in a row */
    bool stopping, gave_up;
    struct backoff_config backoff;

    bool took, took_ever; /* Redis took a payload: since we are connected; ever */
    bool said_down[REDIS_FAILURE_COUNT];
    int64_t said_ms[MIRROR_ERROR_COUNT];
    int64_t asked_ms; /* the registry */
};

/* ---- sending ----------------------------------------------------------- */

/* Logs that Redis takes the windows, once it took some. A connection alone says nothing: one to
 * a replica, or to a Redis without memory, looks well too, and every attempt would be logged
 * as the end of an outage and the beginning of another. */
static void say_taken(struct mirror_sink *sink)
{
    if (sink->took)
        return;
    log_info("redis: %s takes the windows%s", redis_client_name(sink->client),
             sink->took_ever ? " again" : "");
    sink->took = sink->took_ever = true;
    memset(sink->said_down, 0, sizeof sink->said_down);
}

static void note_answered(struct mirror_sink *sink, struct mirror_entry *entry)
{
    if (!entry->settled)
        mirror_list_settle(&sink->list, entry);
    sink->errors = 0;
    if (!mirror_entry_is_barrier(entry))
        say_taken(sink);
}

static struct slice rest_of(const struct mirror_entry *entry)
{
    return (struct slice){ (const char *)entry->payload->bytes + entry->offset,
                           entry->payload->size - entry->offset };
}

/* Whether the command announces a batch of which something was shed: then it is left out. */
static bool is_untrue(const struct mirror_sink *sink, const struct mirror_entry *entry,
                      const struct resp_view *command)
{
    return mirror_entry_is_barrier(entry) && sink->list.last_shed > entry->barrier &&
           slice_equal(command->name, SLICE("XADD"));
}

static uint32_t points_of(const struct resp_view *command)
{
    return slice_equal(command->name, SLICE("HSET")) ? (uint32_t)(command->n_words - 2) / 2 : 0;
}

/* Sends the commands of the entry. False: the client takes no more for now. */
static bool send_entry(struct mirror_sink *sink, struct mirror_entry *entry)
{
    struct slice rest = rest_of(entry);
    struct resp_view command;

    while (resp_next(&rest, &command)) {
        if (!is_untrue(sink, entry, &command)) {
            uint64_t tag = entry->order << TAG_POINTS_BITS | points_of(&command);
            if (!redis_client_send(sink->client, command.whole.at, command.whole.len,
                                   command.key, tag))
                return false;
            entry->unanswered++;
            sink->pending++;
        }
        entry->offset = entry->payload->size - rest.len;
    }
    return true;
}

static void pump(struct mirror_sink *sink)
{
    while (sink->up && !sink->paused && sink->list.cursor != NULL) {
        struct mirror_entry *entry = sink->list.cursor;
        if (mirror_entry_is_barrier(entry) && entry->offset == 0 && sink->pending > 0)
            return; /* reply() calls us again */
        if (!send_entry(sink, entry))
            return;
        sink->list.cursor = entry->next;
        if (mirror_entry_is_answered(entry))
            note_answered(sink, entry);
    }
}

static void moved(struct mirror_sink *sink)
{
    if (sink->config.moved != NULL)
        sink->config.moved(sink->config.moved_argument);
}

/* ---- errors ------------------------------------------------------------ */

/* Logs each reason once a minute, however many commands it hits. */
static void say_error(struct mirror_sink *sink, enum mirror_error error, const char *text,
                      bool passing)
{
    char quoted[256];

    if (sink->said_ms[error] != 0 && clock_monotonic_ms() - sink->said_ms[error] < SAY_AGAIN_MS)
        return;
    sink->said_ms[error] = clock_monotonic_ms();
    log_warn("redis: %s answers: %s: %s", redis_client_name(sink->client),
             log_quote(text, strlen(text), quoted, sizeof quoted),
             passing ? "tried again until it takes it" : "such commands are dropped");
}

static void arm_retry(struct mirror_sink *sink)
{
    int64_t wait_ms =
        sink->stopping ? 0 : backoff_delay(&sink->backoff, sink->errors, backoff_random());

    sink->errors++;
    timer_start(sink->retry, wait_ms);
}

/* Called when all commands under way are answered. If some failed, everything from the first of
 * them on is sent again after a wait; while stopping it is tried only once more. */
static void settle_trouble(struct mirror_sink *sink)
{
    if (!sink->paused || sink->pending > 0 || !sink->up || evtimer_pending(sink->retry, NULL))
        return;
    if (sink->stopping && sink->errors > 0) {
        sink->gave_up = true;
        return;
    }
    arm_retry(sink);
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct mirror_sink *sink = argument;
    struct mirror_entry *from = sink->list.head;

    (void)fd, (void)what;
    while (from != NULL && !from->again)
        from = from->next;
    if (from != NULL)
        mirror_list_rewind(&sink->list, from);
    sink->paused = false;
    pump(sink);
    moved(sink);
}

/* "ERR The ID specified in XADD is equal or smaller" means that it was written before. */
static bool is_done_already(const char *text)
{
    return strstr(text, "XADD is equal or smaller") != NULL;
}

static void take_error(struct mirror_sink *sink, struct mirror_entry *entry, uint32_t points,
                       const char *text)
{
    enum mirror_error error = mirror_error_of(text);
    /* If we may write but not announce, we go on writing, and give up the announcement. */
    bool heals = mirror_error_heals(error) && !(error == MIRROR_NOPERM && points == 0);

    if (is_done_already(text))
        return;
    tally(&sink->ledger->errors[error], 1);
    say_error(sink, error, text, heals);
    if (heals) {
        sink->paused = true;
        if (entry != NULL)
            entry->again = true;
    } else if (entry != NULL && !entry->settled) {
        entry->refused += points;
    }
}

/* ---- the registry ------------------------------------------------------ */

static void ask_registry(struct mirror_sink *sink)
{
    struct bytes command = { 0 };
    if (sink->asked_ms != 0 && clock_monotonic_ms() - sink->asked_ms < ASK_AGAIN_MS)
        return;
    sink->asked_ms = clock_monotonic_ms();
    struct slice key = duplicates_ask(sink->duplicates, clock_wall_s(), &command);

    if (!command.failed &&
        redis_client_send(sink->client, command.at, command.len, key, REGISTRY_TAG))
        sink->pending++;
    bytes_free(&command);
}

static void read_registry(struct mirror_sink *sink, const redisReply *reply)
{
    uint64_t n = duplicates_read(sink->duplicates, reply, clock_wall_s());

    atomic_store_explicit(&sink->ledger->duplicates, n, memory_order_relaxed);
}

/* ---- the client's events ----------------------------------------------- */

static void on_up(void *argument)
{
    struct mirror_sink *sink = argument;

    sink->up = true;
    sink->paused = false;
    sink->pending = 0;
    evtimer_del(sink->retry);
    sink->took = false;
    atomic_store_explicit(&sink->ledger->up, 1, memory_order_relaxed);
    mirror_list_trim(&sink->list);
    mirror_list_rewind(&sink->list, sink->list.head);
    pump(sink);
    moved(sink);
}

static void on_reply(void *argument, uint64_t tag, const redisReply *reply)
{
    struct mirror_sink *sink = argument;
    uint32_t points = tag & ((1 << TAG_POINTS_BITS) - 1);
    struct mirror_entry *entry =
        tag == REGISTRY_TAG ? NULL : mirror_list_find(&sink->list, tag >> TAG_POINTS_BITS);

    sink->pending--;
    if (entry != NULL)
        entry->unanswered--;
    if (tag == REGISTRY_TAG)
        read_registry(sink, reply);
    else if (reply->type == REDIS_REPLY_ERROR)
        take_error(sink, entry, points, reply->str);
    if (entry != NULL && mirror_entry_is_answered(entry)) {
        note_answered(sink, entry);
        if (mirror_entry_is_barrier(entry) && sink->list.cursor == NULL && !sink->stopping)
            ask_registry(sink);
    }
    settle_trouble(sink);
    mirror_list_trim(&sink->list);
    pump(sink);
    moved(sink);
}

static void on_failed(void *argument, uint64_t tag)
{
    struct mirror_sink *sink = argument;
    struct mirror_entry *entry =
        tag == REGISTRY_TAG ? NULL : mirror_list_find(&sink->list, tag >> TAG_POINTS_BITS);

    sink->pending--;
    if (entry == NULL)
        return;
    entry->unanswered--;
    entry->again = true;
}

static void on_writable(void *argument)
{
    pump(argument);
}

static void on_down(void *argument, enum redis_failure failure, const char *sentence)
{
    struct mirror_sink *sink = argument;

    sink->up = false;
    atomic_store_explicit(&sink->ledger->up, 0, memory_order_relaxed);
    tally(&sink->ledger->failures[failure], 1);
    if (!sink->said_down[failure])
        log_warn("redis: %s; what is written is kept, within heeler_redis_queue_max_bytes",
                 sentence);
    sink->said_down[failure] = true;
    sink->gave_up = sink->gave_up || sink->stopping;
    moved(sink);
}

/* ---- as one of delivery's sinks ---------------------------------------- */

static struct mirror_sink *of(struct sink *sink)
{
    return (struct mirror_sink *)sink;
}

static bool wants(const struct sink *sink, enum payload_route route)
{
    (void)sink;
    return route == ROUTE_REDIS;
}

static void append(struct mirror_sink *sink, struct payload *payload)
{
    mirror_list_append(&sink->list, payload, sink->up);
    pump(sink);
    mirror_list_trim(&sink->list);
}

static void accept_payload(struct sink *any, struct payload *payload, uint64_t order)
{
    struct mirror_sink *sink = of(any);

    (void)order;
    count(&sink->ledger->points.accepted, payload->points);
    append(sink, payload);
}

/* Without memory it is shed, and on the account. */
static bool take_over(struct sink *any, struct payload *payload, uint64_t order)
{
    struct mirror_sink *sink = of(any);

    (void)order;
    count(&sink->ledger->points.recovered, payload->points);
    append(sink, payload);
    return true;
}

static void hand_over(const struct sink *any, struct state_writer *out)
{
    mirror_list_hand_over(&((const struct mirror_sink *)any)->list, out);
}

static void handed_over(struct sink *any)
{
    mirror_list_handed_over(&of(any)->list);
}

static void hurry(struct sink *any)
{
    struct mirror_sink *sink = of(any);

    sink->stopping = true;
    sink->errors = 0;
    if (sink->up && sink->paused) {
        if (evtimer_pending(sink->retry, NULL))
            timer_start(sink->retry, 0);
    } else if (!sink->up) { /* its next attempt may be far away */
        redis_client_hurry(sink->client);
    }
}

static bool is_drained(const struct sink *any)
{
    const struct mirror_sink *sink = (const struct mirror_sink *)any;

    return sink->list.n_unsettled == 0 || sink->gave_up;
}

static void keep_rest(struct sink *any)
{
    mirror_list_shed(&of(any)->list, UNSENT_STOPPED);
}

static void mirror_sink_free(struct sink *sink)
{
    struct mirror_sink *given = of(sink);

    if (given->client != NULL)
        redis_client_free(given->client);
    mirror_list_free(&given->list);
    if (given->retry != NULL)
        event_free(given->retry);
    duplicates_free(given->duplicates);
    free(given);
}

/* ---- making ------------------------------------------------------------ */

static bool open_client(struct mirror_sink *sink, const struct mirror_sink_config *config,
                        char *problem, size_t problem_size)
{
    static const struct redis_client_events events = { .up = on_up,
                                                       .reply = on_reply,
                                                       .failed = on_failed,
                                                       .writable = on_writable,
                                                       .down = on_down };
    struct redis_client_config client = {
        .url = config->url,
        .cluster = config->cluster,
        .ca_file = config->ca_file,
        .skip_validation = config->skip_validation,
        .retry_min_ms = config->retry_min_ms,
    };

    sink->client = redis_client_new(sink->base, &client, &events, sink, problem, problem_size);
    return sink->client != NULL;
}

static bool fill(struct mirror_sink *sink, const struct mirror_sink_config *config)
{
    sink->config = *config;
    sink->ledger = config->ledger;
    sink->list = (struct mirror_list){ .end = &sink->list.head,
                                       .ledger = &config->ledger->points,
                                       .outbox = config->outbox,
                                       .max_bytes = config->queue_bytes,
                                       .resend_ms = config->resend_ms };
    sink->backoff = backoff_default;
    sink->backoff.base_ms =
        (config->retry_min_ms > 0 ? config->retry_min_ms : RETRY_MIN_MS) / 2 + 1;
    sink->backoff.max_ms = RETRY_MAX_MS;
    sink->retry = evtimer_new(sink->base, on_retry, sink);
    sink->duplicates =
        duplicates_new(config->prefix, config->id, config->hostname, config->started_s);
    return sink->retry != NULL && sink->duplicates != NULL;
}

struct sink *mirror_sink_new(struct event_base *base, const struct mirror_sink_config *config,
                             char *problem, size_t problem_size)
{
    static const struct sink_operations operations = { .wants = wants,
                                                       .accept = accept_payload,
                                                       .free = mirror_sink_free,
                                                       .hurry = hurry,
                                                       .is_drained = is_drained,
                                                       .keep_rest = keep_rest,
                                                       .hand_over = hand_over,
                                                       .handed_over = handed_over,
                                                       .take_over = take_over };
    struct mirror_sink *sink = calloc(1, sizeof *sink);

    snprintf(problem, problem_size, "not enough memory");
    if (sink == NULL)
        return NULL;
    sink->sink.operations = &operations;
    sink->base = base;
    if (!fill(sink, config) || !open_client(sink, config, problem, problem_size)) {
        mirror_sink_free(&sink->sink);
        return NULL;
    }
    sink->sink.name = redis_client_name(sink->client);
    return &sink->sink;
}

bool mirror_sink_open(struct sink_list *list, struct sink_common *common)
{
    struct mirror_sink_config config;
    char problem[256];

    if (common->config->mirror == NULL)
        return true;
    config = *common->config->mirror;
    config.outbox = common->outbox;
    config.moved = common->moved;
    config.moved_argument = common->delivery;
    struct sink *sink = mirror_sink_new(common->base, &config, problem, sizeof problem);

    if (sink == NULL)
        log_error("heeler_redis_url: %s", problem);
    return sink_list_add(list, sink);
}
