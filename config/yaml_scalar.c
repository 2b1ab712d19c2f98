#include "config/yaml_scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Beyond it a double has no unit place, so a fraction could not be told. */
static const double WHOLE_MAX = 9007199254740992.0;

static bool is_among(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static const char *plain_bool(const char *text)
{
    static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", NULL };
    static const char *const no[] = { "n", "N", "no", "No", "NO", "off", "Off", "OFF", NULL };

    return is_among(text, yes) ? "true" : is_among(text, no) ? "false" : text;
}

/* Without the underscores that part its digits; false: too long to be a number. */
static bool drop_underscores(const char *text, char out[YAML_SCALAR_SIZE])
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '_')
            continue;
        if (n + 1 == YAML_SCALAR_SIZE)
            return false;
        out[n++] = *text;
    }
    out[n] = '\0';
    return n > 0;
}

/* Behind the sign: what the digits count in, and where they begin. */
static int base_of(const char **digits)
{
    const char *at = *digits;

    if (at[0] != '0' || at[1] == '\0')
        return 10;
    *digits = at + 2;
    if (at[1] == 'x' || at[1] == 'X')
        return 16;
    if (at[1] == 'b' || at[1] == 'B')
        return 2;
    if (at[1] == 'o' || at[1] == 'O')
        return 8;
    *digits = at + 1;
    return 8;
}

static bool read_whole(const char *text, int64_t *value)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    int base = base_of(&digits);
    char *end;

    if (digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0')
        return false; /* no second sign, no blanks */
    errno = 0;
    long long number = strtoll(digits, &end, base);
    if (end == digits || *end != '\0' || errno != 0)
        return false;
    *value = text[0] == '-' ? -number : number;
    return true;
}

static bool read_real(const char *text, double *value)
{
    char *end;

    if (text[strspn(text, "+-.0123456789eE")] != '\0')
        return false;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

/* What is not written anew here is refused, or read, as it is written. */
static const char *plain_number(enum option_type type, const char *text,
                                char out[YAML_SCALAR_SIZE])
{
    char bare[YAML_SCALAR_SIZE];
    int64_t whole;
    double real;

    if (!drop_underscores(text, bare))
        return text;
    if (read_whole(bare, &whole))
        snprintf(out, YAML_SCALAR_SIZE, "%" PRId64, whole);
    else if (!read_real(bare, &real))
        return text;
    else if (type == OPTION_FLOAT)
        snprintf(out, YAML_SCALAR_SIZE, "%s", bare);
    else if (real >= -WHOLE_MAX && real <= WHOLE_MAX && (double)(int64_t)real == real)
        snprintf(out, YAML_SCALAR_SIZE, "%" PRId64, (int64_t)real);
    else
        return text;
    return out;
}

const char *yaml_scalar_plain(enum option_type type, const char *text,
                              char out[YAML_SCALAR_SIZE])
{
    if (type == OPTION_BOOL)
        return plain_bool(text);
    if (type == OPTION_INT || type == OPTION_PORT || type == OPTION_FLOAT)
        return plain_number(type, text, out);
    return text;
}
