#include "flush/memory/loop.h"

#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* epoll, a pair of sockets for signals, and one to spare. */
enum { DESCRIPTORS = 4 };

/* Another thread may take them a moment later; nothing that libevent offers is safer. */
static bool descriptors_are_free(void)
{
    int fds[DESCRIPTORS], n = 0;

    while (n < DESCRIPTORS && (fds[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
        n++;
    bool all = n == DESCRIPTORS;
    while (n > 0)
        close(fds[--n]);
    return all;
}

struct event_base *loop_new(void)
{
    return descriptors_are_free() ? event_base_new() : NULL;
}
