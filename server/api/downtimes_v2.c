/* Downtimes as /api/v2/downtime has them: the requests, with the statuses and sentences that
 * clients of Datadog know. */
#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "server/api/api.h"
#include "server/api/downtimes_shared.h"
#include "server/api/monitors_shared.h"

enum { LIMIT = 30, LIMIT_MAX = 1000 };

struct definition *downtimes_v2_need(struct desk_job *job, const struct http_request *request,
                                     const struct server_view *view)
{
    struct defined downtimes = api_defined(view, DEFINITION_DOWNTIME);
    char room[API_NAME_MAX];
    struct slice name = api_path_part(request, "/api/v2/downtime/", room);
    struct definition *found = defined_find(&downtimes, name);

    if (found == NULL)
        api_refuse(job, 404, "Downtime %.*s not found", (int)name.len, name.at);
    return found;
}

/* {"data":{"type":"downtime","attributes":{..}}}. False: it was refused. */
static bool read_attributes(struct desk_job *job, const struct http_request *request,
                            struct slice *out)
{
    struct slice body, data;

    if (!api_read_body(job, request, DOWNTIME_KEYS_MAX, &body))
        return false;
    data = json_view_member(body, "data");
    *out = json_view_member(data, "attributes");
    if (json_view_kind(*out) == JSON_KIND_OBJECT &&
        json_view_says(json_view_member(data, "type"), "downtime"))
        return true;
    api_refuse(job, 400, "expected {\"data\":{\"type\":\"downtime\",\"attributes\":{...}}}");
    return false;
}

static void write_one(struct json_out *out, const struct downtime_sight *sight)
{
    struct json_out data = { .comma = false };

    downtime_form_write_v2(&data, sight);
    json_out_begin(out, NULL, '{');
    json_out_raw(out, "data", bytes_view(&data.bytes));
    downtime_form_included(out);
    json_out_end(out, '}');
    out->bytes.failed = out->bytes.failed || data.bytes.failed;
    bytes_free(&data.bytes);
}

void downtimes_v2_create(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    struct slice attributes;

    if (!read_attributes(given, request, &attributes))
        return;
    if (json_view_kind(json_view_member(attributes, "monitor_identifier")) != JSON_KIND_OBJECT)
        api_refuse(given, 400, "'monitor_identifier' has a monitor_id, or monitor_tags");
    else
        downtimes_make(given, argument, attributes, true, write_one);
}

void downtimes_v2_get(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    const struct definition *found = downtimes_v2_need(given, request, argument);

    if (found != NULL)
        downtimes_reply(given, argument, found, write_one);
}

void downtimes_v2_update(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    const struct definition *found = downtimes_v2_need(given, request, argument);
    struct slice attributes;

    if (found != NULL && downtimes_may_change(given, found) &&
        read_attributes(given, request, &attributes))
        downtimes_change(given, argument, found, attributes, true, write_one);
}

void downtimes_v2_delete(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    const struct definition *found = downtimes_v2_need(given, request, argument);

    if (found == NULL || !downtimes_may_change(given, found))
        return;
    if (downtimes_cancel(argument, found))
        api_reply_nothing(given);
    else
        api_refuse(given, 503, "not enough memory");
}

/* ---- lists ------------------------------------------------------------- */

static void write_meta(struct json_out *out, int64_t n)
{
    json_out_begin(out, "meta", '{');
    json_out_begin(out, "page", '{');
    json_out_signed(out, "total_filtered_count", n);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

struct page {
    int64_t offset, limit;
};

static bool read_page(struct desk_job *job, const struct http_request *request,
                      struct page *out)
{
    *out = (struct page){ 0, LIMIT };
    return api_read_number(job, request, "page[offset]", 0, INT32_MAX, &out->offset) &&
           api_read_number(job, request, "page[limit]", 1, LIMIT_MAX, &out->limit);
}

static bool is_on(const struct page *page, int64_t i)
{
    return i >= page->offset && i - page->offset < page->limit;
}

static void write_list(struct json_out *out, const struct downtime_sights *sights,
                       bool only_current, const struct page *page)
{
    int64_t n = 0;

    json_out_begin(out, "data", '[');
    for (size_t i = 0; i < sights->n; i++)
        if (!only_current || sights->at[i].status == DOWNTIME_ACTIVE) {
            if (is_on(page, n++))
                downtime_form_write_v2(out, &sights->at[i]);
        }
    json_out_end(out, ']');
    downtime_form_included(out);
    write_meta(out, n);
}

void downtimes_v2_list(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    struct json_out out = { .comma = false };
    struct downtime_sights sights;
    struct page page;

    if (!read_page(given, request, &page))
        return;
    if (downtimes_look(argument, &sights)) {
        json_out_begin(&out, NULL, '{');
        write_list(&out, &sights, api_is_true(request, "current_only"), &page);
        json_out_end(&out, '}');
        api_reply(given, 200, &out);
    } else {
        api_refuse(given, 503, "not enough memory");
    }
    downtimes_look_away(&sights);
}

/* ---- of a monitor ------------------------------------------------------ */

/* The groups that are muted, as far as there are groups. */
static void write_groups(struct json_out *out, const struct watched_monitor *watched)
{
    enum { GROUPS_MAX = 1000 };

    json_out_begin(out, "groups", '[');
    for (size_t i = 0; watched != NULL && i < watched->n_groups && i < GROUPS_MAX; i++)
        if (watched->groups[i]->is_muted)
            json_out_slice(out, NULL, watched->groups[i]->name);
    json_out_end(out, ']');
}

static void write_match(struct json_out *out, const struct downtime_sight *sight,
                        const struct watched_monitor *watched)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "type", "downtime_match");
    json_out_slice(out, "id", sight->definition->name);
    json_out_begin(out, "attributes", '{');
    write_groups(out, watched);
    json_out_slice(out, "scope", sight->downtime.scope.text);
    api_form_time(out, "start", 1000 * sight->from_s);
    api_form_time(out, "end", sight->until_s == DOWNTIME_FOR_EVER ? 0 : 1000 * sight->until_s);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

void downtimes_v2_matches(struct desk_job *given, const struct http_request *request,
                          void *argument)
{
    const struct definition *found = monitors_need(given, request, argument);
    struct json_out out = { .comma = false };
    struct downtime_sights sights;
    struct monitor_look look;
    struct page page;
    int64_t n = 0;

    if (found == NULL || !read_page(given, request, &page))
        return;
    if (!downtimes_look(argument, &sights)) {
        api_refuse(given, 503, "not enough memory");
        return;
    }
    monitors_look(argument, found, &look);
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "data", '[');
    for (size_t i = 0; i < sights.n; i++)
        if (sights.at[i].status == DOWNTIME_ACTIVE &&
            downtime_form_is_about(&sights.at[i], &look.sight) && is_on(&page, n++))
            write_match(&out, &sights.at[i], look.sight.watched);
    json_out_end(&out, ']');
    write_meta(&out, n);
    json_out_end(&out, '}');
    monitors_look_away(&look);
    downtimes_look_away(&sights);
    api_reply(given, 200, &out);
}
