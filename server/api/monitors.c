/* Monitors: the requests for them, with the statuses and sentences that clients of Datadog
 * know.
 *
 * Who evaluates them sees what changed here by itself (server/monitors/monitoring.h); an answer
 * has the states of the last evaluation. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/api/api.h"
#include "server/api/downtimes_shared.h"
#include "server/api/monitors_shared.h"
#include "server/monitors/evaluator.h"

enum { PAGE_SIZE = 100, PAGE_SIZE_MAX = 1000, IDS_MAX = 100, MATCHES_MAX = 500000 };

/* ---- one --------------------------------------------------------------- */

/* What a former program kept and this one cannot read is shown without what is read of it. */
void monitors_look(const struct server_view *view, const struct definition *definition,
                   struct monitor_look *out)
{
    if (monitor_read(definition->body, &out->monitor, out->problem, sizeof out->problem))
        out->problem[0] = '\0';
    else
        out->monitor = (struct monitor){ .room = NULL };
    out->sight = (struct monitor_sight){ definition, &out->monitor, NULL, out->problem };
    if (view->evaluator != NULL)
        out->sight.watched =
            monitors_find(evaluator_monitors(view->evaluator), definition->number);
}

void monitors_look_away(struct monitor_look *given)
{
    monitor_free(&given->monitor);
}

struct definition *monitors_need(struct desk_job *job, const struct http_request *request,
                                 const struct server_view *view)
{
    struct defined monitors = api_defined(view, DEFINITION_MONITOR);
    char room[API_NAME_MAX];
    int64_t number = 0;
    struct definition *found = NULL;

    if (number_int64(api_path_part(request, "/api/v1/monitor/", room), &number))
        found = defined_find_number(&monitors, number);
    if (found == NULL)
        api_refuse(job, 404, "Monitor not found");
    return found;
}

struct definition *monitors_need_to_change(struct desk_job *job,
                                           const struct http_request *request,
                                           const struct server_view *view)
{
    struct definition *found = monitors_need(job, request, view);

    return found != NULL && api_may_change(job, found, "heeler_monitors_path",
                                           "; to mute it, make a downtime")
               ? found
               : NULL;
}

static void reply_with(struct desk_job *given, const struct server_view *view,
                       const struct definition *definition, bool has_creator)
{
    struct json_out out = { .comma = false };
    struct monitor_look look;

    monitors_look(view, definition, &look);
    json_out_begin(&out, NULL, '{');
    monitor_form_write(&out, &look.sight, has_creator);
    json_out_end(&out, '}');
    monitors_look_away(&look);
    api_reply(given, 200, &out);
}

void monitors_put(struct desk_job *given, const struct server_view *view,
                  struct definition *definition, bool has_creator)
{
    definition->changed_ms = clock_wall_ms();
    const struct definition *made = api_put(given, api_definitions(view), definition);

    if (made != NULL)
        reply_with(given, view, made, has_creator);
}

/* Whether that monitor is no operand of a composite; refuses it then. */
static bool refuse_operand(struct desk_job *job, const struct defined *monitors, int64_t number)
{
    const struct definition *operand = defined_find_number(monitors, number);
    const char *why = NULL;

    if (operand == NULL)
        why = "is not there";
    else if (json_view_says(json_view_member(operand->body, "type"), "composite"))
        why = "is a composite, and no composite is made of others";
    if (why != NULL)
        api_refuse(job, 400,
                   "The value provided for parameter 'query' is invalid: monitor %" PRId64
                   " %s",
                   number, why);
    return why != NULL;
}

/* False: it was refused. The body is that of a monitor. */
static bool check_operands(struct desk_job *job, const struct server_view *view,
                           struct slice body)
{
    struct defined monitors = api_defined(view, DEFINITION_MONITOR);
    char problem[MONITOR_PROBLEM_MAX];
    struct monitor monitor;
    bool is_refused = false;

    if (!monitor_read(body, &monitor, problem, sizeof problem))
        return true;
    for (size_t i = 0; !is_refused && i < monitor.condition.n_operands; i++)
        is_refused = refuse_operand(job, &monitors, monitor.condition.operands[i]);
    monitor_free(&monitor);
    return !is_refused;
}

/* The body that is to be kept, of what was before and the request's. False: it was refused. */
static bool make_body(struct desk_job *job, const struct http_request *request,
                      const struct server_view *view, struct slice base, struct bytes *out)
{
    char problem[MONITOR_PROBLEM_MAX];
    struct slice body;

    if (!api_read_body(job, request, MONITOR_KEYS_MAX, &body))
        return false;
    if (!monitor_form_make(base, body, out, problem)) {
        api_refuse(job, 400, "%s", problem);
        return false;
    }
    /* One that lost an operand can still be changed in all else. */
    return json_view_member(body, "query").len == 0 ||
           check_operands(job, view, bytes_view(out));
}

