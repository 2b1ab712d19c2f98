#include "config/shown.h"

#include <string.h>

#include "config/utf8.h"

/* Control and format characters beyond ASCII, and the separators of lines and paragraphs:
 * categories Cc, Cf, Zl and Zp of the Unicode Character Database, version 15. */
static const struct {
    unsigned long first, last;
} hidden[] = {
    { 0x80, 0x9f },       { 0xad, 0xad },       { 0x600, 0x605 },     { 0x61c, 0x61c },
    { 0x6dd, 0x6dd },     { 0x70f, 0x70f },     { 0x890, 0x891 },     { 0x8e2, 0x8e2 },
    { 0x180e, 0x180e },   { 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },
    { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },   { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
    { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe007f },
};

static bool is_hidden(unsigned long code)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    return false;
}

static unsigned long code_point(const char *at, size_t len)
{
    unsigned long code = (unsigned char)at[0];

    if (len > 1)
        code &= 0x7fUL >> len; /* the bits of the first byte behind its length */
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}

bool shown_is_plain(const char *at, size_t n, size_t *len)
{
    unsigned char first = (unsigned char)at[0];

    *len = 1;
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f;
    size_t found = utf8_length(at, n);

    if (found == 0)
        return false;
    *len = found;
    return !is_hidden(code_point(at, found));
}

static size_t escape_json(unsigned long code, char out[SHOWN_ESCAPE_SIZE])
{
    if (code > 0xffff)
        return (size_t)snprintf(out, SHOWN_ESCAPE_SIZE, "\\u%04lx\\u%04lx",
                                0xd800 + ((code - 0x10000) >> 10),
                                0xdc00 + ((code - 0x10000) & 0x3ff));
    return (size_t)snprintf(out, SHOWN_ESCAPE_SIZE, "\\u%04lx", code);
}

size_t shown_escape(const char *at, size_t len, bool json, char out[SHOWN_ESCAPE_SIZE])
{
    size_t n = 0;

    if (json)
        return escape_json(
            len == 1 && (unsigned char)*at >= 0x80 ? 0xfffd : code_point(at, len), out);
    for (size_t i = 0; i < len; i++)
        n += (size_t)snprintf(out + n, SHOWN_ESCAPE_SIZE - n, "\\x%02x", (unsigned char)at[i]);
    return n;
}

static void put(FILE *out, const char *at, size_t len, bool plain, bool json)
{
    char escape[SHOWN_ESCAPE_SIZE];

    if (plain) {
        fwrite(at, 1, len, out);
        return;
    }
    (void)shown_escape(at, len, json, escape);
    fputs(escape, out);
}

void shown_put(FILE *out, const char *at, size_t n)
{
    size_t len;

    for (; n > 0; at += len, n -= len) {
        bool plain = shown_is_plain(at, n, &len);

        put(out, at, len, plain, false);
    }
}

void shown_put_text(FILE *out, const char *text)
{
    shown_put(out, text, strlen(text));
}

void shown_put_json(FILE *out, const char *at, size_t n)
{
    size_t len;

    for (; n > 0; at += len, n -= len) {
        bool plain = shown_is_plain(at, n, &len);

        if (*at == '\r')
            putc('\n', out);
        else
            put(out, at, len, plain || *at == '\n' || *at == '\t', true);
    }
}
