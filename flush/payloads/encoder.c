#include "flush/payloads/encoder.h"

#include <stdlib.h>

#include "config/log.h"

enum {
    /* Events wait for their flush, in which they stand grouped by source type. Beyond
     * this many raw bytes they go at once. */
    EVENTS_BYTES_MAX = 1024 * 1024,
    /* Of one flush. Every event may be as large as a datagram, so without a bound a
     * client could turn bytes of its own into as many of the uplink. */
    EVENT_PAYLOADS_MAX = 16,
};

/* Room for more tags than admission allows, and the mark. */
enum { MARKED_TAGS_MAX = 129 };

struct waiting_event {
    size_t list_at, list_len; /* in lists */
    size_t at, len;           /* in objects */
};

struct events {
    struct bytes lists; /* their openings: sources that are written alike are one */
    struct bytes objects;
    struct waiting_event *waiting;
    size_t n, capacity;
    int payloads; /* how many of events since the last flush */
};

struct encoder {
    const struct settings *settings;
    const char *hostname;
    struct outbox *outbox;
    struct flusher_ledger *ledger;
    enum compression compression;
    struct payload_writer *series;
    struct payload_writer *sketches;
    struct payload_writer *timed;
    struct payload_writer *checks;
    struct bytes item; /* the one being encoded */
    struct events events;
    struct slice mark; /* one more tag for all series; or empty */
};

static enum compression compression_of(const char *word)
{
#define COMPRESSION_WORD(id, text, encoding) \
    if (strcmp(word, text) == 0)             \
        return id;
    COMPRESSIONS(COMPRESSION_WORD)
#undef COMPRESSION_WORD
    return COMPRESSION_ZSTD;
}

struct encoder *encoder_new(const struct settings *settings, const char *hostname,
                            struct outbox *outbox, struct flusher_ledger *ledger)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);

    if (encoder != NULL) {
        encoder->settings = settings;
        encoder->hostname = hostname;
        encoder->outbox = outbox;
        encoder->ledger = ledger;
        encoder->compression = compression_of(settings->serializer_compressor_kind);
    }
    return encoder;
}

/* ---- payloads ---------------------------------------------------------- */

static enum point_kind kind_of(enum payload_route route)
{
    static const enum point_kind kinds[ROUTE_COUNT] = {
        [ROUTE_SERIES_V2] = POINT_SERIES, [ROUTE_SERIES_V1] = POINT_SERIES,
        [ROUTE_SKETCHES] = POINT_SKETCH,  [ROUTE_EVENTS] = POINT_EVENT,
        [ROUTE_CHECKS] = POINT_CHECK,
    };
    return kinds[route];
}

/* Moves its points from encoded to dropped, and frees it. */
static void drop_payload(struct encoder *encoder, struct payload *given, enum point_drop reason)
{
    counter_add(&encoder->ledger->dropped[reason], given->points);
    counter_add(&encoder->ledger->encoded[kind_of(given->route)], -(uint64_t)given->points);
    payload_free(given);
}

static bool is_beyond_flush(struct encoder *encoder, const struct payload *payload)
{
    return payload->route == ROUTE_EVENTS && encoder->events.payloads++ >= EVENT_PAYLOADS_MAX;
}

static void post(void *argument, struct payload *given)
{
    struct encoder *encoder = argument;

    if (outbox_is_full(encoder->outbox, given)) {
        drop_payload(encoder, given, POINT_OUTBOX_FULL);
        return;
    }
    if (is_beyond_flush(encoder, given)) {
        drop_payload(encoder, given, POINT_EVENTS_FULL);
        return;
    }
#ifdef HEELER_FAULT_lose_point
    static bool lost;
    if (!lost && given->points > 1) {
        lost = true;
        given->points--;
    }
#endif
    counter_add(&encoder->ledger->posted[kind_of(given->route)], given->points);
    counter_add(&encoder->ledger->payloads, 1);
    outbox_push(encoder->outbox, given);
}

static struct payload_limits limits_of(const struct settings *settings,
                                       enum payload_route route)
{
    if (route == ROUTE_SERIES_V2)
        return (struct payload_limits){
            .max_points = (size_t)settings->serializer_max_series_points_per_payload,
            .max_raw = (size_t)settings->serializer_max_series_uncompressed_payload_size,
            .max_compressed = (size_t)settings->serializer_max_series_payload_size,
        };
    return (struct payload_limits){
        .max_raw = (size_t)settings->serializer_max_uncompressed_payload_size,
        .max_compressed = (size_t)settings->serializer_max_payload_size,
    };
}

static struct payload_writer *open_writer(struct encoder *encoder, enum payload_route route,
                                          struct payload_frame frame, int64_t now_s)
{
    return payload_writer_new(route, encoder->compression,
                              (int)encoder->settings->serializer_zstd_compressor_level,
                              limits_of(encoder->settings, route), frame, now_s, post, encoder);
}

static void close_writer(struct payload_writer **writer)
{
    if (*writer != NULL)
        payload_writer_end(*writer);
    *writer = NULL;
}

