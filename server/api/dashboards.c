/* Dashboards and timeboards: the requests for them.
 *
 * Statuses are those that clients of Datadog know: 200 with the object, 404, 400 with a
 * sentence; a deleted timeboard is 204 without a body, a deleted dashboard 200 with its id.
 * When there is no more room it is 409: their libraries read the sentence of that, and do not
 * try again. */
#include "config/clock.h"
#include "config/string_list.h"
#include "flush/memory/json_view.h"
#include "protocol/number.h"
#include "server/api/api.h"
#include "server/api/api_job.h"
#include "server/api/dashboard.h"

enum { LIST_COUNT = 100, LIST_COUNT_MAX = 1000 };

typedef bool check_body(struct slice body, char problem[static DASHBOARD_PROBLEM_MAX]);
typedef void write_one(struct json_out *out, const struct definition *definition);

static struct defined boards_of(void *argument)
{
    return api_defined(argument, DEFINITION_DASHBOARD);
}

/* ---- finding ----------------------------------------------------------- */

/* By the name or the number in the path, whichever route it is. NULL: it was refused. */
static struct definition *find(struct desk_job *job, const struct http_request *request,
                               const struct defined *boards)
{
    char room[API_NAME_MAX];
    struct slice id = api_path_name(request, room);
    struct definition *found = defined_find(boards, id);
    int64_t number;

    if (found == NULL && number_int64(id, &number))
        found = defined_find_number(boards, number);
    if (found == NULL)
        api_refuse(job, 404, "Dashboard with ID %.*s not found", (int)id.len, id.at);
    return found;
}

/* The same, to change it. */
static struct definition *find_to_change(struct desk_job *job,
                                         const struct http_request *request,
                                         const struct defined *boards)
{
    struct definition *found = find(job, request, boards);

    return found != NULL && api_may_change(job, found, "heeler_dashboards_path", "") ? found
                                                                                     : NULL;
}

/* ---- writing ----------------------------------------------------------- */

static void reply_with(struct desk_job *given, const struct definition *definition,
                       write_one *write)
{
    struct json_out out = { .comma = false };

    write(&out, definition);
    api_reply(given, 200, &out);
}

static void put(struct desk_job *given, struct definitions *definitions,
                const struct definition *definition, write_one *write)
{
    const struct definition *made = api_put(given, definitions, definition);

    if (made != NULL)
        reply_with(given, made, write);
}

/* Checks the body. False: it was refused. */
static bool read_board(struct desk_job *job, const struct http_request *request,
                       check_body *check, struct slice *body)
{
    char problem[DASHBOARD_PROBLEM_MAX];

    if (!api_read_body(job, request, API_KEYS_MAX, body))
        return false;
    if (check(*body, problem))
        return true;
    api_refuse(job, 400, "%s", problem);
    return false;
}

/* Puts a body that was checked. The ids that its widgets get begin with the time, so none comes
 * twice. */
static void put_body(struct desk_job *given, struct definitions *definitions,
                     struct definition *definition, struct slice body, write_one *write)
{
    struct json_out numbered = { .comma = false };

    definition->body = body;
    definition->changed_ms = clock_wall_ms();
    if (write == dashboard_write) {
        dashboard_number_widgets(&numbered, body, definition->changed_ms * 100);
        definition->body = bytes_view(&numbered.bytes);
    }
    if (numbered.bytes.failed)
        api_refuse(given, 503, "not enough memory");
    else
        put(given, definitions, definition, write);
    bytes_free(&numbered.bytes);
}

static void create(struct desk_job *given, const struct http_request *request, void *argument,
                   check_body *check, write_one *write)
{
    struct defined boards = boards_of(argument);
    struct definition made = { .kind = DEFINITION_DASHBOARD, .created_ms = clock_wall_ms() };
    char name[DEFINED_UUID_LEN + 1];
    struct slice body;

    if (!read_board(given, request, check, &body))
        return;
    if (!defined_make_ids(&boards, name, &made.number)) {
        api_refuse(given, 503, "the system has no randomness for an id");
        return;
    }
    made.name = slice_of(name);
    put_body(given, boards.made, &made, body, write);
}

static void update(struct desk_job *given, const struct http_request *request, void *argument,
                   check_body *check, write_one *write)
{
    struct defined boards = boards_of(argument);
    const struct definition *found = find_to_change(given, request, &boards);
    struct slice body;

    if (found == NULL || !read_board(given, request, check, &body))
        return;
    struct definition changed = *found;

    put_body(given, boards.made, &changed, body, write);
}

/* ---- reading ----------------------------------------------------------- */

static void get(struct desk_job *given, const struct http_request *request, void *argument,
                write_one *write)
{
    struct defined boards = boards_of(argument);
    const struct definition *found = find(given, request, &boards);

    if (found != NULL)
        reply_with(given, found, write);
}

/* Nothing is shared with others, and what was deleted is gone. */
static bool wants_what_is_not(const struct http_request *request)
{
    char room[HTTP_HEAD_MAX];
    struct slice value;

    return (http_parameter(request->query, "filter[shared]", room, &value) &&
            slice_equal(value, SLICE("true"))) ||
           (http_parameter(request->query, "filter[deleted]", room, &value) &&
            slice_equal(value, SLICE("true")));
}

static void write_list(struct json_out *out, const struct defined *boards, int64_t start,
                       int64_t count)
{
    const struct definition *at = NULL;

    while ((at = defined_next(boards, at)) != NULL)
        if (start-- <= 0 && count-- > 0)
            dashboard_write_row(out, at);
}

