#include "flush/delivery/mirror_sink.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/delivery/duplicates.h"
#include "flush/delivery/sink_list.h"
#include "flush/payloads/payload_state.h"
#include "flush/redis/backoff.h"
#include "flush/redis/resp.h"
#include "flush/redis/timer.h"

enum { SAY_AGAIN_MS = 60000, ASK_AGAIN_MS = 5000, RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000 };

/* The client returns a tag with each reply. Ours holds the order of the entry and the points of
 * the command. */
enum { TAG_POINTS_BITS = 8, REGISTRY_TAG = 0 };

struct entry {
    struct entry *next;
    struct payload *payload;
    uint64_t order, barrier; /* barrier: the order of the barrier before it */
    size_t offset;           /* of the next command to send */
    uint32_t unanswered;
    uint32_t refused; /* points that Redis will never take */
    bool again;       /* a command failed, so the entry is sent once more */
    bool settled;     /* it was answered, and counted, once */
    int64_t settled_ms;
};

struct mirror_sink {
    struct sink sink;
    struct mirror_sink_config config; /* its texts are not kept */
    struct event_base *base;
    struct mirror_ledger *ledger;
    struct redis_client *client;
    struct duplicates *duplicates;
    struct event *retry;

    struct entry *head, **end, *cursor;
    size_t bytes, n_unsettled;
    uint64_t taken, last_barrier, last_shed;

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

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* ---- the list ---------------------------------------------------------- */

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + outbox_weight(entry->payload);
}

static void note_bytes(struct mirror_sink *sink)
{
    atomic_store_explicit(&sink->ledger->points.queued_bytes, sink->bytes,
                          memory_order_relaxed);
}

/* Closes the account of an entry that was answered or given up. */
static void settle(struct mirror_sink *sink, struct entry *entry)
{
    struct delivery_ledger *ledger = &sink->ledger->points;
    uint32_t points = entry->payload->points;

    uncount(&ledger->queued, points);
    if (entry->refused == points && points > 0) {
        count(&ledger->refused[REFUSED_OTHER], points);
    } else {
        count(&ledger->delivered, points - entry->refused);
        tally(&ledger->refused[REFUSED_OTHER].points, entry->refused);
    }
    atomic_store_explicit(&ledger->last_success_ms, clock_wall_ns() / 1000000,
                          memory_order_relaxed);
    delivery_ledger_check(ledger);
    entry->settled = true;
    entry->settled_ms = now_ms();
    sink->n_unsettled--;
}

static void shed(struct mirror_sink *sink, struct entry *entry, enum delivery_shed why)
{
    struct delivery_ledger *ledger = &sink->ledger->points;

    uncount(&ledger->queued, entry->payload->points);
    count(&ledger->shed[why], entry->payload->points);
    delivery_ledger_check(ledger);
    if (entry->payload->points > 0)
        sink->last_shed = entry->order;
    sink->n_unsettled--;
}

static void drop_head(struct mirror_sink *sink)
{
    struct entry *entry = sink->head;

    sink->head = entry->next;
    if (sink->head == NULL)
        sink->end = &sink->head;
    if (sink->cursor == entry)
        sink->cursor = entry->next;
    sink->bytes -= entry_bytes(entry);
    note_bytes(sink);
    outbox_let_go(sink->config.outbox, entry->payload);
    free(entry);
}

/* Drops answered entries that are old enough; then, while the list is too heavy, the oldest
 * entries of any kind. */
static void trim(struct mirror_sink *sink)
{
    int64_t oldest_ms = now_ms() - sink->config.resend_ms;

    while (sink->head != NULL && sink->head->settled && sink->head->unanswered == 0 &&
           sink->head != sink->cursor && sink->head->settled_ms <= oldest_ms)
        drop_head(sink);
    while (sink->bytes > sink->config.queue_bytes && sink->head != NULL) {
        if (!sink->head->settled)
            shed(sink, sink->head, UNSENT_QUEUE_FULL);
        drop_head(sink);
    }
}

static struct entry *find(struct mirror_sink *sink, uint64_t order)
{
    struct entry *entry = sink->head;

    while (entry != NULL && entry->order < order)
        entry = entry->next;
    return entry != NULL && entry->order == order ? entry : NULL;
}

/* Everything from that entry on is sent anew. */
static void rewind_to(struct mirror_sink *sink, struct entry *from)
{
    for (struct entry *entry = from; entry != NULL; entry = entry->next) {
        if (entry->offset > 0 && !entry->settled)
            tally(&sink->ledger->points.retries, 1);
        entry->offset = 0;
        entry->unanswered = 0;
        entry->again = false;
        if (!entry->settled)
            entry->refused = 0;
    }
    sink->cursor = from;
}

/* ---- sending ----------------------------------------------------------- */

static bool is_answered(const struct entry *entry)
{
    return entry->offset == entry->payload->size && entry->unanswered == 0 && !entry->again;
}

static bool is_barrier(const struct entry *entry)
{
    return entry->payload->points == 0;
}

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

static void note_answered(struct mirror_sink *sink, struct entry *entry)
{
    if (!entry->settled)
        settle(sink, entry);
    sink->errors = 0;
    if (!is_barrier(entry))
        say_taken(sink);
}

static struct slice rest_of(const struct entry *entry)
{
    return (struct slice){ (const char *)entry->payload->bytes + entry->offset,
                           entry->payload->size - entry->offset };
}

/* Whether the command announces a batch of which something was shed: then it is left out. */
static bool is_untrue(const struct mirror_sink *sink, const struct entry *entry,
                      const struct resp_view *command)
{
    return is_barrier(entry) && sink->last_shed > entry->barrier &&
           slice_equal(command->name, SLICE("XADD"));
}

