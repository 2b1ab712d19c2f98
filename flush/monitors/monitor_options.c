#include <inttypes.h>

#include "flush/monitors/monitor_internal.h"
#include "flush/monitors/template.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
enum { MINUTES_MAX = 60 * 24 * 30, SECONDS_MAX = MINUTES_MAX * MINUTE_S };

static bool read_bool(struct monitor_reading *reading, const char *name, struct slice value,
                      bool *out)
{
    enum json_kind kind = json_view_kind(value);

    if (kind != JSON_KIND_TRUE && kind != JSON_KIND_FALSE)
        return monitor_refuse(reading, "'%s' is true or false", name);
    *out = kind == JSON_KIND_TRUE;
    return true;
}

/* ---- thresholds -------------------------------------------------------- */

/* As Datadog's sentences have it: 90.0. */
static void write_threshold(double value, char out[static 40])
{
    size_t len = template_number(value, out);

    if (memchr(out, '.', len) == NULL && memchr(out, 'e', len) == NULL)
        memcpy(out + len, ".0", sizeof ".0");
}

static bool read_level(struct monitor_reading *reading, struct slice thresholds,
                       const char *name, struct level *out)
{
    struct slice value = json_view_member(thresholds, name);

    if (json_view_is_absent(value))
        return true;
    out->set = monitor_read_number(value, &out->value);
    return out->set || monitor_refuse(reading, "'thresholds.%s' is a number", name);
}

