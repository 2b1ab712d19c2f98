/* server/traces/msgpack_reader.h: msgpack, read value by value.
 *
 * Tokens are libmpack's, which allocates nothing; short texts and small numbers, whose head is
 * one byte, are read without it. Values are taken as leniently as the Agent takes them
 * (pkg/proto/pbgo/trace/decoder_bytes.go): nil stands for nothing of any kind, text may be str
 * or bin and is made valid UTF-8, a number may come in any form that can say it.
 *
 * A length is held against the bytes that are left before it is told, so a list or a map has no
 * more items than there are bytes. Texts are views of the body, or of the arena where they were
 * repaired.
 *
 * Each function that reads says false when something is wrong, and nothing may be read behind
 * that. Whoever passes it on says where he was with msgpack_was_in(), innermost first. */
#ifndef SERVER_TRACES_MSGPACK_READER_H
#define SERVER_TRACES_MSGPACK_READER_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "protocol/slice.h"

enum { MSGPACK_DEPTH_MAX = 32, MSGPACK_PLACE_MAX = 96 };

/* MSGPACK_CUT: the body ends too early. */
enum msgpack_fault { MSGPACK_FINE, MSGPACK_BAD, MSGPACK_CUT, MSGPACK_NO_MEMORY };

struct msgpack_reader {
    const char *start, *at, *end;
    const char *value; /* where the one that was read last begins */
    struct arena *arena;
    void *argument; /* of whoever reads items and fields (msgpack_layout.h) */
    enum msgpack_fault fault;
    const char *sentence;          /* what is wrong, static: "expected a text" */
    char place[MSGPACK_PLACE_MAX]; /* "tag 3 of span 1 of trace 2", cut off if it is long */
};

/* Body and arena outlive what is read. */
void msgpack_reader_start(struct msgpack_reader *reader, struct slice body,
                          struct arena *arena);

/* ---- values ------------------------------------------------------------ */

MUST_CHECK bool msgpack_read_text(struct msgpack_reader *reader, struct slice *out);
MUST_CHECK bool msgpack_read_bytes(struct msgpack_reader *reader, struct slice *out);

/* Of a negative number the bits: languages without unsigned numbers send ids so. */
MUST_CHECK bool msgpack_read_u64(struct msgpack_reader *reader, uint64_t *out);
MUST_CHECK bool msgpack_read_u32(struct msgpack_reader *reader, uint32_t *out);
MUST_CHECK bool msgpack_read_i64(struct msgpack_reader *reader, int64_t *out);
MUST_CHECK bool msgpack_read_i32(struct msgpack_reader *reader, int32_t *out);
MUST_CHECK bool msgpack_read_double(struct msgpack_reader *reader, double *out);
MUST_CHECK bool msgpack_read_bool(struct msgpack_reader *reader, bool *out);

/* How many items come, or pairs of a map. */
MUST_CHECK bool msgpack_read_list(struct msgpack_reader *reader, uint32_t *n);
MUST_CHECK bool msgpack_read_map(struct msgpack_reader *reader, uint32_t *n);

/* Any value, with all in it; with no more than MSGPACK_DEPTH_MAX lists and maps in each other.
 */
MUST_CHECK bool msgpack_skip(struct msgpack_reader *reader);

/* ---- faults ------------------------------------------------------------ */

/* The value that was read last is wrong. False. */
bool msgpack_refuse(struct msgpack_reader *reader, const char *sentence);

/* The budget has no more. False. */
bool msgpack_without_memory(struct msgpack_reader *reader);

/* number 0: the place has none. False. */
bool msgpack_was_in(struct msgpack_reader *reader, const char *what, uint32_t number);

/* Room for size bytes; NULL: without memory, which the fault says. */
void *msgpack_room(struct msgpack_reader *reader, size_t size);

static inline size_t msgpack_left(const struct msgpack_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

#endif