static void drop(struct encoder *encoder, enum point_drop reason, size_t points)
{
    counter_add(&encoder->ledger->dropped[reason], points);
}

/* Adds the item to the open payload of that route, if it fits into one. points: how many it
 * has. */
static enum payload_add put_item(struct encoder *encoder, struct payload_writer **writer,
                                 enum payload_route route, size_t points, int64_t now_s)
{
    struct counter *encoded = &encoder->ledger->encoded[kind_of(route)];

    if (*writer == NULL)
        *writer = open_writer(encoder, route, encode_frame(route), now_s);
    if (*writer == NULL || encoder->item.failed) {
        encoder->item.failed = false;
        return PAYLOAD_NO_MEMORY;
    }
    /* Counted before it is posted, so that encoded is never behind. */
    counter_add(encoded, points);
    enum payload_add added =
        payload_writer_add(*writer, encoder->item.at, encoder->item.len, (uint32_t)points);

    if (added != PAYLOAD_ADDED)
        counter_add(encoded, -(uint64_t)points);
    return added;
}

static void drop_item(struct encoder *encoder, enum payload_add why, size_t points)
{
    drop(encoder, why == PAYLOAD_TOO_LARGE ? POINT_TOO_LARGE : POINT_NO_MEMORY, points);
}

/* The same of an item that is one point, which is dropped if it does not fit. */
static void add_item(struct encoder *encoder, struct payload_writer **writer,
                     enum payload_route route, int64_t now_s)
{
    enum payload_add added = put_item(encoder, writer, route, 1, now_s);

    if (added != PAYLOAD_ADDED)
        drop_item(encoder, added, 1);
}

/* ---- series and sketches ----------------------------------------------- */

static enum payload_route series_route(const struct encoder *encoder)
{
    return encoder->settings->use_v2_api_series ? ROUTE_SERIES_V2 : ROUTE_SERIES_V1;
}

void encoder_mark(struct encoder *encoder, struct slice tag)
{
    encoder->mark = tag;
}

/* Puts the tags and the mark into the room given. Without a mark nothing changes. */
static void mark(const struct encoder *encoder, struct series_identity *id,
                 struct slice room[static MARKED_TAGS_MAX])
{
    if (encoder->mark.len == 0 || id->n_tags >= MARKED_TAGS_MAX)
        return;
    for (size_t i = 0; i < id->n_tags; i++)
        room[i] = id->tags[i];
    room[id->n_tags++] = encoder->mark;
    id->tags = room;
}

/* Halves a series until it fits: of one that is too large each point alone may fit. */
static void add_points(struct encoder *encoder, struct payload_writer **writer,
                       const struct series *series, int64_t now_s)
{
    enum payload_route route = series_route(encoder);
    struct series first = *series, second = *series;

    bytes_clear(&encoder->item);
    if (route == ROUTE_SERIES_V2)
        encode_series_v2(&encoder->item, series);
    else
        encode_series_v1(&encoder->item, series);
    enum payload_add added = put_item(encoder, writer, route, series->n_points, now_s);

    if (added == PAYLOAD_TOO_LARGE && series->n_points > 1) {
        first.n_points /= 2;
        second.points += first.n_points;
        second.n_points -= first.n_points;
        add_points(encoder, writer, &first, now_s);
        add_points(encoder, writer, &second, now_s);
    } else if (added != PAYLOAD_ADDED) {
        drop_item(encoder, added, series->n_points);
    }
}

static void add_series(struct encoder *encoder, struct payload_writer **writer,
                       const struct series *series, int64_t now_s)
{
    struct slice room[MARKED_TAGS_MAX];
    struct series marked = *series;

    if (!encoder->settings->enable_payloads_series) {
        drop(encoder, POINT_DISABLED, series->n_points);
        return;
    }
    mark(encoder, &marked.id, room);
    add_points(encoder, writer, &marked, now_s);
}

void encoder_series(struct encoder *encoder, const struct series *series, int64_t now_s)
{
    add_series(encoder, &encoder->series, series, now_s);
}

void encoder_sketch(struct encoder *encoder, const struct sketch_series *sketch, int64_t now_s)
{
    if (!encoder->settings->enable_payloads_sketches) {
        drop(encoder, POINT_DISABLED, 1);
        return;
    }
    struct slice room[MARKED_TAGS_MAX];
    struct sketch_series marked = *sketch;

    mark(encoder, &marked.id, room);
    bytes_clear(&encoder->item);
    encode_sketch(&encoder->item, &marked);
    add_item(encoder, &encoder->sketches, ROUTE_SKETCHES, now_s);
}

void encoder_end_snapshot(struct encoder *encoder)
{
    close_writer(&encoder->series);
    close_writer(&encoder->sketches);
    bytes_free(&encoder->item);
}

void encoder_timed(struct encoder *encoder, const struct series *series, int64_t now_s)
{
    add_series(encoder, &encoder->timed, series, now_s);
}

/* The writer stays until encoder_end_records(): to make one takes as long as some thousand
 * points. */
void encoder_end_timed(struct encoder *encoder)
{
    if (encoder->timed != NULL)
        payload_writer_cut(encoder->timed);
}

