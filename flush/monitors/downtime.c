#include "flush/monitors/downtime.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/zone.h"
#include "flush/monitors/downtime_internal.h"
#include "flush/monitors/rule.h"
#include "protocol/number.h"

enum { DAY_S = 86400, SPACE = 16 };

#define TIME_MAX_S INT64_C(253402300799) /* 9999-12-31 */

bool downtime_refuse(struct downtime_reading *reading, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reading->problem, reading->problem_size, format, args);
    va_end(args);
    return false;
}

/* Decoded into the room. */
struct slice downtime_take_text(struct downtime_reading *reading, struct slice value)
{
    return json_view_decode(value, &reading->room);
}

static bool copy_text(struct slice value, char *out, size_t size)
{
    char *room = malloc(value.len + 1);

    if (room == NULL)
        return false;
    size_t len = json_view_text(value, room);
    bool fits = len < size && memchr(room, '\0', len) == NULL &&
                memchr(room, '\t', len) == NULL && memchr(room, '\n', len) == NULL;

    if (fits) {
        memcpy(out, room, len);
        out[len] = '\0';
    }
    free(room);
    return fits;
}

/* Clients send numbers in quotes, too. */
static bool read_whole(struct slice value, int64_t *out)
{
    char text[32];

    if (json_view_kind(value) != JSON_KIND_STRING || value.len > sizeof text)
        return json_view_whole(value, out);
    size_t len = json_view_text(value, text);

    return number_int64((struct slice){ text, len }, out);
}

/* Nothing for what is absent. */
static bool read_optional(struct downtime_reading *reading, struct slice object,
                          const char *name, int64_t least, int64_t *out)
{
    struct slice value = json_view_member(object, name);

    return json_view_is_absent(value) || (read_whole(value, out) && *out >= least) ||
           downtime_refuse(reading, "'%s' is a whole number from %" PRId64 " on", name, least);
}

/* Seconds since 1970; nothing for what is absent. */
static bool read_time(struct downtime_reading *reading, struct slice object, const char *name,
                      int64_t least_s, int64_t *out)
{
    return read_optional(reading, object, name, least_s, out) &&
           (*out <= TIME_MAX_S ||
            downtime_refuse(reading, "'%s' is beyond the year 9999", name));
}

static bool read_flag(struct downtime_reading *reading, struct slice object, const char *name,
                      bool *out)
{
    enum json_kind kind = json_view_kind(json_view_member(object, name));

    if (kind != JSON_KIND_NONE && kind != JSON_KIND_NULL && kind != JSON_KIND_TRUE &&
        kind != JSON_KIND_FALSE)
        return downtime_refuse(reading, "'%s' is true or false", name);
    *out = kind == JSON_KIND_TRUE;
    return true;
}

/* What is absent is an empty list. */
static bool is_list(struct downtime_reading *reading, const char *name, struct slice value)
{
    return json_view_is_absent(value) || json_view_kind(value) == JSON_KIND_ARRAY ||
           downtime_refuse(reading, "'%s' is a list", name);
}

/* ---- what it is about, and what is told at its end --------------------- */

static bool read_monitor_tags(struct downtime_reading *reading, struct slice value)
{
    struct downtime *out = reading->out;
    struct slice inside = json_view_inside(value), item;

    if (!is_list(reading, "monitor_tags", value))
        return false;
    while (json_view_next_item(&inside, &item)) {
        if (json_view_kind(item) != JSON_KIND_STRING ||
            out->n_monitor_tags == DOWNTIME_TAGS_MAX)
            return downtime_refuse(reading, "'monitor_tags' is a list of %d texts at most",
                                   DOWNTIME_TAGS_MAX);
        out->monitor_tags[out->n_monitor_tags++] = downtime_take_text(reading, item);
    }
    return true;
}

