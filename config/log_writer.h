/* config/log_writer.h: an output that nobody waits for.
 *
 *   any thread -> [ring of lines] -> one thread -> the target's write, which may hang
 *
 * Putting copies a line into a bounded ring under a short lock, which is never held while
 * the target writes. What does not fit is dropped and counted, and so is all behind it
 * until the ring is empty: then the target says in one line how many are missing, in the
 * place where they are. Lines reach the target in the order of the ring, whole. */
#ifndef CONFIG_LOG_WRITER_H
#define CONFIG_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    LOG_RING_BYTES = 128 * 1024, /* taken from the system as they are first used */
    LOG_CHUNK_BYTES = 4096,      /* at most in one write: a pipe takes so much whole */
};

/* Where the lines go. All but the making is done on the writer's thread. */
struct log_target {
    void *argument;
    /* Whole lines; may wait as long as it likes. False: they are lost. */
    bool (*write)(void *argument, const char *lines, size_t len);
    /* The line that stands for lost ones; returns its length. */
    size_t (*gap)(void *argument, uint64_t lost, char out[LOG_CHUNK_BYTES]);
    void (*refresh)(void *argument); /* what log_writer_refresh() asks for; or NULL */
    void (*close)(void *argument);   /* or NULL */
};

struct log_writer;

/* Starts the thread; the target is given, even on failure. NULL without memory or threads. */
struct log_writer *log_writer_start(const struct log_target *target);

/* A line with its newline, or several; any thread, never waits for the target. errno is
 * kept. */
void log_writer_put(struct log_writer *writer, const char *lines, size_t len);

/* The target refreshes itself, soon and in between two writes; any thread. */
void log_writer_refresh(struct log_writer *writer);

/* Lines that did not fit or could not be written, so far; any thread. */
uint64_t log_writer_dropped(const struct log_writer *writer);

/* Waits until all that was put is written. False: it is not by the deadline (monotonic), and
 * the thread is amid a write. */
bool log_writer_flush(struct log_writer *writer, int64_t deadline_ns);

/* The same, and ends the thread. False: the target hangs; the thread is left behind, with
 * what it uses, until the target goes on or the process ends. */
bool log_writer_close(struct log_writer *given, int64_t deadline_ns);

/* A stream whose lines go to the writer, which must outlive it. NULL without memory. */
FILE *log_writer_stream(struct log_writer *writer);

#endif
