#include "chart/canvas.h"

#include <cairo-ft.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "chart/plain.h"
#include "config/files.h"

/* ---- fonts ------------------------------------------------------------- */

/* Beside the program, where a package and a tarball have it, or where other systems do. Asking
 * fontconfig would read what it knows of all fonts, however many there are. */
static bool open_face(FT_Library library, enum canvas_font font, FT_Face *out)
{
    static const char *const own[] = {
        [CANVAS_PLAIN] = "../share/fonts/truetype/dejavu/DejaVuSans.ttf",
        [CANVAS_BOLD] = "../share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    };
    static const char *const folders[] = { "/usr/share/fonts/truetype/dejavu",
                                           "/usr/share/fonts/dejavu-sans-fonts",
                                           "/usr/share/fonts/dejavu", "/usr/share/fonts/TTF" };
    char path[PATH_MAX];

    if (files_beside_program(path, own[font]) && FT_New_Face(library, path, 0, out) == 0)
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s%s", folders[i], strrchr(own[font], '/'));
        if (FT_New_Face(library, path, 0, out) == 0)
            return true;
    }
    return false;
}

static bool load_font(struct canvas *canvas, enum canvas_font font)
{
    FT_Face face;

    if (!open_face(canvas->library, font, &face))
        return false;
    canvas->fonts[font] = cairo_ft_font_face_create_for_ft_face(face, 0);
    return cairo_font_face_status(canvas->fonts[font]) == CAIRO_STATUS_SUCCESS;
}

static void choose_font(struct canvas *canvas, enum canvas_font font)
{
    if (canvas->library != NULL && load_font(canvas, font))
        return;
    canvas->fonts[font] = cairo_toy_font_face_create(
        "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
        font == CANVAS_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
}

/* Letters look the same whatever the screen of this machine is. */
static void choose_rendering(struct canvas *canvas)
{
    cairo_font_options_t *options = cairo_font_options_create();

    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
    cairo_set_font_options(canvas->cairo, options);
    cairo_font_options_destroy(options);
}

/* ---- start and end ----------------------------------------------------- */

bool canvas_open(struct canvas *out, int width, int height, uint32_t rgb)
{
    FT_Library library;

    *out = (struct canvas){ .surface =
                                cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height) };
    out->cairo = cairo_create(out->surface);
    if (FT_Init_FreeType(&library) == 0)
        out->library = library;
    for (int font = 0; font < CANVAS_FONTS; font++)
        choose_font(out, (enum canvas_font)font);
    choose_rendering(out);
    canvas_font(out, CANVAS_PLAIN, 11);
    canvas_colour(out, rgb, 1);
    cairo_paint(out->cairo);
    return cairo_status(out->cairo) == CAIRO_STATUS_SUCCESS;
}

/* Cairo remembers fonts, and through them the faces of FreeType, until it is told to forget. */
void canvas_close(struct canvas *given)
{
    cairo_destroy(given->cairo);
    cairo_surface_destroy(given->surface);
    for (int font = 0; font < CANVAS_FONTS; font++)
        cairo_font_face_destroy(given->fonts[font]);
    cairo_debug_reset_static_data();
    if (given->library != NULL)
        FT_Done_FreeType(given->library);
    *given = (struct canvas){ 0 };
}

/* ---- drawing ----------------------------------------------------------- */

void canvas_colour(struct canvas *canvas, uint32_t rgb, double opacity)
{
    cairo_set_source_rgba(canvas->cairo, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0,
                          (rgb & 0xff) / 255.0, opacity);
}

void canvas_font(struct canvas *canvas, enum canvas_font font, double size)
{
    cairo_set_font_face(canvas->cairo, canvas->fonts[font]);
    cairo_set_font_size(canvas->cairo, size);
}

double canvas_text_width(struct canvas *canvas, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void canvas_text(struct canvas *canvas, double x, double y, enum canvas_align align,
                 const char *text)
{
    double width = align == CANVAS_LEFT ? 0 : canvas_text_width(canvas, text);

    cairo_move_to(canvas->cairo, align == CANVAS_MIDDLE ? x - width / 2 : x - width, y);
    cairo_show_text(canvas->cairo, text);
    cairo_new_path(canvas->cairo);
}

void canvas_fit(struct canvas *canvas, char *text, double width)
{
    while (canvas_text_width(canvas, text) > width && plain_shorten(text))
        ;
}

/* ---- the PNG ----------------------------------------------------------- */

static cairo_status_t write_bytes(void *argument, const unsigned char *at, unsigned len)
{
    struct bytes *out = argument;

    bytes_add(out, at, len);
    return out->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

bool canvas_png(struct canvas *canvas, struct bytes *out)
{
    cairo_surface_flush(canvas->surface);
    return cairo_status(canvas->cairo) == CAIRO_STATUS_SUCCESS &&
           cairo_surface_write_to_png_stream(canvas->surface, write_bytes, out) ==
               CAIRO_STATUS_SUCCESS;
}
