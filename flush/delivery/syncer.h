/* flush/delivery/syncer.h: files made to outlive the machine, on a thread of their own.
 *
 * An fsync takes as long as the disk likes, and delivery must not wait for it. A file that
 * was written outlives the process at once; it outlives a failure of power from when the
 * syncer has synced it. If SYNCER_FILES wait already, or there is no descriptor left, the
 * file is left to the kernel, which writes it within half a minute. */
#ifndef FLUSH_DELIVERY_SYNCER_H
#define FLUSH_DELIVERY_SYNCER_H

#include <pthread.h>
#include <stdbool.h>

enum { SYNCER_FILES = 64 };

struct syncer_file {
    int fd, folder_fd; /* owned */
};

struct syncer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct syncer_file waiting[SYNCER_FILES]; /* all under mutex: a ring */
    unsigned first, n;
    bool busy; /* a file is on its way to the disk */
    bool held, stopping, started;
};

/* The struct is zeroed before. False: there is no thread; syncer_give() then only closes. */
bool syncer_start(struct syncer *syncer);

/* Syncs a file that has its name already. The folder stays the caller's. */
void syncer_give(struct syncer *syncer, int given_fd, int folder_fd);

/* While it is held no file is begun. */
void syncer_hold(struct syncer *syncer, bool held);

/* Whether it waits for no disk now. */
bool syncer_is_idle(struct syncer *syncer);

/* Closes what still waits; returns when the disk has answered for the one that
 * is being synced. Fine when it was never started. */
void syncer_stop(struct syncer *given);

#endif
