#include "flush/notify/webhook_body.h"

#include <inttypes.h>
#include <stdio.h>

#include "flush/memory/json.h"
#include "flush/memory/json_view.h"
#include "flush/monitors/template.h"

enum { KEYS_MAX = 10000, SAMPLE_S = 1796061600 };

static const char usual[] =
    "{\"id\":\"$ID\",\"event_type\":\"$EVENT_TYPE\",\"title\":\"$EVENT_TITLE\","
    "\"body\":\"$EVENT_MSG\",\"date\":\"$DATE\",\"last_updated\":\"$LAST_UPDATED\","
    "\"org\":{\"id\":\"$ORG_ID\",\"name\":\"$ORG_NAME\"},\"alert_id\":\"$ALERT_ID\","
    "\"alert_transition\":\"$ALERT_TRANSITION\",\"alert_type\":\"$ALERT_TYPE\","
    "\"alert_status\":\"$ALERT_STATUS\",\"alert_metric\":\"$ALERT_METRIC\","
    "\"alert_query\":\"$ALERT_QUERY\",\"alert_scope\":\"$ALERT_SCOPE\","
    "\"alert_priority\":\"$ALERT_PRIORITY\",\"hostname\":\"$HOSTNAME\",\"tags\":\"$TAGS\","
    "\"link\":\"$LINK\"}";

/* ---- values ------------------------------------------------------------ */

/* What one variable says: a view of the notification or of room. */
struct value {
    struct slice text;
    bool is_number;
};

static struct value text_value(struct slice text)
{
    return (struct value){ .text = text };
}

static struct value number_value(int64_t number, struct bytes *room)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);

    bytes_add(room, digits, (size_t)len);
    return (struct value){ { (const char *)room->at, room->len }, true };
}

#define PLAIN(name, member)                                                             \
    static struct value value_##name(const struct notification *of, struct bytes *room) \
    {                                                                                   \
        (void)room;                                                                     \
        return text_value(of->member);                                                  \
    }

PLAIN(title, title)
PLAIN(text, text)
PLAIN(query, query)
PLAIN(scope, group)
PLAIN(link, link)
PLAIN(tags, tags)

static struct value value_id(const struct notification *of, struct bytes *room)
{
    (void)room;
    return text_value(slice_of(of->id));
}

/* Monitor and group: what is the same of all that is told about a group. */
static struct value value_key(const struct notification *of, struct bytes *room)
{
    struct slice rest = slice_of(of->id), monitor = slice_cut(&rest, '.');
    struct slice group = slice_cut(&rest, '.');

    (void)room;
    return text_value((struct slice){ monitor.at, monitor.len + (group.len > 0) + group.len });
}

static struct value value_monitor(const struct notification *of, struct bytes *room)
{
    return number_value(of->monitor, room);
}

static struct value value_ms(const struct notification *of, struct bytes *room)
{
    return number_value(of->raised_s * 1000, room);
}

static struct value value_seconds(const struct notification *of, struct bytes *room)
{
    return number_value(of->raised_s, room);
}

static struct value value_org(const struct notification *of, struct bytes *room)
{
    (void)of;
    return number_value(1, room);
}

static struct value value_org_name(const struct notification *of, struct bytes *room)
{
    (void)of, (void)room;
    return text_value(SLICE("heeler"));
}

static struct value value_event_type(const struct notification *of, struct bytes *room)
{
    (void)of, (void)room;
    return text_value(SLICE("query_alert_monitor"));
}

static struct value value_nothing(const struct notification *of, struct bytes *room)
{
    (void)of, (void)room;
    return text_value(SLICE(""));
}

static struct value value_urgency(const struct notification *of, struct bytes *room)
{
    (void)of, (void)room;
    return text_value(SLICE("normal"));
}

static struct value value_priority(const struct notification *of, struct bytes *room)
{
    char text[16];

    if (of->priority <= 0)
        return text_value(SLICE(""));
    bytes_add(room, text, (size_t)snprintf(text, sizeof text, "P%d", of->priority));
    return text_value(bytes_view(room));
}

