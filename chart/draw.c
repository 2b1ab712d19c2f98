#include "chart/draw.h"

#include <math.h>
#include <stdio.h>

#include "chart/plain.h"

enum {
    MARGIN = 12,
    TITLE_HEIGHT = 20,
    UNIT_HEIGHT = 14,
    TIMES_HEIGHT = 20,
    LEGEND_ROW = 17,
    LEGEND_MOST = 4,
    TICK_APART_Y = 36,
    TICK_APART_X = 76,
    LEFT_LEAST = 44,
};

double draw_y(const struct drawing *drawing, double value)
{
    return axis_pixel(&drawing->values, (long double)value * drawing->chart->unit.factor);
}

double draw_x(const struct drawing *drawing, double time_s)
{
    return axis_pixel(&drawing->times, time_s);
}

/* ---- the values' axis -------------------------------------------------- */

struct extent {
    long double low, high;
    bool any;
};

static void extend(struct extent *extent, long double value)
{
    extent->low = !extent->any || value < extent->low ? value : extent->low;
    extent->high = !extent->any || value > extent->high ? value : extent->high;
    extent->any = true;
}

static void extend_by(struct extent *extent, const struct chart_points *points)
{
    for (size_t i = 0; i < points->n; i++)
        extend(extent, points->at[i].value);
}

static struct extent extent_of(const struct chart *chart)
{
    struct extent extent = { .any = false };

    for (size_t i = 0; i < chart->n_lines; i++) {
        const struct chart_line *line = &chart->lines[i];
        extend_by(&extent, &line->points);
        extend_by(&extent, &line->lower);
        extend_by(&extent, &line->upper);
        if (line->style != CHART_LINE && line->points.n > 0)
            extend(&extent, 0);
    }
    for (size_t i = 0; i < chart->n_markers; i++) {
        extend(&extent, chart->markers[i].low);
        extend(&extent, chart->markers[i].high);
    }
    return extent;
}

static void make_values(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct extent extent = extent_of(chart);
    long double factor = chart->unit.factor;

    axis_of_values(&drawing->values, extent.low * factor, extent.high * factor);
    if (chart->has_min)
        drawing->values.low = chart->min * factor;
    if (chart->has_max)
        drawing->values.high = chart->max * factor;
    if (!(drawing->values.low < drawing->values.high)) { /* all is beyond what was asked for */
        if (chart->has_min)
            drawing->values.high = drawing->values.low + fabsl(drawing->values.low) + 1;
        else
            drawing->values.low = drawing->values.high - fabsl(drawing->values.high) - 1;
    }
    axis_choose_ticks(&drawing->values, chart->unit.kind,
                      (size_t)((drawing->bottom - drawing->top) / TICK_APART_Y));
    drawing->values.low_pixel = drawing->bottom;
    drawing->values.to_high = drawing->top - drawing->bottom;
}

static void value_text(const struct drawing *drawing, size_t tick, char out[UNIT_TEXT_SIZE])
{
    const struct axis *axis = &drawing->values;

    unit_format(drawing->chart->unit.kind, axis->ticks[tick], axis->step, out);
}

/* ---- layout ------------------------------------------------------------ */

/* From top to bottom; what has no room is left out. */
static void lay_out(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    double rows = (chart->height - 2 * MARGIN - TITLE_HEIGHT - TIMES_HEIGHT) / 3.0 / LEGEND_ROW;

    canvas_font(drawing->canvas, CANVAS_PLAIN, 11);
    draw_legend_plan(drawing, rows < LEGEND_MOST ? (size_t)rows : LEGEND_MOST);
    bool has_words = chart->unit.name[0] != '\0' || chart->message[0] != '\0';
    drawing->top =
        MARGIN + (chart->title[0] != '\0' ? TITLE_HEIGHT : 0) + (has_words ? UNIT_HEIGHT : 0);
    drawing->bottom =
        chart->height - TIMES_HEIGHT - 4 - (double)drawing->legend_rows * LEGEND_ROW - 4;
    drawing->right = chart->width - MARGIN;
}

