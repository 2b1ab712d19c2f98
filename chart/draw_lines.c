/* What is between the axes. */
#include "chart/draw.h"

#include <math.h>

static const double line_width = 1.75;

/* Whether point i has no connection with the one before it. */
static bool is_gap(const struct chart_points *points, size_t i, double interval_s)
{
    return i == 0 || points->at[i].time_s - points->at[i - 1].time_s > interval_s * 1.5;
}

/* ---- the band ---------------------------------------------------------- */

/* The index of the point of that time, looked for from *at on, which goes there; SIZE_MAX. */
static size_t find_time(const struct chart_points *points, double time_s, size_t *at)
{
    while (*at < points->n && points->at[*at].time_s < time_s)
        ++*at;
    return *at < points->n && points->at[*at].time_s == time_s ? *at : SIZE_MAX;
}

/* From the upper bound's points [from, to) back along those of the lower that have such times,
 * of which *lower_at is none yet; it moves behind them. */
static void fill_band(struct drawing *drawing, const struct chart_line *line, size_t from,
                      size_t to, size_t *lower_at)
{
    cairo_t *cairo = drawing->canvas->cairo;
    const struct chart_point *upper = line->upper.at, *lower = line->lower.at;
    size_t first = *lower_at, end;

    while (first < line->lower.n && lower[first].time_s < upper[from].time_s)
        first++;
    for (end = first; end < line->lower.n && lower[end].time_s <= upper[to - 1].time_s; end++)
        ;
    for (size_t i = from; i < to; i++)
        cairo_line_to(cairo, draw_x(drawing, upper[i].time_s), draw_y(drawing, upper[i].value));
    for (size_t i = end; i-- > first;)
        cairo_line_to(cairo, draw_x(drawing, lower[i].time_s), draw_y(drawing, lower[i].value));
    cairo_close_path(cairo);
    cairo_fill(cairo);
    *lower_at = end;
}

static void draw_band(struct drawing *drawing, const struct chart_line *line)
{
    size_t from = 0, lower_at = 0;

    canvas_colour(drawing->canvas, drawing->colours->edge, 0.3);
    for (size_t i = 1; i <= line->upper.n; i++)
        if (i == line->upper.n || is_gap(&line->upper, i, line->interval_s)) {
            fill_band(drawing, line, from, i, &lower_at);
            from = i;
        }
}

/* ---- inside and outside ------------------------------------------------ */

/* Where on its way from 0 to 1 a value crosses a bound; 1: it does not. */
static double crossing(const double value[2], const double bound[2])
{
    double before = value[0] / 2 - bound[0] / 2, after = value[1] / 2 - bound[1] / 2;

    return (before < 0) == (after < 0) ? 1 : before / 2 / (before / 2 - after / 2);
}

static bool is_outside(const double value[2], const double lower[2], const double upper[2],
                       double at)
{
    double now = value[0] * (1 - at) + value[1] * at;

    return now < lower[0] * (1 - at) + lower[1] * at ||
           now > upper[0] * (1 - at) + upper[1] * at;
}

size_t draw_cut(const double value[2], const double lower[2], const double upper[2],
                struct draw_piece out[DRAW_PIECES_MAX])
{
    double a = crossing(value, lower), b = crossing(value, upper);
    double cuts[] = { 0, fmin(a, b), fmax(a, b), 1 };
    size_t n = 0;

    for (size_t i = 0; i + 1 < sizeof cuts / sizeof cuts[0]; i++)
        if (cuts[i] < cuts[i + 1])
            out[n++] = (struct draw_piece){ cuts[i], cuts[i + 1],
                                            is_outside(value, lower, upper,
                                                       cuts[i] / 2 + cuts[i + 1] / 2) };
    return n;
}

