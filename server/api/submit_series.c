#include "server/api/submit_series.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "server/api/api_text.h"

enum { POINTS_AT_ONCE = 512 };

/* What a body goes through, first to be checked and then to be added. */
struct taking {
    enum submit_form form;
    struct submitter *submitter;  /* NULL: it is only checked */
    struct host_addresses *hosts; /* NULL: nobody wants to know */
    const struct sender *peer;    /* where they are */
    char *problem;
    size_t item;         /* of the list */
    struct bytes text;   /* name, unit and tags of the item */
    struct bytes values; /* of a distribution */
};

static bool fail(struct taking *taking, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct taking *taking, const char *format, ...)
{
    int len = snprintf(taking->problem, SUBMIT_PROBLEM_MAX, "series[%zu].", taking->item);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(taking->problem + len, SUBMIT_PROBLEM_MAX - (size_t)len, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- what a series is called ------------------------------------------- */

static bool is_text_or_absent(struct slice value)
{
    return json_view_kind(value) == JSON_KIND_STRING || json_view_is_absent(value);
}

/* The host of v2, and its other resources as the tags that stand for them: that of a device is
 * one to ask by, as in v1. */
static bool take_resources(struct taking *taking, struct slice resources, struct slice *host)
{
    struct slice inside = json_view_inside(resources), resource;
    struct bytes *text = &taking->text;

    if (!json_view_is_absent(resources) && json_view_kind(resources) != JSON_KIND_ARRAY)
        return fail(taking, "resources: expected a list");
    for (size_t i = 0; json_view_next_item(&inside, &resource); i++) {
        struct slice type = json_view_member(resource, "type");
        struct slice name = json_view_member(resource, "name");

        if (json_view_kind(type) != JSON_KIND_STRING ||
            json_view_kind(name) != JSON_KIND_STRING)
            return fail(taking, "resources[%zu]: expected a name and a type, which are text",
                        i);
        if (json_view_says(type, "host")) {
            *host = name;
            continue;
        }
        if (json_view_says(type, "device")) {
            api_text_add_tag(text, "device:", name);
            continue;
        }
        bytes_add(text, "dd.internal.resource:", 21);
        api_text_add_field(text, type);
        api_text_add_tag(text, ":", name);
    }
    return true;
}

static bool take_tags(struct taking *taking, struct slice item)
{
    struct slice host = json_view_member(item, "host"), device;

    if (!api_text_add_tags(&taking->text, json_view_member(item, "tags")))
        return fail(taking, "tags: expected a list of texts");
    if (taking->form == SUBMIT_V2) {
        host = (struct slice){ NULL, 0 };
        if (!take_resources(taking, json_view_member(item, "resources"), &host))
            return false;
    } else {
        device = json_view_member(item, "device");
        if (!is_text_or_absent(host) || !is_text_or_absent(device))
            return fail(taking, "host and device: expected text");
        if (device.len > 2 && !json_view_is_absent(device))
            api_text_add_tag(&taking->text, "device:", device);
    }
    api_text_add_host(&taking->text, host);
    return true;
}

/* Fills in the views of the text, which the next item replaces. */
static bool take_naming(struct taking *taking, struct slice item, struct submitted *out)
{
    struct slice metric = json_view_member(item, "metric");
    struct slice unit = json_view_member(item, "unit");
    struct bytes *text = &taking->text;

    bytes_clear(text);
    if (json_view_kind(metric) != JSON_KIND_STRING || metric.len == 2)
        return fail(taking, "metric: expected a text that is not empty");
    if (!is_text_or_absent(unit))
        return fail(taking, "unit: expected text");
    api_text_add(text, metric);
    size_t name_len = text->len;

    api_text_add(text, unit);
    size_t unit_len = text->len - name_len;

    if (!take_tags(taking, item))
        return false;
    if (text->failed)
        return fail(taking, "metric: there is no memory for it");
    out->name = (struct slice){ (const char *)text->at, name_len };
    out->unit = (struct slice){ (const char *)text->at + name_len, unit_len };
    out->tags = (struct slice){ (const char *)text->at + name_len + unit_len,
                                text->len - name_len - unit_len };
    return true;
}

/* ---- type and interval ------------------------------------------------- */

static bool take_type_v1(struct slice value, enum submitted_type *out)
{
    static const char *const words[] = {
        [SUBMITTED_GAUGE] = "gauge",
        [SUBMITTED_COUNT] = "count",
        [SUBMITTED_RATE] = "rate",
    };

    *out = SUBMITTED_GAUGE;
    if (json_view_is_absent(value) || json_view_says(value, ""))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (json_view_says(value, words[i])) {
            *out = (enum submitted_type)i;
            return true;
        }
    return false;
}

static bool take_type_v2(struct slice value, enum submitted_type *out)
{
    static const enum submitted_type types[] = { SUBMITTED_GAUGE, SUBMITTED_COUNT,
                                                 SUBMITTED_RATE, SUBMITTED_GAUGE };
    int64_t number = 0;

    if (!json_view_is_absent(value) &&
        (!json_view_whole(value, &number) || number < 0 || number > 3))
        return false;
    *out = types[number];
    return true;
}

static bool take_kind(struct taking *taking, struct slice item, struct submitted *out)
{
    struct slice type = json_view_member(item, "type");
    struct slice interval = json_view_member(item, "interval");
    int64_t interval_s = 0;

    if (taking->form == SUBMIT_DISTRIBUTION)
        return json_view_is_absent(type) || json_view_says(type, "distribution") ||
               fail(taking, "type: expected distribution");
    if (taking->form == SUBMIT_V1 && !take_type_v1(type, &out->type))
        return fail(taking, "type: expected gauge, count or rate");
    if (taking->form == SUBMIT_V2 && !take_type_v2(type, &out->type))
        return fail(taking, "type: expected 0 (gauge), 1 (count), 2 (rate) or 3 (gauge)");
    if (!json_view_is_absent(interval) &&
        (!json_view_whole(interval, &interval_s) || interval_s < 0 || interval_s > INT32_MAX))
        return fail(taking, "interval: expected whole seconds");
    out->interval_s = (uint32_t)interval_s;
    return true;
}

/* ---- points ------------------------------------------------------------ */

static bool take_time(struct slice value, int64_t *out)
{
    double seconds;

    if (!json_view_number(value, &seconds) || !(seconds >= 1 && seconds < 0x1p40))
        return false;
    *out = (int64_t)floor(seconds);
    return true;
}

/* "[seconds, value]": two items and no more. */
static bool cut_pair(struct slice pair, struct slice *first, struct slice *second)
{
    struct slice inside = json_view_inside(pair), more;

    return json_view_kind(pair) == JSON_KIND_ARRAY && json_view_next_item(&inside, first) &&
           json_view_next_item(&inside, second) && !json_view_next_item(&inside, &more);
}

static bool take_point(struct taking *taking, struct slice value, struct submitted_point *out)
{
    struct slice time, number;

    if (taking->form == SUBMIT_V1)
        return cut_pair(value, &time, &number) && take_time(time, &out->time_s) &&
               json_view_number(number, &out->value);
    return take_time(json_view_member(value, "timestamp"), &out->time_s) &&
           json_view_number(json_view_member(value, "value"), &out->value);
}

static void add(struct taking *taking, struct submitted *submitted, const void *values,
                uint32_t n)
{
    submitted->values = values;
    submitted->n = n;
    if (taking->submitter != NULL && n > 0)
        submitter_add(taking->submitter, submitted);
    submitted->values = NULL;
}

static bool take_points(struct taking *taking, struct slice list, struct submitted *submitted)
{
    struct submitted_point points[POINTS_AT_ONCE];
    struct slice inside = json_view_inside(list), value;
    uint32_t n = 0;

    for (size_t i = 0; json_view_next_item(&inside, &value); i++) {
        if (!take_point(taking, value, &points[n]))
            return fail(taking, "points[%zu]: expected %s", i,
                        taking->form == SUBMIT_V1
                            ? "[SECONDS, NUMBER]"
                            : "{\"timestamp\": SECONDS, \"value\": NUMBER}");
        if (++n == POINTS_AT_ONCE) {
            add(taking, submitted, points, n);
            n = 0;
        }
    }
    add(taking, submitted, points, n);
    return true;
}

/* Fills taking->values. */
static bool take_values(struct taking *taking, struct slice list)
{
    struct slice inside = json_view_inside(list), value;
    double number;

    bytes_clear(&taking->values);
    if (json_view_kind(list) != JSON_KIND_ARRAY)
        return false;
    while (json_view_next_item(&inside, &value)) {
        if (!json_view_number(value, &number))
            return false;
        bytes_add(&taking->values, &number, sizeof number);
    }
    return !taking->values.failed && taking->values.len <= SUBMIT_VALUES_MAX * sizeof(double);
}

static bool take_distributions(struct taking *taking, struct slice list,
                               struct submitted *submitted)
{
    struct slice inside = json_view_inside(list), pair, time, values;

    for (size_t i = 0; json_view_next_item(&inside, &pair); i++) {
        if (!cut_pair(pair, &time, &values) || !take_time(time, &submitted->time_s) ||
            !take_values(taking, values))
            return fail(taking,
                        "points[%zu]: expected [SECONDS, [NUMBER, ...]], of which at "
                        "most %d",
                        i, SUBMIT_VALUES_MAX);
        add(taking, submitted, taking->values.at,
            (uint32_t)(taking->values.len / sizeof(double)));
    }
    return true;
}

/* ---- the list ---------------------------------------------------------- */

static bool take_item(struct taking *taking, struct slice item)
{
    struct slice points = json_view_member(item, "points");
    bool distribution = taking->form == SUBMIT_DISTRIBUTION;
    struct submitted submitted = { .kind = distribution ? SUBMITTED_DISTRIBUTION
                                                        : SUBMITTED_POINTS };

    if (!take_naming(taking, item, &submitted) || !take_kind(taking, item, &submitted))
        return false;
    if (json_view_kind(points) != JSON_KIND_ARRAY)
        return fail(taking, "points: expected a list");
    if (taking->hosts != NULL)
        host_addresses_note(taking->hosts, sighting_host_of_tags(submitted.tags), taking->peer);
    return distribution ? take_distributions(taking, points, &submitted)
                        : take_points(taking, points, &submitted);
}

static bool take_all(struct taking *taking, struct slice list)
{
    struct slice inside = json_view_inside(list), item;
    bool taken = true;

    for (; taken && json_view_next_item(&inside, &item); taking->item++)
        taken = take_item(taking, item);
    bytes_free(&taking->text);
    bytes_free(&taking->values);
    return taken;
}

bool submit_series_check(enum submit_form form, struct slice list,
                         char problem[static SUBMIT_PROBLEM_MAX])
{
    struct taking taking = { .form = form, .problem = problem };

    if (json_view_kind(list) == JSON_KIND_ARRAY)
        return take_all(&taking, list);
    snprintf(problem, SUBMIT_PROBLEM_MAX, "series: expected a list");
    return false;
}

void submit_series_add(enum submit_form form, struct slice list, struct submitter *submitter,
                       struct host_addresses *hosts, const struct sender *peer)
{
    char problem[SUBMIT_PROBLEM_MAX];
    struct taking taking = {
        .form = form, .submitter = submitter, .hosts = hosts, .peer = peer, .problem = problem
    };

    (void)take_all(&taking, list);
}
