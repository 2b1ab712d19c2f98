#include "chart/definition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "chart/plain.h"
#include "chart/stack.h"

enum { WIDTH_USUAL = 800, HEIGHT_USUAL = 320 };

static const double year_10000_s = 253402300800.0;

/* ---- parts ------------------------------------------------------------- */

bool definition_refuse(const struct definition *reading, const char *where,
                       const char *sentence)
{
    char plain[CHART_TEXT_SIZE];

    plain_copy(slice_of(where), plain, sizeof plain);
    snprintf(reading->problem, reading->problem_size, "%s: %s", plain, sentence);
    return false;
}

/* A member that is a number; *out keeps its value where there is none. False with a sentence:
 * it is another thing, or outside. */
static bool read_number(const struct definition *reading, const json_t *object,
                        const char *name, double least, double most, double *out)
{
    const json_t *member = json_object_get(object, name);
    char sentence[96];

    if (member == NULL)
        return true;
    double value = json_number_value(member);
    if (json_is_number(member) && value >= least && value <= most) {
        *out = value;
        return true;
    }
    snprintf(sentence, sizeof sentence, "expected a number from %.12g to %.12g", least, most);
    return definition_refuse(reading, name, sentence);
}

bool definition_text(const struct definition *reading, const json_t *object, const char *name,
                     char *out, size_t size)
{
    const json_t *member = json_object_get(object, name);

    if (member == NULL || json_is_null(member))
        return true;
    if (!json_is_string(member))
        return definition_refuse(reading, name, "expected a text");
    plain_copy((struct slice){ json_string_value(member), json_string_length(member) }, out,
               size);
    return true;
}

bool definition_knows(const struct definition *reading, json_t *object,
                      const char *const *names)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0)
            i++;
        if (names[i] == NULL)
            return definition_refuse(reading, name, "there is no such member");
    }
    return true;
}

/* ---- the whole --------------------------------------------------------- */

static bool read_size(const struct definition *reading, const json_t *object)
{
    double width = WIDTH_USUAL, height = HEIGHT_USUAL;

    if (!read_number(reading, object, "width", CHART_WIDTH_MIN, CHART_WIDTH_MAX, &width) ||
        !read_number(reading, object, "height", CHART_HEIGHT_MIN, CHART_HEIGHT_MAX, &height))
        return false;
    reading->chart->width = (int)width;
    reading->chart->height = (int)height;
    return true;
}

static bool read_range(const struct definition *reading, const json_t *object)
{
    struct chart *chart = reading->chart;

    chart->from_s = chart->to_s = -1;
    if (!read_number(reading, object, "from", 0, year_10000_s, &chart->from_s) ||
        !read_number(reading, object, "to", 0, year_10000_s, &chart->to_s))
        return false;
    return (chart->from_s >= 0 && chart->to_s - chart->from_s >= 1) ||
           definition_refuse(reading, "from and to",
                             "expected two times, a second apart or more");
}

static bool read_limits(const struct definition *reading, const json_t *object)
{
    struct chart *chart = reading->chart;

    if (!read_number(reading, object, "min", -HUGE_VAL, HUGE_VAL, &chart->min) ||
        !read_number(reading, object, "max", -HUGE_VAL, HUGE_VAL, &chart->max))
        return false;
    chart->has_min = json_object_get(object, "min") != NULL;
    chart->has_max = json_object_get(object, "max") != NULL;
    return !chart->has_min || !chart->has_max || chart->min < chart->max ||
           definition_refuse(reading, "min and max", "the former must be less");
}

static bool read_theme(const struct definition *reading, const json_t *object)
{
    char theme[16] = "light";

    if (!definition_text(reading, object, "theme", theme, sizeof theme))
        return false;
    reading->chart->dark = strcmp(theme, "dark") == 0;
    return reading->chart->dark || strcmp(theme, "light") == 0 ||
           definition_refuse(reading, "theme", "expected light or dark");
}

/* Each of a list of objects, at most so many. */
static bool read_each(const struct definition *reading, const json_t *object, const char *name,
                      size_t most,
                      bool (*add)(const struct definition *, json_t *, const char *))
{
    const json_t *list = json_object_get(object, name);
    char where[32];

    if (list == NULL)
        return true;
    if (!json_is_array(list) || json_array_size(list) > most) {
        char sentence[48];
        snprintf(sentence, sizeof sentence, "expected a list of at most %zu", most);
        return definition_refuse(reading, name, sentence);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(where, sizeof where, "%s[%zu]", name, i);
        json_t *item = json_array_get(list, i);
        if (!json_is_object(item))
            return definition_refuse(reading, where, "expected an object");
        if (!add(reading, item, where))
            return false;
    }
    return true;
}

static bool read_all(const struct definition *reading, json_t *object)
{
    static const char *const members[] = { "width",    "height",  "theme", "title",
                                           "from",     "to",      "min",   "max",
                                           "requests", "markers", NULL };

    return (json_is_object(object) ||
            definition_refuse(reading, "the definition", "expected an object")) &&
           definition_knows(reading, object, members) && read_size(reading, object) &&
           read_range(reading, object) && read_limits(reading, object) &&
           read_theme(reading, object) &&
           definition_text(reading, object, "title", reading->chart->title,
                           sizeof reading->chart->title) &&
           (json_is_array(json_object_get(object, "requests")) ||
            definition_refuse(reading, "requests", "expected a list")) &&
           read_each(reading, object, "requests", CHART_REQUESTS_MAX, definition_add_request) &&
           read_each(reading, object, "markers", CHART_MARKERS_MAX, definition_add_marker);
}

bool definition_read(struct chart *out, struct slice json, char *problem, size_t problem_size)
{
    json_error_t error;

    *out = (struct chart){ .unit = { .factor = 1 } };
    struct definition reading = { out, problem, problem_size };
    if (json.len > CHART_DEFINITION_MAX)
        return definition_refuse(&reading, "the definition", "it is longer than 2 MiB");
    /* A number without a bound is one of double, and a name may hold a NUL. */
    json_t *object =
        json_loadb(json.at, json.len,
                   JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
        if (error.text[0] == '\0')
            return definition_refuse(&reading, "the definition", "not enough memory");
        snprintf(problem, problem_size, "the definition is no JSON: line %d, column %d: %s",
                 error.line, error.column, error.text);
        return false;
    }
    bool good = read_all(&reading, object);
    json_decref(object);
    return good && (stack_lines(out) ||
                    definition_refuse(&reading, "the definition", "not enough memory"));
}

void definition_free(struct chart *given)
{
    for (size_t i = 0; i < given->n_lines; i++) {
        free(given->lines[i].points.at);
        free(given->lines[i].ground);
        free(given->lines[i].lower.at);
        free(given->lines[i].upper.at);
    }
    free(given->lines);
    *given = (struct chart){ 0 };
}
