#include "server/stop_guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/thread.h"
#include "server/commands/commands.h"

static _Atomic bool accounted;

static void *run(void *argument)
{
    int64_t limit_ms = (int64_t)(intptr_t)argument;
    struct timespec left = { limit_ms / 1000, limit_ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    bool was_good = atomic_load(&accounted);

    if (!was_good)
        log_error("server: the stop hangs beyond heeler_stop_timeout; what was not sent is "
                  "lost");
    log_flush();
    _exit(was_good ? EXIT_OK : EXIT_SYSTEM);
}

void stop_guard_begin(int64_t limit_ms)
{
    pthread_t thread;

    if (thread_start(&thread, "stop guard", run, (void *)(intptr_t)limit_ms))
        pthread_detach(thread);
}

void stop_guard_accounted(void)
{
    atomic_store(&accounted, true);
}
