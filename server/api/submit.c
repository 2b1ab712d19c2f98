/* What clients submit: series, distributions, checks and events. */
#include <stdio.h>

#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "flush/snapshots/recent.h"
#include "protocol/event.h"
#include "server/api/api.h"
#include "server/api/api_job.h"
#include "server/api/submit_lines.h"
#include "server/api/submit_series.h"
#include "server/http/server_view.h"

/* They are as many as the bytes of a body allow. */
#define KEYS_MAX SIZE_MAX

/* False: it was refused. 429 is a status that clients try again. */
static bool begin(struct desk_job *job, struct submitter *submitter)
{
    switch (submitter != NULL ? submitter_begin(submitter) : SUBMITTER_CLOSED) {
    case SUBMITTER_READY:
        return true;
    case SUBMITTER_BEHIND:
        desk_add_header(job, "Retry-After", "1");
        api_refuse(job, 429, "too much was submitted that is not handled yet: try again");
        return false;
    case SUBMITTER_CLOSED:
        api_refuse(job, 503, "the server stops");
        return false;
    }
    return false;
}

/* ---- hosts ------------------------------------------------------------- */

/* NULL while nobody wants to know. Who submits is where its hosts are: a proxy in front of us
 * is what we see. */
static struct host_addresses *wanted_hosts(const struct server_view *view)
{
    struct host_addresses *hosts = view->host_addresses;

    return hosts != NULL && host_addresses_are_wanted(hosts) ? hosts : NULL;
}

/* ---- series ------------------------------------------------------------ */

static void take_series(struct desk_job *given, const struct http_request *request,
                        void *argument, enum submit_form form)
{
    const struct server_view *view = argument;
    char problem[SUBMIT_PROBLEM_MAX];
    struct slice body;

    if (!api_read_body(given, request, KEYS_MAX, &body))
        return;
    struct slice list = json_view_member(body, "series");

    if (!submit_series_check(form, list, problem)) {
        api_refuse(given, 400, "%s", problem);
        return;
    }
    if (!begin(given, view->submitter))
        return;
    submit_series_add(form, list, view->submitter, wanted_hosts(view), desk_peer(given));
    submitter_end(view->submitter);
    api_reply_text(given, 202,
                   form == SUBMIT_V2 ? "{\"errors\":[]}\n" : "{\"status\":\"ok\"}\n");
}

void submit_series(struct desk_job *given, const struct http_request *request, void *argument)
{
    take_series(given, request, argument, SUBMIT_V1);
}

void submit_series_v2(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    take_series(given, request, argument, SUBMIT_V2);
}

void submit_distributions(struct desk_job *given, const struct http_request *request,
                          void *argument)
{
    take_series(given, request, argument, SUBMIT_DISTRIBUTION);
}

/* ---- checks ------------------------------------------------------------ */

static void refuse_check(struct desk_job *job, bool is_list, size_t item, const char *problem)
{
    if (is_list)
        api_refuse(job, 400, "[%zu].%s", item, problem);
    else
        api_refuse(job, 400, "%s", problem);
}

/* One, or those of a list. False: it was refused. */
static bool each_check(struct desk_job *job, struct slice body, struct submitter *submitter,
                       struct host_addresses *hosts)
{
    bool is_list = json_view_kind(body) == JSON_KIND_ARRAY;
    struct slice inside = is_list ? json_view_inside(body) : (struct slice){ NULL, 0 };
    struct slice check = body;
    char problem[SUBMIT_SENTENCE_MAX];
    struct bytes line = { 0 };
    bool good = true;

    for (size_t i = 0; good && (is_list ? json_view_next_item(&inside, &check) : i == 0); i++) {
        bytes_clear(&line);
        good = submit_check_line(&line, check, problem);
        if (!good)
            refuse_check(job, is_list, i, problem);
        else if (submitter != NULL && !line.failed) {
            struct slice text = bytes_view(&line);

            if (hosts != NULL)
                host_addresses_note(hosts, sighting_host_of_line(text), desk_peer(job));
            submitter_add_line(submitter, LINE_CHECK, text, clock_wall_s());
        }
    }
    bytes_free(&line);
    return good;
}

void submit_checks(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    struct slice body;

    if (!api_read_json(given, request, KEYS_MAX, &body) ||
        !each_check(given, body, NULL, NULL) || !begin(given, view->submitter))
        return;
    (void)each_check(given, body, view->submitter, wanted_hosts(view));
    submitter_end(view->submitter);
    api_reply_text(given, 202, "{\"status\":\"ok\"}\n");
}

/* ---- events ------------------------------------------------------------ */

static void write_or_null(struct json_out *out, struct slice body, const char *name)
{
    struct slice value = json_view_member(body, name);

    json_out_raw(out, name, value.len > 0 ? value : SLICE("null"));
}

static void write_id(struct json_out *out, struct slice line, int64_t time_s)
{
    struct event event = { .time_s = 0 };
    char url[64];
    int64_t id = event_parse(line, &event) == PARSE_OK
                     ? recent_event_id(event.title, event.text, time_s)
                     : 0;

    snprintf(url, sizeof url, "/event/event?id=%lld", (long long)id);
    json_out_signed(out, "id", id);
    json_out_text(out, "url", url);
}

static void reply_to_event(struct desk_job *given, struct slice body, struct slice line,
                           int64_t time_s)
{
    struct json_out out = { .comma = false };
    struct slice tags = json_view_member(body, "tags");
    struct slice priority = json_view_member(body, "priority");

    json_out_begin(&out, NULL, '{');
    json_out_text(&out, "status", "ok");
    json_out_begin(&out, "event", '{');
    write_id(&out, line, time_s);
    write_or_null(&out, body, "title");
    write_or_null(&out, body, "text");
    json_out_signed(&out, "date_happened", time_s);
    write_or_null(&out, body, "handle");
    json_out_raw(&out, "priority", priority.len > 0 ? priority : SLICE("null"));
    json_out_null(&out, "related_event_id");
    json_out_raw(&out, "tags", json_view_kind(tags) == JSON_KIND_ARRAY ? tags : SLICE("[]"));
    json_out_end(&out, '}');
    json_out_end(&out, '}');
    api_reply(given, 202, &out);
}

void submit_event(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    char problem[SUBMIT_SENTENCE_MAX];
    struct bytes line = { 0 };
    struct slice body;
    int64_t now_s = clock_wall_s(), time_s;

    if (!api_read_body(given, request, API_KEYS_MAX, &body))
        return;
    if (!submit_event_line(&line, body, now_s, &time_s, problem))
        api_refuse(given, 400, "%s", problem);
    else if (line.failed)
        api_refuse(given, 503, "not enough memory");
    else if (begin(given, view->submitter)) {
        struct slice text = bytes_view(&line);

        submitter_add_line(view->submitter, LINE_EVENT, text, now_s);
        submitter_end(view->submitter);
        reply_to_event(given, body, text, time_s);
    }
    bytes_free(&line);
}
