#include "flush/parcels/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool inbox_open(struct inbox *inbox)
{
    atomic_init(&inbox->newest, NULL);
    inbox->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return inbox->wake_fd >= 0;
}

void inbox_close(struct inbox *inbox)
{
    close(inbox->wake_fd);
}

void inbox_push(struct inbox *inbox, struct parcel *given)
{
    struct parcel *seen = atomic_load_explicit(&inbox->newest, memory_order_relaxed);

    do
        given->next = seen;
    while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &seen, given,
                                                  memory_order_release, memory_order_relaxed));
    /* Only the first parcel of a list has to wake anybody. The write can fail
     * only when the counter is at its limit, and then the reader is awake. */
    if (seen == NULL) {
        ssize_t ignored = write(inbox->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
        (void)ignored;
    }
}

struct parcel *inbox_take(struct inbox *inbox)
{
    uint64_t wakes;
    ssize_t ignored = read(inbox->wake_fd, &wakes, sizeof wakes);
    struct parcel *newest_first, *oldest_first = NULL;

    (void)ignored; /* read before the exchange: a later push then wakes again */
    newest_first = atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire);
    while (newest_first != NULL) {
        struct parcel *next = newest_first->next;

        newest_first->next = oldest_first;
        oldest_first = newest_first;
        newest_first = next;
    }
    return oldest_first;
}