/* ---- making and changing ----------------------------------------------- */

void monitors_create(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct defined monitors = api_defined(argument, DEFINITION_MONITOR);
    struct definition made = { .kind = DEFINITION_MONITOR, .created_ms = clock_wall_ms() };
    char name[DEFINED_UUID_LEN + 1];
    struct bytes body = { 0 };

    if (!make_body(given, request, argument, SLICE("{}"), &body)) {
        bytes_free(&body);
        return;
    }
    made.body = bytes_view(&body);
    if (defined_make_ids(&monitors, name, &made.number)) {
        made.name = slice_of(name);
        monitors_put(given, argument, &made, true);
    } else {
        api_refuse(given, 503, "the system has no randomness for an id");
    }
    bytes_free(&body);
}

void monitors_update(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct definition *found = monitors_need_to_change(given, request, argument);
    struct bytes body = { 0 };

    if (found == NULL)
        return;
    struct definition changed = *found;

    if (make_body(given, request, argument, found->body, &body)) {
        changed.body = bytes_view(&body);
        monitors_put(given, argument, &changed, false);
    }
    bytes_free(&body);
}

void monitors_validate(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    struct bytes body = { 0 };

    if (make_body(given, request, argument, SLICE("{}"), &body))
        api_reply_text(given, 200, "{}\n");
    bytes_free(&body);
}

/* As it would be with that. */
void monitors_validate_one(struct desk_job *given, const struct http_request *request,
                           void *argument)
{
    const struct definition *found = monitors_need(given, request, argument);
    struct bytes body = { 0 };

    if (found != NULL && make_body(given, request, argument, found->body, &body))
        api_reply_text(given, 200, "{}\n");
    bytes_free(&body);
}

/* ---- deleting ---------------------------------------------------------- */

/* The first composite that has it as an operand, or NULL. */
static const struct definition *composite_of(const struct defined *monitors, int64_t number)
{
    const struct definition *at = NULL;
    char problem[MONITOR_PROBLEM_MAX];
    bool uses = false;

    while (!uses && (at = defined_next(monitors, at)) != NULL) {
        struct monitor monitor;

        if (!json_view_says(json_view_member(at->body, "type"), "composite") ||
            !monitor_read(at->body, &monitor, problem, sizeof problem))
            continue;
        for (size_t i = 0; i < monitor.condition.n_operands; i++)
            uses = uses || monitor.condition.operands[i] == number;
        monitor_free(&monitor);
    }
    return at;
}

/* "monitor [1,name] is referenced in composite monitors: [2]" */
static void write_reference(char *out, size_t size, const struct definition *definition,
                            const struct definition *composite)
{
    char room[MONITOR_NAME_MAX];
    struct slice name = json_view_member(definition->body, "name");
    size_t len = name.len <= sizeof room ? json_view_text(name, room) : 0;

    snprintf(out, size,
             "monitor [%" PRId64 ",%.*s] is referenced in composite monitors: [%" PRId64 "]",
             definition->number, (int)len, room, composite->number);
}

void monitors_delete(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct defined monitors = api_defined(argument, DEFINITION_MONITOR);
    struct definition *found = monitors_need_to_change(given, request, argument);
    const struct definition *composite;
    char sentence[MONITOR_NAME_MAX + 128];
    struct json_out out = { .comma = false };

    if (found == NULL)
        return;
    if (!api_is_true(request, "force") &&
        (composite = composite_of(&monitors, found->number)) != NULL) {
        write_reference(sentence, sizeof sentence, found, composite);
        api_refuse(given, 400, "%s", sentence);
        return;
    }
    json_out_begin(&out, NULL, '{');
    json_out_signed(&out, "deleted_monitor_id", found->number);
    json_out_end(&out, '}');
    definitions_drop(monitors.made, found, clock_wall_ms());
    api_reply(given, 200, &out);
}

/* One of monitor_ids: into the list of those that can be deleted, or an error. */
static void judge(const struct defined *monitors, struct slice id, struct json_out *good,
                  struct json_out *bad)
{
    char sentence[MONITOR_NAME_MAX + 128] = "Monitor not found", name[24];
    const struct definition *found = NULL, *composite = NULL;
    int64_t number = 0;

    if (number_int64(id, &number))
        found = defined_find_number(monitors, number);
    if (found != NULL && (composite = composite_of(monitors, number)) == NULL) {
        json_out_signed(good, NULL, number);
        return;
    }
    if (found != NULL)
        write_reference(sentence, sizeof sentence, found, composite);
    snprintf(name, sizeof name, "%" PRId64, number);
    json_out_begin(bad, name, '[');
    json_out_text(bad, NULL, sentence);
    json_out_end(bad, ']');
}

