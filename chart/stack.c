#include "chart/stack.h"

#include <float.h>
#include <stdlib.h>

/* What stands at a time so far. */
struct height {
    double time_s;
    double up, down; /* of what is above 0, and below */
};

struct heights {
    struct height *at; /* times ascend */
    size_t n;
};

/* The largest doubles have no sum. */
static double bounded(double sum)
{
    return sum > DBL_MAX ? DBL_MAX : sum < -DBL_MAX ? -DBL_MAX : sum;
}

/* Raises the point by what is there, and that to it. Returns what the point stands on. */
static double put_on(struct height *height, struct chart_point *point)
{
    double *sum = point->value < 0 ? &height->down : &height->up, ground = *sum;

    *sum = point->value = bounded(ground + point->value);
    return ground;
}

/* The heights and the points are both walked, in the order of their times, into new heights. */
static void put_line(struct heights *from, struct heights *to, struct chart_line *line)
{
    const struct chart_points *points = &line->points;
    size_t next = 0;

    for (size_t i = 0; i < points->n; i++) {
        while (next < from->n && from->at[next].time_s < points->at[i].time_s)
            to->at[to->n++] = from->at[next++];
        struct height *height = &to->at[to->n++];
        *height = next < from->n && from->at[next].time_s == points->at[i].time_s
                      ? from->at[next++]
                      : (struct height){ points->at[i].time_s, 0, 0 };
        line->ground[i] = put_on(height, &points->at[i]);
    }
    while (next < from->n)
        to->at[to->n++] = from->at[next++];
}

static bool stack_line(struct heights *heights, struct chart_line *line)
{
    struct heights more = { 0 };

    line->ground = malloc((line->points.n + 1) * sizeof *line->ground);
    more.at = malloc((heights->n + line->points.n + 1) * sizeof *more.at);
    if (line->ground == NULL || more.at == NULL) {
        free(more.at);
        return false;
    }
    put_line(heights, &more, line);
    free(heights->at);
    *heights = more;
    return true;
}

static bool stack_style(struct chart *chart, enum chart_style style)
{
    struct heights heights = { 0 };
    bool good = true;

    for (size_t i = 0; good && i < chart->n_lines; i++) {
        struct chart_line *line = &chart->lines[i];
        if (line->style == style && line->upper.n == 0 && line->lower.n == 0)
            good = stack_line(&heights, line);
    }
    free(heights.at);
    return good;
}

bool stack_lines(struct chart *chart)
{
    return stack_style(chart, CHART_AREA) && stack_style(chart, CHART_BARS);
}
