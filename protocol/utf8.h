/* protocol/utf8.h: bytes that clients sent into text that every decoder takes.
 *
 * A strict protobuf decoder refuses a whole payload for one byte that is no UTF-8.
 * As Go's JSON encoder does, and ours, each byte that belongs to no sequence becomes
 * U+FFFD; what is valid stays as it is.
 *
 * Pure: views in, bytes into room of the caller's out. */
#ifndef PROTOCOL_UTF8_H
#define PROTOCOL_UTF8_H

#include <stdint.h>

#include "protocol/slice.h"

enum { UTF8_GROWTH = 3 }; /* U+FFFD in place of one byte */

/* Length of the sequence at the start of text, which is not empty; 0: there is none. */
size_t utf8_length(struct slice text);

/* Writes text, repaired, into out, which has room for UTF8_GROWTH times its length.
 * Returns the length written. */
size_t utf8_repair(struct slice text, char *out);

/* Whether text holds valid sequences alone; for text that is not plain. */
bool utf8_is_whole(struct slice text);

/* Eight bytes at a time; the last eight may overlap those before. */
static inline bool utf8_is_ascii(struct slice text)
{
    uint64_t eight, all = 0;
    size_t i = 0;

    for (; i + sizeof eight <= text.len; i += sizeof eight) {
        memcpy(&eight, text.at + i, sizeof eight);
        all |= eight;
    }
    if (i > 0) {
        memcpy(&eight, text.at + text.len - sizeof eight, sizeof eight);
        all |= eight;
    } else {
        for (; i < text.len; i++)
            all |= (unsigned char)text.at[i];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* This is asked of every name and tag of a new context, and almost all are plain. */
static inline bool utf8_is_valid(struct slice text)
{
    return utf8_is_ascii(text) || utf8_is_whole(text);
}

#endif