static void put_piece(struct drawing *drawing, const struct chart_point *points,
                      const struct draw_piece *piece)
{
    double x0 = draw_x(drawing, points[0].time_s), x1 = draw_x(drawing, points[1].time_s);
    double y0 = draw_y(drawing, points[0].value), y1 = draw_y(drawing, points[1].value);
    cairo_t *cairo = drawing->canvas->cairo;

    canvas_colour(drawing->canvas,
                  piece->outside ? drawing->colours->outside : drawing->colours->inside, 1);
    cairo_move_to(cairo, x0 + (x1 - x0) * piece->from, y0 + (y1 - y0) * piece->from);
    cairo_line_to(cairo, x0 + (x1 - x0) * piece->to, y0 + (y1 - y0) * piece->to);
    cairo_stroke(cairo);
}

/* How far the search for bounds has got; times ascend. */
struct cursor {
    size_t lower, upper;
};

/* The bounds at that time; without end where none is known. */
static void find_bounds(const struct chart_line *line, double time_s, struct cursor *cursor,
                        double *lower, double *upper)
{
    size_t low = find_time(&line->lower, time_s, &cursor->lower);
    size_t high = find_time(&line->upper, time_s, &cursor->upper);

    *lower = low != SIZE_MAX ? line->lower.at[low].value : -HUGE_VAL;
    *upper = high != SIZE_MAX ? line->upper.at[high].value : HUGE_VAL;
}

/* What lies beyond a bound on a side that nobody asked about is inside. */
static void forgive(const struct chart_line *line, double *lower, double *upper)
{
    if (line->outside == CHART_ABOVE)
        *lower = -HUGE_VAL;
    if (line->outside == CHART_BELOW)
        *upper = HUGE_VAL;
}

/* Where no band is known, all is inside. */
static void draw_way(struct drawing *drawing, const struct chart_line *line, size_t i,
                     struct cursor *cursor)
{
    const struct chart_point *points = &line->points.at[i];
    struct draw_piece pieces[DRAW_PIECES_MAX] = { { 0, 1, false } };
    double value[2] = { points[0].value, points[1].value }, lower[2], upper[2];
    size_t n = 1;

    for (int end = 0; end < 2; end++)
        find_bounds(line, points[end].time_s, cursor, &lower[end], &upper[end]);
    if (isfinite(lower[0]) && isfinite(lower[1]) && isfinite(upper[0]) && isfinite(upper[1])) {
        for (int end = 0; end < 2; end++)
            forgive(line, &lower[end], &upper[end]);
        n = draw_cut(value, lower, upper, pieces);
    }
    for (size_t piece = 0; piece < n; piece++)
        put_piece(drawing, points, &pieces[piece]);
}

static void draw_banded(struct drawing *drawing, const struct chart_line *line)
{
    struct cursor cursor = { 0, 0 };

    for (size_t i = 0; i + 1 < line->points.n; i++)
        if (!is_gap(&line->points, i + 1, line->interval_s))
            draw_way(drawing, line, i, &cursor);
}

/* ---- lines ------------------------------------------------------------- */

/* Between two gaps a point would be no line. */
static void draw_alone(struct drawing *drawing, const struct chart_line *line, uint32_t rgb)
{
    const struct chart_points *points = &line->points;
    struct cursor cursor = { 0, 0 };
    cairo_t *cairo = drawing->canvas->cairo;
    double lower, upper;

    for (size_t i = 0; i < points->n; i++) {
        const struct chart_point *point = &points->at[i];
        if (!is_gap(points, i, line->interval_s) ||
            (i + 1 < points->n && !is_gap(points, i + 1, line->interval_s)))
            continue;
        find_bounds(line, point->time_s, &cursor, &lower, &upper);
        forgive(line, &lower, &upper);
        bool outside = point->value < lower || point->value > upper;
        canvas_colour(drawing->canvas, outside ? drawing->colours->outside : rgb, 1);
        cairo_arc(cairo, draw_x(drawing, point->time_s), draw_y(drawing, point->value), 2.5, 0,
                  2 * M_PI);
        cairo_fill(cairo);
    }
}

/* Amid many points nobody sees dashes, and they take long. */
static bool shows_dashes(const struct drawing *drawing, const struct chart_line *line, size_t i)
{
    return draw_is_dashed(i) &&
           (double)line->points.n * 4 <= drawing->right - drawing->left + 1;
}

