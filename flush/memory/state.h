/* flush/memory/state.h: what one process leaves to the next, as one file in memory.
 *
 *   head        magic, version, size and checksums
 *   parts       server | series | payloads, each written by who owns what is in it
 *   directory   where each part lies
 *
 * Written once, from front to back, through a small buffer, then sealed: nobody
 * changes it any more. It is read in place. Whoever reads looks at the version and
 * the checksum of all of it first, and takes all or nothing; the bounds are looked
 * at all the same, so no file can lead a reader astray. For processes of one
 * machine and one boot: monotonic times mean the same to both.
 *
 * Whole numbers are varints, doubles and hashes their eight bytes. */
#ifndef FLUSH_MEMORY_STATE_H
#define FLUSH_MEMORY_STATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "protocol/slice.h"

/* Another number for every change of what is written. What the version before wrote
 * is read as well; a process whose own is none of those that its successor reads
 * (heeler --state-version) flushes first.
 *
 *   2   a histogram's count and weights are doubles, and it has a unit
 *   1   they were whole numbers */
enum { STATE_VERSION = 2, STATE_VERSION_READ = 1 }; /* written; the oldest that is read */

enum state_part { STATE_SERVER, STATE_SERIES, STATE_PAYLOADS, STATE_PARTS };

/* ---- writing ----------------------------------------------------------- */

struct state_writer;

/* NULL when the system has no memory. */
struct state_writer *state_writer_new(void);

/* Writes out what is in the buffer. False: it failed, now or before; what is put after
 * a failure is dropped. */
bool state_settle(struct state_writer *writer);

/* What is put from now on belongs to that part; each part once. */
void state_begin(struct state_writer *writer, enum state_part part);

/* Takes back the last part, as if it had never been begun; one that failed too. */
void state_cancel(struct state_writer *writer);

void state_put(struct state_writer *writer, const void *at, size_t len);
void state_put_number(struct state_writer *writer, uint64_t number);
void state_put_signed(struct state_writer *writer, int64_t number);
void state_put_double(struct state_writer *writer, double number);
void state_put_text(struct state_writer *writer, struct slice text);

/* Writes all that is still lacking. True: nothing of it can fail any more for want of
 * memory, so whoever wrote a part may let go of what is in it. */
bool state_complete(struct state_writer *writer);

/* Completes the file, if that is not done, and seals it; its descriptor, owned, or -1. */
int state_writer_end(struct state_writer *given);
void state_writer_free(struct state_writer *given);

/* ---- reading ----------------------------------------------------------- */

/* Once failed, everything read is 0 or empty. A view of the state. */
struct state_reader {
    const uint8_t *at, *end;
    bool failed;
    uint32_t version; /* of the state */
};

struct state {
    const uint8_t *at;
    size_t size;
    bool mapped;
    struct state_reader parts[STATE_PARTS]; /* at == NULL: it has none */
    _Atomic(int) users;                     /* unmapped when the last one is done */
};

/* Looks at bytes in place. False with a sentence. */
bool state_open(struct state *state, const uint8_t *at, size_t size, char *problem,
                size_t problem_size);

/* The same of a file, which must be sealed; the descriptor stays the caller's. One
 * user, so one state_done(). */
bool state_map(struct state *state, int fd, char *problem, size_t problem_size);
void state_use(struct state *state);
void state_done(struct state *state);

const uint8_t *state_get(struct state_reader *reader, size_t len); /* NULL: failed */
uint64_t state_get_number(struct state_reader *reader);
int64_t state_get_signed(struct state_reader *reader);
double state_get_double(struct state_reader *reader);
struct slice state_get_text(struct state_reader *reader);

/* A number that says how many follow, each of at least so many bytes. */
size_t state_get_count(struct state_reader *reader, size_t least_bytes);

#endif
