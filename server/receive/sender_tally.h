/* server/receive/sender_tally.h: a worker counts who sends, while somebody looks (heeler top).
 *
 *   worker   datagram ──► tally: an open sketch ── once a second ──► box ──► desk
 *
 * The box holds one sketch, and goes from thread to thread by an exchange of a pointer, so that
 * neither side waits: whoever takes it owns it. As long as the desk has not taken the last one,
 * the open one goes on. While nobody looks there is no sketch, and the worker looks at nothing:
 * whoever wants counts wants senders too (server/receive/sender.h).
 *
 * To ask the kernel for each address and to look it up costs a full worker 7 %. So behind the
 * first SENDER_EXACT datagrams of a second it looks at one batch of SENDER_SHARE, and what that
 * brings counts so many times: an estimate, and the sketch says so. */
#ifndef SERVER_RECEIVE_SENDER_TALLY_H
#define SERVER_RECEIVE_SENDER_TALLY_H

#include "protocol/slice.h"
#include "server/receive/sender_sketch.h"

/* One a worker; on a line of its own. */
struct sender_box {
    _Alignas(OWN_LINE) _Atomic(bool) wanted; /* written by the desk; relaxed, a wish */
    _Atomic(struct sender_sketch *) full;    /* NULL: it was taken */
};

/* What was counted since the last time, owned; NULL: nothing is there yet. */
struct sender_sketch *sender_box_take(struct sender_box *box);

/* ---- the worker -------------------------------------------------------- */

enum { SENDER_EXACT = 32768, SENDER_SHARE = 8 };

struct sender_tally {
    struct sender_box *box;     /* NULL: nobody will look */
    struct sender_sketch *open; /* owned; NULL: nobody looks, or there is no memory */
    struct sender_sums before;  /* of the batch, up to the last datagram */
    uint32_t weight;            /* of the batch: it counts so often; 0: it is not looked at */
    int64_t second_ns;          /* when this second began, and in it: */
    uint32_t datagrams;         /* that were looked at */
    uint32_t batches;           /* behind the exact ones */
};

/* To be called before a batch is received. Whether its senders are to be asked for. */
bool sender_tally_looks(struct sender_tally *tally);

/* To be called before a batch is counted. Whether its datagrams are to be. */
bool sender_tally_begin(struct sender_tally *tally, int64_t now_ns);

/* sums: what the batch has brought up to this datagram, as they are told so far; its bytes and
 * datagrams are counted here. */
void sender_tally_add(struct sender_tally *tally, const struct sender *from,
                      struct slice datagram, uint64_t lines, uint64_t values);

/* Gives away what was counted, if it is time. To be called behind a batch, and from time to
 * time when none comes. */
void sender_tally_end(struct sender_tally *tally, int64_t now_ns);

/* Frees what it has, and what is in the box. It may begin again. */
void sender_tally_free(struct sender_tally *given);

#endif
