/* flush/delivery/sink.h: where payloads go: an intake, the mirror's Redis, or nowhere.
 *
 *   opened, begin -> accept, accept, ... -> hurry -> is_drained -> keep_rest -> free
 *                     ^           |
 *                     |           `-> is_quiet -> hand_over, handed_over -> keep_rest -> free
 *    take_over -------´                  `-> resume
 *
 * Delivery knows a sink by these operations alone, and a payload only by its route: each
 * sink that wants the route gets the payload, bounds what it keeps and counts in a ledger
 * what became of it. A kind of sink embeds a struct sink as its first member and has a row
 * in SINK_KINDS (sink_list.h).
 *
 * All of this runs on delivery's thread, but for the opening and for freeing what never
 * began. Nothing waits, but for the disk. */
#ifndef FLUSH_DELIVERY_SINK_H
#define FLUSH_DELIVERY_SINK_H

#include "flush/delivery/delivery_config.h"
#include "flush/delivery/delivery_ledger.h"
#include "flush/delivery/syncer.h"
#include "flush/delivery/transfers.h"
#include "flush/memory/state.h"
#include "flush/payloads/outbox.h"

/* What delivery gives all its sinks, and outlives them. */
struct sink_common {
    const struct delivery_config *config; /* what is not a number only while they are opened */
    struct delivery_ledger *ledgers;      /* one an intake, and one without any */
    struct outbox *outbox;
    struct event_base *base;
    struct transfers transfers;    /* of all HTTP */
    struct syncer syncer;          /* of the spools */
    bool stopping;                 /* since hurry */
    bool holding;                  /* no request begins and nothing is written to the disk */
    int64_t give_up_ms;            /* while stopping: monotonic */
    void (*moved)(void *delivery); /* after every step of a sink */
    void *delivery;
};

struct sink;

struct sink_operations {
    bool (*wants)(const struct sink *sink, enum payload_route route);

    /* A view: whoever keeps it holds it, and lets it go by outbox_let_go(). order: ascending.
     */
    void (*accept)(struct sink *sink, struct payload *payload, uint64_t order);

    void (*free)(struct sink *given);

    /* From here on NULL says: there is nothing to do, or it is always so. */

    /* Ahead of all else: opens what may take as long as a disk likes. */
    void (*begin)(struct sink *sink);

    /* A reload: what differs is in fresh, and its numbers in the common config already. */
    void (*follow)(struct sink *sink, const struct delivery_config *fresh);

    /* common->holding: is nothing under way that a successor would do again? */
    bool (*is_quiet)(const struct sink *sink);

    /* Nobody has taken over: goes on after it was held. */
    void (*resume)(struct sink *sink);

    /* No more comes: one attempt at once for what waits. */
    void (*hurry)(struct sink *sink);

    /* Since hurry: nothing is left, or nothing that could be tried in time. */
    bool (*is_drained)(const struct sink *sink);

    /* What is left goes to disk, or is shed as stopped. */
    void (*keep_rest)(struct sink *sink);

    /* A successor takes over: writes what is unsent, by payload_state_write(), and the end. */
    void (*hand_over)(const struct sink *sink, struct state_writer *out);

    /* That reached the successor for good: the accounts are closed. */
    void (*handed_over)(struct sink *sink);

    /* An inherited payload, as with accept. False: no memory. */
    bool (*take_over)(struct sink *sink, struct payload *payload, uint64_t order);
};

struct sink {
    const struct sink_operations *operations; /* static */
    const char *name; /* by which a successor finds it again, without secrets; a view. NULL: it
                         keeps nothing and is not handed over */
    unsigned place;   /* among those with the same name */
};

static inline bool sink_wants(const struct sink *sink, enum payload_route route)
{
    return sink->operations->wants(sink, route);
}

static inline void sink_accept(struct sink *sink, struct payload *payload, uint64_t order)
{
    sink->operations->accept(sink, payload, order);
}

static inline void sink_free(struct sink *given)
{
    given->operations->free(given);
}

static inline void sink_begin(struct sink *sink)
{
    if (sink->operations->begin != NULL)
        sink->operations->begin(sink);
}

static inline void sink_follow(struct sink *sink, const struct delivery_config *fresh)
{
    if (sink->operations->follow != NULL)
        sink->operations->follow(sink, fresh);
}

static inline bool sink_is_quiet(const struct sink *sink)
{
    return sink->operations->is_quiet == NULL || sink->operations->is_quiet(sink);
}

static inline void sink_resume(struct sink *sink)
{
    if (sink->operations->resume != NULL)
        sink->operations->resume(sink);
}

static inline void sink_hurry(struct sink *sink)
{
    if (sink->operations->hurry != NULL)
        sink->operations->hurry(sink);
}

static inline bool sink_is_drained(const struct sink *sink)
{
    return sink->operations->is_drained == NULL || sink->operations->is_drained(sink);
}

static inline void sink_keep_rest(struct sink *sink)
{
    if (sink->operations->keep_rest != NULL)
        sink->operations->keep_rest(sink);
}

static inline void sink_hand_over(const struct sink *sink, struct state_writer *out)
{
    sink->operations->hand_over(sink, out);
}

static inline void sink_handed_over(struct sink *sink)
{
    if (sink->operations->handed_over != NULL)
        sink->operations->handed_over(sink);
}

static inline bool sink_take_over(struct sink *sink, struct payload *payload, uint64_t order)
{
    return sink->operations->take_over(sink, payload, order);
}

#endif
