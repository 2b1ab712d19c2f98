#include "server/receive/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "config/log.h"

enum { KEPT_BACK = 64, KEPT_FOR_HTTP = 64, LOOKED_AT_MAX = 1 << 17, LOOKED_AT_ONCE = 1024 };

static _Atomic(int) taken[DESCRIPTOR_USES];
static _Atomic(int) bound = INT_MAX, stream_bound = INT_MAX;

bool descriptors_hold_standard(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

static int taken_of(enum descriptor_use use)
{
    return atomic_load_explicit(&taken[use], memory_order_relaxed);
}

static int taken_in_all(void)
{
    return taken_of(DESCRIPTOR_STREAM) + taken_of(DESCRIPTOR_HTTP);
}

/* Of n numbers from first on; a call for each would take milliseconds of every start where the
 * limit is high. */
static int open_among(int first, int n)
{
    struct pollfd asked[LOOKED_AT_ONCE];
    int n_open = 0;

    for (int i = 0; i < n; i++)
        asked[i] = (struct pollfd){ .fd = first + i };
    while (poll(asked, (nfds_t)n, 0) < 0)
        if (errno != EINTR)
            return 0;
    for (int i = 0; i < n; i++)
        n_open += (asked[i].revents & POLLNVAL) == 0;
    return n_open;
}

/* The kernel gives the lowest number that is free, so a number beyond the limit means that
 * none below it is free. */
static int open_below(int limit)
{
    int n = 0;

    for (int fd = 0; fd < limit; fd += LOOKED_AT_ONCE)
        n += open_among(fd, limit - fd < LOOKED_AT_ONCE ? limit - fd : LOOKED_AT_ONCE);
    return n;
}

void descriptors_divide(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    int all = limit.rlim_cur < LOOKED_AT_MAX ? (int)limit.rlim_cur : LOOKED_AT_MAX;
    int own = open_below(all) - taken_in_all();
    int left = all > own ? all - own : 0;
    int kept = left / 2 < KEPT_BACK ? left / 2 : KEPT_BACK;
    int for_connections = left - kept;
    int for_http = for_connections / 2 < KEPT_FOR_HTTP ? for_connections / 2 : KEPT_FOR_HTTP;

    atomic_store_explicit(&bound, for_connections, memory_order_relaxed);
    atomic_store_explicit(&stream_bound, for_connections - for_http, memory_order_relaxed);
    if (kept < KEPT_BACK)
        log_warn("server: the system allows %d open files (ulimit -n), of which %d are in use: "
                 "%d are left for connections",
                 all, own, for_connections);
}

static bool fits(enum descriptor_use use, int more)
{
    return taken_in_all() + more <= atomic_load_explicit(&bound, memory_order_relaxed) &&
           (use != DESCRIPTOR_STREAM ||
            taken_of(use) + more <= atomic_load_explicit(&stream_bound, memory_order_relaxed));
}

bool descriptors_are_left(enum descriptor_use use)
{
    return fits(use, 1);
}

bool descriptors_take(enum descriptor_use use)
{
    atomic_fetch_add_explicit(&taken[use], 1, memory_order_relaxed);
    return fits(use, 0);
}

void descriptors_give_back(enum descriptor_use use)
{
    atomic_fetch_sub_explicit(&taken[use], 1, memory_order_relaxed);
}
