#include "protocol/glob.h"

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

static bool is_glob(struct slice pattern)
{
    return pattern.len > 0 && (memchr(pattern.at, '*', pattern.len) != NULL ||
                               memchr(pattern.at, '?', pattern.len) != NULL);
}

/* Whether a byte that is no star stands for this one. */
static bool stands_for(char pattern, char byte)
{
    return pattern == '?' || lower(pattern) == lower(byte);
}

/* Where a byte does not match, the last star takes one more: the stars before it need not be
 * tried again, because what they took was the least that could do. */
static bool matches(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = pattern.len, taken = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.len && stands_for(pattern.at[p], text.at[t])) {
            p++;
            t++;
        } else if (star < pattern.len) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

static bool contains(struct slice text, struct slice part)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        size_t i = 0;

        while (i < part.len && lower(text.at[at + i]) == lower(part.at[i]))
            i++;
        if (i == part.len)
            return true;
    }
    return false;
}

bool glob_finds(struct slice pattern, struct slice text)
{
    return is_glob(pattern) ? matches(pattern, text) : contains(text, pattern);
}