static struct value value_transition(const struct notification *of, struct bytes *room)
{
    static const char *const first[] = { [MONITOR_OK] = "Recovered",
                                         [MONITOR_NO_DATA] = "No Data",
                                         [MONITOR_WARN] = "Warn",
                                         [MONITOR_ALERT] = "Triggered" };
    const char *word = first[of->transition.to];

    if (!transition_is_repeated(&of->transition))
        return text_value(slice_of(word));
    bytes_add(room, "Re-", 3);
    bytes_add(room, word, strlen(word));
    return text_value(bytes_view(room));
}

static struct value value_type(const struct notification *of, struct bytes *room)
{
    static const char *const words[] = { [MONITOR_OK] = "success",
                                         [MONITOR_NO_DATA] = "error",
                                         [MONITOR_WARN] = "warning",
                                         [MONITOR_ALERT] = "error" };

    (void)room;
    return text_value(slice_of(words[of->transition.to]));
}

/* "Alert: avg(last_5m):avg:load{*} > 2 over host:a (3.5)". */
static struct value value_status(const struct notification *of, struct bytes *room)
{
    const char *word = monitor_state_word(of->transition.to);
    char number[32];

    bytes_add(room, word, strlen(word));
    bytes_add(room, ": ", 2);
    bytes_add(room, of->query.at, of->query.len);
    bytes_add(room, " over ", 6);
    bytes_add(room, of->group.at, of->group.len);
    if (of->has_value) {
        bytes_add(room, " (", 2);
        bytes_add(room, number, template_number(of->value, number));
        bytes_add(room, ")", 1);
    }
    return text_value(bytes_view(room));
}

/* What stands before the first scope of the query: "avg(last_5m):avg:load{*} > 2". */
static struct value value_metric(const struct notification *of, struct bytes *room)
{
    struct slice rest = of->query, name = slice_cut(&rest, '{');
    size_t begin = name.len;

    (void)room;
    while (begin > 0 && !slice_is_one_of(name.at[begin - 1], ":(, "))
        begin--;
    return text_value(name.len < of->query.len ? slice_skip(name, begin) : SLICE(""));
}

static struct value value_namespace(const struct notification *of, struct bytes *room)
{
    struct slice rest = value_metric(of, room).text;

    return text_value(slice_cut(&rest, '.'));
}

static struct value value_host(const struct notification *of, struct bytes *room)
{
    struct slice rest = of->group;

    (void)room;
    while (rest.len > 0) {
        struct slice tag = slice_cut(&rest, ',');

        if (slice_starts(tag, SLICE("host:")))
            return text_value(slice_skip(tag, strlen("host:")));
    }
    return text_value(SLICE(""));
}

static const struct variable {
    const char *name;
    struct value (*value)(const struct notification *of, struct bytes *room);
} variables[] = {
    { "AGGREG_KEY", value_key },
    { "ALERT_CYCLE_KEY", value_key },
    { "ALERT_ID", value_monitor },
    { "ALERT_METRIC", value_metric },
    { "ALERT_PRIORITY", value_priority },
    { "ALERT_QUERY", value_query },
    { "ALERT_SCOPE", value_scope },
    { "ALERT_STATUS", value_status },
    { "ALERT_TITLE", value_title },
    { "ALERT_TRANSITION", value_transition },
    { "ALERT_TYPE", value_type },
    { "DATE", value_ms },
    { "DATE_POSIX", value_seconds },
    { "EVENT_MSG", value_text },
    { "EVENT_TITLE", value_title },
    { "EVENT_TYPE", value_event_type },
    { "HOSTNAME", value_host },
    { "ID", value_id },
    { "LAST_UPDATED", value_ms },
    { "LINK", value_link },
    { "METRIC_NAMESPACE", value_namespace },
    { "ORG_ID", value_org },
    { "ORG_NAME", value_org_name },
    { "PRIORITY", value_urgency },
    { "SNAPSHOT", value_nothing },
    { "TAGS", value_tags },
    { "TEXT_ONLY_MSG", value_text },
    { "USER", value_nothing },
    { "USERNAME", value_nothing },
};

