#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flush/monitors/template_internal.h"

enum { ARGUMENTS_MAX = 32 };

/* ---- variables --------------------------------------------------------- */

size_t template_number(double value, char out[static 32])
{
    double size = fabs(value);

    if (!isfinite(value) || size >= 1e15 || (size > 0 && size < 1e-4))
        return (size_t)snprintf(out, 32, "%.6g", value);
    int whole = size >= 1 ? (int)floor(log10(size)) + 1 : 1;
    int decimals = whole < 6 ? 6 - whole : 0;
    size_t len = (size_t)snprintf(out, 32, "%.*f", decimals, value);

    if (memchr(out, '.', len) == NULL)
        return len;
    while (out[len - 1] == '0')
        len--;
    len -= out[len - 1] == '.';
    out[len] = '\0';
    return len;
}

static void add_number(struct bytes *out, double value)
{
    char text[32];

    bytes_add(out, text, template_number(value, text));
}

static void add_whole(struct bytes *out, int64_t value)
{
    char text[32];

    bytes_add(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

/* Nothing for a time that never was. */
static void add_time(struct bytes *out, int64_t at_s)
{
    time_t at = (time_t)at_s;
    struct tm parts;
    char text[32];

    if (at_s != 0 && gmtime_r(&at, &parts) != NULL)
        bytes_add(out, text, strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts));
}

static void add_level(struct bytes *out, const struct level *level)
{
    if (level->set)
        add_number(out, level->value);
}

static void add_value(const struct template_facts *facts, struct bytes *out)
{
    if (facts->has_value)
        add_number(out, facts->value);
}

static void add_threshold(const struct template_facts *facts, struct bytes *out)
{
    add_level(out, &facts->rules->critical);
}

static void add_warn_threshold(const struct template_facts *facts, struct bytes *out)
{
    add_level(out, &facts->rules->warning);
}

/* Of service checks, whose thresholds are counts of statuses; no monitor of ours has one. */
static void add_ok_threshold(const struct template_facts *facts, struct bytes *out)
{
    (void)facts, (void)out;
}

static void add_comparator(const struct template_facts *facts, struct bytes *out)
{
    bytes_add_slice(out, slice_of(comparator_text(facts->rules->comparator)));
}

static void add_first(const struct template_facts *facts, struct bytes *out)
{
    add_time(out, facts->first_triggered_s);
}

static void add_last(const struct template_facts *facts, struct bytes *out)
{
    add_time(out, facts->last_triggered_s);
}

static void add_first_epoch(const struct template_facts *facts, struct bytes *out)
{
    if (facts->first_triggered_s != 0)
        add_whole(out, facts->first_triggered_s * 1000);
}

static void add_last_epoch(const struct template_facts *facts, struct bytes *out)
{
    if (facts->last_triggered_s != 0)
        add_whole(out, facts->last_triggered_s * 1000);
}

static void add_duration(const struct template_facts *facts, struct bytes *out)
{
    if (facts->first_triggered_s != 0)
        add_whole(out, facts->now_s - facts->first_triggered_s);
}

static void add_check_message(const struct template_facts *facts, struct bytes *out)
{
    bytes_add_slice(out, facts->check_message);
}

static const struct {
    const char *name;
    void (*add)(const struct template_facts *facts, struct bytes *out);
} variables[] = {
    { "value", add_value },
    { "threshold", add_threshold },
    { "warn_threshold", add_warn_threshold },
    { "ok_threshold", add_ok_threshold },
    { "comparator", add_comparator },
    { "first_triggered_at", add_first },
    { "first_triggered_at_epoch", add_first_epoch },
    { "last_triggered_at", add_last },
    { "last_triggered_at_epoch", add_last_epoch },
    { "triggered_duration_sec", add_duration },
    { "check_message", add_check_message },
};

static bool add_host(const struct template_facts *facts, struct slice member, struct bytes *out)
{
    for (size_t i = 0; i < facts->n_host; i++)
        if (slice_equal(facts->host[i].key, member)) {
            bytes_add_slice(out, facts->host[i].value);
            return true;
        }
    return false;
}

/* "host.name" and "[a.b].name": what stands before ".name". */
static bool cut_key(struct slice *name)
{
    static const char end[] = ".name";
    size_t len = sizeof end - 1;

    if (name->len <= len || memcmp(name->at + name->len - len, end, len) != 0)
        return false;
    name->len -= len;
    if (name->len > 2 && name->at[0] == '[' && name->at[name->len - 1] == ']')
        *name = (struct slice){ name->at + 1, name->len - 2 };
    return true;
}

/* Its values among the sorted tags, with commas between them. */
static bool add_tag(const struct slice *tags, size_t n, struct slice key, struct bytes *out)
{
    bool found = false;

    for (size_t i = 0; i < n; i++) {
        struct slice value = tags[i];

        if (memchr(value.at, ':', value.len) == NULL ||
            !slice_equal(slice_cut(&value, ':'), key))
            continue;
        if (found)
            bytes_add_slice(out, SLICE(","));
        bytes_add_slice(out, value);
        found = true;
    }
    return found;
}

/* ---- with arguments ---------------------------------------------------- */

static bool find_time(const struct template_facts *facts, struct slice name, int64_t *out)
{
    *out = slice_equal(name, SLICE("first_triggered_at")) ? facts->first_triggered_s
                                                          : facts->last_triggered_s;
    return slice_equal(name, SLICE("first_triggered_at")) ||
           slice_equal(name, SLICE("last_triggered_at"));
}

/* "2026-12-01 03:01:00+09:00"; nothing for a time that never was. */
static void add_local(struct bytes *out, int64_t at_s, int32_t offset_s)
{
    time_t at = (time_t)(at_s + offset_s);
    int minutes = abs(offset_s) / 60;
    struct tm parts;
    char text[64];

    if (at_s == 0 || gmtime_r(&at, &parts) == NULL)
        return;
    size_t len = strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts);

    len += (size_t)snprintf(text + len, sizeof text - len, "%c%02d:%02d",
                            offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
    bytes_add(out, text, len);
}

/* {{local_time 'last_triggered_at' 'Asia/Tokyo'}}. */
static bool add_local_time(const struct template_facts *facts, struct slice arguments,
                           struct bytes *out)
{
    struct slice time = template_cut_argument(&arguments);
    struct slice zone = template_cut_argument(&arguments);
    char name[64];
    int32_t offset_s;
    int64_t at_s;

    if (!find_time(facts, time, &at_s) || zone.len == 0 || zone.len >= sizeof name ||
        memchr(zone.at, '\0', zone.len) != NULL)
        return false;
    if (facts->offset == NULL)
        return true;
    memcpy(name, zone.at, zone.len);
    name[zone.len] = '\0';
    if (!facts->offset(name, at_s, &offset_s))
        return false;
    add_local(out, at_s, offset_s);
    return true;
}

static const struct {
    const char *name;
    bool (*add)(const struct template_facts *facts, struct slice arguments, struct bytes *out);
} helpers[] = {
    { "local_time", add_local_time },
    { "eval", template_eval },
};

int template_priority(struct slice name)
{
    struct slice word = template_cut_argument(&name);
    struct slice priority = template_cut_argument(&name);

    return slice_equal(word, SLICE("override_priority")) && priority.len == 2 &&
                   slice_is_one_of(priority.at[0], "Pp") && priority.at[1] >= '1' &&
                   priority.at[1] <= '5'
               ? priority.at[1] - '0'
               : 0;
}

bool template_value(const struct template_facts *facts, struct slice name, struct bytes *out)
{
    struct slice key = name, arguments = name;
    struct slice word = template_cut_argument(&arguments);

    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        if (slice_equal(word, slice_of(helpers[i].name)))
            return helpers[i].add(facts, arguments, out);

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (slice_equal(name, slice_of(variables[i].name))) {
            variables[i].add(facts, out);
            return true;
        }
    if (slice_starts(name, SLICE("host.")) && add_host(facts, slice_skip(name, 5), out))
        return true;
    if (cut_key(&key) && add_tag(facts->tags, facts->n_tags, key, out))
        return true;
    if (slice_starts(name, SLICE("host.")) &&
        add_tag(facts->host_tags, facts->n_host_tags, slice_skip(name, 5), out))
        return true;
    return facts->find != NULL && facts->find(facts->self, name, out);
}

/* ---- conditions -------------------------------------------------------- */

/* (eval "int(value)"): up to the first that closes outside of quotes. */
static struct slice cut_parentheses(struct slice *arguments)
{
    struct slice inside = slice_skip(*arguments, 1);
    char quote = '\0';
    size_t len = 0;

    for (; len < inside.len && (quote != '\0' || inside.at[len] != ')'); len++)
        if (quote == '\0' && slice_is_one_of(inside.at[len], "\"'"))
            quote = inside.at[len];
        else if (inside.at[len] == quote)
            quote = '\0';
    *arguments = slice_skip(inside, len < inside.len ? len + 1 : len);
    return (struct slice){ inside.at, len };
}

struct slice template_cut_argument(struct slice *arguments)
{
    *arguments = slice_trim(*arguments, " \t\r\n");
    if (arguments->len > 0 && slice_is_one_of(arguments->at[0], "\"'")) {
        char quote = arguments->at[0];

        *arguments = slice_skip(*arguments, 1);
        return slice_cut(arguments, quote);
    }
    if (arguments->len > 0 && arguments->at[0] == '(')
        return cut_parentheses(arguments);
    return slice_cut(arguments, ' ');
}

static bool holds_of(const struct template_facts *facts, enum monitor_state to)
{
    return facts->transition.to == to;
}

static bool has_recovered(const struct template_facts *facts)
{
    return facts->transition.to == MONITOR_OK && facts->transition.from != MONITOR_OK;
}

static bool goes(const struct template_facts *facts, enum monitor_state from,
                 enum monitor_state to)
{
    return facts->transition.from == from && facts->transition.to == to;
}

static bool is_alert(const struct template_facts *facts)
{
    return holds_of(facts, MONITOR_ALERT);
}

static bool is_warning(const struct template_facts *facts)
{
    return holds_of(facts, MONITOR_WARN);
}

static bool is_no_data(const struct template_facts *facts)
{
    return holds_of(facts, MONITOR_NO_DATA);
}

/* A check's status UNKNOWN, which makes no state of its own here. */
static bool is_unknown(const struct template_facts *facts)
{
    (void)facts;
    return false;
}

static bool is_alert_recovery(const struct template_facts *facts)
{
    return goes(facts, MONITOR_ALERT, MONITOR_OK);
}

static bool is_warning_recovery(const struct template_facts *facts)
{
    return goes(facts, MONITOR_WARN, MONITOR_OK);
}

static bool is_no_data_recovery(const struct template_facts *facts)
{
    return goes(facts, MONITOR_NO_DATA, MONITOR_OK);
}

static bool is_alert_to_warning(const struct template_facts *facts)
{
    return goes(facts, MONITOR_ALERT, MONITOR_WARN);
}

static bool is_warning_to_alert(const struct template_facts *facts)
{
    return goes(facts, MONITOR_WARN, MONITOR_ALERT);
}

static bool is_no_data_to_alert(const struct template_facts *facts)
{
    return goes(facts, MONITOR_NO_DATA, MONITOR_ALERT);
}

static bool is_renotify(const struct template_facts *facts)
{
    return transition_is_repeated(&facts->transition);
}

static const struct {
    const char *name;
    bool (*holds)(const struct template_facts *facts);
} conditions[] = {
    { "is_alert", is_alert },
    { "is_warning", is_warning },
    { "is_no_data", is_no_data },
    { "is_unknown", is_unknown },
    { "is_recovery", has_recovered },
    { "is_alert_recovery", is_alert_recovery },
    { "is_warning_recovery", is_warning_recovery },
    { "is_no_data_recovery", is_no_data_recovery },
    { "is_alert_to_warning", is_alert_to_warning },
    { "is_warning_to_alert", is_warning_to_alert },
    { "is_no_data_to_alert", is_no_data_to_alert },
    { "is_renotify", is_renotify },
};

/* Returns false for what is no priority. */
static bool is_priority(const struct template_facts *facts, struct slice arguments, bool *holds)
{
    struct slice wanted = template_cut_argument(&arguments);

    *holds = wanted.len == 2 && wanted.at[1] == '0' + facts->priority;
    return wanted.len == 2 && slice_is_one_of(wanted.at[0], "Pp") && wanted.at[1] >= '1' &&
           wanted.at[1] <= '5';
}

static bool contains(struct slice text, struct slice part)
{
    return memmem(text.at, text.len, part.at, part.len) != NULL;
}

static bool is_of_match(struct slice name)
{
    return slice_equal(name, SLICE("is_match")) || slice_equal(name, SLICE("is_exact_match"));
}

/* The variable's value has, or is, one of the others; "" is had by an empty one alone. Returns
 * what is not known: the variable, or the block where it is compared with nothing. */
static struct slice is_match(const struct template_facts *facts, struct slice name,
                             struct slice arguments, bool *holds)
{
    bool exact = slice_equal(name, SLICE("is_exact_match"));
    struct slice variable = template_cut_argument(&arguments);
    struct bytes bytes = { 0 };
    bool is_known = template_value(facts, variable, &bytes);
    struct slice value = bytes_view(&bytes);

    arguments = slice_trim(arguments, " \t\r\n");
    bool is_whole = arguments.len > 0;

    for (int i = 0; i < ARGUMENTS_MAX && arguments.len > 0 && !*holds; i++) {
        struct slice part = template_cut_argument(&arguments);

        *holds = exact || part.len == 0 ? slice_equal(value, part) : contains(value, part);
        arguments = slice_trim(arguments, " \t\r\n");
    }
    bytes_free(&bytes);
    return !is_whole ? name : is_known ? SLICE("") : variable;
}

struct slice template_holds(const struct template_facts *facts, struct slice name,
                            struct slice arguments, bool *holds)
{
    *holds = false;
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (slice_equal(name, slice_of(conditions[i].name))) {
            *holds = conditions[i].holds(facts);
            return SLICE("");
        }
    if (slice_equal(name, SLICE("is_priority")))
        return is_priority(facts, arguments, holds) ? SLICE("") : name;
    return is_of_match(name) ? is_match(facts, name, arguments, holds) : name;
}