static bool read_end_states(struct downtime_reading *reading, struct slice value)
{
    struct slice inside = json_view_inside(value), item;
    uint32_t states = 0;

    if (json_view_is_absent(value)) {
        reading->out->end_states =
            1U << MONITOR_ALERT | 1U << MONITOR_NO_DATA | 1U << MONITOR_WARN;
        return true;
    }
    if (!is_list(reading, "notify_end_states", value))
        return false;
    while (json_view_next_item(&inside, &item)) {
        char room[16];
        struct slice word = { room, 0 };
        enum monitor_state state;

        if (item.len <= sizeof room)
            word.len = json_view_text(item, room);
        if (!monitor_state_find(word, &state) || state == MONITOR_OK)
            return downtime_refuse(reading, "'notify_end_states' has alert, no data and warn");
        states |= 1U << state;
    }
    reading->out->end_states = states;
    return true;
}

static bool read_end_types(struct downtime_reading *reading, struct slice value)
{
    struct slice inside = json_view_inside(value), item;

    reading->out->tells_expired = json_view_is_absent(value);
    if (!is_list(reading, "notify_end_types", value))
        return false;
    while (json_view_next_item(&inside, &item)) {
        if (json_view_says(item, "expired"))
            reading->out->tells_expired = true;
        else if (json_view_says(item, "canceled"))
            reading->out->tells_canceled = true;
        else
            return downtime_refuse(reading, "'notify_end_types' has expired and canceled");
    }
    return true;
}

static bool read_zone(struct downtime_reading *reading, const char *name, struct slice value)
{
    char *zone = reading->out->zone;

    if (json_view_is_absent(value)) {
        memcpy(zone, "UTC", sizeof "UTC");
        return true;
    }
    if (json_view_kind(value) != JSON_KIND_STRING ||
        !copy_text(value, zone, DOWNTIME_ZONE_MAX) || zone[0] == '\0' || zone[0] == '/' ||
        strstr(zone, "..") != NULL)
        return downtime_refuse(reading, "'%s' is the name of a time zone", name);
    return true;
}

/* What both forms have. */
static bool read_shared(struct downtime_reading *reading, struct slice value)
{
    return read_flag(reading, value, "mute_first_recovery_notification",
                     &reading->out->mute_first_recovery) &&
           read_end_states(reading, json_view_member(value, "notify_end_states")) &&
           read_end_types(reading, json_view_member(value, "notify_end_types"));
}

