#include "server/api/downtime_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/api/monitor_form.h"
#include "server/monitors/evaluator.h"

enum { TAGS_MAX = 64, GROUPS_LOOKED_AT = 64, DAY_S = 86400 };

/* What the server says, whoever sends it back. */
static const char *const said_v1[] = {
    "id",
    "org_id",
    "canceled",
    "created",
    "modified",
    "active",
    "disabled",
    "parent_id",
    "child_id",
    "uuid",
    "creator_id",
    "updater_id",
    "downtime_type",
    "status",
    "active_child",
    "file",
    "problem",
    NULL,
};
static const char *const said_v2[] = { "created", "modified", "canceled", "status",
                                       "file",    "problem",  NULL };

bool downtime_form_is_v2(struct slice body)
{
    return json_view_kind(json_view_member(body, "monitor_identifier")) == JSON_KIND_OBJECT;
}

static int64_t canceled_s(struct slice body)
{
    int64_t at_s;

    return json_view_whole(json_view_member(body, "canceled"), &at_s) ? at_s : 0;
}

struct slice downtime_form_body(const struct definition *definition)
{
    return canceled_s(definition->body) == 0 ? definition->body : SLICE("");
}

/* ---- taking one -------------------------------------------------------- */

static bool refuse(char *problem, const char *sentence)
{
    snprintf(problem, DOWNTIME_PROBLEM_MAX, "%s", sentence);
    return false;
}

/* What was merged may be more than each of the two. */
static bool fits(struct slice body, char *problem)
{
    struct json_fault fault;
    struct slice value;

    return (body.len <= DOWNTIME_BODY_MAX &&
            json_view_check(body, DOWNTIME_KEYS_MAX, &value, &fault)) ||
           refuse(problem, "a downtime has at most 64 KiB and 500 members");
}

bool downtime_form_make(struct slice base, struct slice over, bool is_v2, int64_t now_s,
                        struct bytes *out, char problem[static DOWNTIME_PROBLEM_MAX])
{
    struct json_out merged = { .comma = false };
    struct downtime downtime = { .room = NULL };

    json_out_begin(&merged, NULL, '{');
    api_form_merge(&merged, base, over, is_v2 ? said_v2 : said_v1);
    json_out_end(&merged, '}');
    struct slice body = bytes_view(&merged.bytes);
    bool good =
        merged.bytes.failed
            ? refuse(problem, "not enough memory")
            : fits(body, problem) && (is_v2 ? downtime_read_v2 : downtime_read_v1)(
                                         body, now_s, &downtime, problem, DOWNTIME_PROBLEM_MAX);

    if (good) {
        good = downtime_can_recur(&downtime, problem, DOWNTIME_PROBLEM_MAX);
        bytes_add(out, body.at, body.len);
        downtime_free(&downtime);
    }
    bytes_free(&merged.bytes);
    return good && (!out->failed || refuse(problem, "not enough memory"));
}

void downtime_form_cancel(struct slice body, int64_t now_s, struct bytes *out)
{
    static const char *const canceled[] = { "canceled", NULL };
    struct json_out made = { .bytes = *out };

    json_out_begin(&made, NULL, '{');
    api_form_rest(&made, body, canceled);
    json_out_signed(&made, "canceled", now_s);
    json_out_end(&made, '}');
    *out = made.bytes;
}

/* ---- looking at one ---------------------------------------------------- */

/* Of one that recurs, while its occurrences are being asked for: v1 says the first. */
static void find_times(struct downtime_sight *sight, const struct evaluator *evaluator,
                       int64_t now_s)
{
    const struct downtime *downtime = &sight->downtime;
    bool is_once = downtime->n_recurrences == 0;
    bool is_first = is_once || !downtime_form_is_v2(sight->definition->body);

    sight->from_s = is_first ? downtime->start_s : 0;
    sight->until_s = is_first ? downtime->end_s : 0;
    sight->is_ahead = is_first;
    if (is_once || evaluator == NULL)
        return;
    enum downtime_hold hold = evaluator_downtime_holds(evaluator, sight->definition->name,
                                                       now_s, &sight->from_s, &sight->until_s);

    if (hold != DOWNTIME_HOLD_UNKNOWN)
        sight->is_ahead = hold == DOWNTIME_HOLD_KNOWN;
}

