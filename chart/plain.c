#include "chart/plain.h"

#include "config/shown.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define UNKNOWN  "\xef\xbf\xbd"

enum { MARK_LEN = 3 }; /* bytes of either */

void plain_copy(struct slice text, char *out, size_t size)
{
    size_t n = 0, cut_at = 0;

    for (size_t at = 0, len; at < text.len; at += len) {
        bool plain = shown_is_plain(text.at + at, text.len - at, &len);
        size_t need = plain ? len : MARK_LEN;

        if (n + MARK_LEN < size)
            cut_at = n;
        if (n + need >= size) {
            memcpy(out + cut_at, ELLIPSIS, MARK_LEN);
            n = cut_at + MARK_LEN;
            break;
        }
        memcpy(out + n, plain ? text.at + at : UNKNOWN, need);
        n += need;
    }
    out[n] = '\0';
}

bool plain_shorten(char *text)
{
    size_t len = strlen(text);

    if (len >= MARK_LEN && memcmp(text + len - MARK_LEN, ELLIPSIS, MARK_LEN) == 0)
        len -= MARK_LEN;
    if (len == 0)
        return false;
    do
        len--;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80);
    memcpy(text + len, ELLIPSIS, MARK_LEN + 1);
    return true;
}
