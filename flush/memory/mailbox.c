#include "flush/memory/mailbox.h"

#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool mailbox_open(struct mailbox *mailbox)
{
    atomic_init(&mailbox->newest, NULL);
    mailbox->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return mailbox->wake_fd >= 0;
}

void mailbox_close(struct mailbox *given)
{
    if (given->wake_fd >= 0)
        close(given->wake_fd);
}

void mailbox_wake(struct mailbox *mailbox)
{
    /* Fails only when the counter is at its limit, and then it is readable anyway. */
    (void)!eventfd_write(mailbox->wake_fd, 1);
}

void mailbox_quieten(struct mailbox *mailbox)
{
    eventfd_t wakes;

    (void)!eventfd_read(mailbox->wake_fd, &wakes); /* fails when it is quiet already */
}

void mailbox_push(struct mailbox *mailbox, struct letter *given)
{
    struct letter *seen = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    do
        given->next = seen;
    while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &seen, given,
                                                  memory_order_release, /* with mailbox_take */
                                                  memory_order_relaxed));
    if (seen == NULL)
        mailbox_wake(mailbox);
}

struct letter *mailbox_take(struct mailbox *mailbox)
{
    struct letter *newest =
        atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire); /* _push */
    struct letter *oldest = NULL;

    while (newest != NULL) {
        struct letter *older = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}
