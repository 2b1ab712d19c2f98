#include "server/api/dashboard.h"

#include <stdio.h>
#include <stdlib.h>

#include "flush/language/expression.h"
#include "flush/memory/json_view.h"
#include "server/api/api_form.h"
#include "server/api/dashboard_form.h"

/* Who defined it: there is one user here. */
#define AUTHOR "heeler"

/* ---- may it be taken? -------------------------------------------------- */

static bool is_text(struct slice value)
{
    return json_view_kind(value) == JSON_KIND_STRING;
}

/* Datadog's own example says "read_only": "True". */
static bool is_true(struct slice value)
{
    return json_view_kind(value) == JSON_KIND_TRUE || json_view_says(value, "True") ||
           json_view_says(value, "true");
}

static bool is_bool(struct slice value)
{
    return is_true(value) || json_view_kind(value) == JSON_KIND_FALSE ||
           json_view_says(value, "False") || json_view_says(value, "false");
}

/* What a member must be, if it is there. */
struct expected {
    const char *name;
    bool required;
    enum json_kind kind; /* JSON_KIND_TRUE stands for true and false */
    const char *sentence;
};

static bool is_as_expected(const struct expected *expected, struct slice value)
{
    if (api_form_absent(value))
        return !expected->required;
    return expected->kind == JSON_KIND_TRUE ? is_bool(value)
                                            : json_view_kind(value) == expected->kind;
}

/* where: what stands before the name in the sentence. */
static bool check_members(struct slice object, const struct expected *expected,
                          const char *where, char *problem)
{
    for (; expected->name != NULL; expected++) {
        if (is_as_expected(expected, json_view_member(object, expected->name)))
            continue;
        snprintf(problem, DASHBOARD_PROBLEM_MAX, "%s%s: expected %s", where, expected->name,
                 expected->sentence);
        return false;
    }
    return true;
}

/* Template variables ("$host") are filled in by who draws it: such a query is not looked at. */
static bool check_query(struct slice query, const char *where, const char *name, char *problem)
{
    struct expression *expression = malloc(sizeof *expression);
    char *text = malloc(query.len + 1), sentence[DASHBOARD_PROBLEM_MAX / 2];
    bool good = true;

    if (expression != NULL && text != NULL && json_view_kind(query) == JSON_KIND_STRING &&
        memchr(query.at, '$', query.len) == NULL) {
        size_t len = json_view_text(query, text);

        good = expression_parse_list((struct slice){ text, len }, expression, sentence,
                                     sizeof sentence);
        if (!good)
            snprintf(problem, DASHBOARD_PROBLEM_MAX, "%.200s%s: %s", where, name, sentence);
    }
    free(expression);
    free(text);
    return good;
}

