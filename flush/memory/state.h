/* flush/memory/state.h: what a successor inherits, as one file in memory.
 *
 *   head        magic, version, size and checksums
 *   parts       server | series | payloads | windows | ..., each written by who owns what is
 *               in it
 *   directory   where each part lies
 *
 * It is written once, from front to back, through a small buffer, and then sealed:
 * nobody changes it any more. It is read in place. A reader first looks at the
 * version and at the checksum of all of it, and takes all or nothing; it looks at the
 * bounds all the same, so no file can lead it astray. Both processes live on one machine
 * and in one boot, so monotonic times mean the same to both.
 *
 * Whole numbers are varints, doubles and hashes their eight bytes. */
#ifndef FLUSH_MEMORY_STATE_H
#define FLUSH_MEMORY_STATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "config/must_check.h"
#include "protocol/slice.h"

/* Every change of what is written gets another number. What the version before wrote is read as
 * well. If the successor does not read the version of a process (heeler --state-version), the
 * process flushes before it hands over.
 *
 * Version 3 has more parts: what the series did lately, what was defined, what came last, what
 * monitors know, what the disk did not get. From version 2 on a histogram's count and weights
 * are doubles and it has a unit; they were whole numbers in version 1. */
enum { STATE_VERSION = 3, STATE_VERSION_READ = 1 }; /* what we write; the oldest that we read */

enum state_part {
    STATE_SERVER,
    STATE_SERIES,
    STATE_PAYLOADS,
    STATE_WINDOWS,
    STATE_DEFINITIONS,
    STATE_RECENT,   /* events, and the last status of each check; what monitors see of these */
    STATE_MIRROR,   /* who wrote the windows to Redis */
    STATE_MONITORS, /* the states of monitors' groups, and what waits to be sent */
    STATE_NOTES,    /* what is to be kept on disk beside windows and is not there yet */
    STATE_PARTS,
};

/* ---- writing ----------------------------------------------------------- */

struct state_writer;

/* NULL when the system has no memory. */
struct state_writer *state_writer_new(void);

/* Writes out what is in the buffer. False: this or an earlier write failed; what is put after a
 * failure is dropped. */
MUST_CHECK bool state_settle(struct state_writer *writer);

/* What is put from now on belongs to that part. Each part is begun once. */
void state_begin(struct state_writer *writer, enum state_part part);

/* Whether that part was begun, and not taken back. */
bool state_has(const struct state_writer *writer, enum state_part part);

/* Takes back the last part, as if it had never been begun, also if it failed. */
void state_cancel(struct state_writer *writer);

void state_put(struct state_writer *writer, const void *at, size_t len);
void state_put_number(struct state_writer *writer, uint64_t number);
void state_put_signed(struct state_writer *writer, int64_t number);
void state_put_double(struct state_writer *writer, double number);
void state_put_text(struct state_writer *writer, struct slice text);

/* Writes all that is still missing. True: the state cannot fail for want of memory any more, so
 * whoever wrote a part may free what is in it. */
MUST_CHECK bool state_complete(struct state_writer *writer);

/* Completes the file, if that is not done, and seals it; its descriptor, owned, or -1. */
MUST_CHECK int state_writer_end(struct state_writer *given);
void state_writer_free(struct state_writer *given);

/* ---- reading ----------------------------------------------------------- */

/* A view of the state. When it has failed, everything that is read is 0 or empty. */
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
MUST_CHECK bool state_open(struct state *state, const uint8_t *at, size_t size, char *problem,
                           size_t problem_size);

/* The same for a file, which must be sealed. The descriptor stays the caller's. The state has
 * one user then, who calls state_done(). */
MUST_CHECK bool state_map(struct state *state, int fd, char *problem, size_t problem_size);
void state_use(struct state *state);
void state_done(struct state *state);

const uint8_t *state_get(struct state_reader *reader, size_t len); /* NULL: failed */
uint64_t state_get_number(struct state_reader *reader);
int64_t state_get_signed(struct state_reader *reader);
double state_get_double(struct state_reader *reader);
struct slice state_get_text(struct state_reader *reader);

/* Reads how many items follow, each of which has at least so many bytes: more than can be there
 * is a failure. */
size_t state_get_count(struct state_reader *reader, size_t least_bytes);

#endif
