#include "flush/series/re2.h"

#include <stdbool.h>
#include <string.h>

#include "protocol/slice.h"

/* Of what may stand behind "(?", RE2 knows flags, a group without a number and a named group.
 */
static bool group_is_foreign(struct slice rest)
{
    if (slice_starts(rest, SLICE("P<")))
        return false;
    if (slice_starts(rest, SLICE("<")))
        return rest.len < 2 || rest.at[1] == '=' || rest.at[1] == '!';
    size_t flags = 0;

    while (flags < rest.len && strchr("imsU-", rest.at[flags]) != NULL)
        flags++;
    return flags == rest.len || (rest.at[flags] != ':' && rest.at[flags] != ')');
}

static bool is_alphanumeric(char byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
}

/* Punctuation that is escaped means itself. Of escaped letters RE2 knows these. */
static bool escape_is_foreign(char byte)
{
    return byte == '\0' ||
           (is_alphanumeric(byte) && strchr("0dDsSwWbBAzpPQEafnrtvx", byte) == NULL);
}

/* The length of what stands in the class that begins here, brackets included. */
static size_t class_length(const char *text)
{
    size_t at = 1 + (text[1] == '^');

    at += text[at] == ']'; /* a first bracket is a member */
    while (text[at] != '\0' && text[at] != ']') {
        const char *named =
            text[at] == '[' && text[at + 1] == ':' ? strstr(text + at, ":]") : NULL;

        if (named != NULL)
            at = (size_t)(named - text) + 2;
        else
            at += text[at] == '\\' && text[at + 1] != '\0' ? 2 : 1;
    }
    return at + (text[at] == ']');
}

/* Escapes inside a class are left to PCRE2: there it knows nothing that looks around or
 * refers back. */
const char *re2_find_foreign(const char *pattern)
{
    const char *at = pattern;

    while (*at != '\0') {
        if (slice_starts(slice_of(at), SLICE("\\Q"))) {
            const char *end = strstr(at, "\\E");

            at = end != NULL ? end + 2 : at + strlen(at);
        } else if (*at == '\\') {
            if (escape_is_foreign(at[1]))
                return at;
            at += 2;
        } else if (*at == '[') {
            at += class_length(at);
        } else if (slice_starts(slice_of(at), SLICE("(?"))) {
            if (group_is_foreign(slice_of(at + 2)))
                return at;
            at += 2;
        } else if (slice_starts(slice_of(at), SLICE("(*")) ||
                   (strchr("*+?", *at) != NULL && at[1] == '+')) {
            return at; /* a verb, or a possessive repetition */
        } else {
            at++;
        }
    }
    return NULL;
}