/* Of other sources than metrics nothing is known here: who draws it says so. */
static bool check_queries(struct slice queries, const char *where, char *problem)
{
    static const struct expected members[] = {
        { "query", true, JSON_KIND_STRING, "a query, which is text" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    struct slice inside = json_view_inside(queries), query;
    char here[DASHBOARD_PROBLEM_MAX / 2];

    for (size_t i = 0;
         json_view_kind(queries) == JSON_KIND_ARRAY && json_view_next_item(&inside, &query);
         i++) {
        snprintf(here, sizeof here, "%.200squeries[%zu].", where, i);
        if (json_view_says(json_view_member(query, "data_source"), "metrics") &&
            (!check_members(query, members, here, problem) ||
             !check_query(json_view_member(query, "query"), here, "query", problem)))
            return false;
    }
    return true;
}

static bool check_requests(struct slice requests, const char *where, char *problem)
{
    static const struct expected members[] = {
        { "q", false, JSON_KIND_STRING, "a query, which is text" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    struct slice inside = json_view_inside(requests), request;
    char here[DASHBOARD_PROBLEM_MAX / 2];

    for (size_t i = 0;
         json_view_kind(requests) == JSON_KIND_ARRAY && json_view_next_item(&inside, &request);
         i++) {
        snprintf(here, sizeof here, "%.200srequests[%zu].", where, i);
        if (json_view_kind(request) != JSON_KIND_OBJECT) {
            snprintf(problem, DASHBOARD_PROBLEM_MAX, "%s: expected an object", here);
            return false;
        }
        if (!check_members(request, members, here, problem) ||
            !check_query(json_view_member(request, "q"), here, "q", problem) ||
            !check_queries(json_view_member(request, "queries"), here, problem))
            return false;
    }
    return true;
}

static bool check_graph(struct slice graph, size_t number, char *problem)
{
    static const struct expected members[] = {
        { "title", true, JSON_KIND_STRING, "text" },
        { "definition", true, JSON_KIND_OBJECT, "an object" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    static const struct expected of_definition[] = {
        { "viz", false, JSON_KIND_STRING, "text" },
        { "requests", true, JSON_KIND_ARRAY, "a list of requests" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    char where[64], inside[64];
    struct slice definition = json_view_member(graph, "definition");

    snprintf(where, sizeof where, "graphs[%zu].", number);
    snprintf(inside, sizeof inside, "graphs[%zu].definition.", number);
    return check_members(graph, members, where, problem) &&
           check_members(definition, of_definition, inside, problem) &&
           check_requests(json_view_member(definition, "requests"), inside, problem);
}

static bool has_title(struct slice body, char *problem)
{
    struct slice title = json_view_member(body, "title");

    if (is_text(title) && title.len > 2)
        return true;
    snprintf(problem, DASHBOARD_PROBLEM_MAX, "title: expected a text that is not empty");
    return false;
}

bool dashboard_check_timeboard(struct slice body, char problem[static DASHBOARD_PROBLEM_MAX])
{
    static const struct expected members[] = {
        { "description", false, JSON_KIND_STRING, "text" },
        { "graphs", true, JSON_KIND_ARRAY, "a list of graphs" },
        { "template_variables", false, JSON_KIND_ARRAY, "a list, or null" },
        { "read_only", false, JSON_KIND_TRUE, "true or false" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    struct slice inside = json_view_inside(json_view_member(body, "graphs")), graph;

    if (!has_title(body, problem) || !check_members(body, members, "", problem))
        return false;
    for (size_t i = 0; json_view_next_item(&inside, &graph); i++)
        if (!check_graph(graph, i, problem))
            return false;
    return true;
}

static bool check_widgets(struct slice widgets, const char *where, char *problem);

/* Groups have widgets of their own, but no group among them. */
static bool check_widget(struct slice widget, const char *where, char *problem)
{
    static const struct expected members[] = {
        { "definition", true, JSON_KIND_OBJECT, "an object" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    static const struct expected of_definition[] = {
        { "type", true, JSON_KIND_STRING, "the type of the widget, which is text" },
        { "title", false, JSON_KIND_STRING, "text" },
        { "widgets", false, JSON_KIND_ARRAY, "a list of widgets" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    struct slice definition = json_view_member(widget, "definition");
    char inside[DASHBOARD_PROBLEM_MAX / 2];

    snprintf(inside, sizeof inside, "%sdefinition.", where);
    return check_members(widget, members, where, problem) &&
           check_members(definition, of_definition, inside, problem) &&
           check_requests(json_view_member(definition, "requests"), inside, problem) &&
           check_widgets(json_view_member(definition, "widgets"), inside, problem);
}

/* As deep as JSON may be; what has no room in the sentence is cut. */
static bool check_widgets(struct slice widgets, const char *where, char *problem)
{
    struct slice inside = json_view_inside(widgets), widget;
    char here[DASHBOARD_PROBLEM_MAX / 4];

    for (size_t i = 0; json_view_next_item(&inside, &widget); i++) {
        snprintf(here, sizeof here, "%.90swidgets[%zu].", where, i);
        if (!check_widget(widget, here, problem))
            return false;
    }
    return true;
}

bool dashboard_check(struct slice body, char problem[static DASHBOARD_PROBLEM_MAX])
{
    static const struct expected members[] = {
        { "layout_type", true, JSON_KIND_STRING, "ordered or free" },
        { "widgets", true, JSON_KIND_ARRAY, "a list of widgets" },
        { "description", false, JSON_KIND_STRING, "text, or null" },
        { "template_variables", false, JSON_KIND_ARRAY, "a list, or null" },
        { "template_variable_presets", false, JSON_KIND_ARRAY, "a list, or null" },
        { "notify_list", false, JSON_KIND_ARRAY, "a list, or null" },
        { "restricted_roles", false, JSON_KIND_ARRAY, "a list, or null" },
        { "tags", false, JSON_KIND_ARRAY, "a list, or null" },
        { "is_read_only", false, JSON_KIND_TRUE, "true or false" },
        { NULL, false, JSON_KIND_NONE, NULL },
    };
    struct slice layout = json_view_member(body, "layout_type");
    struct slice reflow = json_view_member(body, "reflow_type");

    if (!has_title(body, problem) || !check_members(body, members, "", problem))
        return false;
    if (!api_form_absent(reflow) && !json_view_says(reflow, "auto") &&
        !json_view_says(reflow, "fixed")) {
        snprintf(problem, DASHBOARD_PROBLEM_MAX, "reflow_type: expected auto or fixed");
        return false;
    }
    if (!json_view_says(layout, "ordered") && !json_view_says(layout, "free")) {
        snprintf(problem, DASHBOARD_PROBLEM_MAX, "layout_type: expected ordered or free");
        return false;
    }
    return check_widgets(json_view_member(body, "widgets"), "", problem);
}

bool dashboard_is_timeboard(const struct definition *definition)
{
    return api_form_absent(json_view_member(definition->body, "layout_type"));
}

/* ---- ids of widgets ---------------------------------------------------- */

static void number_widgets(struct json_out *out, const char *name, struct slice widgets,
                           int64_t *next);

static void number_definition(struct json_out *out, struct slice definition, int64_t *next)
{
    struct slice inside = json_view_inside(definition), name, value;

    json_out_begin(out, "definition", '{');
    while (json_view_next_member(&inside, &name, &value))
        if (json_view_says(name, "widgets") && json_view_kind(value) == JSON_KIND_ARRAY)
            number_widgets(out, "widgets", value, next);
        else
            json_out_member(out, name, value);
    json_out_end(out, '}');
}

static void number_widget(struct json_out *out, struct slice widget, int64_t *next)
{
    struct slice inside = json_view_inside(widget), name, value;
    int64_t id;

    json_out_begin(out, NULL, '{');
    if (!json_view_whole(json_view_member(widget, "id"), &id))
        json_out_signed(out, "id", (*next)++);
    else
        json_out_signed(out, "id", id);
    while (json_view_next_member(&inside, &name, &value))
        if (json_view_says(name, "definition"))
            number_definition(out, value, next);
        else if (!json_view_says(name, "id"))
            json_out_member(out, name, value);
    json_out_end(out, '}');
}

static void number_widgets(struct json_out *out, const char *name, struct slice widgets,
                           int64_t *next)
{
    struct slice inside = json_view_inside(widgets), widget;

    json_out_begin(out, name, '[');
    while (json_view_next_item(&inside, &widget))
        number_widget(out, widget, next);
    json_out_end(out, ']');
}

void dashboard_number_widgets(struct json_out *out, struct slice body, int64_t next)
{
    struct slice inside = json_view_inside(body), name, value;

    json_out_begin(out, NULL, '{');
    while (json_view_next_member(&inside, &name, &value))
        if (json_view_says(name, "widgets"))
            number_widgets(out, "widgets", value, &next);
        else
            json_out_member(out, name, value);
    json_out_end(out, '}');
}

/* ---- what the server says of it ---------------------------------------- */

enum { SLUG_MAX = 100 };

/* Words of the title, in small letters with hyphens between them. */
static void write_slug(struct bytes *out, struct slice title)
{
    bool hyphen = false, begun = false;
    size_t end = out->len + SLUG_MAX;

    for (size_t i = 0; i < title.len && out->len < end; i++) {
        char byte = title.at[i];

        byte = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))) {
            hyphen = begun;
            continue;
        }
        if (hyphen)
            bytes_add(out, "-", 1);
        bytes_add(out, &byte, 1);
        hyphen = false;
        begun = true;
    }
}

/* The title as it reads: clients escape what is no ASCII. */
static void write_slug_of(struct bytes *out, struct slice title)
{
    char *room = malloc(title.len + 1);

    if (room == NULL) {
        out->failed = true;
        return;
    }
    size_t len = json_view_text(title, room);

    write_slug(out, (struct slice){ room, len });
    free(room);
}

/* "/dash/17/my-title", as a member. */
static void write_address(struct json_out *out, const char *folder, struct slice id,
                          struct slice body)
{
    struct bytes address = { 0 };

    bytes_add(&address, folder, strlen(folder));
    bytes_add(&address, id.at, id.len);
    bytes_add(&address, "/", 1);
    write_slug_of(&address, json_view_member(body, "title"));
    if (address.failed)
        out->bytes.failed = true;
    else
        json_out_slice(out, "url", bytes_view(&address));
    bytes_free(&address);
}

/* What a file holds is changed there alone. */
static bool is_read_only(const struct definition *definition, const char *member)
{
    return definition->file.len > 0 || is_true(json_view_member(definition->body, member));
}

static void write_file(struct json_out *out, const struct definition *definition)
{
    if (definition->file.len > 0)
        json_out_slice(out, "file", definition->file);
}

/* ---- as a timeboard ---------------------------------------------------- */

static void write_author(struct json_out *out)
{
    json_out_begin(out, "created_by", '{');
    json_out_bool(out, "disabled", false);
    json_out_text(out, "handle", AUTHOR);
    json_out_text(out, "name", AUTHOR);
    json_out_null(out, "title");
    json_out_bool(out, "is_admin", true);
    json_out_null(out, "role");
    json_out_text(out, "access_role", "adm");
    json_out_bool(out, "verified", true);
    json_out_text(out, "email", "");
    json_out_text(out, "icon", "");
    json_out_end(out, '}');
}

/* Of a timeboard, before the rest. */
static void write_times(struct json_out *out, const struct definition *definition)
{
    json_out_bool(out, "read_only", is_read_only(definition, "read_only"));
    write_file(out, definition);
    json_out_slice(out, "new_id", definition->name);
    api_form_time(out, "created", definition->created_ms);
    api_form_time(out, "modified", definition->changed_ms);
    write_author(out);
}

static const char *const said_of_timeboards[] = {
    "id",    "new_id",      "created", "modified",           "created_by",
    "title", "description", "graphs",  "template_variables", "read_only",
    "file",  NULL,
};

static void write_dash(struct json_out *out, const struct definition *definition)
{
    struct slice body = definition->body;

    json_out_begin(out, "dash", '{');
    json_out_signed(out, "id", definition->number);
    write_times(out, definition);
    api_form_or(out, body, "title", "\"\"");
    api_form_or(out, body, "description", "null");
    api_form_or(out, body, "template_variables", "null");
    if (dashboard_is_timeboard(definition)) {
        api_form_or(out, body, "graphs", "[]");
        api_form_rest(out, body, said_of_timeboards);
    } else {
        dashboard_form_graphs(out, json_view_member(body, "widgets"));
    }
    json_out_end(out, '}');
}

void dashboard_write_timeboard(struct json_out *out, const struct definition *definition)
{
    char resource[64];
    struct slice id = { resource + sizeof "/api/v1/dash/" - 1, 0 };

    snprintf(resource, sizeof resource, "/api/v1/dash/%lld", (long long)definition->number);
    id.len = strlen(id.at);
    json_out_begin(out, NULL, '{');
    write_dash(out, definition);
    write_address(out, "/dash/", id, definition->body);
    json_out_text(out, "resource", resource);
    json_out_end(out, '}');
}

void dashboard_write_timeboard_row(struct json_out *out, const struct definition *definition)
{
    char resource[64];

    snprintf(resource, sizeof resource, "/api/v1/dash/%lld", (long long)definition->number);
    json_out_begin(out, NULL, '{');
    json_out_text(out, "resource", resource);
    api_form_or(out, definition->body, "description", "\"\""); /* dog joins it to a line */
    api_form_or(out, definition->body, "title", "\"\"");
    json_out_text(out, "id", resource + sizeof "/api/v1/dash/" - 1);
    write_times(out, definition);
    json_out_end(out, '}');
}

/* ---- as a dashboard ---------------------------------------------------- */

static const char *const said_of_dashboards[] = {
    "id",          "url",         "author_handle",      "author_name",      "created_at",
    "modified_at", "title",       "description",        "layout_type",      "is_read_only",
    "widgets",     "notify_list", "template_variables", "restricted_roles", "file",
    NULL,
};

static void write_heading(struct json_out *out, const struct definition *definition)
{
    struct slice body = definition->body;
    bool timeboard = dashboard_is_timeboard(definition);
    bool read_only = is_read_only(definition, timeboard ? "read_only" : "is_read_only");

    json_out_slice(out, "id", definition->name);
    api_form_or(out, body, "title", "\"\"");
    api_form_or(out, body, "description", "null");
    json_out_text(out, "author_handle", AUTHOR);
    api_form_or(out, body, "layout_type", "\"ordered\"");
    write_address(out, "/dashboard/", definition->name, body);
    json_out_bool(out, "is_read_only", read_only);
    write_file(out, definition);
    api_form_time(out, "created_at", definition->created_ms);
    api_form_time(out, "modified_at", definition->changed_ms);
}

void dashboard_write(struct json_out *out, const struct definition *definition)
{
    struct slice body = definition->body;

    json_out_begin(out, NULL, '{');
    write_heading(out, definition);
    json_out_text(out, "author_name", AUTHOR);
    api_form_or(out, body, "template_variables", "[]");
    api_form_or(out, body, "notify_list", "[]");
    api_form_or(out, body, "restricted_roles", "[]");
    if (dashboard_is_timeboard(definition)) {
        dashboard_form_widgets(out, json_view_member(body, "graphs"), definition->number);
    } else {
        api_form_or(out, body, "widgets", "[]");
        api_form_rest(out, body, said_of_dashboards);
    }
    json_out_end(out, '}');
}

void dashboard_write_row(struct json_out *out, const struct definition *definition)
{
    json_out_begin(out, NULL, '{');
    write_heading(out, definition);
    json_out_end(out, '}');
}