/* What is wrong with files; nothing, if they are fine. */
static void write_problems(struct json_out *out, const struct string_list *problems)
{
    if (problems->n == 0)
        return;
    json_out_begin(out, "problems", '[');
    for (size_t i = 0; i < problems->n; i++)
        json_out_text(out, NULL, problems->at[i]);
    json_out_end(out, ']');
}

void dashboards_list(struct desk_job *given, const struct http_request *request, void *argument)
{
    struct defined boards = boards_of(argument);
    struct json_out out = { .comma = false };
    int64_t start = 0, count = LIST_COUNT;

    if (!api_read_number(given, request, "start", 0, INT32_MAX, &start) ||
        !api_read_number(given, request, "count", 1, LIST_COUNT_MAX, &count))
        return;
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "dashboards", '[');
    if (!wants_what_is_not(request))
        write_list(&out, &boards, start, count);
    json_out_end(&out, ']');
    write_problems(&out, api_problems(argument, API_DASHBOARDS));
    json_out_end(&out, '}');
    api_reply(given, 200, &out);
}

void dashboards_list_timeboards(struct desk_job *given, const struct http_request *request,
                                void *argument)
{
    struct defined boards = boards_of(argument);
    const struct definition *at = NULL;
    struct json_out out = { .comma = false };

    (void)request;
    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "dashes", '[');
    while ((at = defined_next(&boards, at)) != NULL)
        if (dashboard_is_timeboard(at))
            dashboard_write_timeboard_row(&out, at);
    json_out_end(&out, ']');
    json_out_end(&out, '}');
    api_reply(given, 200, &out);
}

/* ---- deleting ---------------------------------------------------------- */

void dashboards_delete_timeboard(struct desk_job *given, const struct http_request *request,
                                 void *argument)
{
    struct defined boards = boards_of(argument);
    struct definition *found = find_to_change(given, request, &boards);

    if (found == NULL)
        return;
    definitions_drop(boards.made, found, clock_wall_ms());
    api_reply_nothing(given);
}

void dashboards_delete(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    struct defined boards = boards_of(argument);
    struct definition *found = find_to_change(given, request, &boards);
    struct json_out out = { .comma = false };

    if (found == NULL)
        return;
    json_out_begin(&out, NULL, '{');
    json_out_slice(&out, "deleted_dashboard_id", found->name);
    json_out_end(&out, '}');
    definitions_drop(boards.made, found, clock_wall_ms());
    api_reply(given, 200, &out);
}

static struct definition *find_item(const struct defined *boards, struct slice item)
{
    struct slice id = json_view_member(item, "id");
    char room[API_NAME_MAX];

    if (id.len > sizeof room)
        return NULL;
    size_t len = json_view_text(id, room);

    return defined_find(boards, (struct slice){ room, len });
}

/* False: it was refused. */
static bool may_drop(struct desk_job *job, const struct defined *boards, struct slice item,
                     size_t number)
{
    const struct definition *found = find_item(boards, item);

    if (found == NULL)
        api_refuse(job, 404, "data[%zu]: no dashboard has this id", number);
    else if (found->file.len > 0)
        api_refuse(job, 403, "data[%zu]: the file %.*s of heeler_dashboards_path holds it",
                   number, (int)found->file.len, found->file.at);
    return found != NULL && found->file.len == 0;
}

/* {"data":[{"id":ID,"type":"dashboard"}, ...]}: all of them or none. */
void dashboards_delete_some(struct desk_job *given, const struct http_request *request,
                            void *argument)
{
    struct defined boards = boards_of(argument);
    struct slice body, item;

    if (!api_read_body(given, request, API_KEYS_MAX, &body))
        return;
    struct slice data = json_view_member(body, "data");
    struct slice inside = json_view_inside(data), again = inside;

    if (json_view_kind(data) != JSON_KIND_ARRAY) {
        api_refuse(given, 400, "data: expected a list of dashboards");
        return;
    }
    for (size_t i = 0; json_view_next_item(&inside, &item); i++)
        if (!may_drop(given, &boards, item, i))
            return;
    while (json_view_next_item(&again, &item)) {
        struct definition *found = find_item(&boards, item);

        if (found != NULL)
            definitions_drop(boards.made, found, clock_wall_ms());
    }
    api_reply_nothing(given);
}

/* ---- the routes -------------------------------------------------------- */

void dashboards_create_timeboard(struct desk_job *given, const struct http_request *request,
                                 void *argument)
{
    create(given, request, argument, dashboard_check_timeboard, dashboard_write_timeboard);
}

void dashboards_update_timeboard(struct desk_job *given, const struct http_request *request,
                                 void *argument)
{
    update(given, request, argument, dashboard_check_timeboard, dashboard_write_timeboard);
}

void dashboards_get_timeboard(struct desk_job *given, const struct http_request *request,
                              void *argument)
{
    get(given, request, argument, dashboard_write_timeboard);
}

void dashboards_create(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    create(given, request, argument, dashboard_check, dashboard_write);
}

void dashboards_update(struct desk_job *given, const struct http_request *request,
                       void *argument)
{
    update(given, request, argument, dashboard_check, dashboard_write);
}

void dashboards_get(struct desk_job *given, const struct http_request *request, void *argument)
{
    get(given, request, argument, dashboard_write);
}
