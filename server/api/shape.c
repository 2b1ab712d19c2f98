#include "server/api/shape.h"

#include <math.h>
#include <stdio.h>

/* ---- members ----------------------------------------------------------- */

/* An escape may stand for the first letter. */
static bool is_named(struct slice quoted, const char *name)
{
    return (quoted.at[1] == name[0] || quoted.at[1] == '\\') && json_view_says(quoted, name);
}

/* The first of each name, by the rows of the table; an empty view where there is none. The
 * object is walked once, as it may be one of thousands. */
static void find_members(const struct shape *shape, struct slice object,
                         struct slice found[SHAPE_MEMBERS_MAX])
{
    struct slice inside = json_view_inside(object), name, value;

    for (size_t i = 0; shape[i].name != NULL; i++)
        found[i] = (struct slice){ NULL, 0 };
    while (json_view_next_member(&inside, &name, &value))
        for (size_t i = 0; shape[i].name != NULL; i++)
            if (is_named(name, shape[i].name)) {
                found[i] = found[i].len == 0 ? value : found[i];
                break;
            }
}

/* ---- does it fit ------------------------------------------------------- */

static bool is_whole(struct slice value)
{
    int64_t number;

    return json_view_whole(value, &number) && number >= 0;
}

static bool is_real(struct slice value)
{
    double number;

    return json_view_number(value, &number) && isfinite(number) && number >= 0;
}

static bool are_texts(struct slice list)
{
    struct slice inside = json_view_inside(list), item;

    if (json_view_kind(list) != JSON_KIND_ARRAY)
        return false;
    while (json_view_next_item(&inside, &item))
        if (json_view_kind(item) != JSON_KIND_STRING)
            return false;
    return true;
}

static bool are_counts(struct slice object)
{
    struct slice inside = json_view_inside(object), name, value;

    if (json_view_kind(object) != JSON_KIND_OBJECT)
        return false;
    while (json_view_next_member(&inside, &name, &value))
        if (!is_whole(value))
            return false;
    return true;
}

static bool is_of(enum shape_kind kind, struct slice value)
{
    enum json_kind found = json_view_kind(value);

    switch (kind) {
    case SHAPE_TEXT:
        return found == JSON_KIND_STRING;
    case SHAPE_WHOLE:
        return is_whole(value);
    case SHAPE_REAL:
        return is_real(value);
    case SHAPE_FLAG:
        return found == JSON_KIND_TRUE || found == JSON_KIND_FALSE;
    case SHAPE_TEXTS:
        return are_texts(value);
    case SHAPE_COUNTS:
        return are_counts(value);
    case SHAPE_OBJECT:
        return found == JSON_KIND_OBJECT;
    }
    return false;
}

static const char *word_of(enum shape_kind kind)
{
    static const char *const words[] = {
        [SHAPE_TEXT] = "text",
        [SHAPE_WHOLE] = "a whole number of 0 or more",
        [SHAPE_REAL] = "a number of 0 or more",
        [SHAPE_FLAG] = "true or false",
        [SHAPE_TEXTS] = "a list of texts",
        [SHAPE_COUNTS] = "an object of whole numbers of 0 or more",
        [SHAPE_OBJECT] = "an object",
    };

    return words[kind];
}

static bool member_fits(const struct shape *row, struct slice value,
                        char problem[SHAPE_PROBLEM_MAX])
{
    char inner[SHAPE_PROBLEM_MAX];

    if (!is_of(row->kind, value)) {
        snprintf(problem, SHAPE_PROBLEM_MAX, "%s: expected %s", row->name, word_of(row->kind));
        return false;
    }
    if (row->kind == SHAPE_OBJECT && !shape_fits(row->inside, value, inner)) {
        snprintf(problem, SHAPE_PROBLEM_MAX, "%s.%.150s", row->name, inner);
        return false;
    }
    return true;
}

bool shape_fits(const struct shape *shape, struct slice object, char problem[SHAPE_PROBLEM_MAX])
{
    struct slice values[SHAPE_MEMBERS_MAX];

    find_members(shape, object, values);
    for (size_t i = 0; shape[i].name != NULL; i++)
        if (!json_view_is_absent(values[i]) && !member_fits(&shape[i], values[i], problem))
            return false;
    return true;
}

