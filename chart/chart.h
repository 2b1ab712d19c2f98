/* chart/chart.h: what is to be drawn, understood and within bounds.
 *
 * chart/definition.h makes one from JSON; the files that draw only read it. Texts are plain
 * UTF-8 (chart/plain.h), numbers are finite, times of a line ascend. */
#ifndef CHART_CHART_H
#define CHART_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "chart/unit.h"

/* The largest picture with the most lines takes a second of the processor and 40 MiB. */
enum {
    CHART_DEFINITION_MAX = 2 << 20, /* bytes of JSON */
    CHART_WIDTH_MIN = 120,
    CHART_WIDTH_MAX = 1600,
    CHART_HEIGHT_MIN = 80,
    CHART_HEIGHT_MAX = 1000,
    CHART_REQUESTS_MAX = 16,
    CHART_LINES_MAX = 100, /* drawn; of more the first */
    CHART_MARKERS_MAX = 16,
    CHART_TEXT_SIZE = 256 /* of a name or a title, with its NUL */
};

struct chart_point {
    double time_s, value;
};

/* Owned by the chart. */
struct chart_points {
    struct chart_point *at;
    size_t n;
};

enum chart_style { CHART_LINE, CHART_AREA, CHART_BARS };

/* Which points beyond a band are outside of it. */
enum chart_outside { CHART_EITHER, CHART_ABOVE, CHART_BELOW };

struct chart_line {
    char name[CHART_TEXT_SIZE];
    struct chart_points points;
    double *ground; /* what each point of an area or of bars stands on (chart/stack.h), owned;
                       NULL: nothing is stacked */
    struct chart_points lower, upper; /* of its band; without points: it has none */
    enum chart_outside outside;
    double interval_s; /* points further apart have a gap between them */
    enum chart_style style;
};

enum chart_level { CHART_INFO, CHART_OK, CHART_WARNING, CHART_ERROR };

/* A line across, or a stripe from low to high. */
struct chart_marker {
    double low, high; /* equal: a line */
    enum chart_level level;
    bool dashed, bold;
    char label[CHART_TEXT_SIZE];
};

struct chart {
    char title[CHART_TEXT_SIZE];
    char message[CHART_TEXT_SIZE]; /* of the first answer that has one */
    int width, height;             /* pixels */
    bool dark;
    double from_s, to_s;
    struct unit unit;      /* of the first series */
    bool has_min, has_max; /* of the values' axis; else they follow from what is drawn */
    double min, max;
    struct chart_line *lines; /* owned */
    size_t n_lines;
    size_t n_left_out; /* lines that there is no room for */
    struct chart_marker markers[CHART_MARKERS_MAX];
    size_t n_markers;
};

#endif
