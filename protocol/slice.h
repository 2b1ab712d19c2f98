/* protocol/slice.h: a view of some bytes that belong to somebody else.
 *
 * A slice never owns, never ends in NUL and may hold any byte. It is good for
 * as long as the bytes behind it are: for a line, until the datagram's buffer
 * is received into again. */
#ifndef PROTOCOL_SLICE_H
#define PROTOCOL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *at;
    size_t len;
};

/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Whether one of those says the same. */
static inline bool slice_is_among(struct slice text, const struct slice *those, size_t n)
{
    size_t i = 0;

    while (i < n && !slice_equal(those[i], text))
        i++;
    return i < n;
}

static inline bool slice_starts(struct slice text, struct slice prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.at, prefix.at, prefix.len) == 0);
}

/* The rest behind the first n bytes; n must not be more than there are. */
static inline struct slice slice_skip(struct slice text, size_t n)
{
    return (struct slice){ text.at + n, text.len - n };
}

static inline bool slice_is_one_of(char byte, const char *bytes)
{
    return byte != '\0' && strchr(bytes, byte) != NULL;
}

/* Without those of the given bytes that stand at both ends. */
static inline struct slice slice_trim(struct slice text, const char *bytes)
{
    while (text.len > 0 && slice_is_one_of(text.at[0], bytes))
        text = slice_skip(text, 1);
    while (text.len > 0 && slice_is_one_of(text.at[text.len - 1], bytes))
        text.len--;
    return text;
}

/* Cuts off and returns what stands before the first separator (all of it
 * without one); *rest keeps what stands behind it. To tell "a|" from "a", look
 * for the separator first. */
static inline struct slice slice_cut(struct slice *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    struct slice head = { rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len };

    *rest = slice_skip(*rest, end != NULL ? head.len + 1 : head.len);
    return head;
}

/* Copies it to *at, which moves behind the copy. */
static inline struct slice slice_copy(struct slice text, char **at)
{
    struct slice copy = { *at, text.len };

    if (text.len > 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
}

/* Byte order, shorter first among equals: the order of sorted tags. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.at, b.at, shared) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