/* When the last of a rule with UNTIL has ended, in whatever zone that is; 0: nobody knows. */
static int64_t last_end_s(const struct recurrence *recurrence)
{
    const char *until = strstr(recurrence->rule, "UNTIL=");
    struct tm day = { 0 };

    if (until == NULL || strptime(until + strlen("UNTIL="), "%Y%m%d", &day) == NULL)
        return 0;
    return (int64_t)timegm(&day) + 2 * DAY_S + recurrence->duration_days * DAY_S +
           recurrence->duration_s;
}

/* Whether all that recurs has ended; then *end_s is when. */
static bool is_past(const struct downtime *downtime, int64_t now_s, int64_t *end_s)
{
    int64_t latest_s = 0;

    for (size_t i = 0; i < downtime->n_recurrences; i++) {
        int64_t last_s = last_end_s(&downtime->recurrences[i]);

        if (last_s == 0 || last_s > now_s)
            return false;
        latest_s = last_s > latest_s ? last_s : latest_s;
    }
    if (latest_s > 0)
        *end_s = latest_s;
    return latest_s > 0;
}

static enum downtime_status status_of(const struct downtime_sight *sight, int64_t now_s)
{
    bool is_over = sight->until_s != DOWNTIME_FOR_EVER && sight->until_s <= now_s;

    if (sight->canceled_s != 0)
        return DOWNTIME_CANCELED;
    if (!sight->is_ahead || sight->from_s > now_s)
        return DOWNTIME_SCHEDULED;
    if (!is_over)
        return DOWNTIME_ACTIVE;
    return sight->downtime.n_recurrences > 0 ? DOWNTIME_SCHEDULED : DOWNTIME_ENDED;
}

void downtime_form_look(const struct definition *definition, const struct evaluator *evaluator,
                        int64_t now_s, struct downtime_sight *out)
{
    bool is_v2 = downtime_form_is_v2(definition->body);

    *out = (struct downtime_sight){ .definition = definition,
                                    .canceled_s = canceled_s(definition->body) };
    if ((is_v2 ? downtime_read_v2
               : downtime_read_v1)(definition->body, definition->created_ms / 1000,
                                   &out->downtime, out->problem, sizeof out->problem)) {
        out->problem[0] = '\0';
        find_times(out, evaluator, now_s);
    } else {
        out->from_s = definition->created_ms / 1000;
        out->until_s = DOWNTIME_FOR_EVER;
    }
    out->status = status_of(out, now_s);
    if (out->status == DOWNTIME_SCHEDULED && is_past(&out->downtime, now_s, &out->until_s))
        out->status = DOWNTIME_ENDED;
}

void downtime_form_look_away(struct downtime_sight *given)
{
    downtime_free(&given->downtime);
}

/* Of monitors with very many groups the first are looked at; then it is taken to be about one.
 */
bool downtime_form_is_about(const struct downtime_sight *sight,
                            const struct monitor_sight *monitor)
{
    const struct monitor *read = monitor->monitor;
    const struct watched_monitor *watched = monitor->watched;
    int64_t number = monitor->definition->number;
    struct downtime any = sight->downtime;
    struct slice tags[TAGS_MAX] = { { NULL, 0 } };

    any.scope = (struct scope){ .program = { SCOPE_ALL }, .n_steps = 1 };
    if (sight->problem[0] != '\0' ||
        !downtime_is_about(&any, number, read->tags, read->n_tags, tags, 0))
        return false;
    for (size_t i = 0; watched != NULL && i < watched->n_groups && i < GROUPS_LOOKED_AT; i++)
        if (downtime_is_about(&sight->downtime, number, read->tags, read->n_tags, tags,
                              watched_group_scope(watched, watched->groups[i], tags, TAGS_MAX)))
            return true;
    return watched == NULL || watched->n_groups == 0 || watched->n_groups > GROUPS_LOOKED_AT;
}

/* ---- giving it back: what both say ------------------------------------- */

static const char *status_word(enum downtime_status status)
{
    static const char *const words[] = {
#define STATUS_WORD(id, word) [id] = word,
        DOWNTIME_STATUSES(STATUS_WORD)
#undef STATUS_WORD
    };

    return words[status];
}

