#include "server/api/downtimes_shared.h"

#include <stdlib.h>

#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "server/api/api.h"
#include "server/http/server_view.h"

/* ---- all --------------------------------------------------------------- */

bool downtimes_look(const struct server_view *view, struct downtime_sights *out)
{
    struct defined downtimes = api_defined(view, DEFINITION_DOWNTIME);
    const struct definition *at = NULL;
    size_t most = downtimes.of_files->of[DEFINITION_DOWNTIME].n +
                  downtimes.made->of[DEFINITION_DOWNTIME].n;

    *out = (struct downtime_sights){ .now_s = clock_wall_ms() / 1000 };
    if (most == 0)
        return true;
    out->at = calloc(most, sizeof *out->at);
    while (out->at != NULL && (at = defined_next(&downtimes, at)) != NULL)
        downtime_form_look(at, view->evaluator, out->now_s, &out->at[out->n++]);
    return out->at != NULL;
}

void downtimes_look_away(struct downtime_sights *given)
{
    for (size_t i = 0; i < given->n; i++)
        downtime_form_look_away(&given->at[i]);
    free(given->at);
    *given = (struct downtime_sights){ .at = NULL };
}

/* ---- one --------------------------------------------------------------- */

void downtimes_reply(struct desk_job *given, const struct server_view *view,
                     const struct definition *definition, downtime_writer *write)
{
    struct json_out out = { .comma = false };
    struct downtime_sight sight;

    downtime_form_look(definition, view->evaluator, clock_wall_ms() / 1000, &sight);
    write(&out, &sight);
    downtime_form_look_away(&sight);
    api_reply(given, 200, &out);
}

static void put(struct desk_job *given, const struct server_view *view,
                struct definition *definition, downtime_writer *write)
{
    const struct definition *made = api_put(given, api_definitions(view), definition);

    if (made != NULL)
        downtimes_reply(given, view, made, write);
}

bool downtimes_may_change(struct desk_job *job, const struct definition *definition)
{
    return api_may_change(job, definition, "heeler_monitors_path", "");
}

/* Canceled or ended, two days ago. */
static bool is_old(const struct downtime_sight *sight, int64_t now_s)
{
    int64_t end_s = sight->status == DOWNTIME_CANCELED ? sight->canceled_s
                    : sight->status == DOWNTIME_ENDED  ? sight->until_s
                                                       : now_s;

    return end_s + DOWNTIME_KEPT_S < now_s;
}

static void drop_old(const struct server_view *view, int64_t now_s)
{
    struct definitions *made = api_definitions(view);
    struct definition *at = definitions_next(made, DEFINITION_DOWNTIME, NULL), *next;

    for (; at != NULL; at = next) {
        struct downtime_sight sight;

        next = definitions_next(made, DEFINITION_DOWNTIME, at);
        downtime_form_look(at, view->evaluator, now_s, &sight);
        bool old = is_old(&sight, now_s);

        downtime_form_look_away(&sight);
        if (old)
            definitions_drop(made, at, now_s * 1000);
    }
}

void downtimes_make(struct desk_job *given, const struct server_view *view, struct slice body,
                    bool is_v2, downtime_writer *write)
{
    struct defined downtimes = api_defined(view, DEFINITION_DOWNTIME);
    int64_t now_ms = clock_wall_ms();
    struct definition made = { .kind = DEFINITION_DOWNTIME,
                               .created_ms = now_ms,
                               .changed_ms = now_ms };
    char name[DEFINED_UUID_LEN + 1], problem[DOWNTIME_PROBLEM_MAX];
    struct bytes text = { 0 };

    drop_old(view, now_ms / 1000);
    if (!downtime_form_make(SLICE("{}"), body, is_v2, now_ms / 1000, &text, problem)) {
        api_refuse(given, 400, "%s", problem);
    } else if (!defined_make_ids(&downtimes, name, &made.number)) {
        api_refuse(given, 503, "the system has no randomness for an id");
    } else {
        made.name = slice_of(name);
        made.body = bytes_view(&text);
        put(given, view, &made, write);
    }
    bytes_free(&text);
}

/* Of v2: nothing of what was before is left, so that one of v1 becomes one of v2. */
static bool says_all(struct slice attributes)
{
    return json_view_kind(json_view_member(attributes, "monitor_identifier")) ==
               JSON_KIND_OBJECT &&
           json_view_kind(json_view_member(attributes, "scope")) == JSON_KIND_STRING &&
           json_view_kind(json_view_member(attributes, "schedule")) == JSON_KIND_OBJECT;
}

void downtimes_change(struct desk_job *given, const struct server_view *view,
                      const struct definition *definition, struct slice body, bool is_v2,
                      downtime_writer *write)
{
    char problem[DOWNTIME_PROBLEM_MAX];
    struct definition changed = *definition;
    struct bytes text = { 0 };

    struct slice base = definition->body;

    if (is_v2 && !downtime_form_is_v2(base) && says_all(body)) {
        base = SLICE("{}");
    } else if (downtime_form_is_v2(base) != is_v2) {
        api_refuse(given, 400, "this downtime was made by /api/%s/downtime: change it there",
                   is_v2 ? "v1" : "v2");
        return;
    }
    if (downtime_form_body(definition).len == 0) {
        api_refuse(given, 400, "this downtime was canceled: make another");
        return;
    }
    if (downtime_form_make(base, body, is_v2, definition->created_ms / 1000, &text, problem)) {
        changed.body = bytes_view(&text);
        changed.changed_ms = clock_wall_ms();
        put(given, view, &changed, write);
    } else {
        api_refuse(given, 400, "%s", problem);
    }
    bytes_free(&text);
}

bool downtimes_cancel(const struct server_view *view, const struct definition *definition)
{
    struct definition changed = *definition, *made;
    struct bytes text = { 0 };

    if (downtime_form_body(definition).len == 0)
        return true; /* it was already */
    changed.changed_ms = clock_wall_ms();
    downtime_form_cancel(definition->body, changed.changed_ms / 1000, &text);
    changed.body = bytes_view(&text);
    bool good = !text.failed &&
                definitions_put(api_definitions(view), &changed, &made) == DEFINITION_DONE;

    bytes_free(&text);
    return good;
}
