#include "config/utf8.h"

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The second byte of E0, ED, F0 and F4 is narrower (overlong, surrogates, too high). */
size_t utf8_length(const char *at, size_t n)
{
    unsigned char first = (unsigned char)at[0];
    unsigned char second = n > 1 ? (unsigned char)at[1] : 0;
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first > 0xf4 || len > n || (first == 0xe0 && second < 0xa0) ||
        (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!is_continuation(at[i]))
            return 0;
    return len;
}

size_t utf8_cut(const char *at, size_t n, size_t most)
{
    if (n <= most)
        return n;
    while (most > 0 && is_continuation(at[most]))
        most--;
    return most;
}

bool utf8_is_whole(const char *at, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t len = utf8_length(at + done, n - done);

        if (len == 0)
            return false;
        done += len;
    }
    return true;
}

size_t utf8_repair(const char *at, size_t n, char *out)
{
    char *to = out;

    for (size_t done = 0; done < n;) {
        size_t len = utf8_length(at + done, n - done);

        memcpy(to, len > 0 ? at + done : "\xef\xbf\xbd", len > 0 ? len : UTF8_GROWTH);
        to += len > 0 ? len : UTF8_GROWTH;
        done += len > 0 ? len : 1;
    }
    return (size_t)(to - out);
}
