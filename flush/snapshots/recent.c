#include "flush/snapshots/recent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/series/admitted.h"

/* SLOTS is a power of two. TAGS_MAX: admission allows fewer. */
enum { SLOTS = 1024, TAGS_MAX = 128, MALLOC_HEAD = 16 };

/* Texts of a record, in the order in which they stand behind it; tags follow. The first two of
 * a check, and its tags, are its identity. */
enum text { TEXT_NAME, TEXT_HOST, TEXT_BODY, TEXT_SOURCE, TEXTS };

struct kept {
    struct kept *older, *newer;
    struct kept *chain; /* of checks with the same slot */
    uint64_t hash;      /* of a check's identity */
    int64_t time_s, received_s;
    size_t size; /* of all of it */
    uint8_t alert, priority, status;
    bool is_cut;
    uint16_t n_tags;
    uint32_t lengths[TEXTS]; /* then those of the tags, then all the bytes */
    uint32_t tags[];
};

struct kept_list {
    struct kept *oldest, *newest;
    size_t n, most;
    size_t bytes;
};

struct recent {
    struct flusher_ledger *ledger;
    struct kept_list events, checks;
    struct kept **slots; /* of checks, by hash; NULL: none came yet */
};

struct recent *recent_new(struct flusher_ledger *ledger)
{
    struct recent *recent = calloc(1, sizeof *recent);

    if (recent == NULL)
        return NULL;
    recent->ledger = ledger;
    recent->events.most = RECENT_EVENTS_MAX;
    recent->checks.most = RECENT_CHECKS_MAX;
    return recent;
}

/* ---- lists ------------------------------------------------------------- */

static void append(struct kept_list *list, struct kept *kept)
{
    kept->older = list->newest;
    kept->newer = NULL;
    if (list->newest != NULL)
        list->newest->newer = kept;
    else
        list->oldest = kept;
    list->newest = kept;
    list->n++;
    list->bytes += kept->size;
}

static void take_out(struct kept_list *list, struct kept *kept)
{
    if (kept->older != NULL)
        kept->older->newer = kept->newer;
    else
        list->oldest = kept->newer;
    if (kept->newer != NULL)
        kept->newer->older = kept->older;
    else
        list->newest = kept->older;
    list->n--;
    list->bytes -= kept->size;
}

static bool is_crowded(const struct kept_list *list)
{
    return list->n > list->most || list->bytes > RECENT_BYTES_MAX;
}

static void note_bytes(const struct recent *recent)
{
    size_t slots = recent->slots != NULL ? SLOTS * sizeof(struct kept *) : 0;

    counter_set(&recent->ledger->recent_bytes,
                recent->events.bytes + recent->checks.bytes + slots);
}

/* ---- one record -------------------------------------------------------- */

/* What is kept of a record of either kind. Views. */
struct shown {
    struct slice texts[TEXTS];
    const struct slice *tags;
    size_t n_tags;
    int64_t time_s, received_s;
};

static struct slice cut(struct slice text)
{
    return (struct slice){ text.at, text.len < RECENT_TEXT_MAX ? text.len : RECENT_TEXT_MAX };
}

static size_t size_of(const struct shown *shown)
{
    size_t size = sizeof(struct kept) + shown->n_tags * sizeof(uint32_t) + MALLOC_HEAD;

    for (size_t i = 0; i < TEXTS; i++)
        size += shown->texts[i].len;
    for (size_t i = 0; i < shown->n_tags; i++)
        size += shown->tags[i].len;
    return size;
}

