#include "server/traces/msgpack_reader.h"

#include <mpack.h>
#include <stdio.h>

#include "config/utf8.h"

void msgpack_reader_start(struct msgpack_reader *reader, struct slice body, struct arena *arena)
{
    *reader = (struct msgpack_reader){
        .start = body.at,
        .at = body.at,
        .end = body.len > 0 ? body.at + body.len : body.at,
        .value = body.at,
        .arena = arena,
    };
}

/* ---- faults ------------------------------------------------------------ */

static bool fail(struct msgpack_reader *reader, enum msgpack_fault fault, const char *sentence)
{
    reader->fault = fault;
    reader->sentence = sentence;
    return false;
}

bool msgpack_refuse(struct msgpack_reader *reader, const char *sentence)
{
    return fail(reader, MSGPACK_BAD, sentence);
}

bool msgpack_without_memory(struct msgpack_reader *reader)
{
    return fail(reader, MSGPACK_NO_MEMORY, "there is no memory for it");
}

static bool cut_off(struct msgpack_reader *reader)
{
    return fail(reader, MSGPACK_CUT, "the body ends too early");
}

bool msgpack_was_in(struct msgpack_reader *reader, const char *what, uint32_t number)
{
    size_t used = strlen(reader->place);
    const char *joint = used > 0 ? " of " : "";

    if (number > 0)
        snprintf(reader->place + used, sizeof reader->place - used, "%s%s %u", joint, what,
                 number);
    else
        snprintf(reader->place + used, sizeof reader->place - used, "%s%s", joint, what);
    return false;
}

void *msgpack_room(struct msgpack_reader *reader, size_t size)
{
    void *room = arena_alloc(reader->arena, size);

    if (room == NULL)
        msgpack_without_memory(reader);
    return room;
}

/* ---- tokens ------------------------------------------------------------ */

/* The library can go on amid a token when more of the body comes; here all of it is there, so
 * its buffer lives for one token. What a str, bin or ext holds stands behind the token. */
static bool next_token(struct msgpack_reader *reader, mpack_token_t *token)
{
    mpack_tokbuf_t buffer;
    size_t left = msgpack_left(reader);

    reader->value = reader->at;
    if (left == 0)
        return cut_off(reader);
    buffer.ppos = buffer.plen = 0;
    buffer.passthrough = 0;
    switch (mpack_read(&buffer, &reader->at, &left, token)) {
    case MPACK_OK:
        return true;
    case MPACK_EOF:
        return cut_off(reader);
    default:
        return msgpack_refuse(reader, "no value begins with the byte 0xc1");
    }
}

static bool take(struct msgpack_reader *reader, size_t len, struct slice *out)
{
    if (len > msgpack_left(reader))
        return cut_off(reader);
    *out = (struct slice){ reader->at, len };
    reader->at += len;
    return true;
}

/* ---- values ------------------------------------------------------------ */

/* Of less than 32 bytes: the head is one byte, which says the length. Most values are such, so
 * the library is not called for them: it would be a quarter of what a body takes. */
static bool is_short_text(const struct msgpack_reader *reader)
{
    return msgpack_left(reader) > 0 && ((unsigned char)*reader->at & 0xe0) == 0xa0;
}

bool msgpack_read_bytes(struct msgpack_reader *reader, struct slice *out)
{
    mpack_token_t token;

    if (is_short_text(reader)) {
        reader->value = reader->at;
        return take(reader, (unsigned char)*reader->at++ & 0x1f, out);
    }
    if (!next_token(reader, &token))
        return false;
    *out = (struct slice){ NULL, 0 };
    switch (token.type) {
    case MPACK_TOKEN_STR:
    case MPACK_TOKEN_BIN:
        return take(reader, token.length, out);
    case MPACK_TOKEN_NIL:
        return true;
    default:
        return msgpack_refuse(reader, "expected a text");
    }
}

static bool repair(struct msgpack_reader *reader, struct slice *text)
{
    char *room = msgpack_room(reader, text->len * UTF8_GROWTH);

    if (room == NULL)
        return false;
    *text = (struct slice){ room, utf8_repair(text->at, text->len, room) };
    return true;
}

bool msgpack_read_text(struct msgpack_reader *reader, struct slice *out)
{
    return msgpack_read_bytes(reader, out) &&
           (utf8_is_valid(out->at, out->len) || repair(reader, out));
}

/* Of one byte, as most places of texts in v0.5 are; read here for the same reason. */
static bool is_short_number(const struct msgpack_reader *reader)
{
    return msgpack_left(reader) > 0 && (unsigned char)*reader->at < 0x80;
}

/* A whole number: its bits, and whether it is below zero. The library says MPACK_TOKEN_SINT of
 * these alone. */
static bool read_whole(struct msgpack_reader *reader, uint64_t *bits, bool *is_negative)
{
    mpack_token_t token;

    if (is_short_number(reader)) {
        reader->value = reader->at;
        *bits = (unsigned char)*reader->at++;
        *is_negative = false;
        return true;
    }
    if (!next_token(reader, &token))
        return false;
    *bits = 0;
    *is_negative = token.type == MPACK_TOKEN_SINT;
    switch (token.type) {
    case MPACK_TOKEN_UINT:
        *bits = mpack_unpack_uint(token);
        return true;
    case MPACK_TOKEN_SINT:
        *bits = (uint64_t)mpack_unpack_sint(token);
        return true;
    case MPACK_TOKEN_NIL:
        return true;
    default:
        return msgpack_refuse(reader, "expected a whole number");
    }
}