/* ---- service checks and events ----------------------------------------- */

void encoder_check(struct encoder *encoder, const struct check_record *check, int64_t now_s)
{
    if (!encoder->settings->enable_payloads_service_checks) {
        drop(encoder, POINT_DISABLED, 1);
        return;
    }
    bytes_clear(&encoder->item);
    encode_check(&encoder->item, check);
    add_item(encoder, &encoder->checks, ROUTE_CHECKS, now_s);
}

/* The opening of the list of its source. */
static struct slice list_of(const struct bytes *lists, const struct waiting_event *event)
{
    return (struct slice){ (const char *)lists->at + event->list_at, event->list_len };
}

static int compare_waiting(const void *a, const void *b, void *lists)
{
    const struct waiting_event *left = a, *right = b;
    int order = slice_compare(list_of(lists, left), list_of(lists, right));

    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

static struct payload_writer *open_events(struct encoder *encoder, int64_t now_s)
{
    struct bytes text = { 0 };
    struct payload_frame frame = encode_events_frame(&text, slice_of(encoder->hostname));
    struct payload_writer *writer =
        text.failed ? NULL : open_writer(encoder, ROUTE_EVENTS, frame, now_s);

    bytes_free(&text);
    return writer;
}

static void send_event(struct encoder *encoder, struct payload_writer *writer,
                       const struct waiting_event *event)
{
    enum payload_add added =
        writer == NULL
            ? PAYLOAD_NO_MEMORY
            : payload_writer_add(writer, encoder->events.objects.at + event->at, event->len, 1);

    if (added == PAYLOAD_ADDED)
        return;
    counter_add(&encoder->ledger->encoded[POINT_EVENT], (uint64_t)-1);
    drop_item(encoder, added, 1);
}

/* The sources share payloads, so that a client that names many of them costs no
 * request for each. */
static void send_events(struct encoder *encoder, int64_t now_s)
{
    struct events *events = &encoder->events;
    struct payload_writer *writer = open_events(encoder, now_s);
    struct slice list = SLICE("");

    qsort_r(events->waiting, events->n, sizeof *events->waiting, compare_waiting,
            &events->lists);
    for (size_t i = 0; i < events->n; i++) {
        const struct waiting_event *event = &events->waiting[i];

        if (writer != NULL && !slice_equal(list, list_of(&events->lists, event))) {
            list = list_of(&events->lists, event);
            payload_writer_list(writer, list);
        }
        send_event(encoder, writer, event);
    }
    close_writer(&writer);
    bytes_free(&events->lists);
    bytes_free(&events->objects);
    free(events->waiting);
    *events = (struct events){ .payloads = events->payloads };
}

static bool reserve_waiting(struct events *events)
{
    if (events->n < events->capacity)
        return true;
    size_t capacity = events->capacity == 0 ? 16 : events->capacity * 2;
    struct waiting_event *grown = realloc(events->waiting, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    events->waiting = grown;
    events->capacity = capacity;
    return true;
}

void encoder_event(struct encoder *encoder, const struct event_record *event, int64_t now_s)
{
    struct events *events = &encoder->events;
    struct waiting_event waiting = { events->lists.len, 0, events->objects.len, 0 };

    if (!encoder->settings->enable_payloads_events) {
        drop(encoder, POINT_DISABLED, 1);
        return;
    }
    if (events->payloads >= EVENT_PAYLOADS_MAX) {
        drop(encoder, POINT_EVENTS_FULL, 1);
        return;
    }
    encode_events_list(&events->lists, event->event.source_type);
    encode_event(&events->objects, event);
    waiting.list_len = events->lists.len - waiting.list_at;
    waiting.len = events->objects.len - waiting.at;
    if (events->lists.failed || events->objects.failed || !reserve_waiting(events)) {
        events->lists.len = waiting.list_at;
        events->objects.len = waiting.at;
        events->lists.failed = events->objects.failed = false;
        drop(encoder, POINT_NO_MEMORY, 1);
        return;
    }
    events->waiting[events->n++] = waiting;
    counter_add(&encoder->ledger->encoded[POINT_EVENT], 1);
    if (events->objects.len > EVENTS_BYTES_MAX)
        send_events(encoder, now_s);
}

/* ---- ends -------------------------------------------------------------- */

bool encoder_has_records(const struct encoder *encoder)
{
    return encoder->timed != NULL || encoder->checks != NULL || encoder->events.n > 0 ||
           encoder->events.payloads > 0;
}

void encoder_end_records(struct encoder *encoder, int64_t now_s)
{
    close_writer(&encoder->timed);
    close_writer(&encoder->checks);
    if (encoder->events.n > 0)
        send_events(encoder, now_s);
    encoder->events.payloads = 0;
}

void encoder_follow(struct encoder *encoder, const struct settings *settings, int64_t now_s)
{
    encoder_end_records(encoder, now_s);
    encoder->settings = settings;
    encoder->compression = compression_of(settings->serializer_compressor_kind);
}

void encoder_free(struct encoder *given)
{
    if (given == NULL)
        return;
    encoder_end_snapshot(given);
    encoder_end_records(given, 0);
    free(given);
}