static uint32_t points_of(const struct resp_view *command)
{
    return slice_equal(command->name, SLICE("HSET")) ? (uint32_t)(command->n_words - 2) / 2 : 0;
}

/* Sends the commands of the entry. False: the client takes no more for now. */
static bool send_entry(struct mirror_sink *sink, struct entry *entry)
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
    while (sink->up && !sink->paused && sink->cursor != NULL) {
        struct entry *entry = sink->cursor;
        if (is_barrier(entry) && entry->offset == 0 && sink->pending > 0)
            return; /* reply() calls us again */
        if (!send_entry(sink, entry))
            return;
        sink->cursor = entry->next;
        if (is_answered(entry))
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

    if (sink->said_ms[error] != 0 && now_ms() - sink->said_ms[error] < SAY_AGAIN_MS)
        return;
    sink->said_ms[error] = now_ms();
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
    struct entry *from = sink->head;

    (void)fd, (void)what;
    while (from != NULL && !from->again)
        from = from->next;
    if (from != NULL)
        rewind_to(sink, from);
    sink->paused = false;
    pump(sink);
    moved(sink);
}

/* "ERR The ID specified in XADD is equal or smaller" means that it was written before. */
static bool is_done_already(const char *text)
{
    return strstr(text, "XADD is equal or smaller") != NULL;
}

static void take_error(struct mirror_sink *sink, struct entry *entry, uint32_t points,
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
    if (sink->asked_ms != 0 && now_ms() - sink->asked_ms < ASK_AGAIN_MS)
        return;
    sink->asked_ms = now_ms();
    struct slice key = duplicates_ask(sink->duplicates, clock_wall_ns() / 1000000000, &command);

    if (!command.failed &&
        redis_client_send(sink->client, command.at, command.len, key, REGISTRY_TAG))
        sink->pending++;
    bytes_free(&command);
}

static void read_registry(struct mirror_sink *sink, const redisReply *reply)
{
    uint64_t n = duplicates_read(sink->duplicates, reply, clock_wall_ns() / 1000000000);

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
    trim(sink);
    rewind_to(sink, sink->head);
    pump(sink);
    moved(sink);
}

static void on_reply(void *argument, uint64_t tag, const redisReply *reply)
{
    struct mirror_sink *sink = argument;
    uint32_t points = tag & ((1 << TAG_POINTS_BITS) - 1);
    struct entry *entry = tag == REGISTRY_TAG ? NULL : find(sink, tag >> TAG_POINTS_BITS);

    sink->pending--;
    if (entry != NULL)
        entry->unanswered--;
    if (tag == REGISTRY_TAG)
        read_registry(sink, reply);
    else if (reply->type == REDIS_REPLY_ERROR)
        take_error(sink, entry, points, reply->str);
    if (entry != NULL && is_answered(entry)) {
        note_answered(sink, entry);
        if (is_barrier(entry) && sink->cursor == NULL && !sink->stopping)
            ask_registry(sink);
    }
    settle_trouble(sink);
    trim(sink);
    pump(sink);
    moved(sink);
}

static void on_failed(void *argument, uint64_t tag)
{
    struct mirror_sink *sink = argument;
    struct entry *entry = tag == REGISTRY_TAG ? NULL : find(sink, tag >> TAG_POINTS_BITS);

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

/* Held, and no longer weighed by the outbox: it may stay for long after it was answered. */
static void append(struct mirror_sink *sink, struct payload *payload)
{
    struct entry *entry = calloc(1, sizeof *entry);
    struct delivery_ledger *ledger = &sink->ledger->points;

    if (entry == NULL) {
        count(&ledger->shed[UNSENT_NO_MEMORY], payload->points);
        delivery_ledger_check(ledger);
        sink->last_shed = ++sink->taken;
        return;
    }
    payload->holders++;
    outbox_release(sink->config.outbox, payload);
    entry->payload = payload;
    entry->order = ++sink->taken;
    entry->barrier = sink->last_barrier;
    if (is_barrier(entry))
        sink->last_barrier = entry->order;
    count(&ledger->queued, payload->points);
    delivery_ledger_check(ledger);
    *sink->end = entry;
    sink->end = &entry->next;
    sink->n_unsettled++;
    sink->bytes += entry_bytes(entry);
    note_bytes(sink);
    if (sink->cursor == NULL && sink->up)
        sink->cursor = entry;
    pump(sink);
    trim(sink);
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

static void hand_over(const struct sink *sink, struct state_writer *out)
{
    const struct entry *entry = ((const struct mirror_sink *)sink)->head;

    for (; entry != NULL; entry = entry->next)
        if (!entry->settled)
            payload_state_write(out, entry->payload);
    payload_state_end(out);
}

static void handed_over(struct sink *any)
{
    struct mirror_sink *sink = of(any);
    struct delivery_ledger *ledger = &sink->ledger->points;

    for (struct entry *entry = sink->head; entry != NULL; entry = entry->next) {
        if (entry->settled)
            continue;
        uncount(&ledger->queued, entry->payload->points);
        count(&ledger->handed_over, entry->payload->points);
        entry->settled = true;
        sink->n_unsettled--;
    }
    delivery_ledger_check(ledger);
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

    return sink->n_unsettled == 0 || sink->gave_up;
}

static void keep_rest(struct sink *any)
{
    struct mirror_sink *sink = of(any);

    for (; sink->head != NULL; drop_head(sink))
        if (!sink->head->settled)
            shed(sink, sink->head, UNSENT_STOPPED);
}

static void mirror_sink_free(struct sink *sink)
{
    struct mirror_sink *given = of(sink);

    if (given->client != NULL)
        redis_client_free(given->client);
    while (given->head != NULL)
        drop_head(given);
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
    sink->end = &sink->head;
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