/* ---- the body ---------------------------------------------------------- */

/* Cuts a "$NAME" off the text; an empty one without. */
static struct slice cut_name(struct slice *text)
{
    size_t len = 1;

    while (len < text->len &&
           ((text->at[len] >= 'A' && text->at[len] <= 'Z') || text->at[len] == '_' ||
            (text->at[len] >= '0' && text->at[len] <= '9')))
        len++;
    struct slice name = { text->at + 1, len - 1 };

    *text = slice_skip(*text, len);
    return name;
}

static const struct variable *find(struct slice name)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (slice_equal(name, slice_of(variables[i].name)))
            return &variables[i];
    return NULL;
}

/* Cuts the key of "$TAGS[key]" off what stands behind its name; an empty one without. */
static struct slice cut_key(struct slice *text)
{
    size_t len = 1;

    if (text->len == 0 || text->at[0] != '[')
        return SLICE("");
    while (len < text->len && !slice_is_one_of(text->at[len], "]\"\\\r\n"))
        len++;
    if (len < 2 || len == text->len || text->at[len] != ']')
        return SLICE("");
    struct slice key = { text->at + 1, len - 1 };

    *text = slice_skip(*text, len + 1);
    return key;
}

/* Of the first tag with that key; empty where there is none. */
static struct value value_of_key(struct slice tags, struct slice key)
{
    while (tags.len > 0) {
        struct slice value = slice_cut(&tags, ',');

        if (slice_starts(value, key) && value.len > key.len && value.at[key.len] == ':')
            return text_value(slice_skip(value, key.len + 1));
    }
    return text_value(SLICE(""));
}

static void put_variable(struct slice *text, const struct notification *of, bool in_string,
                         struct bytes *out)
{
    struct slice name = cut_name(text);
    const struct variable *variable = find(name);
    struct bytes room = { 0 };

    if (variable == NULL) {
        bytes_add(out, name.at - 1, name.len + 1);
        return;
    }
    struct slice key = variable->value == value_tags ? cut_key(text) : SLICE("");
    struct value value = key.len > 0 ? value_of_key(of->tags, key) : variable->value(of, &room);

    if (in_string)
        json_add_escaped(out, value.text);
    else if (value.is_number)
        bytes_add(out, value.text.at, value.text.len);
    else
        json_add_string(out, value.text);
    out->failed = out->failed || room.failed;
    bytes_free(&room);
}

bool webhook_body_has_variable(struct slice text)
{
    const char *at;

    while (text.len > 0 && (at = memchr(text.at, '$', text.len)) != NULL) {
        text = slice_skip(text, (size_t)(at - text.at));
        if (find(cut_name(&text)) != NULL)
            return true;
    }
    return false;
}

static bool write(struct slice body, const struct notification *of, struct bytes *out)
{
    size_t before = out->len;
    bool in_string = false;

    while (body.len > 0 && !out->failed && out->len - before <= WEBHOOK_OUT_MAX) {
        size_t len = 1;

        if (body.at[0] == '$') {
            put_variable(&body, of, in_string, out);
            continue;
        }
        if (body.at[0] == '"')
            in_string = !in_string;
        else if (body.at[0] == '\\' && in_string && body.len > 1)
            len = 2;
        bytes_add(out, body.at, len);
        body = slice_skip(body, len);
    }
    return !out->failed && out->len - before <= WEBHOOK_OUT_MAX;
}

bool webhook_body_write(const char *body, const struct notification *notification,
                        struct bytes *out)
{
    return write(body != NULL ? slice_of(body) : SLICE(usual), notification, out);
}

bool webhook_body_is_fit(struct slice body)
{
    struct notification sample = { .id = "1.0.ok.1.0", .raised_s = SAMPLE_S };
    struct bytes out = { 0 };
    struct json_fault fault;
    struct slice value;
    bool fit = write(body, &sample, &out) &&
               json_view_check(bytes_view(&out), KEYS_MAX, &value, &fault);

    bytes_free(&out);
    return fit;
}
