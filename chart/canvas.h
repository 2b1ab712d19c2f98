/* chart/canvas.h: a picture that is being drawn, and its PNG.
 *
 * Cairo's, with its coordinates: pixels, from the upper left. Text is in DejaVu, whose files
 * are read from beside the program or from where systems have them; where they are not, the
 * system chooses a font. */
#ifndef CHART_CANVAS_H
#define CHART_CANVAS_H

#include <cairo.h>
#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/bytes.h"

enum canvas_font { CANVAS_PLAIN, CANVAS_BOLD, CANVAS_FONTS };
enum canvas_align { CANVAS_LEFT, CANVAS_MIDDLE, CANVAS_RIGHT };

struct canvas {
    cairo_surface_t *surface;
    cairo_t *cairo; /* for lines and areas */
    void *library;  /* FreeType's */
    cairo_font_face_t *fonts[CANVAS_FONTS];
};

/* All of one colour. False: no memory. */
MUST_CHECK bool canvas_open(struct canvas *out, int width, int height, uint32_t rgb);
void canvas_close(struct canvas *given);

/* What is drawn from now on; opacity 0 to 1. */
void canvas_colour(struct canvas *canvas, uint32_t rgb, double opacity);

void canvas_font(struct canvas *canvas, enum canvas_font font, double size);
double canvas_text_width(struct canvas *canvas, const char *text);

/* In the font and colour of now; y: of the line that it stands on. */
void canvas_text(struct canvas *canvas, double x, double y, enum canvas_align align,
                 const char *text);

/* Cuts a plain text until it is no wider. There are 4 bytes behind its end. */
void canvas_fit(struct canvas *canvas, char *text, double width);

/* Appends the picture. False: something went wrong since it was opened. */
MUST_CHECK bool canvas_png(struct canvas *canvas, struct bytes *out);

#endif