static void write_shared(struct json_out *out, struct slice body)
{
    api_form_or(out, body, "message", "null");
    api_form_or(out, body, "mute_first_recovery_notification", "false");
    api_form_or(out, body, "notify_end_states", "[\"alert\",\"no data\",\"warn\"]");
    api_form_or(out, body, "notify_end_types", "[\"expired\"]");
}

/* ---- v1 ---------------------------------------------------------------- */

/* The tags of a string with commas between them. */
static void write_tags(struct json_out *out, struct slice string)
{
    char room[DOWNTIME_SCOPE_MAX];
    struct slice text = { room, string.len <= sizeof room ? json_view_text(string, room) : 0 };

    while (text.len > 0)
        json_out_slice(out, NULL, slice_trim(slice_cut(&text, ','), " "));
}

void downtime_form_scope(struct json_out *out, const char *name, struct slice body)
{
    struct slice scope = json_view_member(body, "scope"), item;
    struct slice inside = json_view_inside(scope);

    json_out_begin(out, name, '[');
    if (json_view_kind(scope) == JSON_KIND_STRING && downtime_form_is_v2(body))
        json_out_raw(out, NULL, scope);
    else if (json_view_kind(scope) == JSON_KIND_STRING)
        write_tags(out, scope);
    while (json_view_next_item(&inside, &item))
        write_tags(out, item);
    json_out_end(out, ']');
}

/* 0: of all; 1: of hosts; 2: of anything else. */
static int type_of(const struct downtime *downtime)
{
    struct slice text = slice_trim(downtime->scope.text, " ");

    if (slice_equal(text, SLICE("*")))
        return 0;
    return slice_starts(text, SLICE("host:")) && memchr(text.at, ',', text.len) == NULL ? 1 : 2;
}

/* A whole number, which may have come in quotes. */
static void write_whole(struct json_out *out, struct slice object, const char *name,
                        const char *instead)
{
    struct slice value = json_view_member(object, name), text = value;
    int64_t number;

    if (json_view_kind(value) == JSON_KIND_STRING)
        text = (struct slice){ value.at + 1, value.len - 2 };
    if (text.len > 0 && number_int64(text, &number))
        json_out_signed(out, name, number);
    else
        json_out_raw(out, name, slice_of(instead));
}

static void write_recurrence(struct json_out *out, const struct downtime_sight *sight)
{
    static const char *const written[] = { "type",       "period",
                                           "week_days",  "until_occurrences",
                                           "until_date", NULL };
    struct slice recurrence = json_view_member(sight->definition->body, "recurrence");

    if (sight->downtime.n_recurrences == 0) {
        json_out_null(out, "recurrence");
        return;
    }
    json_out_begin(out, "recurrence", '{');
    api_form_or(out, recurrence, "type", "\"rrule\"");
    write_whole(out, recurrence, "period", "1");
    api_form_or(out, recurrence, "week_days", "null");
    write_whole(out, recurrence, "until_occurrences", "null");
    write_whole(out, recurrence, "until_date", "null");
    if (json_view_kind(recurrence) == JSON_KIND_OBJECT)
        api_form_rest(out, recurrence, written);
    else
        json_out_text(out, "rrule", sight->downtime.recurrences[0].rule);
    json_out_end(out, '}');
}

static void write_monitors(struct json_out *out, const struct downtime_sight *sight)
{
    const struct downtime *downtime = &sight->downtime;

    api_form_seconds(out, "monitor_id", downtime->monitor);
    json_out_begin(out, "monitor_tags", '[');
    for (size_t i = 0; i < downtime->n_monitor_tags; i++)
        json_out_slice(out, NULL, downtime->monitor_tags[i]);
    if (downtime->n_monitor_tags == 0)
        json_out_text(out, NULL, "*");
    json_out_end(out, ']');
}

static void write_times(struct json_out *out, const struct downtime_sight *sight)
{
    const struct definition *definition = sight->definition;

    json_out_signed(out, "start", sight->from_s);
    api_form_seconds(out, "end", sight->until_s);
    api_form_seconds(out, "canceled", sight->canceled_s);
    json_out_signed(out, "created", definition->created_ms / 1000);
    json_out_signed(out, "modified", definition->changed_ms / 1000);
    json_out_text(out, "timezone",
                  sight->downtime.zone[0] != '\0' ? sight->downtime.zone : "UTC");
}

