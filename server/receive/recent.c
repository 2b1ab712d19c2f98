#include "server/receive/recent.h"

#include <stdlib.h>
#include <string.h>

#include "flush/memory/pages.h"

enum { LONGEST = 64 * 1024, ALIGN = 8 };

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static char *segment_at(const struct recents *recents, const struct recent *recent, uint32_t i)
{
    return recent->at + i * recents->segment_bytes;
}

/* ---- start and end ----------------------------------------------------- */

bool recents_init(struct recents *recents, uint32_t workers, int64_t bytes)
{
    size_t least = aligned(LONGEST + sizeof(struct recent_head));
    size_t each = (size_t)bytes / workers / RECENT_SEGMENTS / ALIGN * ALIGN;

    *recents = (struct recents){ .n = workers,
                                 .segment_bytes = each > least ? each : least,
                                 .at = own_lines(workers * sizeof *recents->at) };
    for (uint32_t i = 0; recents->at != NULL && i < workers; i++) {
        struct recent *recent = &recents->at[i];

        recent->at = pages_map(RECENT_SEGMENTS * recents->segment_bytes);
        recent->number = recent->segments[0].number = 1;
        if (recent->at == NULL)
            recents_free(recents);
    }
    return recents->at != NULL;
}

void recents_free(struct recents *given)
{
    for (uint32_t i = 0; given->at != NULL && i < given->n; i++)
        if (given->at[i].at != NULL)
            pages_unmap(given->at[i].at, RECENT_SEGMENTS * given->segment_bytes);
    free(given->at);
    given->at = NULL;
}

/* ---- the worker -------------------------------------------------------- */

void recent_publish(struct recent *recent)
{
    uint32_t open = atomic_load_explicit(&recent->open, memory_order_relaxed);

    atomic_store_explicit(&recent->segments[open].written, recent->used,
                          memory_order_release); /* with begin_segment() */
}

/* False: the oldest segment is read by somebody. */
static bool open_next(struct recent *recent)
{
    uint32_t open = atomic_load_explicit(&recent->open, memory_order_relaxed);
    uint32_t next = (open + 1) % RECENT_SEGMENTS, nobody = 0;
    struct recent_segment *segment = &recent->segments[next];

    if (!atomic_compare_exchange_strong_explicit(&segment->readers, &nobody, RECENT_EMPTIED,
                                                 memory_order_acquire, /* with let_go() */
                                                 memory_order_relaxed))
        return false;
    recent_publish(recent);
    atomic_store_explicit(&segment->written, 0, memory_order_relaxed);
    segment->number = ++recent->number;
    recent->used = 0;
    atomic_store_explicit(&recent->open, next, memory_order_relaxed);
    atomic_store_explicit(&segment->readers, 0, memory_order_release); /* with hold() */
    return true;
}

void recent_keep(const struct recents *recents, struct recent *recent, struct slice datagram,
                 const struct recent_head *head)
{
    struct recent_head whole = *head;
    size_t bytes = aligned(sizeof whole + datagram.len);

    if (recent->used + bytes > recents->segment_bytes &&
        (bytes > recents->segment_bytes || !open_next(recent))) {
        recent->missed++;
        return;
    }
    uint32_t open = atomic_load_explicit(&recent->open, memory_order_relaxed);
    char *room = segment_at(recents, recent, open) + recent->used;

    whole.len = (uint32_t)datagram.len;
    whole.missed = recent->missed;
    memcpy(room, &whole, sizeof whole);
    if (datagram.len > 0)
        memcpy(room + sizeof whole, datagram.at, datagram.len);
    recent->used += bytes;
    recent->missed = 0;
}

/* ---- the desk ---------------------------------------------------------- */

/* Of one worker: the segments that are held, in the order of their numbers. */
struct reading {
    struct recent *recent;
    uint32_t held[RECENT_SEGMENTS];
    uint32_t n, first;              /* those before the first are let go */
    uint64_t ends[RECENT_SEGMENTS]; /* bytes of each that are read */
    uint64_t at;                    /* in the first */
};

struct recall {
    const struct recents *recents;
    int64_t complete_ns;
    struct reading readings[]; /* one a worker */
};

/* False: it is emptied just now, so there is nothing in it. */
static bool hold(struct recent_segment *segment)
{
    uint32_t readers = atomic_load_explicit(&segment->readers, memory_order_relaxed);

    while (readers != RECENT_EMPTIED)
        if (atomic_compare_exchange_weak_explicit(&segment->readers, &readers, readers + 1,
                                                  memory_order_acquire, /* open_next() */
                                                  memory_order_relaxed))
            return true;
    return false;
}

static void let_go(struct recent_segment *segment)
{
    atomic_fetch_sub_explicit(&segment->readers, 1,
                              memory_order_release); /* with open_next() */
}

