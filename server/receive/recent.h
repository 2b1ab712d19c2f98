/* server/receive/recent.h: the datagrams of the last while, kept by the worker that got them
 * (heeler_ring_bytes).
 *
 *   worker, the only writer                                desk, which reads now and then
 *     datagram ──copied──► | segment | segment | … | ──►   recall_next(): in the order of time
 *                            oldest             open
 *
 * A worker's ring is RECENT_SEGMENTS pieces of memory. Records are added to the open one; when
 * it is full the oldest is emptied and becomes the open one. No lock, and nobody waits: each
 * segment has one word that says how many read it.
 *
 *   worker  empties a segment only where it can change that word from 0 to RECENT_EMPTIED
 *   desk    reads a segment only where it can add one to a word that is not RECENT_EMPTIED
 *
 * So nothing is emptied while it is read. Below `written` of a segment nothing changes until it
 * is emptied, so the open one can be read too. The desk leaves the oldest segment alone, so the
 * worker has room meanwhile; where a reader is so slow that this is used up, what comes is not
 * kept, and a record in the ring says how much that was. */
#ifndef SERVER_RECEIVE_RECENT_H
#define SERVER_RECEIVE_RECENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "flush/memory/own_lines.h"
#include "protocol/slice.h"

enum { RECENT_SEGMENTS = 16 };
#define RECENT_EMPTIED UINT32_MAX

/* In front of each datagram, at a multiple of eight bytes. */
struct recent_head {
    uint32_t len;
    int32_t pid;     /* who sent it; 0: not known */
    int64_t time_ns; /* wall clock */
    uint64_t missed; /* datagrams in front of this one that were not kept */
};

struct recent_segment {
    _Atomic(uint32_t) readers; /* or RECENT_EMPTIED */
    _Atomic(uint64_t) written; /* bytes that may be read */
    uint64_t number;           /* the how manieth it is that was opened; 0: it never was */
};

/* One worker's. */
struct recent {
    _Alignas(OWN_LINE) char *at; /* pages */
    _Atomic(uint32_t) open;      /* for the desk but a hint */
    uint64_t number;
    uint64_t used; /* of the open segment, of the batch under way too */
    uint64_t missed;
    struct recent_segment segments[RECENT_SEGMENTS];
};

/* All of them. */
struct recents {
    uint32_t n;
    size_t segment_bytes;
    struct recent *at; /* own lines, one a worker */
};

/* bytes: of all workers together; each has some 1 MiB at least. False without memory, and
 * nothing is to be freed. */
bool recents_init(struct recents *recents, uint32_t workers, int64_t bytes);
void recents_free(struct recents *given); /* no worker and no reader is there any more */

/* ---- the worker -------------------------------------------------------- */

/* The head without its length and what was missed. */
void recent_keep(const struct recents *recents, struct recent *recent, struct slice datagram,
                 const struct recent_head *head);
void recent_publish(struct recent *recent); /* what was kept may be read */

/* ---- the desk ---------------------------------------------------------- */

struct recall;

/* What is kept at this time, of all workers, from since_ns on. NULL without memory. */
struct recall *recall_new(struct recents *recents, int64_t since_ns);
void recall_free(struct recall *given); /* NULL is fine */

/* The next datagram, a view until the next call. False: there is none any more. */
bool recall_next(struct recall *recall, struct recent_head *head, struct slice *datagram);

/* Nothing before that time is kept any more; 0: nothing of what was asked for was given up. */
int64_t recall_complete_ns(const struct recall *recall);

#endif
