/* server/receive/tap.h: what a worker receives, shown to somebody who looks on.
 *
 *   worker, the only writer                          desk, the only reader
 *     datagram ──copied whole──► | ring of bytes | ──► taps_read(): sender, time, bytes
 *     no room, or over heeler_tail_max_bytes ──► not copied; its lines are counted
 *
 * The worker matches and decides nothing, takes no lock and waits for nobody. While nobody
 * looks there is no ring, and the worker looks at nothing: taps are followed only by who
 * follows the wish for senders (server/receive/sender.h), which whoever looks raises too.
 *
 * Lifetime of a ring. It is the desk's. `asked` is odd while somebody looks, and only the desk
 * adds to it; the worker follows it between two batches, and at least every two seconds:
 *
 *   desk                                      worker
 *   ring = new; asked 1 ──────release──────►  writes from its next batch on; followed = 1
 *   asked 2             ────────────────────► writes no more
 *                       ◄─────release───────  followed = 2
 *   frees the ring
 *
 * So the ring is neither freed nor replaced before the worker has said that it stopped, and a
 * reader who comes meanwhile gets the same ring again. A worker that ends says TAP_ENDED. */
#ifndef SERVER_RECEIVE_TAP_H
#define SERVER_RECEIVE_TAP_H

#include <stdatomic.h>
#include <stdint.h>

#include "flush/parcels/ledger.h"
#include "protocol/slice.h"
#include "server/receive/sender.h"

#define TAP_ENDED UINT32_MAX

/* In front of each datagram, at a multiple of eight bytes. */
struct tap_head {
    uint32_t len;      /* TAP_WRAP: what follows stands at the beginning of the ring */
    bool need_newline; /* as ingest_datagram() has it */
    int64_t time_ns;   /* wall clock */
    struct sender sender;
};

/* One worker's. */
struct tap {
    /* the desk writes, the worker reads */
    _Alignas(OWN_LINE) _Atomic(uint32_t) asked;
    char *ring;             /* written while the worker does not write into it */
    _Atomic(uint64_t) read; /* so many bytes; behind what was read */

    /* the worker writes, the desk reads */
    _Alignas(OWN_LINE) _Atomic(uint32_t) followed;
    _Atomic(uint64_t) written;
    struct counter
        lines; /* that came while somebody looked, in the ring or not; behind written */

    /* the worker's */
    uint32_t following;
    bool is_open;
    uint64_t at;     /* written, of the batch under way too */
    uint64_t before; /* lines in the worker's ledger before the batch */
};

/* All of them. */
struct taps {
    _Alignas(
        OWN_LINE) _Atomic(int64_t) left; /* bytes that may be copied; the desk gives more */
    uint32_t n;
    size_t ring_bytes;
    int64_t bytes_a_second;
    struct tap *at; /* own lines, one a worker */
};

/* ---- the worker -------------------------------------------------------- */

/* To be called between two batches. */
static inline bool tap_is_open(const struct tap *tap)
{
    return tap->is_open;
}
void tap_follow(struct tap *tap);

/* Writes no more, for ever. */
void tap_end(struct tap *tap);

/* Around a batch, while the tap is open. The ledger is the worker's, of which the lines are
 * taken when the batch is ingested and settled. */
void tap_begin(struct tap *tap, const struct worker_ledger *ledger);

/* Whether so many bytes may be copied now, or all of a second; no promise. */
static inline bool taps_have_left(const struct taps *taps, int64_t bytes)
{
    int64_t wanted = bytes < taps->bytes_a_second ? bytes : taps->bytes_a_second;

    return atomic_load_explicit(&taps->left, memory_order_relaxed) >= wanted;
}

void tap_put(struct tap *tap, struct taps *taps, struct slice datagram,
             const struct tap_head *head);
void tap_publish(struct tap *tap); /* what was put may be read */
void tap_count(struct tap *tap, const struct worker_ledger *ledger);

/* ---- the desk ---------------------------------------------------------- */

/* bytes_a_second: that all workers may copy together, and that one ring holds. False without
 * memory. */
bool taps_init(struct taps *taps, uint32_t workers, int64_t bytes_a_second);
void taps_free(struct taps *given); /* no worker and no reader is there any more */

/* Somebody looks. False without memory for the rings. */
bool taps_open(struct taps *taps);
void taps_shut(struct taps *taps);

/* Frees the rings that no worker writes into any more. True: there are others, so this is to be
 * called again. */
bool taps_tidy(struct taps *taps);

/* So much time has passed: so many bytes more may be copied, a second's at most. */
void taps_allow(struct taps *taps, int64_t ns);

/* Shows what came since the last time, of each worker in order; views until it returns. False:
 * that were max_bytes, and there is more. True: *lines have come in all since the rings are
 * there, shown or not: at least those of what it has shown, but for the batches under way. */
typedef void tap_show(const struct tap_head *head, struct slice datagram, void *argument);
bool taps_read(struct taps *taps, uint64_t max_bytes, tap_show *show, void *argument,
               uint64_t *lines);

#endif