static void write_remarks(struct json_out *out, const struct downtime_sight *sight)
{
    if (sight->definition->file.len > 0)
        json_out_slice(out, "file", sight->definition->file);
    if (sight->problem[0] != '\0')
        json_out_text(out, "problem", sight->problem);
}

static void write_family(struct json_out *out, const struct downtime_sight *sight)
{
    const struct definition *definition = sight->definition;

    json_out_null(out, "parent_id");
    json_out_null(out, "child_id");
    json_out_null(out, "active_child");
    json_out_signed(out, "creator_id", 1);
    if (sight->canceled_s != 0 || definition->changed_ms != definition->created_ms)
        json_out_signed(out, "updater_id", 1);
    else
        json_out_null(out, "updater_id");
}

void downtime_form_write(struct json_out *out, const struct downtime_sight *sight)
{
    static const char *const written[] = {
        "monitor_id",
        "monitor_tags",
        "monitor_identifier",
        "start",
        "end",
        "timezone",
        "message",
        "mute_first_recovery_notification",
        "scope",
        "notify_end_states",
        "notify_end_types",
        "recurrence",
        "canceled",
        "schedule",
        "id",
        "uuid",
        NULL,
    };
    const struct definition *definition = sight->definition;

    json_out_begin(out, NULL, '{');
    json_out_signed(out, "id", definition->number);
    json_out_slice(out, "uuid", definition->name);
    json_out_signed(out, "org_id", 1);
    downtime_form_scope(out, "scope", definition->body);
    write_monitors(out, sight);
    write_times(out, sight);
    write_shared(out, definition->body);
    write_recurrence(out, sight);
    json_out_bool(out, "active", sight->status == DOWNTIME_ACTIVE);
    json_out_bool(out, "disabled", sight->status == DOWNTIME_CANCELED);
    json_out_text(out, "status", status_word(sight->status));
    json_out_signed(out, "downtime_type", type_of(&sight->downtime));
    write_family(out, sight);
    write_remarks(out, sight);
    api_form_rest(out, definition->body, written);
    json_out_end(out, '}');
}

/* ---- v2 ---------------------------------------------------------------- */

static void write_moment(struct json_out *out, const char *name, int64_t time_s)
{
    api_form_time(out, name, time_s > 0 ? 1000 * time_s : 0);
}

/* "14h", "1d", "90m" */
static void write_duration(struct json_out *out, const struct recurrence *recurrence)
{
    char text[32];
    int64_t seconds = recurrence->duration_s;

    if (recurrence->duration_days > 0)
        snprintf(text, sizeof text, "%" PRId64 "d", recurrence->duration_days);
    else if (seconds % 3600 == 0)
        snprintf(text, sizeof text, "%" PRId64 "h", seconds / 3600);
    else
        snprintf(text, sizeof text, "%" PRId64 "m", (seconds + 59) / 60);
    json_out_text(out, "duration", text);
}

/* Of one that came by v1: where its first occurrence begins is said as a wall-clock time of its
 * zone, which only a calendar knows. */
static void write_recurrences(struct json_out *out, const struct downtime *downtime)
{
    json_out_begin(out, "recurrences", '[');
    for (size_t i = 0; i < downtime->n_recurrences; i++) {
        json_out_begin(out, NULL, '{');
        json_out_text(out, "rrule", downtime->recurrences[i].rule);
        write_duration(out, &downtime->recurrences[i]);
        json_out_end(out, '}');
    }
    json_out_end(out, ']');
}

static void write_schedule(struct json_out *out, const struct downtime_sight *sight)
{
    static const char *const once[] = { "start", "end", NULL };
    static const char *const again[] = { "timezone", "recurrences", "current_downtime", NULL };
    const struct downtime *downtime = &sight->downtime;
    struct slice schedule = json_view_member(sight->definition->body, "schedule");
    struct slice recurrences = json_view_member(schedule, "recurrences");

    json_out_begin(out, "schedule", '{');
    if (downtime->n_recurrences == 0) {
        write_moment(out, "start", sight->from_s);
        write_moment(out, "end", sight->until_s);
        api_form_rest(out, schedule, once);
    } else {
        json_out_text(out, "timezone", downtime->zone[0] != '\0' ? downtime->zone : "UTC");
        if (recurrences.len > 0)
            json_out_raw(out, "recurrences", recurrences);
        else
            write_recurrences(out, downtime);
        if (sight->from_s > 0) { /* it is known; a typed client takes no null for it */
            json_out_begin(out, "current_downtime", '{');
            write_moment(out, "start", sight->from_s);
            write_moment(out, "end", sight->until_s);
            json_out_end(out, '}');
        }
        api_form_rest(out, schedule, again);
    }
    json_out_end(out, '}');
}