/* In parts, because a path that crosses itself often takes long. */
static void draw_line(struct drawing *drawing, const struct chart_line *line, bool dashed)
{
    static const double dashes[] = { 6, 3 };
    enum { PART = 64 };
    cairo_t *cairo = drawing->canvas->cairo;

    cairo_set_dash(cairo, dashes, dashed ? 2 : 0, 0);
    for (size_t i = 0; i < line->points.n; i++) {
        double x = draw_x(drawing, line->points.at[i].time_s);
        double y = draw_y(drawing, line->points.at[i].value);
        if (is_gap(&line->points, i, line->interval_s)) {
            cairo_move_to(cairo, x, y);
            continue;
        }
        cairo_line_to(cairo, x, y);
        if (i % PART == 0) {
            cairo_stroke(cairo);
            cairo_move_to(cairo, x, y);
        }
    }
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
}

/* ---- areas and bars ---------------------------------------------------- */

static double ground_of(const struct drawing *drawing, const struct chart_line *line, size_t i)
{
    return draw_y(drawing, line->ground != NULL ? line->ground[i] : 0);
}

/* Along the points [from, to), and back along what they stand on. */
static void fill_area(struct drawing *drawing, const struct chart_line *line, size_t from,
                      size_t to)
{
    const struct chart_point *points = line->points.at;
    cairo_t *cairo = drawing->canvas->cairo;

    for (size_t i = from; i < to; i++)
        cairo_line_to(cairo, draw_x(drawing, points[i].time_s),
                      draw_y(drawing, points[i].value));
    for (size_t i = to; i-- > from;)
        cairo_line_to(cairo, draw_x(drawing, points[i].time_s), ground_of(drawing, line, i));
    cairo_fill(cairo);
}

static void draw_area(struct drawing *drawing, const struct chart_line *line)
{
    size_t from = 0;

    for (size_t i = 1; i <= line->points.n; i++)
        if (i == line->points.n || is_gap(&line->points, i, line->interval_s)) {
            fill_area(drawing, line, from, i);
            from = i;
        }
}

/* Each as wide as its interval, with a little room between two. */
static void draw_bars(struct drawing *drawing, const struct chart_line *line)
{
    cairo_t *cairo = drawing->canvas->cairo;

    for (size_t i = 0; i < line->points.n; i++) {
        double from = draw_x(drawing, line->points.at[i].time_s);
        double to = draw_x(drawing, line->points.at[i].time_s + line->interval_s);
        double y = draw_y(drawing, line->points.at[i].value);
        double ground = ground_of(drawing, line, i);
        cairo_rectangle(cairo, from, fmin(y, ground), fmax(to - from - 1, 1), fabs(y - ground));
    }
    cairo_fill(cairo);
}

/* ---- all --------------------------------------------------------------- */

static void fill_one(struct drawing *drawing, size_t i)
{
    const struct chart_line *line = &drawing->chart->lines[i];

    draw_band(drawing, line);
    canvas_colour(drawing->canvas, draw_colour_of(drawing, i),
                  line->style == CHART_BARS ? 0.8 : 0.45);
    if (line->style == CHART_AREA)
        draw_area(drawing, line);
    else if (line->style == CHART_BARS)
        draw_bars(drawing, line);
}

static void draw_one(struct drawing *drawing, size_t i)
{
    const struct chart_line *line = &drawing->chart->lines[i];
    uint32_t rgb = draw_colour_of(drawing, i);

    if (line->style == CHART_BARS)
        return;
    draw_alone(drawing, line, rgb);
    canvas_colour(drawing->canvas, rgb, 1);
    if (line->upper.n > 0)
        draw_banded(drawing, line);
    else
        draw_line(drawing, line, shows_dashes(drawing, line, i));
}

/* What is filled lies below all lines. */
void draw_lines(struct drawing *drawing)
{
    cairo_t *cairo = drawing->canvas->cairo;

    for (size_t i = 0; i < drawing->chart->n_lines; i++)
        fill_one(drawing, i);
    cairo_set_line_width(cairo, line_width);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    for (size_t i = 0; i < drawing->chart->n_lines; i++)
        draw_one(drawing, i);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_BUTT);
}
