#include "flush/snapshots/recent_internal.h"

#include <stdlib.h>

enum { MALLOC_HEAD = 16 };

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
    if (list->ungiven == NULL)
        list->ungiven = kept;
    list->n++;
    list->bytes += kept->size;
}

static void put_oldest(struct kept_list *list, struct kept *kept)
{
    kept->older = NULL;
    kept->newer = list->oldest;
    if (list->oldest != NULL)
        list->oldest->older = kept;
    else
        list->newest = kept;
    list->oldest = kept;
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
    if (list->ungiven == kept)
        list->ungiven = kept->newer;
    list->n--;
    list->bytes -= kept->size;
}

static bool is_crowded(const struct kept_list *list)
{
    return list->n > list->most || list->bytes > RECENT_BYTES_MAX;
}

/* The oldest gives way to others. */
static void note_victim(const struct recent *recent, const struct kept_list *list)
{
    if (recent->watched && list->ungiven == list->oldest)
        counter_add(&recent->ledger->recent_ungiven, 1);
}

static void note_bytes(const struct recent *recent)
{
    size_t slots = recent->slots != NULL ? RECENT_SLOTS * sizeof(struct kept *) : 0;

    counter_set(&recent->ledger->recent_bytes,
                recent->events.bytes + recent->checks.bytes + slots);
}

/* ---- one record -------------------------------------------------------- */

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

struct kept *recent_copy(struct shown *shown)
{
    struct slice body = shown->texts[TEXT_BODY];

    shown->texts[TEXT_BODY] = recent_cut(body);
    size_t size = size_of(shown);
    struct kept *kept = size <= RECENT_BYTES_MAX / 4 && shown->n_tags <= RECENT_TAGS_MAX
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

struct shown recent_show(const struct kept *kept, struct slice room[static RECENT_TAGS_MAX])
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
                   [TEXT_SOURCE] = record->event.source_type,
                   [TEXT_HANDLE] = record->event.handle },
        .tags = record->tags,
        .n_tags = record->n_tags,
        .time_s = record->time_s,
        .received_s = record->received_s,
    };
    struct kept *kept = recent_copy(&shown);

    if (kept == NULL)
        return;
    kept->alert = (uint8_t)record->event.alert;
    kept->priority = (uint8_t)record->event.priority;
    append(&recent->events, kept);
    while (is_crowded(&recent->events)) {
        struct kept *oldest = recent->events.oldest;

        note_victim(recent, &recent->events);
        take_out(&recent->events, oldest);
        free(oldest);
    }
    note_bytes(recent);
}

/* ---- checks ------------------------------------------------------------ */

static uint64_t hash_of(const struct shown *shown)
{
    uint64_t hash =
        recent_hash_text(recent_hash_text(0, shown->texts[TEXT_NAME]), shown->texts[TEXT_HOST]);

    for (size_t i = 0; i < shown->n_tags; i++)
        hash = recent_hash_text(hash, shown->tags[i]);
    return hash;
}

static bool is_same(const struct kept *kept, const struct shown *shown)
{
    struct slice room[RECENT_TAGS_MAX];
    struct shown other = recent_show(kept, room);

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
    struct kept **at = &recent->slots[given->hash & (RECENT_SLOTS - 1)];

    while (*at != given)
        at = &(*at)->chain;
    *at = given->chain;
    take_out(&recent->checks, given);
    free(given);
}

static struct kept *find_check(const struct recent *recent, uint64_t hash,
                               const struct shown *shown)
{
    struct kept *at = recent->slots[hash & (RECENT_SLOTS - 1)];

    while (at != NULL && (at->hash != hash || !is_same(at, shown)))
        at = at->chain;
    return at;
}

static void add_check(struct recent *recent, struct kept *given, const struct shown *shown)
{
    struct kept **slot = &recent->slots[given->hash & (RECENT_SLOTS - 1)];
    struct kept *before = find_check(recent, given->hash, shown);

    if (before != NULL)
        drop_check(recent, before);
    given->chain = *slot;
    *slot = given;
    append(&recent->checks, given);
    while (is_crowded(&recent->checks)) {
        note_victim(recent, &recent->checks);
        drop_check(recent, recent->checks.oldest);
    }
}

static bool reserve_slots(struct recent *recent)
{
    if (recent->slots == NULL)
        recent->slots = calloc(RECENT_SLOTS, sizeof(struct kept *));
    return recent->slots != NULL;
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

    struct kept *kept = reserve_slots(recent) ? recent_copy(&shown) : NULL;

    if (kept == NULL)
        return;
    kept->status = (uint8_t)record->check.status;
    kept->hash = hash_of(&shown);
    add_check(recent, kept, &shown);
    note_bytes(recent);
}

/* ---- what was before --------------------------------------------------- */

static bool has_room(const struct kept_list *list, const struct kept *more)
{
    return list->n < list->most && list->bytes + more->size <= RECENT_BYTES_MAX;
}

static bool add_oldest_check(struct recent *recent, struct kept *kept,
                             const struct shown *shown)
{
    kept->hash = hash_of(shown);
    if (!reserve_slots(recent) || find_check(recent, kept->hash, shown) != NULL)
        return false;
    struct kept **slot = &recent->slots[kept->hash & (RECENT_SLOTS - 1)];

    kept->chain = *slot;
    *slot = kept;
    put_oldest(&recent->checks, kept);
    return true;
}

bool recent_add_oldest(struct recent *recent, enum recent_kind kind, struct kept *given,
                       const struct shown *shown)
{
    bool is_event = kind == RECENT_EVENT;
    bool added = has_room(is_event ? &recent->events : &recent->checks, given);

    if (added && is_event)
        put_oldest(&recent->events, given);
    else if (added)
        added = add_oldest_check(recent, given, shown);
    if (!added)
        free(given);
    note_bytes(recent);
    return added;
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
