#include "server/api/monitor_form.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"

#define AUTHOR "heeler"

/* What the server says, whoever sends it back. */
static const char *const said[] = {
    "id",       "org_id",  "multi",  "created_at",         "created",
    "modified", "deleted", "assets", "restriction_policy", "overall_state_modified",
    "creator",  "state",   "file",   "overall_state",      "matching_downtimes",
    "problem",  NULL,
};

/* ---- taking one -------------------------------------------------------- */

static void write_number(struct bytes *out, double value)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = number_format(value, text);

    bytes_add(out, text, len);
    if (memchr(text, '.', len) == NULL && memchr(text, 'e', len) == NULL)
        bytes_add(out, ".0", 2);
}

static void write_window(struct bytes *out, int64_t window_s)
{
    char text[32];
    int64_t minutes = window_s / 60;

    snprintf(text, sizeof text, "%" PRId64 "%s",
             minutes % 1440 == 0 ? minutes / 1440
             : minutes % 60 == 0 ? minutes / 60
                                 : minutes,
             minutes % 1440 == 0 ? "d"
             : minutes % 60 == 0 ? "h"
                                 : "m");
    bytes_add_text(out, text);
}

/* "my_metric" and "*" of "avg:my_metric{*} by {host}"; of anything else all of it. */
static void cut_expression(struct slice expression, struct slice *metric, struct slice *scope)
{
    struct slice rest = expression, first = slice_cut(&rest, '{');
    struct slice aggregator = slice_cut(&first, ':');

    *metric = first.len > 0 ? first : aggregator;
    *scope = slice_cut(&rest, '}');
    rest = slice_trim(rest, " ");
    bool is_by = slice_starts(rest, SLICE("by"));

    if (is_by)
        (void)slice_cut(&rest, '}');
    if (scope->len == 0 || slice_trim(rest, " ").len > 0 ||
        memchr(expression.at, '(', expression.len) != NULL) {
        *metric = slice_trim(expression, " ");
        *scope = SLICE("*");
    }
}

/* "**my_metric** over **host:a** was **> 800.0** on average during the **last 5m**." */
static void make_name(struct bytes *out, const struct monitor *monitor)
{
    static const char *const reduced[] = {
        [REDUCE_AVG] = "on average",
        [REDUCE_SUM] = "in total",
        [REDUCE_MIN] = "at its least",
        [REDUCE_MAX] = "at its most",
    };
    const struct condition *condition = &monitor->condition;
    struct slice metric, scope;

    if (condition->kind != CONDITION_VALUE && condition->kind != CONDITION_CHANGE) {
        bytes_add_slice(out, monitor->query);
        return;
    }
    cut_expression(condition->expression, &metric, &scope);
    bytes_add_text(out, "**");
    bytes_add_slice(out, metric);
    bytes_add_text(out, "** over **");
    bytes_add_slice(out, scope);
    bytes_add_text(out, "** was **");
    bytes_add_text(out, comparator_text(condition->comparator));
    bytes_add_text(out, " ");
    write_number(out, condition->threshold);
    bytes_add_text(out, "** ");
    bytes_add_text(out, reduced[condition->reduce]);
    bytes_add_text(out, " during the **last ");
    write_window(out, condition->window_s);
    bytes_add_text(out, "**.");
}

