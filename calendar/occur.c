#include "calendar/occur.h"

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "protocol/number.h"

#define ZONES "/usr/share/zoneinfo"

enum { ZONE_PATH_SIZE = 256, DAYS_MAX = 10000000 };

#define SECONDS_MAX INT64_C(1000000000000)

struct request {
    char zone[DOWNTIME_ZONE_MAX], rule[DOWNTIME_RULE_MAX];
    struct slice start;
    int64_t days, seconds, from_s, until_s;
};

static bool refuse(char *problem, size_t size, const char *sentence, const char *what)
{
    snprintf(problem, size, "%s%s", sentence, what);
    return false;
}

static bool copy(struct slice text, char *out, size_t size)
{
    if (text.len == 0 || text.len >= size)
        return false;
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_request(struct slice line, struct request *out)
{
    if (!copy(slice_cut(&line, '\t'), out->zone, sizeof out->zone))
        return false;
    out->start = slice_cut(&line, '\t');
    return number_int64(slice_cut(&line, '\t'), &out->days) &&
           number_int64(slice_cut(&line, '\t'), &out->seconds) &&
           number_int64(slice_cut(&line, '\t'), &out->from_s) &&
           number_int64(slice_cut(&line, '\t'), &out->until_s) &&
           copy(line, out->rule, sizeof out->rule) && out->days >= 0 && out->seconds >= 0 &&
           out->days <= DAYS_MAX && out->seconds <= SECONDS_MAX && out->days + out->seconds > 0;
}

/* ---- the zone ---------------------------------------------------------- */

static bool refuse_zone(const char *zone, char *problem, size_t size)
{
    if (access(ZONES, R_OK) != 0)
        return refuse(problem, size,
                      "there are no time zones in " ZONES ": install the package ", "tzdata");
    return refuse(problem, size, "there is no time zone of that name: ", zone);
}

/* The C library takes any name for UTC, so the file is looked for first. */
static bool enter_zone(const char *zone)
{
    char path[ZONE_PATH_SIZE];

    snprintf(path, sizeof path, ZONES "/%s", zone);
    if (zone[0] == '/' || strstr(zone, "..") != NULL || access(path, R_OK) != 0)
        return false;
    snprintf(path, sizeof path, ":%s", zone);
    if (setenv("TZ", path, 1) != 0)
        return false;
    tzset();
    return true;
}

static struct tm wall_of(struct icaltimetype at, int64_t days)
{
    return (struct tm){ .tm_year = at.year - 1900,
                        .tm_mon = at.month - 1,
                        .tm_mday = at.day + (int)days,
                        .tm_hour = at.hour,
                        .tm_min = at.minute,
                        .tm_sec = at.second };
}

/* In summer's time if that makes such a moment: the first of two. Otherwise the offset before
 * the change is that of winter. */
static int64_t moment_of(struct icaltimetype at, int64_t days)
{
    struct tm summer = wall_of(at, days), winter = summer;

    summer.tm_isdst = 1;
    int64_t in_summer = (int64_t)mktime(&summer);

    if (summer.tm_isdst == 1 && summer.tm_hour == at.hour && summer.tm_min == at.minute)
        return in_summer;
    winter.tm_isdst = 0;
    return (int64_t)mktime(&winter);
}

/* "@1796061600", or a wall-clock time. */
static bool start_of(struct slice text, struct icaltimetype *out)
{
    char room[32];
    struct tm parts = { 0 };
    int64_t at_s;

    if (slice_starts(text, SLICE("@"))) {
        if (!number_int64(slice_skip(text, 1), &at_s) ||
            localtime_r(&(time_t){ (time_t)at_s }, &parts) == NULL)
            return false;
    } else if (!copy(text, room, sizeof room) ||
               strptime(room, "%Y-%m-%dT%H:%M:%S", &parts) == NULL) {
        return false;
    }
    *out = icaltime_null_time();
    out->year = parts.tm_year + 1900;
    out->month = parts.tm_mon + 1;
    out->day = parts.tm_mday;
    out->hour = parts.tm_hour;
    out->minute = parts.tm_min;
    out->second = parts.tm_sec;
    return true;
}

/* ---- the rule ---------------------------------------------------------- */

static void add_all(const struct request *request, icalrecur_iterator *iterator,
                    struct occurrence *out, size_t *n)
{
    struct icaltimetype at = icalrecur_iterator_next(iterator);

    for (int step = 0; step < OCCUR_STEPS_MAX && !icaltime_is_null_time(at); step++) {
        struct occurrence one = { .start_s = moment_of(at, 0),
                                  .end_s = moment_of(at, request->days) + request->seconds };

        if (one.start_s >= request->until_s || *n > CALENDAR_OCCURRENCES_MAX)
            return;
        if (one.end_s > request->from_s && one.end_s > one.start_s)
            out[(*n)++] = one;
        at = icalrecur_iterator_next(iterator);
    }
}

bool occur_add(struct slice line, struct occurrence *out, size_t *n, char *problem,
               size_t problem_size)
{
    struct request request;
    struct icaltimetype start;

    if (!read_request(line, &request))
        return refuse(problem, problem_size, "the line is malformed", "");
    if (!enter_zone(request.zone))
        return refuse_zone(request.zone, problem, problem_size);
    if (!start_of(request.start, &start))
        return refuse(problem, problem_size, "its start is no time", "");
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(request.rule);

    if (rule.freq == ICAL_NO_RECURRENCE)
        return refuse(problem, problem_size, "this is no rule of RFC 5545: ", request.rule);
    if (rule.rscale != NULL) {
        icalmemory_free_buffer(rule.rscale);
        return refuse(problem, problem_size,
                      "only the Gregorian calendar is known: ", request.rule);
    }
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);

    if (iterator == NULL)
        return refuse(problem, problem_size, "the rule never falls on any day: ", request.rule);
    add_all(&request, iterator, out, n);
    icalrecur_iterator_free(iterator);
    return true;
}
