#include "flush/payloads/outbox.h"

bool outbox_open(struct outbox *outbox)
{
    atomic_init(&outbox->bytes, 0);
    atomic_init(&outbox->waiting, 0);
    outbox->limit = OUTBOX_LIMIT;
    return mailbox_open(&outbox->mail);
}

void outbox_close(struct outbox *given)
{
    struct payload *payload = outbox_take(given);

    while (payload != NULL) {
        struct payload *next = payload->next;

        outbox_settle(given, payload);
        payload = next;
    }
    mailbox_close(&given->mail);
}

size_t outbox_weight(const struct payload *payload)
{
    return sizeof *payload + payload->size;
}

size_t outbox_bytes(const struct outbox *outbox)
{
    return atomic_load_explicit(&outbox->bytes, memory_order_relaxed);
}

size_t outbox_waiting(const struct outbox *outbox)
{
    return atomic_load_explicit(&outbox->waiting, memory_order_relaxed);
}

bool outbox_is_full(const struct outbox *outbox, const struct payload *payload)
{
    return outbox_waiting(outbox) + outbox_weight(payload) > outbox->limit;
}

void outbox_push(struct outbox *outbox, struct payload *given)
{
    /* First, as the taker may settle the payload before this function returns. */
    outbox_adopt(outbox, given);
    atomic_fetch_add_explicit(&outbox->waiting, outbox_weight(given), memory_order_relaxed);
    mailbox_push(&outbox->mail, &given->letter);
}

struct payload *outbox_take(struct outbox *outbox)
{
    struct payload *oldest = (struct payload *)mailbox_take(&outbox->mail);
    size_t taken = 0;

    for (const struct payload *payload = oldest; payload != NULL; payload = payload->next)
        taken += outbox_weight(payload);
    atomic_fetch_sub_explicit(&outbox->waiting, taken, memory_order_relaxed);
    return oldest;
}

void outbox_adopt(struct outbox *outbox, struct payload *payload)
{
    payload->weighed = true;
    atomic_fetch_add_explicit(&outbox->bytes, outbox_weight(payload), memory_order_relaxed);
}

void outbox_release(struct outbox *outbox, struct payload *payload)
{
    if (payload->weighed)
        atomic_fetch_sub_explicit(&outbox->bytes, outbox_weight(payload), memory_order_relaxed);
    payload->weighed = false;
}

void outbox_settle(struct outbox *outbox, struct payload *given)
{
    outbox_release(outbox, given);
    payload_free(given);
}

void outbox_let_go(struct outbox *outbox, struct payload *given)
{
    if (--given->holders == 0)
        outbox_settle(outbox, given);
}
