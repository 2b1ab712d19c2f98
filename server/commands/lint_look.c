#include "server/commands/lint_look.h"

#include <ctype.h>

/* From how many bytes on. Ports, codes and years are shorter numbers. */
enum { NUMBER_LEAST = 6, HEX_LEAST = 16, TOKEN_LEAST = 20, UUID_LEN = 36 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte)
{
    return isxdigit((unsigned char)byte) != 0;
}

/* Whether text has the shape: 0 a digit, x a hexadecimal one, any other byte itself. */
static bool has_shape(struct slice text, const char *shape)
{
    if (text.len < strlen(shape))
        return false;
    for (size_t i = 0; shape[i] != '\0'; i++)
        if (shape[i] == '0'   ? !is_digit(text.at[i])
            : shape[i] == 'x' ? !is_hex(text.at[i])
                              : text.at[i] != shape[i])
            return false;
    return true;
}

/* How many bytes of it are digits, and how many are letters; false: there are others. */
static bool count_bytes(struct slice text, size_t *digits, size_t *letters)
{
    *digits = *letters = 0;
    for (size_t i = 0; i < text.len; i++) {
        *digits += is_digit(text.at[i]);
        *letters += isalpha((unsigned char)text.at[i]) != 0;
    }
    return *digits + *letters == text.len;
}

static bool is_all_hex(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_hex(text.at[i]))
            return false;
    return true;
}

/* Seconds since 1970 from 2001 to 2033, or as many of their thousandths, and so on. */
static bool is_since_1970(struct slice digits)
{
    return (digits.len == 10 || digits.len == 13 || digits.len == 16 || digits.len == 19) &&
           digits.at[0] == '1';
}

static bool is_mail(struct slice text)
{
    const char *at = text.len > 0 ? memchr(text.at, '@', text.len) : NULL;

    return at != NULL && at > text.at &&
           memchr(at, '.', text.len - (size_t)(at - text.at)) != NULL;
}

enum lint_look lint_look(struct slice value)
{
    size_t digits, letters;

    if (value.len == UUID_LEN && has_shape(value, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
        return LINT_LOOK_UUID;
    if (has_shape(value, "0000-00-00T00:00"))
        return LINT_LOOK_TIMESTAMP;
    if (is_mail(value))
        return LINT_LOOK_MAIL;
    if (!count_bytes(value, &digits, &letters) || digits == 0)
        return LINT_LOOK_NONE;
    if (letters == 0 && is_since_1970(value))
        return LINT_LOOK_TIMESTAMP;
    if (letters == 0)
        return digits >= NUMBER_LEAST ? LINT_LOOK_NUMBER : LINT_LOOK_NONE;
    if (value.len >= HEX_LEAST && is_all_hex(value))
        return LINT_LOOK_HEX;
    return value.len >= TOKEN_LEAST ? LINT_LOOK_TOKEN : LINT_LOOK_NONE;
}

const char *lint_look_words(enum lint_look look)
{
    static const char *const words[LINT_LOOK_COUNT] = { [LINT_LOOK_NONE] = "nothing",
#define WORDS(id, text) [id] = text,
                                                        LINT_LOOKS(WORDS)
#undef WORDS
    };

    return words[look];
}
