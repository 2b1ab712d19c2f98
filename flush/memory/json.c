#include "flush/memory/json.h"

#include <stdint.h>
#include <string.h>

#include "config/utf8.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* A high bit in each byte that is zero, and maybe in bytes above one that is. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE) & ~word & (EACH_BYTE << 7);
}

/* Whether all eight bytes are plain. */
static bool are_plain(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    uint64_t below_space = (word - EACH_BYTE * ' ') & ~word, above_ascii = word;

    return ((below_space | above_ascii) & (EACH_BYTE << 7)) == 0 &&
           zero_bytes(word ^ EACH_BYTE * '"') == 0 && zero_bytes(word ^ EACH_BYTE * '\\') == 0;
}

/* How many bytes at the beginning may stand as they are. */
static size_t plain_length(struct slice text)
{
    size_t len = 0;

    while (text.len - len >= sizeof(uint64_t) && are_plain(text.at + len))
        len += sizeof(uint64_t);
    while (len < text.len && is_plain((unsigned char)text.at[len]))
        len++;
    return len;
}

/* One byte below 0x80 that may not stand as it is. */
static void put_escape(struct bytes *out, char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
    const char *found = byte != '\0' ? strchr(shorts, byte) : NULL;
    unsigned value = (unsigned char)byte;

    if (found != NULL)
        bytes_add(out, (char[]){ '\\', letters[found - shorts] }, 2);
    else
        bytes_add(out, (char[]){ '\\', 'u', '0', '0', hex[value >> 4], hex[value & 15] }, 6);
}

void json_add_escaped(struct bytes *out, struct slice text)
{
    while (text.len > 0) {
        size_t plain = plain_length(text);

        bytes_add(out, text.at, plain);
        text = slice_skip(text, plain);
        if (text.len == 0)
            return;
        size_t len = utf8_length(text.at, text.len);

        if (len == 1)
            put_escape(out, text.at[0]);
        else if (len > 1)
            bytes_add(out, text.at, len);
        else
            bytes_add(out, "\\ufffd", 6);
        text = slice_skip(text, len > 0 ? len : 1);
    }
}

void json_add_string(struct bytes *out, struct slice text)
{
    bytes_add(out, "\"", 1);
    json_add_escaped(out, text);
    bytes_add(out, "\"", 1);
}