static void let_go_first(struct reading *reading)
{
    let_go(&reading->recent->segments[reading->held[reading->first]]);
    reading->first++;
    reading->at = 0;
}

/* Puts it among the others, by its number. */
static void insert(struct reading *reading, uint32_t segment)
{
    const struct recent_segment *segments = reading->recent->segments;
    uint32_t to = reading->n++;

    for (; to > 0 && segments[reading->held[to - 1]].number > segments[segment].number; to--)
        reading->held[to] = reading->held[to - 1];
    reading->held[to] = segment;
}

/* False: there is none any more. */
static bool peek(const struct recents *recents, struct reading *reading,
                 struct recent_head *head, const char **payload)
{
    while (reading->first < reading->n && reading->at >= reading->ends[reading->first])
        let_go_first(reading);
    if (reading->first == reading->n)
        return false;
    const char *at = segment_at(recents, reading->recent, reading->held[reading->first]);
    memcpy(head, at + reading->at, sizeof *head);
    *payload = at + reading->at + sizeof *head;
    return true;
}

static void step(struct reading *reading, const struct recent_head *head)
{
    reading->at += aligned(sizeof *head + head->len);
}

static void hold_all(struct reading *reading)
{
    struct recent *recent = reading->recent;
    uint32_t open = atomic_load_explicit(&recent->open, memory_order_relaxed);

    for (uint32_t i = 0; i < RECENT_SEGMENTS; i++)
        if (i != (open + 1) % RECENT_SEGMENTS && hold(&recent->segments[i]))
            insert(reading, i);
    for (uint32_t i = 0; i < reading->n; i++)
        reading->ends[i] = atomic_load_explicit(&recent->segments[reading->held[i]].written,
                                                memory_order_acquire); /* recent_publish() */
}

static int64_t first_time(const struct recents *recents, const struct reading *reading,
                          uint32_t i)
{
    struct recent_head head;

    memcpy(&head, segment_at(recents, reading->recent, reading->held[i]), sizeof head);
    return head.time_ns;
}

/* Moves to the first datagram of that time or later. Whole segments are passed by the times
 * that the next ones begin with. */
static void pass_until(const struct recents *recents, struct reading *reading, int64_t since_ns)
{
    struct recent_head head;
    const char *payload;

    while (reading->first + 1 < reading->n && reading->ends[reading->first + 1] > 0 &&
           first_time(recents, reading, reading->first + 1) < since_ns)
        let_go_first(reading);
    while (peek(recents, reading, &head, &payload) && head.time_ns < since_ns)
        step(reading, &head);
}

static void begin_reading(struct recall *recall, struct reading *reading, int64_t since_ns)
{
    struct recent_head head;
    const char *payload;

    hold_all(reading);
    while (reading->first < reading->n &&
           reading->recent->segments[reading->held[reading->first]].number == 0)
        let_go_first(reading); /* it was never opened */
    bool all = reading->first == reading->n ||
               reading->recent->segments[reading->held[reading->first]].number == 1;
    if (!all && peek(recall->recents, reading, &head, &payload) && head.time_ns > since_ns &&
        head.time_ns > recall->complete_ns)
        recall->complete_ns = head.time_ns;
    pass_until(recall->recents, reading, since_ns);
}

struct recall *recall_new(struct recents *recents, int64_t since_ns)
{
    struct recall *recall = calloc(1, sizeof *recall + recents->n * sizeof *recall->readings);

    if (recall == NULL)
        return NULL;
    recall->recents = recents;
    for (uint32_t i = 0; i < recents->n; i++) {
        recall->readings[i].recent = &recents->at[i];
        begin_reading(recall, &recall->readings[i], since_ns);
    }
    return recall;
}

void recall_free(struct recall *given)
{
    if (given == NULL)
        return;
    for (uint32_t i = 0; i < given->recents->n; i++)
        while (given->readings[i].first < given->readings[i].n)
            let_go_first(&given->readings[i]);
    free(given);
}

bool recall_next(struct recall *recall, struct recent_head *head, struct slice *datagram)
{
    struct reading *oldest = NULL;

    for (uint32_t i = 0; i < recall->recents->n; i++) {
        struct recent_head found;
        const char *payload;

        if (!peek(recall->recents, &recall->readings[i], &found, &payload) ||
            (oldest != NULL && found.time_ns >= head->time_ns))
            continue;
        oldest = &recall->readings[i];
        *head = found;
        *datagram = (struct slice){ payload, found.len };
    }
    if (oldest == NULL)
        return false;
    step(oldest, head);
    return true;
}

int64_t recall_complete_ns(const struct recall *recall)
{
    return recall->complete_ns;
}