/* The column of the values is as wide as they are. */
static void make_times(struct drawing *drawing)
{
    char text[UNIT_TEXT_SIZE];
    double widest = 0;

    for (size_t i = 0; i < drawing->values.n_ticks; i++) {
        value_text(drawing, i, text);
        widest = fmax(widest, canvas_text_width(drawing->canvas, text));
    }
    drawing->left = fmax(ceil(widest) + MARGIN + 8, LEFT_LEAST);
    double width = drawing->right - drawing->left;
    axis_of_times(&drawing->times, drawing->chart->from_s, drawing->chart->to_s,
                  (size_t)(width / TICK_APART_X));
    drawing->times.low_pixel = drawing->left;
    drawing->times.to_high = width;
}

/* ---- the frame --------------------------------------------------------- */

static double sharp(double pixel)
{
    return floor(pixel) + 0.5;
}

static void put_line(struct drawing *drawing, double x0, double y0, double x1, double y1)
{
    cairo_move_to(drawing->canvas->cairo, x0, y0);
    cairo_line_to(drawing->canvas->cairo, x1, y1);
    cairo_stroke(drawing->canvas->cairo);
}

static void draw_values(struct drawing *drawing)
{
    char text[UNIT_TEXT_SIZE];

    cairo_set_line_width(drawing->canvas->cairo, 1);
    for (size_t i = 0; i < drawing->values.n_ticks; i++) {
        double y = sharp(axis_pixel(&drawing->values, drawing->values.ticks[i]));
        canvas_colour(drawing->canvas, drawing->colours->line, 1);
        put_line(drawing, drawing->left, y, drawing->right, y);
        canvas_colour(drawing->canvas, drawing->colours->muted, 1);
        value_text(drawing, i, text);
        canvas_text(drawing->canvas, drawing->left - 8, y + 4, CANVAS_RIGHT, text);
    }
}

static void draw_times(struct drawing *drawing)
{
    char text[AXIS_TEXT_SIZE];
    double y = sharp(drawing->bottom), taken = MARGIN + 32;

    canvas_colour(drawing->canvas, drawing->colours->muted, 1);
    canvas_text(drawing->canvas, MARGIN, y + 17, CANVAS_LEFT, "UTC");
    for (size_t i = 0; i < drawing->times.n_ticks; i++) {
        double x = sharp(axis_pixel(&drawing->times, drawing->times.ticks[i]));
        axis_format_time(&drawing->times, drawing->times.ticks[i], text);
        double half = canvas_text_width(drawing->canvas, text) / 2;
        canvas_colour(drawing->canvas, drawing->colours->edge, 1);
        put_line(drawing, x, y, x, y + 4);
        if (x - half < taken || x + half > drawing->chart->width)
            continue;
        taken = x + half + 6;
        canvas_colour(drawing->canvas, drawing->colours->muted, 1);
        canvas_text(drawing->canvas, x, y + 17, CANVAS_MIDDLE, text);
    }
    canvas_colour(drawing->canvas, drawing->colours->edge, 1);
    put_line(drawing, drawing->left, y, drawing->right, y);
}

static void draw_head(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    char title[CHART_TEXT_SIZE + 4], message[CHART_TEXT_SIZE + 4];

    if (chart->title[0] != '\0') {
        snprintf(title, sizeof title, "%s", chart->title);
        canvas_font(drawing->canvas, CANVAS_BOLD, 13);
        canvas_colour(drawing->canvas, drawing->colours->text, 1);
        canvas_fit(drawing->canvas, title, chart->width - 2 * MARGIN);
        canvas_text(drawing->canvas, MARGIN, MARGIN + 10, CANVAS_LEFT, title);
        canvas_font(drawing->canvas, CANVAS_PLAIN, 11);
    }
    canvas_colour(drawing->canvas, drawing->colours->muted, 1);
    canvas_text(drawing->canvas, MARGIN, drawing->top - 7, CANVAS_LEFT, chart->unit.name);
    snprintf(message, sizeof message, "%s", chart->message);
    canvas_fit(drawing->canvas, message, (drawing->right - MARGIN) * 0.75);
    canvas_text(drawing->canvas, drawing->right, drawing->top - 7, CANVAS_RIGHT, message);
}

/* ---- markers ----------------------------------------------------------- */

/* What is drawn stays between the axes. */
static void clip(struct drawing *drawing)
{
    cairo_save(drawing->canvas->cairo);
    cairo_rectangle(drawing->canvas->cairo, drawing->left, drawing->top,
                    drawing->right - drawing->left, drawing->bottom - drawing->top);
    cairo_clip(drawing->canvas->cairo);
}

