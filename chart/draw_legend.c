/* The names of the lines below the axes, in rows. */
#include "chart/draw.h"

#include <stdio.h>
#include <string.h>

#include "chart/plain.h"

enum { EDGE = 12, SWATCH = 14, BETWEEN = 16, ROW = 17, MORE_WIDTH = 110 };

/* Where the next name goes. */
struct cursor {
    double x;
    size_t row;
};

/* One name, as wide as a picture at most. */
static void fit_name(struct drawing *drawing, size_t i, char name[CHART_TEXT_SIZE + 4])
{
    snprintf(name, CHART_TEXT_SIZE, "%s", drawing->chart->lines[i].name);
    canvas_fit(drawing->canvas, name,
               (double)drawing->chart->width - 2 * EDGE - SWATCH - BETWEEN);
}

/* Moves to where a name of that width stands; false: behind the last of so many rows. */
static bool place(const struct drawing *drawing, struct cursor *cursor, double width,
                  size_t rows)
{
    double end = drawing->chart->width - EDGE;

    if (drawing->legend_has_more && cursor->row + 1 == rows)
        end -= MORE_WIDTH;
    if (cursor->x + SWATCH + width > end && (cursor->x > EDGE || cursor->row + 1 == rows)) {
        cursor->row++;
        cursor->x = EDGE;
    }
    return cursor->row < rows;
}

/* How many names stand in so many rows; *used: how many of the rows that takes. */
static size_t count_names(struct drawing *drawing, size_t rows, size_t *used)
{
    struct cursor cursor = { EDGE, 0 };
    char name[CHART_TEXT_SIZE + 4];
    size_t n = 0;

    for (*used = 0; n < drawing->chart->n_lines; n++) {
        fit_name(drawing, n, name);
        double width = canvas_text_width(drawing->canvas, name);
        if (!place(drawing, &cursor, width, rows))
            break;
        cursor.x += SWATCH + width + BETWEEN;
        *used = cursor.row + 1;
    }
    return n;
}

/* A name that stands above already, as that of the only question, is not said again. */
static bool says_title(const struct chart *chart)
{
    return chart->n_lines == 1 && strcmp(chart->lines[0].name, chart->title) == 0;
}

void draw_legend_plan(struct drawing *drawing, size_t most)
{
    if (says_title(drawing->chart))
        return;
    drawing->legend_has_more = drawing->chart->n_left_out > 0;
    if (count_names(drawing, most, &drawing->legend_rows) == drawing->chart->n_lines &&
        !drawing->legend_has_more)
        return;
    drawing->legend_has_more = true;
    drawing->legend_rows = most;
}

static double row_y(const struct drawing *drawing, size_t row)
{
    return drawing->chart->height - 8 - ROW * (double)(drawing->legend_rows - row - 1);
}

static void draw_name(struct drawing *drawing, size_t i, const struct cursor *cursor,
                      const char *name)
{
    double y = row_y(drawing, cursor->row);
    cairo_t *cairo = drawing->canvas->cairo;

    canvas_colour(drawing->canvas, draw_colour_of(drawing, i), 1);
    cairo_rectangle(cairo, cursor->x, y - 5, draw_is_dashed(i) ? 3 : 9, 3);
    cairo_fill(cairo);
    if (draw_is_dashed(i)) {
        cairo_rectangle(cairo, cursor->x + 6, y - 5, 3, 3);
        cairo_fill(cairo);
    }
    canvas_colour(drawing->canvas, drawing->colours->text, 1);
    canvas_text(drawing->canvas, cursor->x + SWATCH, y, CANVAS_LEFT, name);
}

static void draw_more(struct drawing *drawing, size_t n)
{
    char text[48];

    snprintf(text, sizeof text, "and %zu more", n);
    canvas_colour(drawing->canvas, drawing->colours->muted, 1);
    canvas_text(drawing->canvas, drawing->chart->width - EDGE,
                row_y(drawing, drawing->legend_rows - 1), CANVAS_RIGHT, text);
}

void draw_legend(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct cursor cursor = { EDGE, 0 };
    char name[CHART_TEXT_SIZE + 4];
    size_t i = 0;

    if (drawing->legend_rows == 0)
        return;
    for (; i < chart->n_lines; i++) {
        fit_name(drawing, i, name);
        double width = canvas_text_width(drawing->canvas, name);
        if (!place(drawing, &cursor, width, drawing->legend_rows))
            break;
        draw_name(drawing, i, &cursor, name);
        cursor.x += SWATCH + width + BETWEEN;
    }
    if (chart->n_lines - i + chart->n_left_out > 0)
        draw_more(drawing, chart->n_lines - i + chart->n_left_out);
}
