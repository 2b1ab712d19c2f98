#include "flush/monitors/monitor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/monitors/monitor_internal.h"
#include "flush/monitors/template.h"
#include "protocol/number.h"

enum {
    NO_DATA_CHECK_S = 86400, /* of a check, unless it says */
    NEW_GROUP_DELAY_S = 60,
    GROUP_RETENTION_S = 86400
};

/* ---- reading ----------------------------------------------------------- */

bool monitor_refuse(struct monitor_reading *reading, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reading->problem, reading->problem_size, format, args);
    va_end(args);
    return false;
}

/* Nothing for what is not there. */
bool monitor_read_text(struct monitor_reading *reading, const char *name, struct slice value,
                       size_t most, struct slice *out)
{
    *out = (struct slice){ reading->room, 0 };
    if (json_view_is_absent(value))
        return true;
    if (json_view_kind(value) != JSON_KIND_STRING)
        return monitor_refuse(reading, "'%s' is a text", name);
    out->len = json_view_text(value, reading->room);
    reading->room += out->len;
    return out->len <= most || monitor_refuse(reading, "'%s' has %zu bytes; %zu are the most",
                                              name, out->len, most);
}

/* Clients send numbers in quotes, too. */
bool monitor_read_number(struct slice value, double *out)
{
    char text[64];

    if (json_view_kind(value) != JSON_KIND_STRING || value.len > sizeof text)
        return json_view_number(value, out);
    struct slice number = { text, json_view_text(value, text) };

    return number_double(number, out) && *out - *out == 0;
}

bool monitor_read_whole(struct monitor_reading *reading, const char *name, struct slice value,
                        int64_t least, int64_t most, int64_t *out)
{
    double number;

    if (!monitor_read_number(value, &number) || number < (double)least ||
        number > (double)most || (double)(int64_t)number < number)
        return monitor_refuse(reading, "'%s' is a whole number from %" PRId64 " to %" PRId64,
                              name, least, most);
    *out = (int64_t)number;
    return true;
}

/* ---- all --------------------------------------------------------------- */

static const char *const type_words[] = {
#define TYPE_WORD(id, word) [id] = (word),
    MONITOR_TYPES(TYPE_WORD)
#undef TYPE_WORD
};

const char *monitor_type_word(enum monitor_type type)
{
    return type_words[type];
}

static bool read_type(struct monitor_reading *reading, struct slice value)
{
    for (int type = 0; type < MONITOR_TYPE_COUNT; type++)
        if (json_view_says(value, type_words[type])) {
            reading->out->type = (enum monitor_type)type;
            return true;
        }
    return monitor_refuse(reading,
                          "The value provided for parameter 'type' is invalid: Heeler has "
                          "metric alert, query alert, service check and composite");
}

static bool fits_type(const struct monitor *monitor)
{
    switch (monitor->condition.kind) {
    case CONDITION_VALUE:
    case CONDITION_CHANGE:
        return monitor->type == MONITOR_METRIC || monitor->type == MONITOR_QUERY;
    case CONDITION_CHECK:
        return monitor->type == MONITOR_CHECK;
    case CONDITION_COMPOSITE:
        return monitor->type == MONITOR_COMPOSITE;
    }
    return false;
}

static bool read_query(struct monitor_reading *reading, struct slice value)
{
    struct monitor *out = reading->out;
    char problem[384];

    if (json_view_kind(value) != JSON_KIND_STRING)
        return monitor_refuse(reading, "The value provided for parameter 'query' is invalid");
    if (!monitor_read_text(reading, "query", value, CONDITION_TEXT_MAX, &out->query))
        return false;
    bool is_query = condition_parse(out->query, &out->condition, problem, sizeof problem);

    if (!is_query && fits_type(out))
        return monitor_refuse(
            reading, "The value provided for parameter 'query' is invalid: %s", problem);
    return fits_type(out) ||
           monitor_refuse(reading,
                          "The value provided for parameter 'query' is invalid: "
                          "monitors of type '%s' have another kind of query",
                          monitor_type_word(out->type));
}

static bool read_tags(struct monitor_reading *reading, struct slice value)
{
    struct monitor *out = reading->out;
    struct slice inside = json_view_inside(value), item;

    if (!json_view_is_absent(value) && json_view_kind(value) != JSON_KIND_ARRAY)
        return monitor_refuse(reading, "'tags' is a list of texts");
    while (json_view_next_item(&inside, &item)) {
        if (out->n_tags == MONITOR_TAGS_MAX)
            return monitor_refuse(reading, "'tags' has more than %d", MONITOR_TAGS_MAX);
        if (json_view_kind(item) != JSON_KIND_STRING)
            return monitor_refuse(reading, "'tags' is a list of texts");
        if (!monitor_read_text(reading, "tags", item, MONITOR_NAME_MAX,
                               &out->tags[out->n_tags++]))
            return false;
    }
    return true;
}

