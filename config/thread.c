#include "config/thread.h"

#include <signal.h>

bool thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *argument)
{
    static const int own_faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP };
    sigset_t blocked, before;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++)
        sigdelset(&blocked, own_faults[i]);
    /* A thread begins with the mask of whoever makes it, so no signal slips in between. */
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    bool started = pthread_create(out, NULL, run, argument) == 0;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_setname_np(*out, name);
    return started;
}