static bool read_count(struct monitor_reading *reading, struct slice thresholds,
                       const char *name, uint32_t *out)
{
    struct slice value = json_view_member(thresholds, name);
    int64_t number = 0;

    if (json_view_is_absent(value))
        return true;
    if (!monitor_read_whole(reading, name, value, 1, 100, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_thresholds(struct monitor_reading *reading, const char *option,
                            struct slice value)
{
    struct alert_rules *rules = &reading->out->rules;

    if (json_view_kind(value) != JSON_KIND_OBJECT)
        return monitor_refuse(reading, "'%s' is an object", option);
    if (reading->out->condition.kind == CONDITION_CHECK)
        return read_count(reading, value, "ok", &reading->out->counts.ok) &&
               read_count(reading, value, "warning", &reading->out->counts.warning) &&
               read_count(reading, value, "critical", &reading->out->counts.critical);
    struct level critical = { false, 0 };

    if (!read_level(reading, value, "critical", &critical) ||
        !read_level(reading, value, "warning", &rules->warning) ||
        !read_level(reading, value, "critical_recovery", &rules->critical_recovery) ||
        !read_level(reading, value, "warning_recovery", &rules->warning_recovery))
        return false;
    double in_query = reading->out->condition.threshold;

    if (critical.set && rules->critical.set &&
        comparator_holds(NOT_EQUAL, critical.value, in_query)) {
        char said[40], used[40];

        write_threshold(critical.value, said);
        write_threshold(in_query, used);
        return monitor_refuse(
            reading, "Alert threshold (%s) does not match that used in the query (%s).", said,
            used);
    }
    return true;
}

/* What is less wrong must not be wrong already: a warning lies before the alert, and a recovery
 * before what it recovers from. */
static bool check_order(struct monitor_reading *reading, const char *name,
                        const struct level *mild, const char *than, const struct level *severe)
{
    enum comparator comparator = reading->out->rules.comparator;
    char a[40], b[40];

    if (!mild->set || !severe->set || comparator == EQUAL || comparator == NOT_EQUAL)
        return true;
    bool upward = comparator == ABOVE || comparator == ABOVE_OR_EQUAL;

    if (upward ? mild->value < severe->value : mild->value > severe->value)
        return true;
    write_threshold(mild->value, a);
    write_threshold(severe->value, b);
    return monitor_refuse(reading,
                          "The %s threshold (%s) must be %s than the %s threshold (%s).", name,
                          a, upward ? "less" : "greater", than, b);
}

/* What has no meaning would be taken for one that has. */
static bool check_recoveries(struct monitor_reading *reading)
{
    const struct alert_rules *rules = &reading->out->rules;
    bool is_equality = rules->comparator == EQUAL || rules->comparator == NOT_EQUAL;

    if (is_equality && (rules->critical_recovery.set || rules->warning_recovery.set))
        return monitor_refuse(reading, "A recovery threshold goes with >, >=, < and <= alone.");
    return rules->warning.set || !rules->warning_recovery.set ||
           monitor_refuse(reading,
                          "There is a warning recovery threshold and no warning threshold.");
}

static bool check_thresholds(struct monitor_reading *reading)
{
    const struct alert_rules *rules = &reading->out->rules;

    return check_recoveries(reading) &&
           check_order(reading, "warning", &rules->warning, "critical", &rules->critical) &&
           check_order(reading, "critical recovery", &rules->critical_recovery, "critical",
                       &rules->critical) &&
           check_order(reading, "warning recovery", &rules->warning_recovery, "warning",
                       &rules->warning);
}

/* ---- options ----------------------------------------------------------- */

static bool read_notify_no_data(struct monitor_reading *reading, const char *name,
                                struct slice value)
{
    bool notifies = false;

    if (!read_bool(reading, name, value, &notifies))
        return false;
    reading->says_no_data = reading->says_no_data || notifies;
    if (notifies)
        reading->out->rules.missing = MISSING_NOTIFIES;
    return true;
}

static bool read_no_data_timeframe(struct monitor_reading *reading, const char *name,
                                   struct slice value)
{
    int64_t minutes = 0;

    if (!monitor_read_whole(reading, name, value, 0, MINUTES_MAX, &minutes))
        return false;
    if (minutes > 0)
        reading->out->rules.no_data_s = minutes * MINUTE_S;
    return true;
}

static bool read_missing(struct monitor_reading *reading, const char *name, struct slice value)
{
    static const struct {
        const char *word;
        enum missing_data missing;
    } words[] = {
        { "default", MISSING_KEEPS },
        { "show_no_data", MISSING_SHOWS },
        { "show_and_notify_no_data", MISSING_NOTIFIES },
        { "resolve", MISSING_RESOLVES },
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (json_view_says(value, words[i].word)) {
            reading->says_missing = true;
            reading->out->rules.missing = words[i].missing;
            reading->out->rules.no_data_s = reading->out->condition.window_s;
            return true;
        }
    return monitor_refuse(
        reading, "'%s' is default, show_no_data, show_and_notify_no_data or resolve", name);
}

static bool read_renotify_interval(struct monitor_reading *reading, const char *name,
                                   struct slice value)
{
    int64_t minutes = 0;

    if (!monitor_read_whole(reading, name, value, 0, MINUTES_MAX, &minutes))
        return false;
    reading->out->rules.renotify_s = minutes * MINUTE_S;
    return true;
}

static bool read_renotify_occurrences(struct monitor_reading *reading, const char *name,
                                      struct slice value)
{
    int64_t number = 0;

    if (!monitor_read_whole(reading, name, value, 0, 10000, &number))
        return false;
    reading->out->rules.renotify_occurrences = (uint32_t)number;
    return true;
}

static bool read_renotify_statuses(struct monitor_reading *reading, const char *name,
                                   struct slice value)
{
    struct slice inside = json_view_inside(value), item;
    uint32_t states = 0;

    if (json_view_kind(value) != JSON_KIND_ARRAY)
        return monitor_refuse(reading, "'%s' is a list", name);
    while (json_view_next_item(&inside, &item)) {
        if (json_view_says(item, "alert"))
            states |= 1U << MONITOR_ALERT;
        else if (json_view_says(item, "warn"))
            states |= 1U << MONITOR_WARN;
        else if (json_view_says(item, "no data"))
            states |= 1U << MONITOR_NO_DATA;
        else
            return monitor_refuse(reading, "'%s' has alert, warn and no data", name);
    }
    if (states != 0)
        reading->out->rules.renotify_states = states;
    return true;
}

static bool read_escalation(struct monitor_reading *reading, const char *name,
                            struct slice value)
{
    return monitor_read_text(reading, name, value, MONITOR_MESSAGE_MAX,
                             &reading->out->escalation);
}

static bool read_timeout(struct monitor_reading *reading, const char *name, struct slice value)
{
    int64_t hours = 0;

    if (!monitor_read_whole(reading, name, value, 0, 24, &hours))
        return false;
    reading->out->rules.timeout_s = hours * HOUR_S;
    return true;
}

static bool read_evaluation_delay(struct monitor_reading *reading, const char *name,
                                  struct slice value)
{
    return monitor_read_whole(reading, name, value, 0, SECONDS_MAX,
                              &reading->out->evaluation_delay_s);
}

static bool read_new_group_delay(struct monitor_reading *reading, const char *name,
                                 struct slice value)
{
    reading->says_group_delay = true;
    return monitor_read_whole(reading, name, value, 0, SECONDS_MAX,
                              &reading->out->new_group_delay_s);
}

/* The older form, of hosts; the newer one counts where both stand. */
static bool read_new_host_delay(struct monitor_reading *reading, const char *name,
                                struct slice value)
{
    int64_t seconds = 0;

    if (!monitor_read_whole(reading, name, value, 0, SECONDS_MAX, &seconds))
        return false;
    if (!reading->says_group_delay)
        reading->out->new_group_delay_s = seconds;
    return true;
}

static bool read_full_window(struct monitor_reading *reading, const char *name,
                             struct slice value)
{
    return read_bool(reading, name, value, &reading->out->require_full_window);
}

static bool read_include_tags(struct monitor_reading *reading, const char *name,
                              struct slice value)
{
    return read_bool(reading, name, value, &reading->out->include_tags);
}

static bool read_silenced(struct monitor_reading *reading, const char *name, struct slice value)
{
    if (json_view_kind(value) != JSON_KIND_OBJECT)
        return monitor_refuse(reading, "'%s' is an object", name);
    struct slice inside = json_view_inside(value), scope, until;
    int64_t until_s;

    while (json_view_next_member(&inside, &scope, &until)) { /* monitor_is_silenced() */
        if (scope.len > MONITOR_NAME_MAX)
            return monitor_refuse(reading, "a scope of '%s' has at most %d bytes", name,
                                  MONITOR_NAME_MAX - 2);
        if (!json_view_is_absent(until) && !json_view_whole(until, &until_s))
            return monitor_refuse(reading, "an end in '%s' is in seconds since 1970, or null",
                                  name);
    }
    reading->out->silenced = value;
    return true;
}

/* "90m", "24h", "7d" or "last_15m", within a bound. */
static bool read_span(struct monitor_reading *reading, const char *name, struct slice value,
                      int64_t most_s, int64_t *out)
{
    char text[32];
    struct slice span = { text, 0 };
    int64_t n = 0;

    if (json_view_kind(value) == JSON_KIND_STRING && value.len <= sizeof text)
        span.len = json_view_text(value, text);
    if (slice_starts(span, SLICE("last_")))
        span = slice_skip(span, strlen("last_"));
    while (span.len > 1 && span.at[0] >= '0' && span.at[0] <= '9' && n < SECONDS_MAX) {
        n = 10 * n + (span.at[0] - '0');
        span = slice_skip(span, 1);
    }
    int64_t unit_s = slice_equal(span, SLICE("m"))   ? MINUTE_S
                     : slice_equal(span, SLICE("h")) ? HOUR_S
                     : slice_equal(span, SLICE("d")) ? DAY_S
                                                     : 0;

    *out = n * unit_s;
    return (*out > 0 && *out <= most_s) ||
           monitor_refuse(reading,
                          "'%s' is a time like 90m, 24h or 3d, no more than %" PRId64 " h",
                          name, most_s / HOUR_S);
}

static bool read_retention(struct monitor_reading *reading, const char *name,
                           struct slice value)
{
    return read_span(reading, name, value, 72 * HOUR_S, &reading->out->group_retention_s) &&
           (reading->out->group_retention_s >= HOUR_S ||
            monitor_refuse(reading, "'%s' is 60m at least", name));
}

/* Both lie in the window, and the query says the first of them, too. */
static bool check_windows(struct monitor_reading *reading)
{
    const struct monitor *of = reading->out;
    int64_t said_s = of->condition.alert_window_s, window_s = of->condition.window_s;

    if (!of->condition.is_of_anomalies)
        return true;
    if (of->trigger_window_s > window_s || of->recovery_window_s > window_s)
        return monitor_refuse(reading,
                              "a window of 'threshold_windows' is longer than the query's");
    return said_s == 0 || of->trigger_window_s == 0 || of->trigger_window_s == said_s ||
           monitor_refuse(reading, "'threshold_windows.trigger_window' is not the alert_window "
                                   "of the query");
}

static bool read_windows(struct monitor_reading *reading, const char *name, struct slice value)
{
    struct slice trigger = json_view_member(value, "trigger_window");
    struct slice recovery = json_view_member(value, "recovery_window");

    if (json_view_kind(value) != JSON_KIND_OBJECT)
        return monitor_refuse(reading, "'%s' is an object", name);
    return (json_view_is_absent(trigger) ||
            read_span(reading, "threshold_windows.trigger_window", trigger, 7 * DAY_S,
                      &reading->out->trigger_window_s)) &&
           (json_view_is_absent(recovery) ||
            read_span(reading, "threshold_windows.recovery_window", recovery, 7 * DAY_S,
                      &reading->out->recovery_window_s)) &&
           check_windows(reading);
}

/* A key of the query; "*" is all groups together, as they are where there is no key. */
static bool is_told_by(const struct condition *condition, struct slice item)
{
    char text[MONITOR_NAME_MAX];
    size_t i = 0;

    if (json_view_kind(item) != JSON_KIND_STRING || item.len > sizeof text)
        return false;
    struct slice key = { text, json_view_text(item, text) };

    if (condition->n_by == 0)
        return slice_equal(key, SLICE("*"));
    while (i < condition->n_by && !slice_equal(condition->by[i], key))
        i++;
    return i < condition->n_by;
}

/* Of each group as it is: what is coarser is not there. */
static bool read_notify_by(struct monitor_reading *reading, const char *name,
                           struct slice value)
{
    const struct condition *condition = &reading->out->condition;
    struct slice inside = json_view_inside(value), item;
    bool is_fine = true;
    size_t n = 0;

    for (; is_fine && json_view_next_item(&inside, &item); n++)
        is_fine = is_told_by(condition, item);
    return (is_fine && (n == 0 || condition->n_by == 0 || n == condition->n_by)) ||
           monitor_refuse(reading,
                          "'%s': Heeler tells of each group; coarser ones are not there", name);
}

static bool read_preset(struct monitor_reading *reading, const char *name, struct slice value)
{
    static const struct {
        const char *name;
        struct monitor_hides hides;
    } presets[] = {
        { "show_all", { .query = false } },
        { "hide_query", { .query = true } },
        { "hide_handles", { .handles = true } },
        { "hide_query_and_handles", { .query = true, .handles = true } },
        { "hide_handles_and_footer", { .handles = true, .link = true } },
        { "show_only_snapshot", { .query = true, .handles = true, .link = true } },
        { "hide_all", { .query = true, .handles = true, .picture = true, .link = true } },
    };

    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (json_view_says(value, presets[i].name)) {
            reading->out->hides = presets[i].hides;
            return true;
        }
    return monitor_refuse(reading,
                          "'%s' is show_all, hide_query, hide_handles, hide_all, "
                          "hide_query_and_handles, hide_handles_and_footer or "
                          "show_only_snapshot",
                          name);
}

static bool read_scheduling(struct monitor_reading *reading, const char *name,
                            struct slice value)
{
    struct slice inside = json_view_inside(value), member, what;

    while (json_view_next_member(&inside, &member, &what))
        if (!json_view_is_absent(what))
            return monitor_refuse(
                reading, "'%s': Heeler evaluates each minute, and has no schedules", name);
    return true;
}

/* Accepted, and without a meaning here: it changes nothing that is told. */
static bool read_no_meaning(struct monitor_reading *reading, const char *name,
                            struct slice value)
{
    (void)reading, (void)name, (void)value;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct monitor_reading *reading, const char *name, struct slice value);
} options[] = {
    { "thresholds", read_thresholds },
    { "notify_no_data", read_notify_no_data },
    { "no_data_timeframe", read_no_data_timeframe },
    { "on_missing_data", read_missing },
    { "renotify_interval", read_renotify_interval },
    { "renotify_occurrences", read_renotify_occurrences },
    { "renotify_statuses", read_renotify_statuses },
    { "escalation_message", read_escalation },
    { "timeout_h", read_timeout },
    { "evaluation_delay", read_evaluation_delay },
    { "new_group_delay", read_new_group_delay },
    { "new_host_delay", read_new_host_delay },
    { "require_full_window", read_full_window },
    { "include_tags", read_include_tags },
    { "silenced", read_silenced },
    { "group_retention_duration", read_retention },
    { "threshold_windows", read_windows },
    { "notify_by", read_notify_by },
    { "notification_preset_name", read_preset },
    { "scheduling_options", read_scheduling },
    { "notify_audit", read_no_meaning }, /* who changes a monitor is not told about */
    { "locked", read_no_meaning },       /* deprecated: who may change it */
    { "aggregation", read_no_meaning },
    { "device_ids", read_no_meaning },
    { "enable_logs_sample", read_no_meaning },
    { "enable_samples", read_no_meaning },
    { "groupby_simple_monitor", read_no_meaning },
    { "min_failure_duration", read_no_meaning },
    { "min_location_failed", read_no_meaning },
    { "synthetics_check_id", read_no_meaning },
    { "variables", read_no_meaning },
};

bool monitor_knows_option(struct slice name)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (slice_equal(name, slice_of(options[i].name)))
            return true;
    return false;
}

bool monitor_read_options(struct monitor_reading *reading, struct slice value)
{
    if (json_view_is_absent(value))
        return true;
    if (json_view_kind(value) != JSON_KIND_OBJECT)
        return monitor_refuse(reading, "'options' is an object");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct slice member = json_view_member(value, options[i].name);

        if (!json_view_is_absent(member) && !options[i].read(reading, options[i].name, member))
            return false;
    }
    if (!check_thresholds(reading))
        return false;
    return !(reading->says_no_data && reading->says_missing) ||
           monitor_refuse(reading, "'on_missing_data' and 'notify_no_data' do not go together");
}
