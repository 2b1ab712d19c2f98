#include "config/zone_offset.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/zone.h"

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400,
    OFFSET_MAX_S = 26 * HOUR_S,
    RULE_HOURS_MAX = 167
};
#define FARTHEST_S (INT64_C(1) << 40)

/* ---- a rule: CET-1CEST,M3.5.0,M10.5.0/3 -------------------------------- */

/* When the clocks change, as a rule of the calendar says it. */
struct change {
    enum { BY_WEEKDAY, BY_DAY, BY_DAY_WITHOUT_LEAP } kind;
    int month, week, day; /* of BY_WEEKDAY; day of the year of the others */
    int64_t time_s;       /* of the wall clock, behind midnight */
};

struct rule {
    const char *at; /* what is not read yet; it ends in a NUL */
    int32_t standard_s, summer_s;
    bool has_summer;
    struct change begin, end;
};

static bool skip(struct rule *rule, char c)
{
    bool found = *rule->at == c;

    rule->at += found;
    return found;
}

/* Two or three digits at most, as all numbers of a rule have them. */
static bool read_number(struct rule *rule, int most, int *out)
{
    const char *begin = rule->at;

    *out = 0;
    while (*rule->at >= '0' && *rule->at <= '9' && rule->at - begin < 3)
        *out = *out * 10 + (*rule->at++ - '0');
    return rule->at > begin && *out <= most;
}

/* "<+0330>" or "CET". */
static bool skip_name(struct rule *rule)
{
    const char *begin = rule->at;

    if (skip(rule, '<')) {
        while (*rule->at != '\0' && *rule->at != '>')
            rule->at++;
        return skip(rule, '>');
    }
    while ((*rule->at >= 'A' && *rule->at <= 'Z') || (*rule->at >= 'a' && *rule->at <= 'z'))
        rule->at++;
    return rule->at - begin >= 3;
}

/* "-3", "3:30", "+5:45:00". */
static bool read_time(struct rule *rule, int most_hours, int64_t *out)
{
    bool is_negative = skip(rule, '-');
    int hours, minutes = 0, seconds = 0;

    if (!is_negative)
        (void)skip(rule, '+');
    if (!read_number(rule, most_hours, &hours))
        return false;
    if (skip(rule, ':') && !read_number(rule, 59, &minutes))
        return false;
    if (skip(rule, ':') && !read_number(rule, 59, &seconds))
        return false;
    *out = (int64_t)hours * HOUR_S + minutes * MINUTE_S + seconds;
    *out = is_negative ? -*out : *out;
    return true;
}

/* ",M3.5.0/2", ",J60" or ",59/24". */
static bool read_change(struct rule *rule, struct change *out)
{
    bool good = skip(rule, ',');

    out->time_s = 2 * HOUR_S;
    if (skip(rule, 'M')) {
        out->kind = BY_WEEKDAY;
        good = good && read_number(rule, 12, &out->month) && out->month > 0 &&
               skip(rule, '.') && read_number(rule, 5, &out->week) && out->week > 0 &&
               skip(rule, '.') && read_number(rule, 6, &out->day);
    } else {
        out->kind = skip(rule, 'J') ? BY_DAY_WITHOUT_LEAP : BY_DAY;
        good = good && read_number(rule, 365, &out->day);
    }
    return good && (!skip(rule, '/') || read_time(rule, RULE_HOURS_MAX, &out->time_s));
}

/* West is positive in a rule. */
static bool read_offset(struct rule *rule, int32_t *out)
{
    int64_t west_s;

    if (!read_time(rule, 24, &west_s))
        return false;
    *out = (int32_t)-west_s;
    return true;
}

static bool read_rule(const char *text, struct rule *out)
{
    *out = (struct rule){ .at = text };
    if (!skip_name(out) || !read_offset(out, &out->standard_s))
        return false;
    out->has_summer = *out->at != '\0';
    if (!out->has_summer)
        return true;
    out->summer_s = out->standard_s + HOUR_S;
    if (!skip_name(out) || (*out->at != ',' && !read_offset(out, &out->summer_s)))
        return false;
    return read_change(out, &out->begin) && read_change(out, &out->end) && *out->at == '\0';
}

/* ---- the calendar ------------------------------------------------------ */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970 to the first of January of that year. */
static int64_t days_before(int64_t year)
{
    int64_t before = year - 1;

    return (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t year_of(int64_t at_s)
{
    int64_t year = 1970 + at_s / (365 * DAY_S + DAY_S / 4);

    while (days_before(year) * DAY_S > at_s)
        year--;
    while (days_before(year + 1) * DAY_S <= at_s)
        year++;
    return year;
}

/* The day of the year, from 0, of that change. */
static int64_t day_of(const struct change *change, int64_t year)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    bool leap = is_leap(year);

    if (change->kind == BY_DAY)
        return change->day;
    if (change->kind == BY_DAY_WITHOUT_LEAP)
        return change->day - 1 + (leap && change->day >= 60);
    int64_t first = before[change->month - 1] + (leap && change->month > 2);
    int64_t next = before[change->month] + (leap && change->month > 1);
    int64_t weekday = ((days_before(year) + first) % 7 + 7 + 4) % 7; /* 1970 began a Thursday */
    int64_t day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);

    return day < next ? day : day - 7;
}

