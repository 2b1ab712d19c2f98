#include "server/api/dashboard_form.h"

#include "flush/memory/json_view.h"

/* The ids of a timeboard's graphs, which have none of their own. */
enum { IDS_A_DASHBOARD = 10000 };

struct renaming {
    const char *from, *to; /* NULL: it is left out */
};

/* How the members of each part are called; the last row is empty. */
struct way {
    struct renaming definition[3], request[3], style[3];
};

static const struct way to_widget = {
    .definition = { { "viz", "type" }, { "title", NULL } },
    .request = { { "type", "display_type" } },
    .style = { { "type", "line_type" }, { "width", "line_width" } },
};

/* Where no line is drawn, its style means nothing. */
static const struct way to_widget_without_lines = {
    .definition = { { "viz", "type" }, { "title", NULL } },
    .request = { { "type", NULL }, { "style", NULL } },
};

static const struct way to_graph = {
    .definition = { { "type", "viz" }, { "title", NULL } },
    .request = { { "display_type", "type" } },
    .style = { { "line_type", "type" }, { "line_width", "width" } },
};

static const struct renaming *find(const struct renaming *rows, struct slice name)
{
    for (; rows->from != NULL; rows++)
        if (json_view_says(name, rows->from))
            return rows;
    return NULL;
}

static void copy_member(struct json_out *out, const struct renaming *rows, struct slice name,
                        struct slice value)
{
    const struct renaming *row = find(rows, name);

    if (row == NULL)
        json_out_member(out, name, value);
    else if (row->to != NULL)
        json_out_raw(out, row->to, value);
}

static void copy_style(struct json_out *out, const struct way *way, struct slice style)
{
    struct slice inside = json_view_inside(style), name, value;

    json_out_begin(out, "style", '{');
    while (json_view_next_member(&inside, &name, &value))
        copy_member(out, way->style, name, value);
    json_out_end(out, '}');
}

static void copy_request(struct json_out *out, const struct way *way, struct slice request)
{
    struct slice inside = json_view_inside(request), name, value;

    json_out_begin(out, NULL, '{');
    while (json_view_next_member(&inside, &name, &value))
        if (json_view_says(name, "style") && json_view_kind(value) == JSON_KIND_OBJECT &&
            find(way->request, name) == NULL)
            copy_style(out, way, value);
        else
            copy_member(out, way->request, name, value);
    json_out_end(out, '}');
}

static void copy_requests(struct json_out *out, const struct way *way, struct slice requests)
{
    struct slice inside = json_view_inside(requests), request;

    json_out_begin(out, "requests", '[');
    while (json_view_next_item(&inside, &request))
        copy_request(out, way, request);
    json_out_end(out, ']');
}

/* All but the title and the brackets around it. */
static void copy_definition(struct json_out *out, const struct way *way,
                            struct slice definition)
{
    struct slice inside = json_view_inside(definition), name, value;

    while (json_view_next_member(&inside, &name, &value))
        if (json_view_says(name, "requests") && json_view_kind(value) == JSON_KIND_ARRAY)
            copy_requests(out, way, value);
        else
            copy_member(out, way->definition, name, value);
}

static void write_title(struct json_out *out, struct slice title)
{
    json_out_raw(out, "title",
                 json_view_kind(title) == JSON_KIND_STRING ? title : SLICE("\"\""));
}

static void write_widget(struct json_out *out, struct slice graph, int64_t id)
{
    struct slice definition = json_view_member(graph, "definition");
    struct slice viz = json_view_member(definition, "viz");
    bool is_usual = json_view_kind(viz) != JSON_KIND_STRING;

    json_out_begin(out, NULL, '{');
    json_out_signed(out, "id", id);
    json_out_begin(out, "definition", '{');
    write_title(out, json_view_member(graph, "title"));
    if (is_usual)
        json_out_text(out, "type", "timeseries");
    copy_definition(out,
                    is_usual || json_view_says(viz, "timeseries") ? &to_widget
                                                                  : &to_widget_without_lines,
                    definition);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

void dashboard_form_widgets(struct json_out *out, struct slice graphs, int64_t number)
{
    struct slice inside = json_view_inside(graphs), graph;
    int64_t id = number * IDS_A_DASHBOARD;

    json_out_begin(out, "widgets", '[');
    while (json_view_next_item(&inside, &graph))
        write_widget(out, graph, id++);
    json_out_end(out, ']');
}

void dashboard_form_graphs(struct json_out *out, struct slice widgets)
{
    struct slice inside = json_view_inside(widgets), widget;

    json_out_begin(out, "graphs", '[');
    while (json_view_next_item(&inside, &widget)) {
        struct slice definition = json_view_member(widget, "definition");

        json_out_begin(out, NULL, '{');
        write_title(out, json_view_member(definition, "title"));
        json_out_begin(out, "definition", '{');
        copy_definition(out, &to_graph, definition);
        json_out_end(out, '}');
        json_out_end(out, '}');
    }
    json_out_end(out, ']');
}
