#include "server/commands/top_screen.h"

#include <math.h>
#include <string.h>

#include "config/shown.h"

enum { WIDTH = 11 };

/* ---- reading ----------------------------------------------------------- */

static const char *text(const json_t *row, const char *name)
{
    const char *found = json_string_value(json_object_get(row, name));

    return found != NULL ? found : "";
}

static json_t *rows_of(const json_t *answer)
{
    return json_object_get(answer, "rows");
}

bool top_screen_is_answer(const json_t *answer)
{
    return json_is_array(rows_of(answer)) && json_is_string(json_object_get(answer, "by"));
}

static bool passes(const json_t *row, const char *filter)
{
    return filter[0] == '\0' || strcasestr(text(row, "what"), filter) != NULL ||
           strcasestr(text(row, "container"), filter) != NULL;
}

size_t top_screen_rows(const json_t *answer, const char *filter)
{
    size_t i, n = 0;
    json_t *row;

    json_array_foreach(rows_of(answer), i, row) n += passes(row, filter);
    return n;
}

/* ---- numbers ----------------------------------------------------------- */

/* 4 digits at least: "12.3k". */
static void put_short(FILE *out, const json_t *number)
{
    static const char *const units[] = { "", "k", "M", "G", "T", "P" };
    double value = json_number_value(number);
    char written[32];
    int unit = 0;

    if (!json_is_number(number) || !(fabs(value) < 1e18)) {
        fprintf(out, "%*s", WIDTH, "-");
        return;
    }
    for (; fabs(value) >= 99999.5 && unit < 5; unit++)
        value /= 1000;
    snprintf(written, sizeof written,
             unit == 0 && (fabs(value) >= 1000 || value == trunc(value)) ? "%.0f%s" : "%.1f%s",
             value, units[unit]);
    fprintf(out, "%*s", WIDTH, written);
}

/* ---- columns ----------------------------------------------------------- */

struct column {
    const char *name, *title;
};

struct view {
    const char *by, *title; /* of the names */
    struct column columns[5];
};

static const struct view views[] = {
    { "metric", "metric", { { "values", "values/s" }, { "series", "series" } } },
    { "tag", "tag key", { { "distinct", "distinct" } } },
    { "sender",
      "sender",
      { { "values", "values/s" },
        { "lines", "lines/s" },
        { "error", "+-lines/s" },
        { "bytes", "bytes/s" } } },
};

static const struct view *view_of(const json_t *answer)
{
    for (size_t i = 1; i < sizeof views / sizeof views[0]; i++)
        if (strcmp(text(answer, "by"), views[i].by) == 0)
            return &views[i];
    return &views[0];
}

/* ---- lines ------------------------------------------------------------- */

static void print_head(const json_t *answer, const struct view *view,
                       const struct top_look *look, FILE *out)
{
    const json_t *seen_s = json_object_get(answer, "seen_s");

    fprintf(out, "heeler top by %s at ", view->by);
    shown_put_text(out, look->where);
    if (json_is_number(seen_s) && json_number_value(seen_s) > 0)
        fprintf(out, ", over %.1f s%s", json_number_value(seen_s),
                json_is_true(json_object_get(answer, "estimated")) ? ", estimated" : "");
    else if (json_is_number(seen_s))
        fputs(", nothing is known yet", out);
    if (json_is_false(json_object_get(answer, "walked")))
        fputs(", the tags are still being counted", out);
    if (look->filter[0] != '\0') {
        fputs(", with ", out);
        shown_put_text(out, look->filter);
    }
    fputs(look->end, out);
    for (const struct column *column = view->columns; column->name != NULL; column++)
        fprintf(out, "%*s%s", WIDTH - (strcmp(column->name, look->sort) == 0), column->title,
                strcmp(column->name, look->sort) == 0 ? "*" : "");
    fprintf(out, "  %s%s", view->title, look->end);
}

static void print_row(const json_t *row, const struct view *view, const struct top_look *look,
                      FILE *out)
{
    for (const struct column *column = view->columns; column->name != NULL; column++)
        put_short(out, json_object_get(row, column->name));
    fputs("  ", out);
    shown_put_text(out, text(row, "what")[0] != '\0' ? text(row, "what") : "(none)");
    if (text(row, "container")[0] != '\0') {
        fputs(", container ", out);
        shown_put_text(out, text(row, "container"));
    }
    fputs(json_is_true(json_object_get(row, "grows")) ? " (grows)" : "", out);
    fputs(look->end, out);
}

void top_screen_print(const json_t *answer, const struct top_look *look, FILE *out)
{
    const struct view *view = view_of(answer);
    size_t i, seen = 0, shown = 0;
    json_t *row;

    print_head(answer, view, look, out);
    json_array_foreach(rows_of(answer), i, row)
    {
        if (!passes(row, look->filter) || seen++ < look->first || shown == look->rows)
            continue;
        print_row(row, view, look, out);
        shown++;
    }
}