void monitors_can_delete(struct desk_job *given, const struct http_request *request,
                         void *argument)
{
    struct defined monitors = api_defined(argument, DEFINITION_MONITOR);
    struct json_out out = { .comma = false }, bad = { .comma = false };
    char room[HTTP_HEAD_MAX];
    struct slice ids;

    if (!http_parameter(request->query, "monitor_ids", room, &ids) || ids.len == 0) {
        api_refuse(given, 400, "monitor_ids: expected numbers with commas between them");
        return;
    }
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "data", '{');
    json_out_begin(&out, "ok", '[');
    for (size_t i = 0; ids.len > 0 && i < IDS_MAX; i++)
        judge(&monitors, slice_cut(&ids, ','), &out, &bad);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    if (bad.bytes.len > 0) {
        json_out_begin(&out, "errors", '{');
        bytes_add(&out.bytes, bad.bytes.at, bad.bytes.len);
        json_out_end(&out, '}');
    } else {
        json_out_null(&out, "errors");
    }
    json_out_end(&out, '}');
    out.bytes.failed = out.bytes.failed || bad.bytes.failed;
    api_reply(given, bad.bytes.len > 0 ? 409 : 200, &out);
    bytes_free(&bad.bytes);
}

/* ---- reading ----------------------------------------------------------- */

/* group_states=all, or some of alert, warn, no data, ok. False: it was refused; no bits: it is
 * not asked. */
static bool read_states(struct desk_job *job, const struct http_request *request, uint32_t *out)
{
    char room[HTTP_HEAD_MAX];
    struct slice words;

    *out = 0;
    if (!http_parameter(request->query, "group_states", room, &words))
        return true;
    while (words.len > 0) {
        struct slice word = slice_trim(slice_cut(&words, ','), " ");
        enum monitor_state state;

        if (slice_equal(word, SLICE("all"))) {
            *out |= (1U << MONITOR_STATE_COUNT) - 1;
        } else if (monitor_state_find(word, &state)) {
            *out |= 1U << state;
        } else {
            api_refuse(job, 400, "Invalid group_state filters.");
            return false;
        }
    }
    return true;
}

struct listing {
    const struct server_view *view;
    uint32_t states;
    struct downtime_sights downtimes; /* none unless asked for */
    size_t states_left;
};

/* Downtimes that hold, in words of v1. */
static void write_downtimes(struct json_out *out, const struct downtime_sights *sights,
                            const struct monitor_sight *sight)
{
    for (size_t i = 0; i < sights->n; i++) {
        const struct downtime_sight *at = &sights->at[i];

        if (at->status != DOWNTIME_ACTIVE || !downtime_form_is_about(at, sight))
            continue;
        json_out_begin(out, NULL, '{');
        json_out_signed(out, "id", at->definition->number);
        json_out_signed(out, "start", at->from_s);
        api_form_seconds(out, "end", at->until_s);
        downtime_form_scope(out, "scope", at->definition->body);
        json_out_end(out, '}');
    }
}