static bool read_priority(struct monitor_reading *reading, struct slice value)
{
    int64_t priority;

    if (json_view_is_absent(value))
        return true;
    if (!monitor_read_whole(reading, "priority", value, 1, 5, &priority))
        return false;
    reading->out->priority = (int)priority;
    return true;
}

static bool check_template(struct monitor_reading *reading, const char *name, struct slice text)
{
    char problem[256];

    return template_check(text, problem, sizeof problem) ||
           monitor_refuse(reading, "'%s': %s", name, problem);
}

/* What is there where nothing is said. */
static void begin(struct monitor *out)
{
    const struct condition *condition = &out->condition;
    bool is_value = condition_has_value(condition);

    out->include_tags = true;
    out->new_group_delay_s = NEW_GROUP_DELAY_S;
    out->group_retention_s = GROUP_RETENTION_S;
    out->counts = (struct check_counts){ .ok = 1, .warning = 1, .critical = 1 };
    out->rules = (struct alert_rules){
        .comparator = condition->comparator,
        .critical = { is_value, condition->threshold },
        .missing = MISSING_KEEPS,
        .no_data_s = is_value ? 2 * condition->window_s : NO_DATA_CHECK_S,
        .renotify_states = 1U << MONITOR_ALERT | 1U << MONITOR_NO_DATA,
    };
}

/* Only groups of a host have what is the host's; those of a composite are of its monitors. */
static bool is_by_host(const struct condition *condition)
{
    bool is = condition->kind == CONDITION_COMPOSITE;

    for (size_t i = 0; i < condition->n_by; i++)
        is = is || slice_equal(condition->by[i], SLICE("host")) ||
             slice_equal(condition->by[i], SLICE("*"));
    return is;
}

/* Which members of {{host.…}} it has, wherever they stand. */
static void look_for_hosts(struct slice text, struct monitor *out)
{
    static const char what[] = "host.";
    const char *at;

    while (text.len > 0 && (at = memmem(text.at, text.len, what, sizeof what - 1)) != NULL) {
        text = slice_skip(text, (size_t)(at - text.at) + sizeof what - 1);
        if (slice_starts(text, SLICE("ip")))
            out->wants_address = true;
        else if (!slice_starts(text, SLICE("name")))
            out->wants_host_tags = true;
    }
}

static bool read_all(struct monitor_reading *reading, struct slice value)
{
    struct monitor *out = reading->out;

    if (!read_type(reading, json_view_member(value, "type")) ||
        !read_query(reading, json_view_member(value, "query")))
        return false;
    begin(out);
    return monitor_read_text(reading, "name", json_view_member(value, "name"), MONITOR_NAME_MAX,
                             &out->name) &&
           monitor_read_text(reading, "message", json_view_member(value, "message"),
                             MONITOR_MESSAGE_MAX, &out->message) &&
           read_tags(reading, json_view_member(value, "tags")) &&
           read_priority(reading, json_view_member(value, "priority")) &&
           monitor_read_options(reading, json_view_member(value, "options")) &&
           check_template(reading, "message", out->message) &&
           check_template(reading, "escalation_message", out->escalation);
}

bool monitor_read(struct slice value, struct monitor *out, char *problem, size_t problem_size)
{
    struct monitor_reading reading = { .out = out,
                                       .problem = problem,
                                       .problem_size = problem_size };

    *out = (struct monitor){ .room = malloc(value.len + 1) };
    if (out->room == NULL)
        return monitor_refuse(&reading, "out of memory");
    reading.room = out->room;
    if (read_all(&reading, value)) {
        if (is_by_host(&out->condition)) {
            look_for_hosts(out->message, out);
            look_for_hosts(out->escalation, out);
        }
        return true;
    }
    monitor_free(out);
    return false;
}

void monitor_free(struct monitor *given)
{
    free(given->room);
    *given = (struct monitor){ .room = NULL };
}

/* ---- silenced ---------------------------------------------------------- */

/* "*", or tags with commas between them, all of which the group has. */
static bool is_about(struct slice scope, const struct slice *tags, size_t n_tags)
{
    while (scope.len > 0) {
        struct slice tag = slice_trim(slice_cut(&scope, ','), " ");

        if (tag.len > 0 && !slice_equal(tag, SLICE("*")) && !slice_is_among(tag, tags, n_tags))
            return false;
    }
    return true;
}

bool monitor_is_silenced(const struct monitor *monitor, const struct slice *tags, size_t n_tags,
                         int64_t now_s)
{
    struct slice inside = json_view_inside(monitor->silenced), name, until;

    while (json_view_next_member(&inside, &name, &until)) {
        char text[MONITOR_NAME_MAX];
        int64_t until_s;

        if (name.len > sizeof text || (json_view_whole(until, &until_s) && until_s <= now_s))
            continue;
        size_t len = json_view_text(name, text);

        if (is_about((struct slice){ text, len }, tags, n_tags))
            return true;
    }
    return false;
}
