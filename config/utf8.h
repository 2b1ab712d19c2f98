/* config/utf8.h: bytes of others into text that every reader takes.
 *
 * A strict protobuf decoder refuses a whole payload for one byte that is no UTF-8, and a
 * terminal or a reader of JSON logs is no happier. As Go's JSON encoder does, and ours, each
 * byte that belongs to no sequence becomes U+FFFD; what is valid stays as it is.
 *
 * Pure: views in, bytes into room of the caller's out. */
#ifndef CONFIG_UTF8_H
#define CONFIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { UTF8_GROWTH = 3 }; /* U+FFFD in place of one byte */

/* Length of the sequence at the start of n bytes, one at least; 0: there is none. */
size_t utf8_length(const char *at, size_t n);

/* Writes the n bytes, repaired, into out, which has room for UTF8_GROWTH times as many.
 * Returns the length written. */
size_t utf8_repair(const char *at, size_t n, char *out);

/* Of n bytes of valid text as many as make whole characters, and no more than most. */
size_t utf8_cut(const char *at, size_t n, size_t most);

/* Whether they are valid sequences alone; for text that is not plain. */
bool utf8_is_whole(const char *at, size_t n);

/* Eight bytes at a time; the last eight may overlap those before. */
static inline bool utf8_is_ascii(const char *at, size_t n)
{
    uint64_t eight, all = 0;
    size_t i = 0;

    for (; i + sizeof eight <= n; i += sizeof eight) {
        memcpy(&eight, at + i, sizeof eight);
        all |= eight;
    }
    if (i > 0) {
        memcpy(&eight, at + n - sizeof eight, sizeof eight);
        all |= eight;
    } else {
        for (; i < n; i++)
            all |= (unsigned char)at[i];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* This is asked of every name and tag of a new context, and almost all are plain. */
static inline bool utf8_is_valid(const char *at, size_t n)
{
    return utf8_is_ascii(at, n) || utf8_is_whole(at, n);
}

#endif
