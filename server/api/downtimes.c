/* Downtimes as /api/v1/downtime has them: the requests, with the statuses and sentences that
 * clients of Datadog know. Also what mutes all monitors, which is one of them. */
#include <inttypes.h>
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/api/api.h"
#include "server/api/downtimes_shared.h"
#include "server/api/monitors_shared.h"

static struct definition *find(const struct http_request *request,
                               const struct server_view *view, int64_t *number)
{
    struct defined downtimes = api_defined(view, DEFINITION_DOWNTIME);
    char room[API_NAME_MAX];

    *number = 0;
    return number_int64(api_path_part(request, "/api/v1/downtime/", room), number)
               ? defined_find_number(&downtimes, *number)
               : NULL;
}

static void refuse_memory(struct desk_job *given)
{
    api_refuse(given, 503, "not enough memory");
}

void downtimes_create(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    struct slice body;

    if (api_read_body(given, request, DOWNTIME_KEYS_MAX, &body))
        downtimes_make(given, argument, body, false, downtime_form_write);
}

void downtimes_get(struct desk_job *given, const struct http_request *request, void *argument)
{
    int64_t number;
    const struct definition *found = find(request, argument, &number);

    if (found != NULL)
        downtimes_reply(given, argument, found, downtime_form_write);
    else
        api_refuse(given, 404, "Downtime not found");
}

void downtimes_update(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    int64_t number;
    const struct definition *found = find(request, argument, &number);
    struct slice body;

    if (found == NULL)
        api_refuse(given, 404, "Downtime not found");
    else if (downtimes_may_change(given, found) &&
             api_read_body(given, request, DOWNTIME_KEYS_MAX, &body))
        downtimes_change(given, argument, found, body, false, downtime_form_write);
}

void downtimes_delete(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    int64_t number;
    const struct definition *found = find(request, argument, &number);

    if (found == NULL)
        api_refuse(given, 404, "Downtime %" PRId64 " not found", number);
    else if (downtimes_may_change(given, found)) {
        if (downtimes_cancel(argument, found))
            api_reply_nothing(given);
        else
            refuse_memory(given);
    }
}

/* ---- lists ------------------------------------------------------------- */

static void write_list(struct json_out *out, const struct downtime_sights *sights,
                       bool only_current, const struct monitor_sight *monitor)
{
    json_out_begin(out, NULL, '[');
    for (size_t i = 0; i < sights->n; i++) {
        const struct downtime_sight *sight = &sights->at[i];
        bool is_over = sight->status == DOWNTIME_CANCELED || sight->status == DOWNTIME_ENDED;

        if ((only_current && sight->status != DOWNTIME_ACTIVE) ||
            (monitor != NULL && (is_over || !downtime_form_is_about(sight, monitor))))
            continue;
        downtime_form_write(out, sight);
    }
    json_out_end(out, ']');
}

void downtimes_list(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct json_out out = { .comma = false };
    struct downtime_sights sights;

    if (downtimes_look(argument, &sights)) {
        write_list(&out, &sights, api_is_true(request, "current_only"), NULL);
        api_reply(given, 200, &out);
    } else {
        refuse_memory(given);
    }
    downtimes_look_away(&sights);
}

/* Those about one monitor that hold, or will. */
void downtimes_list_of_monitor(struct desk_job *given, const struct http_request *request,
                               void *argument)
{
    const struct definition *found = monitors_need(given, request, argument);
    struct json_out out = { .comma = false };
    struct downtime_sights sights;
    struct monitor_look look;

    if (found == NULL)
        return;
    monitors_look(argument, found, &look);
    if (downtimes_look(argument, &sights)) {
        write_list(&out, &sights, false, &look.sight);
        api_reply(given, 200, &out);
    } else {
        refuse_memory(given);
    }
    downtimes_look_away(&sights);
    monitors_look_away(&look);
}

/* ---- by scope ---------------------------------------------------------- */

/* The tags of a scope, as JSON: alike where two scopes are, but for their order. */
static struct slice scope_of(struct slice body, struct json_out *out)
{
    downtime_form_scope(out, NULL, body);
    return bytes_view(&out->bytes);
}

