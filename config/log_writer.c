#include "config/log_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "config/thread.h"

/* For whoever waits: a thread that is not amid a write is not stuck, but has not had its turn,
 * and gets some seconds more. */
enum { TURNS_MAX = 10 };

struct log_writer {
    struct log_target target;
    pthread_mutex_t mutex; /* over all up to the next blank line */
    pthread_cond_t filled, emptied;
    char *
        ring; /* `used` bytes of it, from `start` on, hold lines; they go on at its beginning */
    size_t start, used;
    uint64_t lost; /* lines that did not fit, until the thread takes this number; while it is
                      not 0 the ring takes no lines */
    bool asked_refresh, stopping, working;
    bool left_behind; /* nobody waits for the thread any more, so it frees all when it ends */

    _Atomic(uint64_t) dropped;
    uint64_t unsaid; /* the thread's: how many lost lines the target was not told of */
    char chunk[LOG_CHUNK_BYTES];
    pthread_t thread;
};

static uint64_t count_lines(const char *at, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += at[i] == '\n';
    return n > 0 ? n : 1;
}

static void count_dropped(struct log_writer *writer, uint64_t lines)
{
    atomic_fetch_add_explicit(&writer->dropped, lines, memory_order_relaxed);
}

/* ---- the ring: under the mutex ----------------------------------------- */

static void ring_add(struct log_writer *writer, const char *at, size_t len)
{
    size_t end = (writer->start + writer->used) % LOG_RING_BYTES;
    size_t first = LOG_RING_BYTES - end < len ? LOG_RING_BYTES - end : len;

    memcpy(writer->ring + end, at, first);
    memcpy(writer->ring, at + first, len - first);
    writer->used += len;
}

/* As many whole lines as fit in the chunk; returns their bytes. */
static size_t ring_take(struct log_writer *writer)
{
    size_t n = writer->used < LOG_CHUNK_BYTES ? writer->used : LOG_CHUNK_BYTES;
    size_t first = LOG_RING_BYTES - writer->start < n ? LOG_RING_BYTES - writer->start : n;

    memcpy(writer->chunk, writer->ring + writer->start, first);
    memcpy(writer->chunk + first, writer->ring, n - first);
    const char *newline = memrchr(writer->chunk, '\n', n);

    if (newline != NULL)
        n = (size_t)(newline + 1 - writer->chunk);
    writer->start = (writer->start + n) % LOG_RING_BYTES;
    writer->used -= n;
    if (writer->used == 0)
        writer->start = 0; /* so that few lines use few pages */
    return n;
}

void log_writer_put(struct log_writer *writer, const char *lines, size_t len)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->lost > 0 || len > LOG_RING_BYTES - writer->used) {
        uint64_t n = count_lines(lines, len);

        writer->lost += n;
        count_dropped(writer, n);
    } else {
        ring_add(writer, lines, len);
    }
    pthread_cond_signal(&writer->filled);
    pthread_mutex_unlock(&writer->mutex);
}

/* ---- the thread -------------------------------------------------------- */

static bool has_work(const struct log_writer *writer)
{
    return writer->used > 0 || writer->lost > 0 || writer->asked_refresh;
}

/* Says how many lines are missing, before anything else is written. If the target cannot write
 * that now, it is asked again with the next lines. */
static void say_gap(struct log_writer *writer)
{
    char line[LOG_CHUNK_BYTES];

    if (writer->unsaid == 0)
        return;
    size_t len = writer->target.gap(writer->target.argument, writer->unsaid, line);

    if (writer->target.write(writer->target.argument, line, len))
        writer->unsaid = 0;
}

static void write_chunk(struct log_writer *writer, size_t len)
{
    say_gap(writer);
    if (len == 0 || writer->target.write(writer->target.argument, writer->chunk, len))
        return;
    uint64_t n = count_lines(writer->chunk, len);

    writer->unsaid += n;
    count_dropped(writer, n);
}

