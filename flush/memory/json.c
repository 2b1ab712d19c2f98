#include "flush/memory/json.h"

#include "config/utf8.h"

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
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
        size_t plain = 0;

        while (plain < text.len && is_plain((unsigned char)text.at[plain]))
            plain++;
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
