/* What is known about a metric: GET and PUT /api/v1/metrics/NAME.
 *
 * A PUT changes the members that it has; those that are null are forgotten. Each is kept as it
 * came, and a metric that nobody wrote about has none. */
#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "server/api/api.h"
#include "server/api/api_job.h"

enum { METADATA_KEYS_MAX = 100 };

static const char *const texts[] = { "type",     "description", "short_name", "unit",
                                     "per_unit", "integration", NULL };

/* False: it was refused. */
static bool check(struct desk_job *job, struct slice body)
{
    static const char *const types[] = { "gauge", "rate", "count", "distribution", NULL };
    struct slice type = json_view_member(body, "type");
    struct slice interval = json_view_member(body, "statsd_interval");
    int64_t seconds;
    const char *const *at = types;

    for (size_t i = 0; texts[i] != NULL; i++) {
        enum json_kind kind = json_view_kind(json_view_member(body, texts[i]));

        if (kind <= JSON_KIND_NULL || kind == JSON_KIND_STRING)
            continue;
        api_refuse(job, 400, "%s: expected text", texts[i]);
        return false;
    }
    while (json_view_kind(type) == JSON_KIND_STRING && *at != NULL &&
           !json_view_says(type, *at))
        at++;
    if (*at == NULL) {
        api_refuse(job, 400, "type: expected gauge, rate, count or distribution");
        return false;
    }
    if (json_view_kind(interval) <= JSON_KIND_NULL || json_view_whole(interval, &seconds))
        return true;
    api_refuse(job, 400, "statsd_interval: expected whole seconds");
    return false;
}

/* The members of the old body that the new one does not have, and those of the new one. */
static void merge(struct json_out *out, struct slice old, struct slice new)
{
    struct slice inside = json_view_inside(old), name, value;

    json_out_begin(out, NULL, '{');
    while (json_view_next_member(&inside, &name, &value))
        if (!json_view_has(new, name))
            json_out_member(out, name, value);
    inside = json_view_inside(new);
    while (json_view_next_member(&inside, &name, &value))
        if (json_view_kind(value) != JSON_KIND_NULL)
            json_out_member(out, name, value);
    json_out_end(out, '}');
}

static void reply(struct desk_job *given, struct slice body)
{
    struct json_out out = { .comma = false };
    struct slice inside = json_view_inside(body), name, value;

    json_out_begin(&out, NULL, '{');
    for (size_t i = 0; texts[i] != NULL; i++)
        if (json_view_member(body, texts[i]).len == 0)
            json_out_null(&out, texts[i]);
    if (json_view_member(body, "statsd_interval").len == 0)
        json_out_null(&out, "statsd_interval");
    while (json_view_next_member(&inside, &name, &value))
        json_out_member(&out, name, value);
    json_out_end(&out, '}');
    api_reply(given, 200, &out);
}

void metadata_get(struct desk_job *given, const struct http_request *request, void *argument)
{
    char room[API_NAME_MAX];
    const struct definition *found = definitions_find(
        api_definitions(argument), DEFINITION_METRIC, api_path_name(request, room));

    reply(given, found != NULL ? found->body : SLICE("{}"));
}

void metadata_update(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct definitions *definitions = api_definitions(argument);
    char room[API_NAME_MAX];
    struct json_out merged = { .comma = false };
    struct slice body;

    if (!api_read_body(given, request, METADATA_KEYS_MAX, &body) || !check(given, body))
        return;
    struct slice name = api_path_name(request, room);
    const struct definition *old = definitions_find(definitions, DEFINITION_METRIC, name);

    if (name.len == 0 || name.len > DEFINITION_NAME_MAX) {
        api_refuse(given, 400, "the name of a metric has 1 to %d bytes", DEFINITION_NAME_MAX);
        return;
    }
    merge(&merged, old != NULL ? old->body : SLICE("{}"), body);
    struct definition definition = { .kind = DEFINITION_METRIC,
                                     .name = name,
                                     .created_ms = clock_wall_ms(),
                                     .changed_ms = clock_wall_ms(),
                                     .body = bytes_view(&merged.bytes) };
    struct definition *made;
    enum definition_result result = merged.bytes.failed
                                        ? DEFINITION_NO_MEMORY
                                        : definitions_put(definitions, &definition, &made);

    if (result == DEFINITION_DONE)
        reply(given, made->body);
    else
        api_refuse(given, result == DEFINITION_FULL ? 409 : 503,
                   result == DEFINITION_FULL
                       ? "there is no room for what is known of more metrics"
                       : "not enough memory");
    bytes_free(&merged.bytes);
}
