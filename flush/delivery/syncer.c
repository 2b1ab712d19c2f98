#include "flush/delivery/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/thread.h"

static void close_both(struct syncer_file file)
{
    close(file.fd);
    close(file.folder_fd);
}

/* Waits for a file. False: it is time to end. */
static bool next_file(struct syncer *syncer, struct syncer_file *out)
{
    pthread_mutex_lock(&syncer->mutex);
    syncer->busy = false;
    while ((syncer->n == 0 || syncer->held) && !syncer->stopping)
        pthread_cond_wait(&syncer->changed, &syncer->mutex);
    bool found = syncer->n > 0 && !syncer->stopping;

    if (found) {
        *out = syncer->waiting[syncer->first];
        syncer->first = (syncer->first + 1) % SYNCER_FILES;
        syncer->n--;
        syncer->busy = true;
    }
    pthread_mutex_unlock(&syncer->mutex);
    return found;
}

/* Syncs each file, then the folder with its name. If that fails, the file is read as it was
 * written all the same, unless the power fails: then its checksum tells that it is damaged. */
static void *run(void *argument)
{
    struct syncer *syncer = argument;
    struct log_limit limit = { 0 };
    struct syncer_file file;
    unsigned before;

    while (next_file(syncer, &file)) {
        bool synced = fdatasync(file.fd) == 0 && fsync(file.folder_fd) == 0;

        if (!synced && log_limit_pass(&limit, clock_monotonic_ms(), &before))
            log_warn("delivery: a payload in the spool may not outlive a failure of power: %s",
                     strerror(errno));
        close_both(file);
    }
    return NULL;
}

bool syncer_start(struct syncer *syncer)
{
    pthread_mutex_init(&syncer->mutex, NULL);
    pthread_cond_init(&syncer->changed, NULL);
    syncer->started = thread_start(&syncer->thread, "syncer", run, syncer);
    if (!syncer->started) {
        pthread_cond_destroy(&syncer->changed);
        pthread_mutex_destroy(&syncer->mutex);
    }
    return syncer->started;
}

static bool put(struct syncer *syncer, struct syncer_file file)
{
    pthread_mutex_lock(&syncer->mutex);
    bool room = syncer->n < SYNCER_FILES;

    if (room)
        syncer->waiting[(syncer->first + syncer->n++) % SYNCER_FILES] = file;
    pthread_cond_signal(&syncer->changed);
    pthread_mutex_unlock(&syncer->mutex);
    return room;
}

void syncer_give(struct syncer *syncer, int given_fd, int folder_fd)
{
    struct syncer_file file = { given_fd, -1 };

    if (syncer->started)
        file.folder_fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 0);
    if (file.folder_fd < 0)
        close(given_fd);
    else if (!put(syncer, file))
        close_both(file);
}

void syncer_hold(struct syncer *syncer, bool held)
{
    if (!syncer->started)
        return;
    pthread_mutex_lock(&syncer->mutex);
    syncer->held = held;
    pthread_cond_signal(&syncer->changed);
    pthread_mutex_unlock(&syncer->mutex);
}

bool syncer_is_idle(struct syncer *syncer)
{
    if (!syncer->started)
        return true;
    pthread_mutex_lock(&syncer->mutex);
    bool idle = !syncer->busy;

    pthread_mutex_unlock(&syncer->mutex);
    return idle;
}

void syncer_stop(struct syncer *given)
{
    if (!given->started)
        return;
    pthread_mutex_lock(&given->mutex);
    given->stopping = true;
    pthread_cond_signal(&given->changed);
    pthread_mutex_unlock(&given->mutex);
    pthread_join(given->thread, NULL);
    for (unsigned i = 0; i < given->n; i++)
        close_both(given->waiting[(given->first + i) % SYNCER_FILES]);
    pthread_cond_destroy(&given->changed);
    pthread_mutex_destroy(&given->mutex);
    given->started = false;
}