static int64_t second_of(const struct change *change, int64_t year, int32_t offset_s)
{
    return (days_before(year) + day_of(change, year)) * DAY_S + change->time_s - offset_s;
}

static int32_t offset_by_rule(const struct rule *rule, int64_t at_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    int64_t year = year_of(at_s + rule->standard_s);
    int64_t begin_s = second_of(&rule->begin, year, rule->standard_s);
    int64_t end_s = second_of(&rule->end, year, rule->summer_s);
    bool is_summer =
        begin_s < end_s ? at_s >= begin_s && at_s < end_s : at_s >= begin_s || at_s < end_s;

    return is_summer ? rule->summer_s : rule->standard_s;
}

/* ---- the file ---------------------------------------------------------- */

enum { HEAD = 44, COUNTS = 20, TYPE = 6 };

/* One of its two blocks: the first has times of four bytes, the second of eight. */
struct block {
    const unsigned char *at; /* behind its head */
    size_t times, types, letters, leaps, standards, universals;
    size_t width, len;
};

static uint32_t big32(const unsigned char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static int64_t big64(const unsigned char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return (int64_t)be64toh(value);
}

/* Reads the head at that place; false: it is none, or the block does not fit. */
static bool read_block(const unsigned char *file, size_t len, size_t at, size_t width,
                       struct block *out)
{
    const unsigned char *head = file + at;
    size_t counts[6];

    if (at > len || len - at < HEAD || memcmp(head, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < 6; i++) {
        counts[i] = big32(head + COUNTS + 4 * i);
        if (counts[i] > ZONE_FILE_MAX)
            return false;
    }
    *out = (struct block){ .at = head + HEAD,
                           .universals = counts[0],
                           .standards = counts[1],
                           .leaps = counts[2],
                           .times = counts[3],
                           .types = counts[4],
                           .letters = counts[5],
                           .width = width };
    out->len = out->times * (width + 1) + out->types * TYPE + out->letters +
               out->leaps * (width + 4) + out->standards + out->universals;
    return out->len <= len - at - HEAD;
}

/* The offset of that type. False: there is none. */
static bool type_offset(const struct block *block, size_t type, int32_t *out)
{
    const unsigned char *types = block->at + block->times * (block->width + 1);

    if (type >= block->types)
        return false;
    *out = (int32_t)big32(types + type * TYPE);
    return *out >= -OFFSET_MAX_S && *out <= OFFSET_MAX_S;
}

/* How many changes have been by then. */
static size_t changes_until(const struct block *block, int64_t at_s)
{
    size_t low = 0, high = block->times;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (big64(block->at + middle * block->width) <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What stands between the two newlines behind the block. False: it does not end. */
static bool read_end(const unsigned char *at, size_t len, char out[static 128])
{
    const unsigned char *end = len > 0 ? memchr(at + 1, '\n', len - 1) : NULL;

    if (len == 0 || at[0] != '\n' || end == NULL || end - at > 127)
        return false;
    memcpy(out, at + 1, (size_t)(end - at) - 1);
    out[end - at - 1] = '\0';
    return true;
}

bool zone_offset_in(const void *file, size_t len, int64_t at_s, int32_t *offset_s)
{
    struct block old, block;
    struct rule rule;
    char text[128];

    if (at_s > FARTHEST_S || at_s < -FARTHEST_S)
        return false; /* no calendar goes so far */
    if (!read_block(file, len, 0, 4, &old) || !read_block(file, len, HEAD + old.len, 8, &block))
        return false;
    size_t behind = HEAD + old.len + HEAD + block.len;
    size_t n = changes_until(&block, at_s);

    if (n == 0 && block.times > 0)
        return type_offset(&block, 0, offset_s); /* before the first of them */
    if (n == block.times &&
        read_end((const unsigned char *)file + behind, len - behind, text) &&
        read_rule(text, &rule)) {
        *offset_s = offset_by_rule(&rule, at_s);
        return true;
    }
    return type_offset(&block, n > 0 ? block.at[block.times * block.width + n - 1] : 0,
                       offset_s);
}

bool zone_offset(const char *name, int64_t at_s, int32_t *offset_s)
{
    FILE *file = zone_open(name);
    unsigned char *bytes = file != NULL ? malloc(ZONE_FILE_MAX) : NULL;
    size_t len = bytes != NULL ? fread(bytes, 1, ZONE_FILE_MAX, file) : 0;
    bool found = bytes != NULL && zone_offset_in(bytes, len, at_s, offset_s);

    if (file != NULL)
        fclose(file);
    free(bytes);
    return found;
}