/* ---- writing ----------------------------------------------------------- */

/* How many bytes of a string as it is written make its first character, or half of it where
 * that is a pair of surrogates. There is one. */
static size_t first_of(struct slice written)
{
    unsigned char byte = (unsigned char)written.at[0];

    if (byte == '\\')
        return written.at[1] == 'u' ? 6 : 2;
    return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

struct slice shape_text(struct slice string, size_t most, char *room)
{
    static const char mark[] = "…";
    char part[SHAPE_TEXT_MAX + 2] = "\"";
    size_t taken = 0, step;

    if (json_view_kind(string) != JSON_KIND_STRING)
        return (struct slice){ room, 0 };
    struct slice rest = { string.at + 1, string.len - 2 };

    while (rest.len > 0 && taken + (step = first_of(rest)) <= most) {
        memcpy(part + 1 + taken, rest.at, step);
        rest = slice_skip(rest, step);
        taken += step;
    }
    part[1 + taken] = '"';
    size_t len = json_view_text((struct slice){ part, taken + 2 }, room);

    if (rest.len > 0) {
        memcpy(room + len, mark, sizeof mark - 1);
        len += sizeof mark - 1;
    }
    return (struct slice){ room, len };
}

static void write_text(struct json_out *out, const char *name, struct slice string, size_t most)
{
    char room[SHAPE_TEXT_MAX + 4];

    json_out_slice(out, name, shape_text(string, most, room));
}

static void write_texts(struct json_out *out, const char *name, struct slice list, size_t most)
{
    struct slice inside = json_view_inside(list), item;

    json_out_begin(out, name, '[');
    for (size_t i = 0; i < most && json_view_next_item(&inside, &item); i++)
        write_text(out, NULL, item, SHAPE_ITEM_MAX);
    json_out_end(out, ']');
}

static void write_whole(struct json_out *out, const char *name, struct slice value)
{
    int64_t number = 0;

    (void)json_view_whole(value, &number);
    json_out_signed(out, name, number);
}

static void write_real(struct json_out *out, const char *name, struct slice value)
{
    double number = 0;

    (void)json_view_number(value, &number);
    json_out_exact(out, name, number);
}

static void write_counts(struct json_out *out, const char *name, struct slice object,
                         size_t most)
{
    struct slice inside = json_view_inside(object), key, value;
    char room[SHAPE_NAME_MAX + 5];

    json_out_begin(out, name, '{');
    for (size_t i = 0; i < most && json_view_next_member(&inside, &key, &value); i++) {
        struct slice text = shape_text(key, SHAPE_NAME_MAX, room);

        room[text.len] = '\0';
        write_whole(out, room, value);
    }
    json_out_end(out, '}');
}

static void write_member(struct json_out *out, const struct shape *shape, struct slice value)
{
    switch (shape->kind) {
    case SHAPE_TEXT:
        write_text(out, shape->name, value, shape->most);
        break;
    case SHAPE_WHOLE:
        write_whole(out, shape->name, value);
        break;
    case SHAPE_REAL:
        write_real(out, shape->name, value);
        break;
    case SHAPE_FLAG:
        json_out_bool(out, shape->name, json_view_kind(value) == JSON_KIND_TRUE);
        break;
    case SHAPE_TEXTS:
        write_texts(out, shape->name, value, shape->most);
        break;
    case SHAPE_COUNTS:
        write_counts(out, shape->name, value, shape->most);
        break;
    case SHAPE_OBJECT:
        json_out_begin(out, shape->name, '{');
        shape_write(out, shape->inside, value);
        json_out_end(out, '}');
        break;
    }
}

void shape_write(struct json_out *out, const struct shape *shape, struct slice object)
{
    struct slice values[SHAPE_MEMBERS_MAX];

    find_members(shape, object, values);
    for (size_t i = 0; shape[i].name != NULL; i++)
        if (json_view_is_absent(values[i]))
            json_out_null(out, shape[i].name);
        else
            write_member(out, &shape[i], values[i]);
}