static char *put(char *to, struct slice text)
{
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static void put_texts(struct kept *kept, const struct shown *shown)
{
    char *to = (char *)&kept->tags[shown->n_tags];

    for (size_t i = 0; i < TEXTS; i++) {
        kept->lengths[i] = (uint32_t)shown->texts[i].len;
        to = put(to, shown->texts[i]);
    }
    for (size_t i = 0; i < shown->n_tags; i++) {
        kept->tags[i] = (uint32_t)shown->tags[i].len;
        to = put(to, shown->tags[i]);
    }
}

/* NULL: it is too large, or there is no memory. */
static struct kept *copy(struct shown *shown)
{
    struct slice body = shown->texts[TEXT_BODY];

    shown->texts[TEXT_BODY] = cut(body);
    size_t size = size_of(shown);
    struct kept *kept = size <= RECENT_BYTES_MAX / 4 && shown->n_tags <= TAGS_MAX
                            ? malloc(size - MALLOC_HEAD)
                            : NULL;

    if (kept == NULL)
        return NULL;
    *kept = (struct kept){ .time_s = shown->time_s,
                           .received_s = shown->received_s,
                           .size = size,
                           .is_cut = body.len > RECENT_TEXT_MAX,
                           .n_tags = (uint16_t)shown->n_tags };
    put_texts(kept, shown);
    return kept;
}

/* The other way round; the tags are written to room. */
static struct shown show(const struct kept *kept, struct slice room[static TAGS_MAX])
{
    struct shown shown = { .tags = room,
                           .n_tags = kept->n_tags,
                           .time_s = kept->time_s,
                           .received_s = kept->received_s };
    const char *at = (const char *)&kept->tags[kept->n_tags];

    for (size_t i = 0; i < TEXTS; at += kept->lengths[i++])
        shown.texts[i] = (struct slice){ at, kept->lengths[i] };
    for (size_t i = 0; i < kept->n_tags; at += kept->tags[i++])
        room[i] = (struct slice){ at, kept->tags[i] };
    return shown;
}

/* ---- events ------------------------------------------------------------ */

static void see_event(void *observer, const struct event_record *record)
{
    struct recent *recent = observer;
    struct shown shown = {
        .texts = { [TEXT_NAME] = record->event.title,
                   [TEXT_HOST] = record->host,
                   [TEXT_BODY] = record->event.text,
                   [TEXT_SOURCE] = record->event.source_type },
        .tags = record->tags,
        .n_tags = record->n_tags,
        .time_s = record->time_s,
        .received_s = record->received_s,
    };
    struct kept *kept = copy(&shown);

    if (kept == NULL)
        return;
    kept->alert = (uint8_t)record->event.alert;
    kept->priority = (uint8_t)record->event.priority;
    append(&recent->events, kept);
    while (is_crowded(&recent->events)) {
        struct kept *oldest = recent->events.oldest;

        take_out(&recent->events, oldest);
        free(oldest);
    }
    note_bytes(recent);
}

/* ---- checks ------------------------------------------------------------ */

/* Lengths are part of it, so that "a" with "bc" is not "ab" with "c". */
static uint64_t hash_text(uint64_t seed, struct slice text)
{
    return XXH3_64bits_withSeed(text.len > 0 ? text.at : "", text.len, seed + text.len);
}

static uint64_t hash_of(const struct shown *shown)
{
    uint64_t hash = hash_text(hash_text(0, shown->texts[TEXT_NAME]), shown->texts[TEXT_HOST]);

    for (size_t i = 0; i < shown->n_tags; i++)
        hash = hash_text(hash, shown->tags[i]);
    return hash;
}

static bool is_same(const struct kept *kept, const struct shown *shown)
{
    struct slice room[TAGS_MAX];
    struct shown other = show(kept, room);

    if (other.n_tags != shown->n_tags ||
        !slice_equal(other.texts[TEXT_NAME], shown->texts[TEXT_NAME]) ||
        !slice_equal(other.texts[TEXT_HOST], shown->texts[TEXT_HOST]))
        return false;
    for (size_t i = 0; i < other.n_tags; i++)
        if (!slice_equal(room[i], shown->tags[i]))
            return false;
    return true;
}

static void drop_check(struct recent *recent, struct kept *given)
{
    struct kept **at = &recent->slots[given->hash & (SLOTS - 1)];

    while (*at != given)
        at = &(*at)->chain;
    *at = given->chain;
    take_out(&recent->checks, given);
    free(given);
}

static void add_check(struct recent *recent, struct kept *given, const struct shown *shown)
{
    struct kept **slot = &recent->slots[given->hash & (SLOTS - 1)];
    struct kept *before = *slot;

    while (before != NULL && (before->hash != given->hash || !is_same(before, shown)))
        before = before->chain;
    if (before != NULL)
        drop_check(recent, before);
    given->chain = *slot;
    *slot = given;
    append(&recent->checks, given);
    while (is_crowded(&recent->checks))
        drop_check(recent, recent->checks.oldest);
}

static void see_check(void *observer, const struct check_record *record)
{
    struct recent *recent = observer;
    struct shown shown = {
        .texts = { [TEXT_NAME] = record->check.name,
                   [TEXT_HOST] = record->host,
                   [TEXT_BODY] = record->check.message },
        .tags = record->tags,
        .n_tags = record->n_tags,
        .time_s = record->time_s,
        .received_s = record->received_s,
    };

    if (recent->slots == NULL)
        recent->slots = calloc(SLOTS, sizeof(struct kept *));
    struct kept *kept = recent->slots != NULL ? copy(&shown) : NULL;

    if (kept == NULL)
        return;
    kept->status = (uint8_t)record->check.status;
    kept->hash = hash_of(&shown);
    add_check(recent, kept, &shown);
    note_bytes(recent);
}

/* ---- writing ----------------------------------------------------------- */

static void write_tags(struct json_out *out, const struct shown *shown)
{
    json_out_begin(out, "tags", '[');
    for (size_t i = 0; i < shown->n_tags; i++)
        json_out_slice(out, NULL, shown->tags[i]);
    json_out_end(out, ']');
}

static void write_common(struct json_out *out, const struct shown *shown)
{
    write_tags(out, shown);
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    json_out_signed(out, "time", shown->time_s);
    json_out_signed(out, "received", shown->received_s);
}

/* A backslash and an n, as sent, are a newline. */
static void write_lines(struct json_out *out, const char *name, struct slice text)
{
    struct bytes lines = { 0 };

    for (size_t i = 0; i < text.len; i++) {
        bool newline = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';

        bytes_add(&lines, newline ? "\n" : &text.at[i], 1);
        i += newline;
    }
    json_out_slice(out, name, (struct slice){ (const char *)lines.at, lines.len });
    out->bytes.failed = out->bytes.failed || lines.failed;
    bytes_free(&lines);
}

static void write_event(struct json_out *out, const struct kept *kept)
{
    struct slice room[TAGS_MAX];
    struct shown shown = show(kept, room);

    json_out_begin(out, NULL, '{');
    write_lines(out, "title", shown.texts[TEXT_NAME]);
    write_lines(out, "text", shown.texts[TEXT_BODY]);
    json_out_bool(out, "cut", kept->is_cut);
    write_common(out, &shown);
    json_out_text(out, "alert_type", event_alert_name((enum event_alert)kept->alert));
    json_out_text(out, "priority", event_priority_name((enum event_priority)kept->priority));
    json_out_slice(out, "source", shown.texts[TEXT_SOURCE]);
    json_out_end(out, '}');
}

static void write_check(struct json_out *out, const struct kept *kept)
{
    struct slice room[TAGS_MAX];
    struct shown shown = show(kept, room);

    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", shown.texts[TEXT_NAME]);
    json_out_number(out, "status", kept->status);
    json_out_slice(out, "message", shown.texts[TEXT_BODY]);
    json_out_bool(out, "cut", kept->is_cut);
    write_common(out, &shown);
    json_out_end(out, '}');
}

void recent_write(const struct recent *recent, struct json_out *out)
{
    json_out_begin(out, NULL, '{');
    json_out_begin(out, "events", '[');
    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older)
        write_event(out, at);
    json_out_end(out, ']');
    json_out_begin(out, "checks", '[');
    for (const struct kept *at = recent->checks.newest; at != NULL; at = at->older)
        write_check(out, at);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* ---- as Datadog's clients read them ------------------------------------ */

/* Of as much text as is kept; a double holds it. */
int64_t recent_event_id(struct slice title, struct slice text, int64_t time_s)
{
    uint64_t hash = hash_text(hash_text((uint64_t)time_s, title), cut(text));

    return (int64_t)(hash >> 12) + 1;
}

static int64_t id_of(const struct shown *shown)
{
    return recent_event_id(shown->texts[TEXT_NAME], shown->texts[TEXT_BODY], shown->time_s);
}

static bool has_tag(const struct shown *shown, struct slice tag)
{
    for (size_t i = 0; i < shown->n_tags; i++)
        if (slice_equal(shown->tags[i], tag))
            return true;
    return false;
}

static bool is_found(const struct recent_search *search, const struct kept *kept,
                     const struct shown *shown)
{
    struct slice tags = search->tags;

    if (kept->time_s < search->from_s || kept->time_s > search->to_s ||
        (search->priority >= 0 && search->priority != kept->priority))
        return false;
    while (tags.len > 0)
        if (!has_tag(shown, slice_trim(slice_cut(&tags, ','), " ")))
            return false;
    return true;
}

static void write_addresses(struct json_out *out, int64_t id)
{
    char text[64];

    snprintf(text, sizeof text, "/api/v1/events/%" PRId64, id);
    json_out_text(out, "resource", text);
    snprintf(text, sizeof text, "/event/event?id=%" PRId64, id);
    json_out_text(out, "url", text);
}

static void write_found(struct json_out *out, const char *name, const struct kept *kept,
                        const struct shown *shown)
{
    json_out_begin(out, name, '{');
    json_out_signed(out, "id", id_of(shown));
    write_lines(out, "title", shown->texts[TEXT_NAME]);
    write_lines(out, "text", shown->texts[TEXT_BODY]);
    json_out_signed(out, "date_happened", kept->time_s);
    json_out_text(out, "alert_type", event_alert_name((enum event_alert)kept->alert));
    json_out_text(out, "priority", event_priority_name((enum event_priority)kept->priority));
    json_out_slice(out, "host", shown->texts[TEXT_HOST]);
    write_tags(out, shown);
    write_addresses(out, id_of(shown));
    json_out_null(out, "device_name");
    json_out_bool(out, "is_aggregate", false);
    json_out_begin(out, "comments", '[');
    json_out_end(out, ']');
    json_out_slice(out, "source", shown->texts[TEXT_SOURCE]);
    json_out_end(out, '}');
}

void recent_write_events(const struct recent *recent, const struct recent_search *search,
                         struct json_out *out)
{
    struct slice room[TAGS_MAX];

    json_out_begin(out, NULL, '{');
    json_out_begin(out, "events", '[');
    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older) {
        struct shown shown = show(at, room);

        if (is_found(search, at, &shown))
            write_found(out, NULL, at, &shown);
    }
    json_out_end(out, ']');
    json_out_end(out, '}');
}

bool recent_write_event(const struct recent *recent, int64_t id, struct json_out *out)
{
    struct slice room[TAGS_MAX];

    for (const struct kept *at = recent->events.newest; at != NULL; at = at->older) {
        struct shown shown = show(at, room);

        if (id_of(&shown) != id)
            continue;
        json_out_begin(out, NULL, '{');
        write_found(out, "event", at, &shown);
        json_out_end(out, '}');
        return true;
    }
    return false;
}

/* ---- as an observer ---------------------------------------------------- */

static void free_list(struct kept_list *list)
{
    struct kept *older;

    for (struct kept *at = list->newest; at != NULL; at = older) {
        older = at->older;
        free(at);
    }
}

static void recent_free(void *given)
{
    struct recent *recent = given;

    free_list(&recent->events);
    free_list(&recent->checks);
    free(recent->slots);
    free(recent);
}

struct observer recent_observer(struct recent *given)
{
    static const struct observer_ops ops = {
        .event = see_event,
        .check = see_check,
        .free = recent_free,
    };
    return (struct observer){ &ops, given };
}