static void write_one(struct json_out *out, struct listing *listing,
                      const struct monitor_sight *sight)
{
    json_out_begin(out, NULL, '{');
    monitor_form_write(out, sight, true);
    if (listing->states != 0)
        monitor_form_states(out, sight->watched, listing->states, &listing->states_left);
    json_out_begin(out, "matching_downtimes", '[');
    write_downtimes(out, &listing->downtimes, sight);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* False: it was refused. */
static bool begin_listing(struct desk_job *job, const struct http_request *request,
                          const struct server_view *view, struct listing *out)
{
    *out = (struct listing){ .view = view, .states_left = MONITOR_STATES_MAX };
    if (!read_states(job, request, &out->states))
        return false;
    if (!api_is_true(request, "with_downtimes") || downtimes_look(view, &out->downtimes))
        return true;
    api_refuse(job, 503, "not enough memory");
    return false;
}

void monitors_get(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct definition *found = monitors_need(given, request, argument);
    struct json_out out = { .comma = false };
    struct listing listing;
    struct monitor_look look;

    if (found == NULL || !begin_listing(given, request, argument, &listing))
        return;
    monitors_look(argument, found, &look);
    write_one(&out, &listing, &look.sight);
    monitors_look_away(&look);
    downtimes_look_away(&listing.downtimes);
    api_reply(given, 200, &out);
}

static bool contains(struct slice text, struct slice part)
{
    return part.len == 0 ||
           (part.len <= text.len && memmem(text.at, text.len, part.at, part.len) != NULL);
}

static bool has_tag(const struct monitor *monitor, struct slice tag)
{
    return tag.len == 0 || slice_is_among(tag, monitor->tags, monitor->n_tags);
}

/* Its own tags have all of them: "team:web,env:prod". */
static bool has_tags(const struct monitor *monitor, struct slice tags)
{
    while (tags.len > 0)
        if (!has_tag(monitor, slice_trim(slice_cut(&tags, ','), " ")))
            return false;
    return true;
}

/* Its query says all of them in its scope. */
static bool is_about_tags(const struct monitor *monitor, struct slice tags)
{
    while (tags.len > 0)
        if (!contains(monitor->query, slice_trim(slice_cut(&tags, ','), " ")))
            return false;
    return true;
}

static struct slice parameter(const struct http_request *request, const char *name, char *room)
{
    struct slice value;

    return http_parameter(request->query, name, room, &value) ? value : SLICE("");
}

/* Which of them. */
struct wanted {
    char room[3][HTTP_HEAD_MAX];
    struct slice name, tags, monitor_tags;
    bool by_id; /* in their order, behind one */
    int64_t behind_id;
    int64_t start, count;
};

static bool is_wanted(const struct wanted *wanted, const struct monitor_sight *sight)
{
    return contains(sight->monitor->name, wanted->name) &&
           is_about_tags(sight->monitor, wanted->tags) &&
           has_tags(sight->monitor, wanted->monitor_tags);
}

static bool read_wanted(struct desk_job *job, const struct http_request *request,
                        struct wanted *out)
{
    char room[HTTP_HEAD_MAX];
    bool pages = parameter(request, "page", room).len > 0 ||
                 parameter(request, "page_size", room).len > 0;
    int64_t page = 0, size = pages ? PAGE_SIZE : PAGE_SIZE_MAX;

    out->by_id = parameter(request, "id_offset", room).len > 0;
    out->behind_id = 0;
    if (!api_read_number(job, request, "page", 0, INT32_MAX, &page) ||
        !api_read_number(job, request, "page_size", 1, PAGE_SIZE_MAX, &size) ||
        !api_read_number(job, request, "id_offset", 0, INT64_MAX, &out->behind_id))
        return false;
    out->start = page * size;
    out->count = pages || out->by_id ? size : INT64_MAX;
    out->name = parameter(request, "name", out->room[0]);
    out->tags = parameter(request, "tags", out->room[1]);
    out->monitor_tags = parameter(request, "monitor_tags", out->room[2]);
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct definition *const *one = a, *const *other = b;

    return ((*one)->number > (*other)->number) - ((*one)->number < (*other)->number);
}

/* Each downtime with each monitor would be hundreds of megabytes. False: it was refused. */
static bool is_bounded(struct desk_job *job, const struct listing *listing,
                       const struct wanted *wanted)
{
    struct defined monitors = api_defined(listing->view, DEFINITION_MONITOR);
    size_t n =
        monitors.of_files->of[DEFINITION_MONITOR].n + monitors.made->of[DEFINITION_MONITOR].n;

    n = wanted->count < (int64_t)n ? (size_t)wanted->count : n;
    if (n * listing->downtimes.n <= MATCHES_MAX)
        return true;
    api_refuse(job, 400,
               "with_downtimes: %zu monitors and %zu downtimes are too many at once: "
               "ask in pages, with page_size",
               n, listing->downtimes.n);
    return false;
}

/* False without memory. */
static bool write_list(struct json_out *out, struct listing *listing, struct wanted *wanted)
{
    struct defined monitors = api_defined(listing->view, DEFINITION_MONITOR);
    size_t most =
        monitors.of_files->of[DEFINITION_MONITOR].n + monitors.made->of[DEFINITION_MONITOR].n;
    const struct definition *at = NULL, **all = calloc(most + 1, sizeof(const void *));
    size_t n = 0;

    while (all != NULL && (at = defined_next(&monitors, at)) != NULL)
        if (!wanted->by_id || at->number > wanted->behind_id)
            all[n++] = at;
    if (n > 0 && wanted->by_id)
        qsort(all, n, sizeof *all, by_number);
    for (size_t i = 0; i < n && wanted->count > 0; i++) {
        struct monitor_look look;

        monitors_look(listing->view, all[i], &look);
        if (is_wanted(wanted, &look.sight) && wanted->start-- <= 0) {
            write_one(out, listing, &look.sight);
            wanted->count--;
        }
        monitors_look_away(&look);
    }
    bool good = all != NULL;

    free(all);
    return good;
}

void monitors_list(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct json_out out = { .comma = false };
    struct listing listing;
    struct wanted wanted;

    if (!read_wanted(given, request, &wanted) ||
        !begin_listing(given, request, argument, &listing))
        return;
    if (!is_bounded(given, &listing, &wanted)) {
        downtimes_look_away(&listing.downtimes);
        return;
    }
    json_out_begin(&out, NULL, '[');
    out.bytes.failed = !write_list(&out, &listing, &wanted) || out.bytes.failed;
    json_out_end(&out, ']');
    downtimes_look_away(&listing.downtimes);
    api_reply(given, 200, &out);
}