/* Whether each item of a list is one of the other. */
static bool has_all(struct slice list, struct slice of)
{
    struct slice inside = json_view_inside(of), item, other;

    while (json_view_next_item(&inside, &item)) {
        struct slice again = json_view_inside(list);
        bool found = false;

        while (!found && json_view_next_item(&again, &other))
            found = slice_equal(item, other);
        if (!found)
            return false;
    }
    return true;
}

static bool has_scope(struct slice body, struct slice scope)
{
    struct json_out own = { .comma = false };
    struct slice list = scope_of(body, &own);
    bool same = !own.bytes.failed && has_all(list, scope) && has_all(scope, list);

    bytes_free(&own.bytes);
    return same;
}

/* Cancels them, the newest first; how many. */
static size_t cancel_all(const struct server_view *view, const struct downtime_sights *sights,
                         bool (*is_meant)(const struct downtime_sight *sight,
                                          struct slice scope),
                         struct slice scope, struct json_out *out)
{
    size_t n = 0;

    for (size_t i = sights->n; i-- > 0;) {
        const struct downtime_sight *sight = &sights->at[i];
        int64_t number = sight->definition->number;

        if (sight->status == DOWNTIME_CANCELED || sight->status == DOWNTIME_ENDED ||
            sight->definition->file.len > 0 || !is_meant(sight, scope) ||
            !downtimes_cancel(view, sight->definition))
            continue;
        json_out_signed(out, NULL, number);
        n++;
    }
    return n;
}

static bool is_of_scope(const struct downtime_sight *sight, struct slice scope)
{
    return has_scope(sight->definition->body, scope);
}

void downtimes_cancel_by_scope(struct desk_job *given, const struct http_request *request,
                               void *argument)
{
    struct json_out out = { .comma = false }, scope = { .comma = false };
    struct downtime_sights sights;
    struct slice body, list;

    if (!api_read_body(given, request, DOWNTIME_KEYS_MAX, &body))
        return;
    list = scope_of(body, &scope);
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "cancelled_ids", '[');
    if (list.len <= 2)
        api_refuse(given, 400, "Invalid scope parameter");
    else if (!downtimes_look(argument, &sights))
        refuse_memory(given);
    else {
        size_t n = cancel_all(argument, &sights, is_of_scope, list, &out);

        downtimes_look_away(&sights);
        if (n == 0)
            api_refuse(given, 404, "No downtimes found");
        json_out_end(&out, ']');
        json_out_end(&out, '}');
        if (n > 0)
            api_reply(given, 200, &out);
    }
    bytes_free(&out.bytes);
    bytes_free(&scope.bytes);
}

/* ---- all monitors ------------------------------------------------------ */

static bool mutes_all(const struct downtime_sight *sight, struct slice scope)
{
    const struct downtime *downtime = &sight->downtime;

    (void)scope;
    return slice_equal(slice_trim(downtime->scope.text, " "), SLICE("*")) &&
           downtime->monitor == 0 && downtime->n_recurrences == 0 &&
           downtime->end_s == DOWNTIME_FOR_EVER &&
           (downtime->n_monitor_tags == 0 ||
            slice_equal(downtime->monitor_tags[0], SLICE("*")));
}

/* One that mutes all already is answered again. */
void downtimes_mute_all(struct desk_job *given, const struct http_request *request,
                        void *argument)
{
    const struct definition *found = NULL;
    struct downtime_sights sights;

    (void)request;
    if (!downtimes_look(argument, &sights)) {
        refuse_memory(given);
        return;
    }
    for (size_t i = 0; found == NULL && i < sights.n; i++)
        if (sights.at[i].status == DOWNTIME_ACTIVE && mutes_all(&sights.at[i], SLICE("")))
            found = sights.at[i].definition;
    downtimes_look_away(&sights);
    if (found != NULL)
        downtimes_reply(given, argument, found, downtime_form_write);
    else
        downtimes_make(given, argument, SLICE("{\"scope\":[\"*\"]}"), false,
                       downtime_form_write);
}

void downtimes_unmute_all(struct desk_job *given, const struct http_request *request,
                          void *argument)
{
    struct json_out out = { .comma = false };
    struct downtime_sights sights;

    (void)request;
    if (!downtimes_look(argument, &sights)) {
        refuse_memory(given);
        return;
    }
    (void)cancel_all(argument, &sights, mutes_all, SLICE(""), &out);
    downtimes_look_away(&sights);
    bytes_free(&out.bytes);
    api_reply_nothing(given);
}
