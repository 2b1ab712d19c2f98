#include "flush/notify/mail_encode.h"

#include <stdint.h>
#include <stdio.h>

#include "config/utf8.h"

enum {
    LINE_MAX_ENCODED = 76,
    WORD_BYTES = 45,  /* of text in an encoded word: 60 characters of base 64, and 12 around */
    PLAIN_BYTES = 60, /* longer ones are encoded too, since those can be folded anywhere */
    BASE64_LINE_BYTES = 57
};

/* One character, as it may be shown: what is invalid becomes U+FFFD, a control character a
 * space. Cuts it off the text. */
static struct slice next_character(struct slice *text)
{
    size_t len = utf8_length(text->at, text->len);
    struct slice character = { text->at, len };

    if (len == 0)
        character = SLICE("\xef\xbf\xbd");
    else if (len == 1 && ((unsigned char)text->at[0] < ' ' || text->at[0] == 0x7f))
        character = SLICE(" ");
    *text = slice_skip(*text, len > 0 ? len : 1);
    return character;
}

/* ---- base 64 ----------------------------------------------------------- */

static void add_base64(struct slice from, struct bytes *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < from.len; i += 3) {
        size_t n = from.len - i < 3 ? from.len - i : 3;
        uint32_t bits = 0;
        char four[4] = { '=', '=', '=', '=' };

        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < n ? (unsigned char)from.at[i + j] : 0);
        for (size_t j = 0; j <= n; j++)
            four[j] = digits[bits >> (18 - 6 * j) & 63];
        bytes_add(out, four, sizeof four);
    }
}

void mail_encode_base64(struct slice bytes, struct bytes *out)
{
    while (bytes.len > 0) {
        size_t n = bytes.len < BASE64_LINE_BYTES ? bytes.len : BASE64_LINE_BYTES;

        add_base64((struct slice){ bytes.at, n }, out);
        bytes_add_text(out, "\r\n");
        bytes = slice_skip(bytes, n);
    }
}

/* ---- headers ----------------------------------------------------------- */

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~' ||
            (text.at[i] == '=' && i + 1 < text.len && text.at[i + 1] == '?'))
            return false;
    return text.len > 0 && text.len <= PLAIN_BYTES && text.at[0] != ' ' &&
           text.at[text.len - 1] != ' ';
}

/* A word has whole characters only. */
static void add_word(struct slice *text, struct bytes *out)
{
    char word[WORD_BYTES];
    size_t len = 0;

    while (text->len > 0) {
        struct slice rest = *text, character = next_character(&rest);

        if (len + character.len > sizeof word)
            break;
        memcpy(word + len, character.at, character.len);
        len += character.len;
        *text = rest;
    }
    bytes_add_text(out, "=?UTF-8?B?");
    add_base64((struct slice){ word, len }, out);
    bytes_add_text(out, "?=");
}

void mail_encode_header(const char *name, struct slice text, struct bytes *out)
{
    bytes_add_text(out, name);
    bytes_add_text(out, ":");
    if (is_plain(text)) {
        bytes_add_text(out, " ");
        bytes_add(out, text.at, text.len);
        text.len = 0;
    }
    for (bool first = true; text.len > 0; first = false) {
        bytes_add_text(out, first ? " " : "\r\n ");
        add_word(&text, out);
    }
    bytes_add_text(out, "\r\n");
}

/* ---- quoted-printable -------------------------------------------------- */

/* Ends the line if n more characters leave no room for the "=" of a soft break. */
static void make_room(size_t *column, size_t n, struct bytes *out)
{
    if (*column + n < LINE_MAX_ENCODED)
        return;
    bytes_add_text(out, "=\r\n");
    *column = 0;
}

static bool ends_line(struct slice text)
{
    return text.len == 0 || text.at[0] == '\n' || text.at[0] == '\r';
}

/* Blanks at the end of a line would be lost; a dot or "From " at its beginning may be changed
 * on the way. */
static bool may_stand(char byte, struct slice behind, size_t column)
{
    if (byte == ' ' || byte == '\t')
        return !ends_line(behind);
    if (column == 0 && (byte == '.' || byte == 'F' || byte == '-'))
        return false;
    return byte > ' ' && byte <= '~' && byte != '=';
}

static void add_quoted(struct slice character, struct slice behind, size_t *column,
                       struct bytes *out)
{
    for (size_t i = 0; i < character.len; i++) {
        char code[4];

        if (character.len == 1) {
            make_room(column, 1, out);
            if (may_stand(character.at[0], behind, *column)) {
                bytes_add(out, character.at, 1);
                ++*column;
                return;
            }
        }
        make_room(column, 3, out);
        snprintf(code, sizeof code, "=%02X", (unsigned)(unsigned char)character.at[i]);
        bytes_add(out, code, 3);
        *column += 3;
    }
}

void mail_encode_quoted(struct slice text, struct bytes *out)
{
    size_t column = 0;

    while (text.len > 0) {
        char byte = text.at[0];

        if (byte == '\n' || byte == '\r') {
            bool both = byte == '\r' && text.len > 1 && text.at[1] == '\n';

            bytes_add_text(out, "\r\n");
            column = 0;
            text = slice_skip(text, both ? 2 : 1);
            continue;
        }
        struct slice character = { text.at, 1 };

        if (byte == '\t')
            text = slice_skip(text, 1);
        else
            character = next_character(&text);
        add_quoted(character, text, &column, out);
    }
    if (column > 0)
        bytes_add_text(out, "\r\n");
}

/* ---- HTML -------------------------------------------------------------- */

void mail_encode_html(struct slice text, struct bytes *out)
{
    static const char bytes[] = "&<>\"'";
    static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

    for (; text.len > 0; text = slice_skip(text, 1)) {
        const char *found = text.at[0] != '\0' ? strchr(bytes, text.at[0]) : NULL;

        if (found != NULL)
            bytes_add_text(out, entities[found - bytes]);
        else
            bytes_add(out, text.at, 1);
    }
}