/* As long as a name may be, with all bytes of its last character. */
static struct slice cut_name(struct slice text)
{
    if (text.len <= MONITOR_NAME_MAX)
        return text;
    text.len = MONITOR_NAME_MAX;
    while (text.len > 0 && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

/* The body with a name of its own. */
static void write_named(struct json_out *out, struct slice body, const struct monitor *monitor)
{
    static const char *const name[] = { "name", NULL };
    struct bytes made = { 0 };

    make_name(&made, monitor);
    json_out_begin(out, NULL, '{');
    json_out_slice(out, "name", cut_name(bytes_view(&made)));
    api_form_rest(out, body, name);
    json_out_end(out, '}');
    out->bytes.failed = out->bytes.failed || made.failed;
    bytes_free(&made);
}

static void write_merged(struct json_out *out, struct slice base, struct slice over)
{
    static const char *const none[] = { NULL };
    struct slice options = json_view_member(base, "options");
    struct slice changed = json_view_member(over, "options");
    const char *names[sizeof said / sizeof *said + 1];
    size_t n = sizeof said / sizeof *said;

    memcpy(names, said, sizeof said);
    names[n - 1] = "options";
    names[n] = NULL;
    json_out_begin(out, NULL, '{');
    api_form_merge(out, base, over, names);
    if (json_view_kind(changed) > JSON_KIND_NULL &&
        json_view_kind(changed) != JSON_KIND_OBJECT) {
        json_out_raw(out, "options", changed); /* which is refused */
    } else {
        json_out_begin(out, "options", '{');
        api_form_merge(out, options, changed, none);
        json_out_end(out, '}');
    }
    json_out_end(out, '}');
}

static bool refuse(char *problem, const char *sentence)
{
    snprintf(problem, MONITOR_PROBLEM_MAX, "%s", sentence);
    return false;
}

static struct slice text_of(const struct json_out *out)
{
    return bytes_view(&out->bytes);
}

/* What was merged may be more than each of the two. */
static bool fits(struct slice body, char *problem)
{
    struct json_fault fault;
    struct slice value;

    return (body.len <= MONITOR_BODY_MAX &&
            json_view_check(body, MONITOR_KEYS_MAX, &value, &fault)) ||
           refuse(problem, "a monitor has at most 256 KiB and 1000 members");
}

bool monitor_form_make(struct slice base, struct slice over, struct bytes *out,
                       char problem[static MONITOR_PROBLEM_MAX])
{
    struct json_out merged = { .comma = false }, named = { .comma = false };
    struct monitor monitor;

    write_merged(&merged, base, over);
    bool good = !merged.bytes.failed ? fits(text_of(&merged), problem)
                                     : refuse(problem, "not enough memory");

    if (good && monitor_read(text_of(&merged), &monitor, problem, MONITOR_PROBLEM_MAX)) {
        if (monitor.name.len == 0)
            write_named(&named, text_of(&merged), &monitor);
        bytes_add_slice(out, text_of(monitor.name.len == 0 ? &named : &merged));
        monitor_free(&monitor);
    } else {
        good = false;
    }
    if (good && (named.bytes.failed || out->failed))
        good = refuse(problem, "not enough memory");
    bytes_free(&merged.bytes);
    bytes_free(&named.bytes);
    return good;
}

/* ---- giving it back ---------------------------------------------------- */

void monitor_form_creator(struct json_out *out)
{
    json_out_begin(out, "creator", '{');
    json_out_signed(out, "id", 1);
    json_out_text(out, "name", AUTHOR);
    json_out_text(out, "handle", AUTHOR);
    json_out_text(out, "email", "");
    json_out_end(out, '}');
}

enum monitor_state monitor_form_state(const struct monitor_sight *sight)
{
    return sight->watched != NULL ? watched_monitor_shown(sight->watched) : MONITOR_NO_DATA;
}

int64_t monitor_form_triggered_s(const struct watched_monitor *watched)
{
    int64_t newest_s = 0;

    for (size_t i = 0; watched != NULL && i < watched->n_groups; i++)
        if (watched->groups[i]->state.last_triggered_s > newest_s)
            newest_s = watched->groups[i]->state.last_triggered_s;
    return newest_s;
}

static int64_t changed_s(const struct watched_monitor *watched)
{
    int64_t newest_s = 0;

    for (size_t i = 0; watched != NULL && i < watched->n_groups; i++)
        if (watched->groups[i]->state.changed_s > newest_s)
            newest_s = watched->groups[i]->state.changed_s;
    return newest_s;
}

bool monitor_form_is_muted(const struct monitor_sight *sight, int64_t now_s)
{
    struct slice inside = json_view_inside(sight->monitor->silenced), name, until;
    const struct watched_monitor *watched = sight->watched;
    int64_t until_s;

    while (json_view_next_member(&inside, &name, &until))
        if (!json_view_whole(until, &until_s) || until_s > now_s)
            return true;
    for (size_t i = 0; watched != NULL && i < watched->n_groups; i++)
        if (watched->groups[i]->is_muted)
            return true;
    return false;
}

/* Numbers of thresholds have a fraction, and no quotes. */
static void write_threshold(struct json_out *out, struct slice name, struct slice value)
{
    struct slice number = value;
    struct bytes text = { 0 };
    double read;

    if (json_view_kind(value) == JSON_KIND_STRING && value.len > 2)
        number = (struct slice){ value.at + 1, value.len - 2 };
    if (number_double(number, &read) && isfinite(read)) {
        write_number(&text, read);
        out->bytes.failed = out->bytes.failed || text.failed;
        value = bytes_view(&text);
    }
    json_out_member(out, name, value);
    bytes_free(&text);
}

static void write_thresholds(struct json_out *out, struct slice thresholds)
{
    struct slice inside = json_view_inside(thresholds), name, value;

    json_out_begin(out, "thresholds", '{');
    while (json_view_next_member(&inside, &name, &value))
        write_threshold(out, name, value);
    json_out_end(out, '}');
}

static void write_options(struct json_out *out, struct slice options)
{
    static const char *const others[] = { "thresholds", "notify_audit", "silenced",
                                          "include_tags", NULL };
    struct slice thresholds = json_view_member(options, "thresholds");

    json_out_begin(out, "options", '{');
    api_form_rest(out, options, others);
    if (json_view_kind(thresholds) == JSON_KIND_OBJECT)
        write_thresholds(out, thresholds);
    api_form_or(out, options, "notify_audit", "false");
    api_form_or(out, options, "include_tags", "true");
    api_form_or(out, options, "silenced", "{}");
    json_out_end(out, '}');
}

static void write_times(struct json_out *out, const struct definition *definition)
{
    json_out_signed(out, "created_at", definition->created_ms);
    api_form_time(out, "created", definition->created_ms);
    api_form_time(out, "modified", definition->changed_ms);
    json_out_null(out, "deleted");
}

static void write_priority(struct json_out *out, const struct monitor *monitor)
{
    if (monitor->priority != 0)
        json_out_signed(out, "priority", monitor->priority);
    else
        json_out_null(out, "priority");
}

static void write_state(struct json_out *out, const struct monitor_sight *sight)
{
    json_out_begin(out, "assets", '[');
    json_out_end(out, ']');
    json_out_null(out, "restriction_policy");
    api_form_time(out, "overall_state_modified", 1000 * changed_s(sight->watched));
    json_out_text(out, "overall_state", monitor_state_word(monitor_form_state(sight)));
}

static void write_problem(struct json_out *out, const struct monitor_sight *sight)
{
    const char *problem = sight->problem;

    if (problem[0] == '\0' && sight->watched != NULL)
        problem = sight->watched->problem;
    if (problem[0] != '\0')
        json_out_text(out, "problem", problem);
}

void monitor_form_write(struct json_out *out, const struct monitor_sight *sight,
                        bool has_creator)
{
    static const char *const written[] = {
        "type",         "name",    "message",  "tags",
        "query",        "options", "priority", "restricted_roles",
        "draft_status", "id",      NULL,
    };
    const struct definition *definition = sight->definition;
    struct slice body = definition->body;

    json_out_signed(out, "id", definition->number);
    json_out_signed(out, "org_id", 1);
    api_form_or(out, body, "type", "null");
    api_form_or(out, body, "name", "\"\"");
    api_form_or(out, body, "message", "\"\"");
    api_form_or(out, body, "tags", "[]");
    api_form_or(out, body, "query", "null");
    write_options(out, json_view_member(body, "options"));
    json_out_bool(out, "multi", sight->monitor->condition.n_by > 0);
    write_times(out, definition);
    write_priority(out, sight->monitor);
    api_form_or(out, body, "restricted_roles", "null");
    api_form_or(out, body, "draft_status", "\"published\"");
    write_state(out, sight);
    if (has_creator)
        monitor_form_creator(out);
    if (definition->file.len > 0)
        json_out_slice(out, "file", definition->file);
    write_problem(out, sight);
    api_form_rest(out, body, written);
}

/* ---- states ------------------------------------------------------------ */

static void write_group(struct json_out *out, const struct watched_group *group)
{
    const struct group_state *state = &group->state;

    json_out_slice(out, "name", group->name);
    json_out_text(out, "status", monitor_state_word(watched_group_shown(group)));
    api_form_seconds(out, "last_triggered_ts", state->last_triggered_s);
    api_form_seconds(out, "last_notified_ts", group->notified_s);
    api_form_seconds(out, "last_resolved_ts", state->last_resolved_s);
    api_form_seconds(out, "last_nodata_ts", state->last_no_data_s);
}

void monitor_form_states(struct json_out *out, const struct watched_monitor *watched,
                         uint32_t states, size_t *left)
{
    json_out_begin(out, "state", '{');
    json_out_begin(out, "groups", '{');
    for (size_t i = 0; watched != NULL && i<watched->n_groups && * left> 0; i++) {
        const struct watched_group *group = watched->groups[i];

        if ((states >> watched_group_shown(group) & 1) == 0)
            continue;
        json_out_begin_named(out, group->name, '{');
        write_group(out, group);
        json_out_end(out, '}');
        --*left;
    }
    json_out_end(out, '}');
    json_out_end(out, '}');
}
