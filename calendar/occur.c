#include "calendar/occur.h"

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/zone.h"
#include "protocol/number.h"

enum { DAY_S = 86400, DAYS_MAX = 10000000 };

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
    if (!zone_has_any())
        return refuse(problem, size,
                      "there are no time zones in " ZONE_FOLDER ": install the package ",
                      "tzdata");
    return refuse(problem, size, "there is no time zone of that name: ", zone);
}

static bool enter_zone(const char *zone)
{
    char name[DOWNTIME_ZONE_MAX + 1];

    snprintf(name, sizeof name, ":%s", zone);
    if (!zone_exists(zone) || setenv("TZ", name, 1) != 0)
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

static struct icaltimetype time_on_wall(const struct tm *wall)
{
    struct icaltimetype at = icaltime_null_time();

    at.year = wall->tm_year + 1900;
    at.month = wall->tm_mon + 1;
    at.day = wall->tm_mday;
    at.hour = wall->tm_hour;
    at.minute = wall->tm_min;
    at.second = wall->tm_sec;
    return at;
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
    *out = time_on_wall(&parts);
    return true;
}

/* ---- the rule ---------------------------------------------------------- */

/* Occurrences are times on the wall, and so is what is compared with them: a moment in UTC is
 * that of the zone, a day is all of it. */
static void put_until_on_wall(struct icaltimetype *until)
{
    struct tm wall = wall_of(*until, 0);
    time_t moment;

    if (icaltime_is_null_time(*until))
        return;
    if (until->is_date) {
        wall.tm_hour = 23;
        wall.tm_min = wall.tm_sec = 59;
    } else if (icaltime_is_utc(*until)) {
        moment = timegm(&wall);
        if (localtime_r(&moment, &wall) == NULL)
            return;
    }
    *until = time_on_wall(&wall);
}

/* In whatever zone: the C library is not asked about years that are over. */
static bool is_long_over(const struct request *request, struct icaltimetype at)
{
    struct tm wall = wall_of(at, request->days);

    return (int64_t)timegm(&wall) + request->seconds + 2 * DAY_S < request->from_s;
}

/* What begins while another holds makes it longer. */
static void add_one(const struct occurrence *one, struct occurrence *out, size_t *n)
{
    struct occurrence *last = *n > 0 ? &out[*n - 1] : NULL;

    if (last != NULL && one->start_s < last->end_s)
        last->end_s = one->end_s > last->end_s ? one->end_s : last->end_s;
    else
        out[(*n)++] = *one;
}

/* False: so many are over already that it takes too long. */
static bool add_all(const struct request *request, icalrecur_iterator *iterator,
                    struct occurrence *out, size_t *n)
{
    struct icaltimetype at = icalrecur_iterator_next(iterator);
    int step = 0;

    for (; step < OCCUR_STEPS_MAX && !icaltime_is_null_time(at); step++) {
        struct occurrence one = { .start_s = 0 };

        if (!is_long_over(request, at)) {
            one.start_s = moment_of(at, 0);
            one.end_s = moment_of(at, request->days) + request->seconds;
        }
        if (one.start_s >= request->until_s || *n > CALENDAR_OCCURRENCES_MAX)
            return true;
        if (one.end_s > request->from_s && one.end_s > one.start_s)
            add_one(&one, out, n);
        at = icalrecur_iterator_next(iterator);
    }
    return step < OCCUR_STEPS_MAX;
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
    put_until_on_wall(&rule.until);
    icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);

    if (iterator == NULL)
        return refuse(problem, problem_size, "the rule never falls on any day: ", request.rule);
    bool is_done = add_all(&request, iterator, out, n);

    icalrecur_iterator_free(iterator);
    return is_done || refuse(problem, problem_size,
                             "it fell on so many days already that it needs a later start: ",
                             request.rule);
}
