#include "flush/payloads/outbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool outbox_open(struct outbox *outbox)
{
    atomic_init(&outbox->newest, NULL);
    atomic_init(&outbox->bytes, 0);
    atomic_init(&outbox->waiting, 0);
    outbox->limit = OUTBOX_LIMIT;
    outbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return outbox->wake_fd >= 0;
}

void outbox_close(struct outbox *outbox)
{
    struct payload *payload = outbox_take(outbox);

    while (payload != NULL) {
        struct payload *next = payload->next;

        outbox_settle(outbox, payload);
        payload = next;
    }
    close(outbox->wake_fd);
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

void outbox_wake(struct outbox *outbox)
{
    /* Fails only when the counter is full, and then it is readable anyway. */
    (void)!eventfd_write(outbox->wake_fd, 1);
}

void outbox_push(struct outbox *outbox, struct payload *given)
{
    struct payload *seen = atomic_load_explicit(&outbox->newest, memory_order_relaxed);

    /* First, as the taker may settle the payload before this function returns. */
    atomic_fetch_add_explicit(&outbox->bytes, outbox_weight(given), memory_order_relaxed);
    atomic_fetch_add_explicit(&outbox->waiting, outbox_weight(given), memory_order_relaxed);
    do
        given->next = seen;
    while (!atomic_compare_exchange_weak_explicit(&outbox->newest, &seen, given,
                                                  memory_order_release, /* with outbox_take */
                                                  memory_order_relaxed));
    if (seen == NULL)
        outbox_wake(outbox);
}

struct payload *outbox_take(struct outbox *outbox)
{
    struct payload *newest =
        atomic_exchange_explicit(&outbox->newest, NULL, memory_order_acquire); /* _push */
    struct payload *oldest = NULL;
    size_t taken = 0;

    while (newest != NULL) {
        struct payload *older = newest->next;

        taken += outbox_weight(newest);
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    atomic_fetch_sub_explicit(&outbox->waiting, taken, memory_order_relaxed);
    return oldest;
}

void outbox_adopt(struct outbox *outbox, const struct payload *payload)
{
    atomic_fetch_add_explicit(&outbox->bytes, outbox_weight(payload), memory_order_relaxed);
}

void outbox_release(struct outbox *outbox, const struct payload *payload)
{
    atomic_fetch_sub_explicit(&outbox->bytes, outbox_weight(payload), memory_order_relaxed);
}

void outbox_settle(struct outbox *outbox, struct payload *given)
{
    atomic_fetch_sub_explicit(&outbox->bytes, outbox_weight(given), memory_order_relaxed);
    payload_free(given);
}