/* ---- v1 ---------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static bool add_rule(struct downtime_reading *reading,
                                                           struct recurrence *recurrence,
                                                           const char *format, ...)
{
    size_t len = strlen(recurrence->rule);
    va_list args;

    va_start(args, format);
    int n = vsnprintf(recurrence->rule + len, DOWNTIME_RULE_MAX - len, format, args);
    va_end(args);
    return (n >= 0 && (size_t)n < DOWNTIME_RULE_MAX - len) ||
           downtime_refuse(reading, "the recurrence is longer than %d bytes",
                           DOWNTIME_RULE_MAX);
}

static bool read_week_days(struct downtime_reading *reading, struct slice value,
                           struct recurrence *recurrence)
{
    static const struct {
        const char *word, *rule;
    } days[] = { { "Mon", "MO" }, { "Tue", "TU" }, { "Wed", "WE" }, { "Thu", "TH" },
                 { "Fri", "FR" }, { "Sat", "SA" }, { "Sun", "SU" } };
    struct slice inside = json_view_inside(value), item;
    const char *before = ";BYDAY=";

    if (!is_list(reading, "week_days", value))
        return false;
    while (json_view_next_item(&inside, &item)) {
        size_t i = 0;

        while (i < 7 && !json_view_says(item, days[i].word))
            i++;
        if (i < 7 && !slice_starts(slice_of(recurrence->rule), SLICE("FREQ=WEEKLY")))
            return downtime_refuse(reading, "week_days is only for a recurrence of type weeks");
        if (i == 7)
            return downtime_refuse(reading,
                                   "Invalid set of days in week_days. Be sure that the first "
                                   "letter is capitalized.");
        if (!add_rule(reading, recurrence, "%s%s", before, days[i].rule))
            return false;
        before = ",";
    }
    return true;
}

static bool add_until(struct downtime_reading *reading, struct slice value,
                      struct recurrence *recurrence)
{
    int64_t until_s = 0, occurrences = 0;
    struct tm parts;
    char text[32];

    if (!read_time(reading, value, "until_date", 1, &until_s) ||
        !read_optional(reading, value, "until_occurrences", 1, &occurrences))
        return false;
    if (until_s > 0 && occurrences > 0)
        return downtime_refuse(reading,
                               "You must provide only provide one of (until_occurrences, "
                               "until_date)");
    if (occurrences > 0)
        return add_rule(reading, recurrence, ";COUNT=%" PRId64, occurrences);
    if (until_s == 0)
        return true;
    if (until_s < reading->out->start_s)
        return downtime_refuse(reading, "'until_date' is before 'start'");
    if (gmtime_r(&(time_t){ (time_t)until_s }, &parts) == NULL ||
        strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts) == 0)
        return downtime_refuse(reading, "'until_date' is a time in seconds since 1970");
    return add_rule(reading, recurrence, ";UNTIL=%s", text);
}

static bool read_rule_v1(struct downtime_reading *reading, struct slice value,
                         struct recurrence *recurrence)
{
    static const struct {
        const char *type, *rule;
    } types[] = { { "days", "FREQ=DAILY" },
                  { "weeks", "FREQ=WEEKLY" },
                  { "months", "FREQ=MONTHLY" },
                  { "years", "FREQ=YEARLY" } };
    struct slice type = json_view_member(value, "type");
    int64_t period = 1;
    size_t i = 0;

    if (json_view_says(type, "rrule"))
        return (copy_text(json_view_member(value, "rrule"), recurrence->rule,
                          DOWNTIME_RULE_MAX) &&
                recurrence->rule[0] != '\0') ||
               downtime_refuse(reading, "Invalid recurrence rrule");
    while (i < sizeof types / sizeof *types && !json_view_says(type, types[i].type))
        i++;
    if (i == sizeof types / sizeof *types)
        return downtime_refuse(reading, "Invalid recurrence type");
    return read_optional(reading, value, "period", 1, &period) &&
           add_rule(reading, recurrence, "%s;INTERVAL=%" PRId64, types[i].rule, period) &&
           read_week_days(reading, json_view_member(value, "week_days"), recurrence) &&
           add_until(reading, value, recurrence);
}

static bool read_recurrence_v1(struct downtime_reading *reading, struct slice value)
{
    struct downtime *out = reading->out;
    struct recurrence *recurrence = &out->recurrences[0];

    if (json_view_is_absent(value))
        return true;
    if (json_view_kind(value) != JSON_KIND_OBJECT)
        return downtime_refuse(reading, "'recurrence' is an object");
    if (out->end_s == DOWNTIME_FOR_EVER)
        return downtime_refuse(reading, "What recurs has an end");
    int64_t lasts_s = out->end_s - out->start_s;

    out->n_recurrences = 1;
    recurrence->start_s = out->start_s;
    recurrence->duration_days = lasts_s % DAY_S == 0 ? lasts_s / DAY_S : 0;
    recurrence->duration_s = lasts_s % DAY_S == 0 ? 0 : lasts_s;
    return read_rule_v1(reading, value, recurrence);
}

static bool read_times_v1(struct downtime_reading *reading, struct slice value)
{
    struct downtime *out = reading->out;

    out->start_s = reading->now_s;
    out->end_s = DOWNTIME_FOR_EVER;
    if (!read_time(reading, value, "start", 0, &out->start_s) ||
        !read_time(reading, value, "end", 1, &out->end_s))
        return false;
    return out->end_s == DOWNTIME_FOR_EVER || out->end_s > out->start_s ||
           downtime_refuse(reading, "'end' is not behind 'start'");
}

static bool read_v1(struct downtime_reading *reading, struct slice value)
{
    return downtime_read_scope_v1(reading, json_view_member(value, "scope")) &&
           read_optional(reading, value, "monitor_id", 0, &reading->out->monitor) &&
           read_monitor_tags(reading, json_view_member(value, "monitor_tags")) &&
           read_zone(reading, "timezone", json_view_member(value, "timezone")) &&
           read_times_v1(reading, value) &&
           read_recurrence_v1(reading, json_view_member(value, "recurrence")) &&
           read_shared(reading, value);
}

/* ---- v2 ---------------------------------------------------------------- */

