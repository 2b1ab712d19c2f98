/* flush/parcels/inbox.h: hand-off 1 of 2: parcels (births, records, buckets), many
 * workers to one flusher.
 *
 * A mailbox: pushing a parcel gives it away, and a push never waits. The parcels of one
 * worker must be handled in the order they were pushed: inbox_take() returns them oldest
 * first.
 *
 * The bytes that a worker has pushed and the flusher has not yet handled are
 * bounded by the worker: it knows what it pushed and reads one number that
 * the flusher writes (struct worker_account). */
#ifndef FLUSH_PARCELS_INBOX_H
#define FLUSH_PARCELS_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "flush/memory/mailbox.h"
#include "flush/memory/own_lines.h"

enum parcel_kind { PARCEL_BIRTHS, PARCEL_RECORDS, PARCEL_BUCKET };

struct chunk;

struct parcel {
    union {
        struct letter letter;
        struct parcel *next;
    };
    enum parcel_kind kind;
    uint32_t worker; /* index of the sender */
    size_t bytes;    /* that count as not yet handled; 0 for a bucket */
};

struct inbox {
    struct mailbox mail;
};

/* As many as a worker fills between two looks of the flusher. */
enum { SPARE_CHUNKS = 8 };

/* Context ids; one block of memory. */
struct id_list {
    uint32_t n;
    uint32_t ids[];
};

/* Written by the flusher, read by one worker; a cache line each. */
struct worker_account {
    _Alignas(OWN_LINE) _Atomic(uint64_t) handled_bytes; /* of births and records */
    _Atomic(uint32_t) handled_buckets;
    /* No memory is left for new series: the worker sheds new contexts without telling,
     * so that its table does not grow either. */
    _Atomic(bool) crowded;
    /* Contexts that were refused for want of room, when there is room again: the
     * worker takes the list at its next seal and retires them, so that they are
     * born anew. Whoever exchanges it out owns it. */
    _Atomic(struct id_list *) again;
    /* Chunks of records that are handled, for the worker to fill again: new memory would be
     * zeroed for each. Each is owned in the same way; NULL: there is none. */
    _Atomic(struct chunk *) spares[SPARE_CHUNKS];
};

/* A chunk of records that is empty, for the worker to fill; owned. NULL: there is none. */
static inline struct chunk *inbox_take_spare(struct worker_account *account)
{
    struct chunk *spare = NULL;

    for (int i = 0; i < SPARE_CHUNKS && spare == NULL; i++)
        if (atomic_load_explicit(&account->spares[i], memory_order_relaxed) != NULL)
            spare = atomic_exchange_explicit(&account->spares[i], NULL, memory_order_acquire);
    return spare;
}

/* False when the system has no eventfd left. */
static inline bool inbox_open(struct inbox *inbox)
{
    return mailbox_open(&inbox->mail);
}

static inline void inbox_close(struct inbox *given)
{
    mailbox_close(&given->mail);
}

static inline void inbox_push(struct inbox *inbox, struct parcel *given)
{
    mailbox_push(&inbox->mail, &given->letter);
}

/* Every parcel pushed so far, oldest first, or NULL. The caller owns them. */
static inline struct parcel *inbox_take(struct inbox *inbox)
{
    mailbox_quieten(&inbox->mail);
    return (struct parcel *)mailbox_take(&inbox->mail);
}

#endif