static void write_identifier(struct json_out *out, const struct downtime_sight *sight)
{
    struct slice sent = json_view_member(sight->definition->body, "monitor_identifier");

    if (sent.len > 0) {
        json_out_raw(out, "monitor_identifier", sent);
        return;
    }
    json_out_begin(out, "monitor_identifier", '{');
    if (sight->downtime.monitor != 0)
        json_out_signed(out, "monitor_id", sight->downtime.monitor);
    else
        api_form_or(out, sight->definition->body, "monitor_tags", "[\"*\"]");
    json_out_end(out, '}');
}

/* "env:prod AND host:a" */
static void write_search(struct json_out *out, const struct downtime_sight *sight)
{
    struct slice sent = json_view_member(sight->definition->body, "scope");
    struct slice text = sight->downtime.scope.text;
    struct bytes search = { 0 };

    if (downtime_form_is_v2(sight->definition->body)) {
        json_out_raw(out, "scope", sent);
        return;
    }
    while (text.len > 0) {
        struct slice tag = slice_trim(slice_cut(&text, ','), " ");

        if (search.len > 0)
            bytes_add(&search, " AND ", 5);
        bytes_add(&search, tag.at, tag.len);
    }
    json_out_slice(out, "scope", bytes_view(&search));
    out->bytes.failed = out->bytes.failed || search.failed;
    bytes_free(&search);
}

static void write_attributes(struct json_out *out, const struct downtime_sight *sight)
{
    static const char *const written[] = {
        "message",
        "mute_first_recovery_notification",
        "notify_end_states",
        "notify_end_types",
        "schedule",
        "monitor_identifier",
        "scope",
        "display_timezone",
        "canceled",
        "monitor_id",
        "monitor_tags",
        "start",
        "end",
        "recurrence",
        "timezone",
        NULL,
    };
    const struct definition *definition = sight->definition;

    json_out_begin(out, "attributes", '{');
    write_identifier(out, sight);
    write_search(out, sight);
    write_schedule(out, sight);
    api_form_or(out, definition->body, "display_timezone", "\"UTC\"");
    write_shared(out, definition->body);
    api_form_time(out, "created", definition->created_ms);
    api_form_time(out, "modified", definition->changed_ms);
    write_moment(out, "canceled", sight->canceled_s);
    json_out_text(out, "status", status_word(sight->status));
    write_remarks(out, sight);
    api_form_rest(out, definition->body, written);
    json_out_end(out, '}');
}

#define AUTHOR_ID "00000000-0000-4000-8000-000000000001"

static void write_relationships(struct json_out *out, const struct downtime *downtime)
{
    char id[24];

    json_out_begin(out, "relationships", '{');
    json_out_begin(out, "created_by", '{');
    json_out_raw(out, "data", SLICE("{\"type\":\"users\",\"id\":\"" AUTHOR_ID "\"}"));
    json_out_end(out, '}');
    json_out_begin(out, "monitor", '{');
    if (downtime->monitor != 0) {
        snprintf(id, sizeof id, "%" PRId64, downtime->monitor);
        json_out_begin(out, "data", '{');
        json_out_text(out, "type", "monitors");
        json_out_text(out, "id", id);
        json_out_end(out, '}');
    } else {
        json_out_null(out, "data");
    }
    json_out_end(out, '}');
    json_out_end(out, '}');
}

void downtime_form_write_v2(struct json_out *out, const struct downtime_sight *sight)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "type", "downtime");
    json_out_slice(out, "id", sight->definition->name);
    write_attributes(out, sight);
    write_relationships(out, &sight->downtime);
    json_out_end(out, '}');
}

void downtime_form_included(struct json_out *out)
{
    json_out_raw(out, "included",
                 SLICE("[{\"type\":\"users\",\"id\":\"" AUTHOR_ID
                       "\",\"attributes\":{\"name\":\"heeler\",\"handle\":\"heeler\","
                       "\"email\":\"\"}}]"));
}
