/* Lines across, as dashboards write them. */
#include "chart/definition.h"

#include <math.h>
#include <stdio.h>

#include "chart/plain.h"
#include "protocol/number.h"

static bool is_number(struct slice text, double *out)
{
    return number_double(slice_trim(text, " "), out) && isfinite(*out);
}

/* "y = 800", "0 < y < 10" or "800". */
static bool read_expression(struct slice text, struct chart_marker *out)
{
    struct slice rest = text, first;

    if (memchr(text.at, '<', text.len) != NULL) {
        first = slice_cut(&rest, '<');
        struct slice middle = slice_cut(&rest, '<');
        return slice_equal(slice_trim(middle, " "), SLICE("y")) &&
               is_number(first, &out->low) && is_number(rest, &out->high) &&
               out->low < out->high;
    }
    if (memchr(text.at, '=', text.len) != NULL) {
        first = slice_cut(&rest, '=');
        if (!slice_equal(slice_trim(first, " "), SLICE("y")))
            return false;
    }
    if (!is_number(rest, &out->low))
        return false;
    out->high = out->low;
    return true;
}

static bool read_value(const struct definition *reading, const json_t *value, const char *where,
                       struct chart_marker *out)
{
    out->low = out->high = json_number_value(value);
    return json_is_number(value) ||
           (json_is_string(value) &&
            read_expression(
                (struct slice){ json_string_value(value), json_string_length(value) }, out)) ||
           definition_refuse(reading, where,
                             "expected a \"value\": 800, \"y = 800\" or \"0 < y < 10\"");
}

static bool read_word(struct slice word, struct chart_marker *out)
{
    static const char *const levels[] = {
        [CHART_INFO] = "info",
        [CHART_OK] = "ok",
        [CHART_WARNING] = "warning",
        [CHART_ERROR] = "error",
    };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (slice_equal(word, slice_of(levels[i]))) {
            out->level = (enum chart_level)i;
            return true;
        }
    out->dashed = out->dashed || slice_equal(word, SLICE("dashed"));
    out->bold = out->bold || slice_equal(word, SLICE("bold"));
    return word.len == 0 || slice_equal(word, SLICE("solid")) ||
           slice_equal(word, SLICE("dashed")) || slice_equal(word, SLICE("bold"));
}

static bool read_type(const struct definition *reading, const json_t *object,
                      struct chart_marker *out)
{
    char type[64] = "error dashed";

    if (!definition_text(reading, object, "type", type, sizeof type))
        return false;
    for (struct slice rest = slice_of(type); rest.len > 0;)
        if (!read_word(slice_cut(&rest, ' '), out))
            return definition_refuse(
                reading, "type",
                "expected error, warning, ok or info, with dashed, bold or solid");
    return true;
}

bool definition_add_marker(const struct definition *reading, json_t *object, const char *where)
{
    static const char *const members[] = { "value", "type", "label", NULL };
    struct chart *chart = reading->chart;
    struct chart_marker *marker = &chart->markers[chart->n_markers++];

    return definition_knows(reading, object, members) &&
           read_value(reading, json_object_get(object, "value"), where, marker) &&
           read_type(reading, object, marker) &&
           definition_text(reading, object, "label", marker->label, sizeof marker->label);
}
