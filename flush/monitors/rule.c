#include "flush/monitors/rule.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "protocol/number.h"

/* ---- values ------------------------------------------------------------ */

static bool is_word_of(struct slice text, const char *const *words)
{
    while (*words != NULL &&
           (strlen(*words) != text.len || strncasecmp(*words, text.at, text.len) != 0))
        words++;
    return *words != NULL;
}

static bool is_frequency(struct slice text)
{
    static const char *const words[] = { "SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                         "WEEKLY",   "MONTHLY",  "YEARLY", NULL };

    return is_word_of(text, words);
}

static bool is_day(struct slice text)
{
    static const char *const words[] = { "MO", "TU", "WE", "TH", "FR", "SA", "SU", NULL };

    return is_word_of(text, words);
}

/* "MO", "1MO", "-1FR" */
static bool is_numbered_day(struct slice text)
{
    int64_t number;

    if (text.len <= 2)
        return is_day(text);
    struct slice count = { text.at, text.len - 2 };

    return is_day(slice_skip(text, count.len)) && number_int64(count, &number) && number != 0 &&
           number >= -53 && number <= 53;
}

static size_t digits_at(struct slice text)
{
    size_t n = 0;

    while (n < text.len && isdigit((unsigned char)text.at[n]))
        n++;
    return n;
}

/* "20261205", "20261205T183000", "20261205T183000Z" */
static bool is_time(struct slice text)
{
    if (digits_at(text) != 8)
        return false;
    struct slice clock = slice_skip(text, 8);

    if (clock.len == 0)
        return true;
    return clock.at[0] == 'T' && digits_at(slice_skip(clock, 1)) == 6 &&
           (clock.len == 7 || (clock.len == 8 && clock.at[7] == 'Z'));
}

/* ---- parts ------------------------------------------------------------- */

/* What a part may have: values of a kind, with commas between them where there may be several;
 * or whole numbers, negative ones where they count from the end. */
static const struct part {
    const char *name;
    bool (*is)(struct slice text);
    int64_t least, most;
    bool may_be_negative, is_list;
} parts[] = {
    { "FREQ", is_frequency, 0, 0, false, false },
    { "UNTIL", is_time, 0, 0, false, false },
    { "COUNT", NULL, 1, INT32_MAX, false, false },
    { "INTERVAL", NULL, 1, INT16_MAX, false, false },
    { "BYSECOND", NULL, 0, 60, false, true },
    { "BYMINUTE", NULL, 0, 59, false, true },
    { "BYHOUR", NULL, 0, 23, false, true },
    { "BYDAY", is_numbered_day, 0, 0, false, true },
    { "BYMONTHDAY", NULL, 1, 31, true, true },
    { "BYYEARDAY", NULL, 1, 366, true, true },
    { "BYWEEKNO", NULL, 1, 53, true, true },
    { "BYMONTH", NULL, 1, 12, false, true },
    { "BYSETPOS", NULL, 1, 366, true, true },
    { "WKST", is_day, 0, 0, false, false },
};

enum { PARTS = sizeof parts / sizeof *parts, FREQ = 0, UNTIL = 1, COUNT = 2 };

static bool is_value(const struct part *part, struct slice text)
{
    int64_t number;

    if (part->is != NULL)
        return part->is(text);
    if (!number_int64(text, &number))
        return false;
    return (number >= part->least && number <= part->most) ||
           (part->may_be_negative && number >= -part->most && number <= -part->least);
}

static bool are_values(const struct part *part, struct slice text)
{
    if (!part->is_list)
        return is_value(part, text);
    bool good = text.len > 0 && text.at[text.len - 1] != ',';

    while (good && text.len > 0)
        good = is_value(part, slice_cut(&text, ','));
    return good;
}

static size_t find_part(struct slice name)
{
    size_t i = 0;

    while (i < PARTS && (strlen(parts[i].name) != name.len ||
                         strncasecmp(parts[i].name, name.at, name.len) != 0))
        i++;
    return i;
}

__attribute__((format(printf, 3, 4))) static bool refuse(char *problem, size_t size,
                                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(problem, size, format, args);
    va_end(args);
    return false;
}

static bool check_part(struct slice text, uint32_t *seen, char *problem, size_t size)
{
    struct slice value = text, name = slice_cut(&value, '=');
    size_t i = find_part(name);

    if (i == PARTS)
        return refuse(problem, size, "'%.*s' is no part of a rule of RFC 5545", (int)name.len,
                      name.at);
    if ((*seen & UINT32_C(1) << i) != 0)
        return refuse(problem, size, "a rule has one %s", parts[i].name);
    *seen |= UINT32_C(1) << i;
    return are_values(&parts[i], value) ||
           refuse(problem, size, "a rule of RFC 5545 has no %.*s", (int)text.len, text.at);
}

bool rule_check(struct slice rule, char *problem, size_t problem_size)
{
    uint32_t seen = 0;

    while (rule.len > 0)
        if (!check_part(slice_cut(&rule, ';'), &seen, problem, problem_size))
            return false;
    if ((seen & 1U << FREQ) == 0)
        return refuse(problem, problem_size, "a rule of RFC 5545 has a FREQ");
    if ((seen & 1U << UNTIL) != 0 && (seen & 1U << COUNT) != 0)
        return refuse(problem, problem_size, "a rule has a COUNT or an UNTIL, and not both");
    return true;
}