static void draw_marker(struct drawing *drawing, const struct chart_marker *marker)
{
    static const double dashes[] = { 6, 4 };
    double low = draw_y(drawing, marker->low), high = draw_y(drawing, marker->high);
    uint32_t rgb = drawing->colours->levels[marker->level];
    cairo_t *cairo = drawing->canvas->cairo;

    canvas_colour(drawing->canvas, rgb, 0.12);
    cairo_rectangle(cairo, drawing->left, high, drawing->right - drawing->left, low - high);
    cairo_fill(cairo);
    canvas_colour(drawing->canvas, rgb, 1);
    cairo_set_line_width(cairo, marker->bold ? 2.5 : 1.25);
    cairo_set_dash(cairo, dashes, marker->dashed ? 2 : 0, 0);
    put_line(drawing, drawing->left, sharp(low), drawing->right, sharp(low));
    if (marker->high > marker->low)
        put_line(drawing, drawing->left, sharp(high), drawing->right, sharp(high));
    cairo_set_dash(cairo, NULL, 0, 0);
}

/* Above its line, or below where there is no room above; whatever is behind it shines through
 * faintly. */
static void label_marker(struct drawing *drawing, const struct chart_marker *marker)
{
    char label[CHART_TEXT_SIZE + 4];
    double y = draw_y(drawing, marker->high) - 5, right = drawing->right - 4;

    if (marker->label[0] == '\0')
        return;
    snprintf(label, sizeof label, "%s", marker->label);
    canvas_fit(drawing->canvas, label, (drawing->right - drawing->left) / 2);
    double width = canvas_text_width(drawing->canvas, label);
    if (y - 9 < drawing->top)
        y += 18;
    canvas_colour(drawing->canvas, drawing->colours->ground, 0.8);
    cairo_rectangle(drawing->canvas->cairo, right - width - 3, y - 10, width + 6, 13);
    cairo_fill(drawing->canvas->cairo);
    canvas_colour(drawing->canvas, drawing->colours->levels[marker->level], 1);
    canvas_text(drawing->canvas, right, y, CANVAS_RIGHT, label);
}

static void draw_markers(struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->chart->n_markers; i++)
        draw_marker(drawing, &drawing->chart->markers[i]);
    for (size_t i = 0; i < drawing->chart->n_markers; i++)
        label_marker(drawing, &drawing->chart->markers[i]);
}

/* ---- the whole --------------------------------------------------------- */

static bool has_band(const struct chart *chart)
{
    for (size_t i = 0; i < chart->n_lines; i++)
        if (chart->lines[i].upper.n > 0)
            return true;
    return false;
}

/* Lines with a band have the first colour for themselves. */
uint32_t draw_colour_of(const struct drawing *drawing, size_t i)
{
    if (drawing->chart->lines[i].upper.n > 0)
        return drawing->colours->inside;
    i = i % COLOURS_SERIES + has_band(drawing->chart);
    return drawing->colours->series[i % COLOURS_SERIES];
}

bool draw_is_dashed(size_t i)
{
    return i / COLOURS_SERIES % 2 == 1;
}

static void say_empty(struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->chart->n_lines; i++)
        if (drawing->chart->lines[i].points.n > 0)
            return;
    canvas_colour(drawing->canvas, drawing->colours->muted, 1);
    canvas_text(drawing->canvas, (drawing->left + drawing->right) / 2,
                (drawing->top + drawing->bottom) / 2, CANVAS_MIDDLE, "nothing in that time");
}

bool draw_png(const struct chart *chart, struct bytes *out)
{
    const struct colours *colours = colours_of(chart->dark);
    struct canvas canvas;
    struct drawing drawing = { .chart = chart, .colours = colours, .canvas = &canvas };
    bool good = canvas_open(&canvas, chart->width, chart->height, colours->ground);

    if (good) {
        lay_out(&drawing);
        make_values(&drawing);
        make_times(&drawing);
        draw_head(&drawing);
        draw_values(&drawing);
        clip(&drawing);
        draw_lines(&drawing);
        draw_markers(&drawing);
        cairo_restore(canvas.cairo);
        say_empty(&drawing);
        draw_times(&drawing);
        draw_legend(&drawing);
        good = canvas_png(&canvas, out);
    }
    canvas_close(&canvas);
    return good;
}
