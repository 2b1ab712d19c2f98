/* flush/payloads/outbox.h: hand-off 2 of 2: payloads, flusher to delivery.
 *
 * A mailbox: pushing a payload gives it away, a push never waits, and a flush of many
 * payloads wakes delivery once.
 *
 * The taker bounds what it keeps: delivery takes at once and sheds by age
 * (delivery.h). Only when it hangs, in a disk that does not answer, do payloads
 * stay here, and then limit bounds them. bytes counts what was pushed and not
 * settled yet, wherever it is now: 0 at the end, or a payload was lost. */
#ifndef FLUSH_PAYLOADS_OUTBOX_H
#define FLUSH_PAYLOADS_OUTBOX_H

#include "flush/memory/mailbox.h"
#include "flush/payloads/payload.h"

enum { OUTBOX_LIMIT = 64 << 20 };

struct outbox {
    struct mailbox mail;     /* flusher pushes, delivery takes */
    _Atomic(size_t) bytes;   /* pushing adds, settling subtracts */
    _Atomic(size_t) waiting; /* of them, not taken yet */
    size_t limit;            /* of waiting */
};

/* False with errno when there is no descriptor left. */
bool outbox_open(struct outbox *outbox);

/* Frees what nobody took. */
void outbox_close(struct outbox *given);

/* Whether pushing that payload would go over the limit. */
bool outbox_is_full(const struct outbox *outbox, const struct payload *payload);

void outbox_push(struct outbox *outbox, struct payload *given);

/* Every payload pushed so far, oldest first by next, or NULL. The caller owns them. */
struct payload *outbox_take(struct outbox *outbox);

/* Adds to bytes a payload that was never pushed: it was read from disk, or is a part of
 * another one. */
void outbox_adopt(struct outbox *outbox, struct payload *payload);

/* Subtracts the payload from bytes before its end: the caller keeps it, counts it and bounds
 * what he keeps. */
void outbox_release(struct outbox *outbox, struct payload *payload);

/* The payload has come to its end: subtracts it from bytes, if it is in them, and frees it. */
void outbox_settle(struct outbox *outbox, struct payload *given);

/* The caller holds it no more. If he was the last holder, it is settled. */
void outbox_let_go(struct outbox *outbox, struct payload *given);

/* What a payload weighs in memory. */
size_t outbox_weight(const struct payload *payload);

size_t outbox_bytes(const struct outbox *outbox);
size_t outbox_waiting(const struct outbox *outbox);

#endif
