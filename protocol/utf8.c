#include "protocol/utf8.h"

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The second byte of E0, ED, F0 and F4 is narrower (overlong, surrogates, too high). */
size_t utf8_length(struct slice text)
{
    unsigned char first = (unsigned char)text.at[0];
    unsigned char second = text.len > 1 ? (unsigned char)text.at[1] : 0;
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || len > text.len || (first == 0xe0 && second < 0xa0) ||
        (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!is_continuation(text.at[i]))
            return 0;
    return len;
}

bool utf8_is_whole(struct slice text)
{
    while (text.len > 0) {
        size_t len = utf8_length(text);

        if (len == 0)
            return false;
        text = slice_skip(text, len);
    }
    return true;
}

size_t utf8_repair(struct slice text, char *out)
{
    char *to = out;

    while (text.len > 0) {
        size_t len = utf8_length(text);
        struct slice put = len > 0 ? (struct slice){ text.at, len } : SLICE("\xef\xbf\xbd");

        memcpy(to, put.at, put.len);
        to += put.len;
        text = slice_skip(text, len > 0 ? len : 1);
    }
    return (size_t)(to - out);
}
