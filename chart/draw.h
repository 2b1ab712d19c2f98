/* chart/draw.h: a chart, drawn.
 *
 *      title
 *      per second                       the unit
 *      1.5k |          .  ____ alert    values' axis; lines, bands, markers
 *      1k   |    _/\__/ \/
 *      0    +---------------------
 *       UTC    14:00    14:10          times' axis
 *      - host:a   - host:b  and 3 more  legend
 *
 * A line of a series with a band is blue inside it and red outside; the band is grey. */
#ifndef CHART_DRAW_H
#define CHART_DRAW_H

#include "chart/axis.h"
#include "chart/canvas.h"
#include "chart/chart.h"
#include "chart/colours.h"

/* As a PNG. False: no memory. */
MUST_CHECK bool draw_png(const struct chart *chart, struct bytes *out);

/* ---- its parts --------------------------------------------------------- */

struct drawing {
    const struct chart *chart;
    const struct colours *colours;
    struct canvas *canvas;
    struct axis values, times;       /* with their pixels */
    double left, top, right, bottom; /* of what is between the axes */
    size_t legend_rows;
    bool legend_has_more; /* names than have room */
};

/* Where a value stands on its axis, in pixels. */
double draw_y(const struct drawing *drawing, double value);
double draw_x(const struct drawing *drawing, double time_s);

/* The colour of line i, and whether it is dashed to tell it from another. */
uint32_t draw_colour_of(const struct drawing *drawing, size_t i);
bool draw_is_dashed(size_t i);

/* Bands, areas, bars and lines: chart/draw_lines.c. */
void draw_lines(struct drawing *drawing);

/* Rows of names below the axes: how many they will be, and then they: chart/draw_legend.c. */
void draw_legend_plan(struct drawing *drawing, size_t most);
void draw_legend(struct drawing *drawing);

/* A piece of the way from one point to the next, where 0 is the one and 1 the other. */
struct draw_piece {
    double from, to;
    bool outside;
};
enum { DRAW_PIECES_MAX = 3 };

/* Cuts the way at the bounds of the band, which are known at both ends. Pure. Returns how many
 * pieces there are, one at least. */
size_t draw_cut(const double value[2], const double lower[2], const double upper[2],
                struct draw_piece out[DRAW_PIECES_MAX]);

#endif
