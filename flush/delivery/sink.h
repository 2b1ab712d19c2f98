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
 * All of this runs on delivery's thread, except that a sink is opened, and freed if it never
 * began, on that of the caller. Nothing waits, except for the disk. */
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
    const struct delivery_config
        *config;                     /* its texts may be read only while sinks are opened */
    struct delivery_ledger *ledgers; /* one for each intake, or one if there is none */
    struct outbox *outbox;
    struct event_base *base;
    struct transfers transfers;    /* for all HTTP */
    struct syncer syncer;          /* for all spools */
    bool stopping;                 /* since hurry */
    bool holding;                  /* no request begins and nothing is written to the disk */
    int64_t give_up_ms;            /* while stopping: monotonic */
    void (*moved)(void *delivery); /* after every step of a sink */
    void *delivery;
};

struct sink;

struct sink_operations {
    bool (*wants)(const struct sink *sink, enum payload_route route);

    /* The payload is a view; a sink that keeps it holds it, and lets it go by
     * outbox_let_go(). order: ascending. */
    void (*accept)(struct sink *sink, struct payload *payload, uint64_t order);

    void (*free)(struct sink *given);

    /* The operations from here on may be NULL: there is nothing to do, or the answer is yes. */

    /* Called before all else: opens what may take as long as a disk likes. */
    void (*begin)(struct sink *sink);

    /* Follows a reload. fresh has the new keys; the numbers in the common config are new
     * already. */
    void (*follow)(struct sink *sink, const struct delivery_config *fresh);

    /* While common->holding: whether nothing is under way that a successor would do again. */
    bool (*is_quiet)(const struct sink *sink);

    /* Goes on after it was held: no successor came. */
    void (*resume)(struct sink *sink);

    /* No more payloads come: makes one attempt at once for what waits. */
    void (*hurry)(struct sink *sink);

    /* After hurry: whether nothing is left, or nothing that could be tried in time. */
    bool (*is_drained)(const struct sink *sink);

    /* Writes what is left to disk, or sheds it as stopped. */
    void (*keep_rest)(struct sink *sink);

    /* Writes what is unsent, by payload_state_write(), and the end, for a successor. */
    void (*hand_over)(const struct sink *sink, struct state_writer *out);

    /* It is sure that the successor gets that: closes the accounts. */
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
