#include "flush/syncer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void close_both(struct syncer_file file)
{
    close(file.fd);
    close(file.folder_fd);
}

/* False: it is time to end. */
static bool next_file(struct syncer *syncer, struct syncer_file *out)
{
    pthread_mutex_lock(&syncer->mutex);
    while (syncer->n == 0 && !syncer->stopping)
        pthread_cond_wait(&syncer->changed, &syncer->mutex);
    bool found = syncer->n > 0 && !syncer->stopping;

    if (found) {
        *out = syncer->waiting[syncer->first];
        syncer->first = (syncer->first + 1) % SYNCER_FILES;
        syncer->n--;
    }
    pthread_mutex_unlock(&syncer->mutex);
    return found;
}

/* The file, then its name. What fails is found by its checksum when it is read. */
static void *run(void *argument)
{
    struct syncer *syncer = argument;
    struct syncer_file file;

    while (next_file(syncer, &file)) {
        fdatasync(file.fd);
        fsync(file.folder_fd);
        close_both(file);
    }
    return NULL;
}

bool syncer_start(struct syncer *syncer)
{
    sigset_t all, before;

    pthread_mutex_init(&syncer->mutex, NULL);
    pthread_cond_init(&syncer->changed, NULL);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    syncer->started = pthread_create(&syncer->thread, NULL, run, syncer) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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

void syncer_stop(struct syncer *syncer)
{
    if (!syncer->started)
        return;
    pthread_mutex_lock(&syncer->mutex);
    syncer->stopping = true;
    pthread_cond_signal(&syncer->changed);
    pthread_mutex_unlock(&syncer->mutex);
    pthread_join(syncer->thread, NULL);
    for (unsigned i = 0; i < syncer->n; i++)
        close_both(syncer->waiting[(syncer->first + i) % SYNCER_FILES]);
    pthread_cond_destroy(&syncer->changed);
    pthread_mutex_destroy(&syncer->mutex);
    syncer->started = false;
}