bool msgpack_read_u64(struct msgpack_reader *reader, uint64_t *out)
{
    bool is_negative;

    return read_whole(reader, out, &is_negative);
}

bool msgpack_read_u32(struct msgpack_reader *reader, uint32_t *out)
{
    uint64_t bits;
    bool is_negative;

    if (!read_whole(reader, &bits, &is_negative))
        return false;
    if (bits > UINT32_MAX)
        return msgpack_refuse(reader, "the number is beyond 32 bits");
    *out = (uint32_t)bits;
    return true;
}

bool msgpack_read_i64(struct msgpack_reader *reader, int64_t *out)
{
    uint64_t bits;
    bool is_negative;

    if (!read_whole(reader, &bits, &is_negative))
        return false;
    if (!is_negative && bits > INT64_MAX)
        return msgpack_refuse(reader, "the number is beyond 64 bits with a sign");
    *out = (int64_t)bits;
    return true;
}

bool msgpack_read_i32(struct msgpack_reader *reader, int32_t *out)
{
    int64_t number;

    if (!msgpack_read_i64(reader, &number))
        return false;
    if (number < INT32_MIN || number > INT32_MAX)
        return msgpack_refuse(reader, "the number is beyond 32 bits with a sign");
    *out = (int32_t)number;
    return true;
}

bool msgpack_read_double(struct msgpack_reader *reader, double *out)
{
    mpack_token_t token;

    if (!next_token(reader, &token))
        return false;
    switch (token.type) {
    case MPACK_TOKEN_FLOAT:
        *out = mpack_unpack_float_fast(token);
        return true;
    case MPACK_TOKEN_UINT:
        *out = (double)mpack_unpack_uint(token);
        return true;
    case MPACK_TOKEN_SINT:
        *out = (double)mpack_unpack_sint(token);
        return true;
    case MPACK_TOKEN_NIL:
        *out = 0;
        return true;
    default:
        return msgpack_refuse(reader, "expected a number");
    }
}

bool msgpack_read_bool(struct msgpack_reader *reader, bool *out)
{
    mpack_token_t token;

    if (!next_token(reader, &token))
        return false;
    if (token.type != MPACK_TOKEN_BOOLEAN && token.type != MPACK_TOKEN_NIL)
        return msgpack_refuse(reader, "expected true or false");
    *out = token.type == MPACK_TOKEN_BOOLEAN && mpack_unpack_boolean(token);
    return true;
}

/* Each item has a byte at least. */
static bool fits(struct msgpack_reader *reader, uint64_t n_items)
{
    return n_items <= msgpack_left(reader) || cut_off(reader);
}

bool msgpack_read_list(struct msgpack_reader *reader, uint32_t *n)
{
    mpack_token_t token;

    if (!next_token(reader, &token))
        return false;
    if (token.type != MPACK_TOKEN_ARRAY && token.type != MPACK_TOKEN_NIL)
        return msgpack_refuse(reader, "expected a list");
    *n = token.type == MPACK_TOKEN_ARRAY ? token.length : 0;
    return fits(reader, *n);
}

bool msgpack_read_map(struct msgpack_reader *reader, uint32_t *n)
{
    mpack_token_t token;

    if (!next_token(reader, &token))
        return false;
    if (token.type != MPACK_TOKEN_MAP && token.type != MPACK_TOKEN_NIL)
        return msgpack_refuse(reader, "expected a map");
    *n = token.type == MPACK_TOKEN_MAP ? token.length : 0;
    return fits(reader, (uint64_t)*n * 2);
}

/* How many values the token has in it; what it has of bytes is passed over. */
static bool skip_token(struct msgpack_reader *reader, uint64_t *inside)
{
    mpack_token_t token;
    struct slice bytes;

    if (!next_token(reader, &token))
        return false;
    *inside = 0;
    switch (token.type) {
    case MPACK_TOKEN_STR:
    case MPACK_TOKEN_BIN:
    case MPACK_TOKEN_EXT:
        return take(reader, token.length, &bytes);
    case MPACK_TOKEN_ARRAY:
        *inside = token.length;
        return fits(reader, *inside);
    case MPACK_TOKEN_MAP:
        *inside = (uint64_t)token.length * 2;
        return fits(reader, *inside);
    default:
        return true;
    }
}

bool msgpack_skip(struct msgpack_reader *reader)
{
    uint64_t to_come[MSGPACK_DEPTH_MAX + 1] = { 1 }; /* of each level that is open */
    int depth = 0;

    while (depth >= 0) {
        uint64_t inside;

        if (to_come[depth] == 0) {
            depth--;
            continue;
        }
        to_come[depth]--;
        if (!skip_token(reader, &inside))
            return false;
        if (inside == 0)
            continue;
        if (depth == MSGPACK_DEPTH_MAX)
            return msgpack_refuse(reader, "more than 32 lists and maps are in each other");
        to_come[++depth] = inside;
    }
    return true;
}
