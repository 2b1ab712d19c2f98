#include "server/pictures/picture_unit.h"

#include "flush/memory/json_view.h"

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
static bool is_of_metric(struct slice expression, char room[PICTURE_UNIT_ROOM])
{
    if (expression.len > PICTURE_UNIT_ROOM)
        return false;
    struct slice rest = { room, json_view_text(expression, room) };
    struct slice head = slice_cut(&rest, '{');

    if (slice_starts(head, SLICE("anomalies(")))
        head = slice_skip(head, sizeof "anomalies(" - 1);
    return (head.len == 0 || memchr(head.at, '(', head.len) == NULL) &&
           !slice_starts(head, SLICE("count:"));
}

struct slice picture_unit_metric(struct slice definition, char room[PICTURE_UNIT_ROOM])
{
    struct slice series = first_series(definition);
    struct slice name = json_view_member(series, "metric");

    if (!is_of_metric(json_view_member(series, "expression"), room) ||
        name.len > PICTURE_UNIT_ROOM)
        return SLICE("");
    return (struct slice){ room, json_view_text(name, room) };
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

void picture_unit_add(struct slice known, struct slice definition, struct bytes *out)
{
    if (definition.len == 0)
        return;
    bytes_add(out, definition.at, 1);
    add_member(out, known, "unit");
    add_member(out, known, "per_unit");
    bytes_add(out, definition.at + 1, definition.len - 1);
}