/* One step, begun and ended under the mutex. */
static void step(struct log_writer *writer)
{
    size_t len = ring_take(writer);
    bool refresh = writer->asked_refresh;

    if (len == 0) { /* all that came before the gap is out */
        writer->unsaid += writer->lost;
        writer->lost = 0;
    }
    writer->asked_refresh = false;
    writer->working = true;
    pthread_mutex_unlock(&writer->mutex);
    if (refresh && writer->target.refresh != NULL)
        writer->target.refresh(writer->target.argument);
    write_chunk(writer, len);
    pthread_mutex_lock(&writer->mutex);
    writer->working = false;
}

static void writer_free(struct log_writer *given)
{
    if (given->target.close != NULL)
        given->target.close(given->target.argument);
    if (given->ring != MAP_FAILED)
        munmap(given->ring, LOG_RING_BYTES);
    pthread_cond_destroy(&given->emptied);
    pthread_cond_destroy(&given->filled);
    pthread_mutex_destroy(&given->mutex);
    free(given);
}

static void *run(void *argument)
{
    struct log_writer *writer = argument;

    pthread_mutex_lock(&writer->mutex);
    while (has_work(writer) || !writer->stopping) {
        if (has_work(writer)) {
            step(writer);
            continue;
        }
        pthread_cond_broadcast(&writer->emptied);
        pthread_cond_wait(&writer->filled, &writer->mutex);
    }
    bool left_behind = writer->left_behind;

    pthread_mutex_unlock(&writer->mutex);
    if (left_behind)
        writer_free(writer);
    return NULL;
}

/* ---- start and end ----------------------------------------------------- */

struct log_writer *log_writer_start(const struct log_target *target)
{
    struct log_writer *writer = calloc(1, sizeof *writer);
    pthread_condattr_t attributes;

    if (writer == NULL) {
        if (target->close != NULL)
            target->close(target->argument);
        return NULL;
    }
    writer->target = *target;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->filled, &attributes);
    pthread_cond_init(&writer->emptied, &attributes);
    pthread_condattr_destroy(&attributes);
    writer->ring =
        mmap(NULL, LOG_RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (writer->ring == MAP_FAILED || !thread_start(&writer->thread, "log", run, writer)) {
        writer_free(writer);
        return NULL;
    }
    return writer;
}

void log_writer_refresh(struct log_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->asked_refresh = true;
    pthread_cond_signal(&writer->filled);
    pthread_mutex_unlock(&writer->mutex);
}

uint64_t log_writer_dropped(const struct log_writer *writer)
{
    return atomic_load_explicit(&writer->dropped, memory_order_relaxed);
}

bool log_writer_flush(struct log_writer *writer, int64_t deadline_ns)
{
    struct timespec until = { deadline_ns / 1000000000, deadline_ns % 1000000000 };
    int turns = TURNS_MAX;

    pthread_mutex_lock(&writer->mutex);
    while (has_work(writer) || writer->working) {
        if (pthread_cond_timedwait(&writer->emptied, &writer->mutex, &until) == 0)
            continue;
        if (writer->working || turns-- == 0)
            break;
        until.tv_sec++;
    }
    bool written = !has_work(writer) && !writer->working;

    pthread_mutex_unlock(&writer->mutex);
    return written;
}

bool log_writer_close(struct log_writer *given, int64_t deadline_ns)
{
    bool written = log_writer_flush(given, deadline_ns);
    pthread_t thread = given->thread;

    pthread_mutex_lock(&given->mutex);
    given->stopping = true;
    given->left_behind = !written;
    pthread_cond_signal(&given->filled);
    pthread_mutex_unlock(&given->mutex);
    if (!written) {
        pthread_detach(thread);
        return false;
    }
    pthread_join(thread, NULL);
    writer_free(given);
    return true;
}

/* ---- streams and descriptors ------------------------------------------- */

static ssize_t stream_write(void *cookie, const char *at, size_t len)
{
    log_writer_put(cookie, at, len);
    return (ssize_t)len;
}

FILE *log_writer_stream(struct log_writer *writer)
{
    FILE *stream = fopencookie(writer, "w", (cookie_io_functions_t){ .write = stream_write });

    if (stream != NULL)
        setvbuf(stream, NULL, _IOLBF, LOG_CHUNK_BYTES);
    return stream;
}