/* Reads "2026-11-30T19:00:00"; behind it, or NULL: it is none, or no day that there is. */
static const char *read_wall(const char *text, struct tm *out)
{
    struct tm parts = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

    *out = parts;
    (void)timegm(&parts); /* makes March of the 30th of February */
    return end != NULL && parts.tm_mday == out->tm_mday ? end : NULL;
}

/* 2026-11-30T19:00:00+01:00, also with Z and a fraction. */
static bool read_instant(struct downtime_reading *reading, const char *name, struct slice value,
                         int64_t *out)
{
    char text[48];
    struct tm parts;
    const char *end;

    if (json_view_is_absent(value))
        return true;
    if (!copy_text(value, text, sizeof text) || (end = read_wall(text, &parts)) == NULL)
        return downtime_refuse(reading, "'schedule.%s' is a time like 2026-11-30T19:00:00Z",
                               name);
    int64_t offset_s = 0;

    if (*end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    if (*end == '+' || *end == '-') {
        int hours = 0, minutes = 0, used = 0;

        if (sscanf(end + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2) {
            offset_s = (*end == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
            end += 1 + used;
        }
    } else if (*end == 'Z') {
        end++;
    }
    if (*end != '\0')
        return downtime_refuse(reading, "'schedule.%s' is a time like 2026-11-30T19:00:00Z",
                               name);
    *out = (int64_t)timegm(&parts) - offset_s;
    return *out >= 0 || downtime_refuse(reading, "'schedule.%s' is before 1970", name);
}

/* "14h", "1d", "90m", "1w". */
static bool read_duration(struct downtime_reading *reading, struct slice value,
                          struct recurrence *recurrence)
{
    char text[24], unit = '\0', more = '\0';
    int64_t n = 0;

    if (!copy_text(value, text, sizeof text) ||
        sscanf(text, "%6" SCNd64 "%c%c", &n, &unit, &more) != 2 || n <= 0 ||
        strchr("mhdw", unit) == NULL)
        return downtime_refuse(reading, "'duration' is a time like 90m, 14h, 1d or 1w");
    recurrence->duration_days = unit == 'd' ? n : unit == 'w' ? 7 * n : 0;
    recurrence->duration_s = unit == 'h' ? 3600 * n : unit == 'm' ? 60 * n : 0;
    return true;
}

/* "2026-11-30T19:00" is a time, too. */
static void add_seconds(char text[static 24])
{
    static const size_t without = sizeof "2026-11-30T19:00" - 1;

    if (strlen(text) == without)
        memcpy(text + without, ":00", sizeof ":00");
}

static bool read_recurrence_v2(struct downtime_reading *reading, struct slice value)
{
    struct recurrence *recurrence = &reading->out->recurrences[reading->out->n_recurrences++];
    struct slice start = json_view_member(value, "start");
    struct tm parts;

    recurrence->start_s = reading->now_s;
    if (!copy_text(json_view_member(value, "rrule"), recurrence->rule, DOWNTIME_RULE_MAX) ||
        recurrence->rule[0] == '\0')
        return downtime_refuse(reading, "'rrule' is a rule of RFC 5545");
    if (!json_view_is_absent(start)) {
        const char *end = NULL;

        if (copy_text(start, recurrence->start, sizeof recurrence->start)) {
            add_seconds(recurrence->start);
            end = read_wall(recurrence->start, &parts);
        }
        if (end == NULL || *end != '\0')
            return downtime_refuse(reading,
                                   "'start' of what recurs is a time like 2026-11-30T19:00:00, "
                                   "without an offset");
    }
    return read_duration(reading, json_view_member(value, "duration"), recurrence);
}

static bool read_schedule(struct downtime_reading *reading, struct slice value)
{
    struct downtime *out = reading->out;
    struct slice recurrences = json_view_member(value, "recurrences");
    struct slice inside = json_view_inside(recurrences), item;

    out->start_s = reading->now_s;
    out->end_s = DOWNTIME_FOR_EVER;
    if (!json_view_is_absent(value) && json_view_kind(value) != JSON_KIND_OBJECT)
        return downtime_refuse(reading,
                               "'schedule' is an object: start and end, or recurrences");
    if (!is_list(reading, "recurrences", recurrences))
        return false;
    if (json_view_is_absent(recurrences))
        return read_zone(reading, "timezone", (struct slice){ NULL, 0 }) &&
               read_instant(reading, "start", json_view_member(value, "start"),
                            &out->start_s) &&
               read_instant(reading, "end", json_view_member(value, "end"), &out->end_s) &&
               (out->end_s == DOWNTIME_FOR_EVER || out->end_s > out->start_s ||
                downtime_refuse(reading, "'schedule.end' is not behind 'schedule.start'"));
    while (json_view_next_item(&inside, &item)) {
        if (out->n_recurrences == DOWNTIME_RECURRENCES_MAX)
            return downtime_refuse(reading, "'recurrences' has more than %d",
                                   DOWNTIME_RECURRENCES_MAX);
        if (!read_recurrence_v2(reading, item))
            return false;
    }
    if (out->n_recurrences == 0)
        return downtime_refuse(reading, "'recurrences' is a list of one at least");
    return read_zone(reading, "timezone", json_view_member(value, "timezone"));
}

static bool read_identifier(struct downtime_reading *reading, struct slice value)
{
    struct slice tags = json_view_member(value, "monitor_tags");

    if (!json_view_is_absent(json_view_member(value, "monitor_id")))
        return read_optional(reading, value, "monitor_id", 1, &reading->out->monitor);
    return read_monitor_tags(reading, tags) &&
           (reading->out->n_monitor_tags > 0 ||
            downtime_refuse(reading, "'monitor_identifier' has a monitor_id, or monitor_tags"));
}

static bool read_v2(struct downtime_reading *reading, struct slice value)
{
    return downtime_read_scope_v2(reading, json_view_member(value, "scope")) &&
           read_identifier(reading, json_view_member(value, "monitor_identifier")) &&
           read_schedule(reading, json_view_member(value, "schedule")) &&
           read_shared(reading, value);
}

/* ---- all --------------------------------------------------------------- */

static bool read_with(bool (*read)(struct downtime_reading *reading, struct slice value),
                      struct slice value, int64_t now_s, struct downtime *out, char *problem,
                      size_t problem_size)
{
    struct downtime_reading reading = {
        .out = out, .problem = problem, .problem_size = problem_size, .now_s = now_s
    };

    if (problem_size > 0)
        problem[0] = '\0';
    /* Scopes are decoded, and written once more with words for signs, " IN (" the longest. */
    *out = (struct downtime){ .room = malloc(8 * value.len + SPACE) };
    if (out->room == NULL)
        return downtime_refuse(&reading, "out of memory");
    reading.room = out->room;
    if (read(&reading, value))
        return true;
    downtime_free(out);
    return false;
}

bool downtime_read_v1(struct slice value, int64_t now_s, struct downtime *out, char *problem,
                      size_t problem_size)
{
    return read_with(read_v1, value, now_s, out, problem, problem_size);
}

bool downtime_read_v2(struct slice attributes, int64_t now_s, struct downtime *out,
                      char *problem, size_t problem_size)
{
    return read_with(read_v2, attributes, now_s, out, problem, problem_size);
}

bool downtime_can_recur(const struct downtime *downtime, char *problem, size_t problem_size)
{
    for (size_t i = 0; i < downtime->n_recurrences; i++)
        if (!rule_check(slice_of(downtime->recurrences[i].rule), problem, problem_size))
            return false;
    if (!zone_has_any() || zone_exists(downtime->zone))
        return true;
    snprintf(problem, problem_size, "there is no time zone of that name: %s", downtime->zone);
    return false;
}

void downtime_free(struct downtime *given)
{
    free(given->room);
    *given = (struct downtime){ .room = NULL };
}
