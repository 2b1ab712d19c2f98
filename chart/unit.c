#include "chart/unit.h"

#include <math.h>
#include <stdio.h>

#include "chart/plain.h"

/* ---- which ------------------------------------------------------------- */

static const struct {
    const char *name;
    enum unit_kind kind;
    double factor;
} known[] = {
    { "bit", UNIT_BYTES, 0.125 },           { "byte", UNIT_BYTES, 1 },
    { "kibibyte", UNIT_BYTES, 1024 },       { "mebibyte", UNIT_BYTES, 1048576 },
    { "gibibyte", UNIT_BYTES, 1073741824 }, { "tebibyte", UNIT_BYTES, 1099511627776 },
    { "nanosecond", UNIT_SECONDS, 1e-9 },   { "microsecond", UNIT_SECONDS, 1e-6 },
    { "millisecond", UNIT_SECONDS, 1e-3 },  { "second", UNIT_SECONDS, 1 },
    { "minute", UNIT_SECONDS, 60 },         { "hour", UNIT_SECONDS, 3600 },
    { "day", UNIT_SECONDS, 86400 },         { "week", UNIT_SECONDS, 604800 },
    { "percent", UNIT_PERCENT, 1 },         { "fraction", UNIT_PERCENT, 100 },
};

void unit_find(struct slice name, struct slice per, struct unit *out)
{
    char text[UNIT_NAME_SIZE / 2] = "", per_text[UNIT_NAME_SIZE / 4] = "";

    *out = (struct unit){ .kind = UNIT_NUMBER, .factor = 1 };
    plain_copy(name, text, sizeof text);
    plain_copy(per, per_text, sizeof per_text);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0) {
            out->kind = known[i].kind;
            out->factor = known[i].factor;
            text[0] = '\0'; /* each number says it */
            break;
        }
    snprintf(out->name, sizeof out->name, "%s%s%s%s", text,
             text[0] != '\0' && per_text[0] != '\0' ? " " : "",
             per_text[0] != '\0' ? "per " : "", per_text);
}

/* ---- numbers ----------------------------------------------------------- */

struct scale_word {
    long double size;
    const char *word;
};

/* How many behind the point show each step as it is, as 0.25 needs two; or nearly so where none
 * would, as with sixths. */
static int decimals_of(long double step)
{
    enum { MORE = 2, MOST = 9 };
    long double below = -floorl(log10l(step) + 1e-9L);
    int least = below > 0 ? below < MOST ? (int)below : MOST : 0;

    for (int decimals = least; decimals <= least + MORE; decimals++) {
        long double times = step * powl(10, decimals);
        if (fabsl(times - roundl(times)) < 1e-6L * times)
            return decimals;
    }
    return least + 1;
}

/* None of them says nothing. */
static size_t put_digits(long double value, long double step, char out[UNIT_TEXT_SIZE])
{
    size_t len = (size_t)snprintf(out, UNIT_TEXT_SIZE, "%.*Lf", decimals_of(step), value);

    if (strchr(out, '.') != NULL) {
        while (out[len - 1] == '0')
            len--;
        len -= out[len - 1] == '.';
        out[len] = '\0';
    }
    if (strcmp(out, "-0") == 0)
        len = (size_t)snprintf(out, UNIT_TEXT_SIZE, "0");
    return len;
}

/* The largest word that is not larger than the value; n words, which ascend. */
static void put_scaled(long double value, long double step, const struct scale_word *words,
                       size_t n, char out[UNIT_TEXT_SIZE])
{
    size_t i = n - 1;

    while (i > 0 && fabsl(value) < words[i].size)
        i--;
    size_t len = put_digits(value / words[i].size, step / words[i].size, out);
    snprintf(out + len, UNIT_TEXT_SIZE - len, "%s", words[i].word);
}

/* What no word is for, and what has more digits than anybody reads. */
static bool is_extreme(long double value, long double step)
{
    return fabsl(value) >= 1e18L || step < 1e-9L;
}

static void put_number(long double value, long double step, char out[UNIT_TEXT_SIZE])
{
    static const struct scale_word words[] = { { 1, "" },     { 1e3L, "k" },  { 1e6L, "M" },
                                               { 1e9L, "G" }, { 1e12L, "T" }, { 1e15L, "P" } };

    put_scaled(value, step, words, sizeof words / sizeof words[0], out);
}

static void put_bytes(long double value, long double step, char out[UNIT_TEXT_SIZE])
{
    static const struct scale_word words[] = {
        { 1, " B" },
        { 1024, " KiB" },
        { 1048576, " MiB" },
        { 1073741824, " GiB" },
        { 1099511627776, " TiB" },
        { 1125899906842624, " PiB" },
    };

    put_scaled(value, step, words, sizeof words / sizeof words[0], out);
}

static void put_seconds(long double value, long double step, char out[UNIT_TEXT_SIZE])
{
    static const struct scale_word words[] = {
        { 1e-9L, " ns" }, { 1e-6L, " \xc2\xb5s" }, { 1e-3L, " ms" }, { 1, " s" },
        { 60, " min" },   { 3600, " h" },          { 86400, " d" },
    };

    if (value == 0)
        snprintf(out, UNIT_TEXT_SIZE, "0 s");
    else
        put_scaled(value, step, words, sizeof words / sizeof words[0], out);
}

void unit_format(enum unit_kind kind, long double value, long double step,
                 char out[UNIT_TEXT_SIZE])
{
    if (kind != UNIT_SECONDS && value != 0 && is_extreme(value, step)) {
        snprintf(out, UNIT_TEXT_SIZE, "%.4Lg", value);
    } else if (kind == UNIT_NUMBER) {
        put_number(value, step, out);
    } else if (kind == UNIT_BYTES) {
        put_bytes(value, step, out);
    } else if (kind == UNIT_SECONDS && fabsl(value) < 1e18L) {
        put_seconds(value, step, out);
    } else if (kind == UNIT_PERCENT) {
        size_t len = put_digits(value, step, out);
        snprintf(out + len, UNIT_TEXT_SIZE - len, "%%");
    } else {
        snprintf(out, UNIT_TEXT_SIZE, "%.4Lg s", value);
    }
}
