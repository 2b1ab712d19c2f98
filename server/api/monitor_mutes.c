/* Monitors that are muted by themselves (options.silenced), and heard again. What mutes all of
 * them is a downtime (server/api/downtimes.c). */
#include <stdio.h>

#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/api/api.h"
#include "server/api/monitors_shared.h"

/* "env:prod", or a list of tags, or nothing: all of it. Appended. False: it is something else.
 */
static bool add_scope(struct bytes *out, struct slice scope)
{
    struct slice inside = json_view_inside(scope), item;
    size_t before = out->len;

    if (json_view_kind(scope) > JSON_KIND_NULL && json_view_kind(scope) != JSON_KIND_STRING &&
        json_view_kind(scope) != JSON_KIND_ARRAY)
        return false;
    if (json_view_kind(scope) == JSON_KIND_STRING) {
        unsigned char *room = bytes_room(out, scope.len);

        out->len += room != NULL ? json_view_text(scope, (char *)room) : 0;
    }
    while (json_view_kind(scope) == JSON_KIND_ARRAY && json_view_next_item(&inside, &item)) {
        unsigned char *room;

        if (out->len > before)
            bytes_add(out, ",", 1);
        room = bytes_room(out, item.len);
        out->len += room != NULL ? json_view_text(item, (char *)room) : 0;
    }
    if (out->len == before)
        bytes_add(out, "*", 1);
    return true;
}

/* "*", or tags with commas between them of which one has a key: anything else would mute no
 * group. False: it was refused. */
static bool check_scope(struct desk_job *job, const struct bytes *text)
{
    struct slice rest = slice_of((const char *)text->at);
    bool is_fine = slice_equal(rest, SLICE("*")) || memchr(rest.at, ':', rest.len) != NULL;

    while (is_fine && rest.len > 0) {
        struct slice tag = slice_trim(slice_cut(&rest, ','), " ");

        is_fine = memchr(tag.at, ' ', tag.len) == NULL;
    }
    if (!is_fine)
        api_refuse(job, 400, "scope: expected tags like \"env:prod\", or \"*\"");
    return is_fine;
}

/* A second, also in quotes, of the body or the query part; null or nothing: it never ends. */
static bool read_end(const struct http_request *request, struct slice body, int64_t *out)
{
    struct slice value = json_view_member(body, "end"), text = value;
    char room[HTTP_HEAD_MAX];

    *out = 0;
    if (api_form_absent(value) && !http_parameter(request->query, "end", room, &text))
        return true;
    if (json_view_kind(value) == JSON_KIND_STRING)
        text = (struct slice){ value.at + 1, value.len - 2 };
    return number_int64(text, out) && *out > 0;
}

/* {"options":{"silenced":{...}}}: what is silenced, but for that scope; NULL: for all. */
static void begin_silenced(struct json_out *out, const struct definition *definition,
                           const char *but)
{
    const char *const names[] = { but, NULL };
    struct slice options = json_view_member(definition->body, "options");

    json_out_begin(out, NULL, '{');
    json_out_begin(out, "options", '{');
    json_out_begin(out, "silenced", '{');
    if (but != NULL)
        api_form_rest(out, json_view_member(options, "silenced"), names);
}

/* Closes it, and puts the monitor with it. */
static void put_silenced(struct desk_job *given, const struct server_view *view,
                         const struct definition *definition, struct json_out *given_over)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct definition changed = *definition;
    struct bytes body = { 0 };

    for (int i = 0; i < 3; i++)
        json_out_end(given_over, '}');
    struct slice over = bytes_view(&given_over->bytes);

    if (given_over->bytes.failed) {
        api_refuse(given, 503, "not enough memory");
    } else if (monitor_form_make(definition->body, over, &body, problem)) {
        changed.body = bytes_view(&body);
        monitors_put(given, view, &changed, true);
    } else {
        api_refuse(given, 400, "%s", problem);
    }
    bytes_free(&body);
    bytes_free(&given_over->bytes);
}

/* The scope of the request, of its body or of its query part, which ends in a NUL. False: it
 * was refused. */
static bool read_scope(struct desk_job *job, const struct http_request *request,
                       struct slice body, struct bytes *out)
{
    struct slice scope = json_view_member(body, "scope"), text;
    char room[HTTP_HEAD_MAX];
    bool good = true;

    if (api_form_absent(scope) && http_parameter(request->query, "scope", room, &text) &&
        text.len > 0)
        bytes_add(out, text.at, text.len);
    else
        good = add_scope(out, scope);

    if (good && memchr(out->at, '\0', out->len) == NULL)
        bytes_add(out, "", 1);
    else
        good = false;
    if (out->failed)
        api_refuse(job, 503, "not enough memory");
    else if (!good)
        api_refuse(job, 400, "scope: expected a text like \"env:prod\", or a list of such");
    return good && !out->failed;
}

void monitors_mute(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct definition *found = monitors_need_to_change(given, request, argument);
    struct json_out over = { .comma = false };
    struct bytes scope = { 0 };
    struct slice body;
    int64_t end_s;

    if (found == NULL || !api_read_body_or_none(given, request, MONITOR_KEYS_MAX, &body))
        return;
    if (!read_end(request, body, &end_s)) {
        api_refuse(given, 400, "end: expected a time in seconds since 1970, or null");
    } else if (read_scope(given, request, body, &scope) && check_scope(given, &scope)) {
        const char *name = (const char *)scope.at;

        begin_silenced(&over, found, name);
        api_form_seconds(&over, name, end_s);
        put_silenced(given, argument, found, &over);
    }
    bytes_free(&scope);
}

/* Without a scope it ends what was muted without one, and leaves the other scopes muted, unless
 * all_scopes says otherwise. */
void monitors_unmute(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct definition *found = monitors_need_to_change(given, request, argument);
    struct json_out over = { .comma = false };
    struct bytes scope = { 0 };
    struct slice body;

    if (found == NULL || !api_read_body_or_none(given, request, MONITOR_KEYS_MAX, &body))
        return;
    bool all = json_view_kind(json_view_member(body, "all_scopes")) == JSON_KIND_TRUE ||
               api_is_true(request, "all_scopes");

    if (read_scope(given, request, body, &scope)) {
        begin_silenced(&over, found, all ? NULL : (const char *)scope.at);
        put_silenced(given, argument, found, &over);
    }
    bytes_free(&scope);
}
