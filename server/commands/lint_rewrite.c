#include "server/commands/lint_rewrite.h"

#include "config/utf8.h"

static bool is_letter(char byte)
{
    return (byte | 32) >= 'a' && (byte | 32) <= 'z';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool ends_in(const char *out, size_t len, char byte)
{
    return len > 0 && out[len - 1] == byte;
}

/* An underscore, unless one stands there already. */
static size_t put_underscore(char *out, size_t len)
{
    if (len > 0 && !ends_in(out, len, '_'))
        out[len++] = '_';
    return len;
}

static size_t trim_underscores(const char *out, size_t len)
{
    while (ends_in(out, len, '_'))
        len--;
    return len;
}

static size_t put_name_byte(char byte, char *out, size_t len)
{
    if (len == 0 && !is_letter(byte))
        return 0;
    if (byte == '.')
        len = trim_underscores(out, len);
    if (byte != '.' && !is_letter(byte) && !is_digit(byte))
        return ends_in(out, len, '.') ? len : put_underscore(out, len);
    out[len++] = byte;
    return len;
}

struct slice lint_rewrite_name(struct slice name, char out[LINT_REWRITTEN_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < name.len && len < LINT_REWRITTEN_CHARS; i++)
        len = put_name_byte(name.at[i], out, len);
    return (struct slice){ out, trim_underscores(out, len) };
}

static bool stays_in_tag(char byte)
{
    return is_letter(byte) || is_digit(byte) || slice_is_one_of(byte, "-:./");
}

/* A character of n bytes. */
static size_t put_tag_character(const char *at, size_t n, char *out, size_t len)
{
    if (n == 1 && len == 0 && !is_letter(*at))
        return 0;
    if (n == 1 && !stays_in_tag(*at))
        return put_underscore(out, len);
    memcpy(out + len, at, n);
    if (*at >= 'A' && *at <= 'Z')
        out[len] |= 32;
    return len + n;
}

struct slice lint_rewrite_tag(struct slice tag, char out[LINT_REWRITTEN_MAX])
{
    size_t len = 0, characters = 0, n;

    for (size_t i = 0; i < tag.len && characters < LINT_REWRITTEN_CHARS; i += n) {
        size_t before = len;

        n = utf8_length(tag.at + i, tag.len - i);
        n = n > 0 ? n : 1;
        len = put_tag_character(tag.at + i, n, out, len);
        characters += len > before;
    }
    return (struct slice){ out, trim_underscores(out, len) };
}
