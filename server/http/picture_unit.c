#include "server/http/picture_unit.h"

#include "flush/memory/json_view.h"

enum { EXPRESSION_MAX = 8192 };

/* An empty view where there is none. */
static struct slice first_item(struct slice list)
{
    struct slice inside = json_view_inside(list), item;

    return json_view_next_item(&inside, &item) ? item : SLICE("");
}

static struct slice first_series(struct slice definition)
{
    struct slice request = first_item(json_view_member(definition, "requests"));
    struct slice answer = json_view_member(request, "answer");

    return first_item(json_view_member(answer, "series"));
}

/* "avg:load{*}" and what stands behind it; or its band. How many there are has no unit. */
static bool is_of_metric(struct slice expression, char room[EXPRESSION_MAX])
{
    if (expression.len > EXPRESSION_MAX)
        return false;
    struct slice rest = { room, json_view_text(expression, room) };
    struct slice head = slice_cut(&rest, '{');

    if (slice_starts(head, SLICE("anomalies(")))
        head = slice_skip(head, sizeof "anomalies(" - 1);
    return (head.len == 0 || memchr(head.at, '(', head.len) == NULL) &&
           !slice_starts(head, SLICE("count:"));
}

static const struct definition *find_metric(const struct definitions *definitions,
                                            struct slice series, char room[EXPRESSION_MAX])
{
    struct slice name = json_view_member(series, "metric");

    if (!is_of_metric(json_view_member(series, "expression"), room) ||
        name.len > DEFINITION_NAME_MAX)
        return NULL;
    return definitions_find(definitions, DEFINITION_METRIC,
                            (struct slice){ room, json_view_text(name, room) });
}

static void add_member(struct bytes *out, struct slice known, const char *name)
{
    struct slice value = json_view_member(known, name);

    if (json_view_kind(value) != JSON_KIND_STRING)
        return;
    bytes_add(out, "\"", 1);
    bytes_add(out, name, strlen(name));
    bytes_add(out, "\":", 2);
    bytes_add(out, value.at, value.len);
    bytes_add(out, ",", 1);
}

void picture_unit_add(const struct definitions *definitions, struct slice definition,
                      struct bytes *out)
{
    char room[EXPRESSION_MAX];
    const struct definition *metric =
        definitions->n > 0 ? find_metric(definitions, first_series(definition), room) : NULL;

    if (metric == NULL || definition.len == 0) {
        bytes_add(out, definition.at, definition.len);
        return;
    }
    bytes_add(out, definition.at, 1);
    add_member(out, metric->body, "unit");
    add_member(out, metric->body, "per_unit");
    bytes_add(out, definition.at + 1, definition.len - 1);
}
