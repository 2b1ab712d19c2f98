#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart/definition.h"
#include "chart/draw.h"

/* ---- a picture, decoded ------------------------------------------------ */

struct pixels {
    cairo_surface_t *surface;
    int width, height;
};

static cairo_status_t read_png(void *argument, unsigned char *to, unsigned len)
{
    struct slice *rest = argument;

    if (rest->len < len)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, rest->at, len);
    *rest = slice_skip(*rest, len);
    return CAIRO_STATUS_SUCCESS;
}

static void decode(const struct bytes *png, struct pixels *out)
{
    struct slice rest = bytes_view(png);

    out->surface = cairo_image_surface_create_from_png_stream(read_png, &rest);
    assert_int_equal(cairo_surface_status(out->surface), CAIRO_STATUS_SUCCESS);
    out->width = cairo_image_surface_get_width(out->surface);
    out->height = cairo_image_surface_get_height(out->surface);
}

static uint32_t pixel(const struct pixels *pixels, int x, int y)
{
    const unsigned char *rows = cairo_image_surface_get_data(pixels->surface);
    uint32_t rgb;

    assert_true(x >= 0 && x < pixels->width && y >= 0 && y < pixels->height);
    memcpy(&rgb, rows + y * cairo_image_surface_get_stride(pixels->surface) + 4 * x, 4);
    return rgb & 0xffffff;
}

/* Draws the definition, which must be good. */
static void draw(const char *json, struct pixels *out)
{
    struct chart chart;
    struct bytes png = { 0 };
    char problem[256];

    if (!definition_read(&chart, slice_of(json), problem, sizeof problem))
        fail_msg("%s", problem);
    assert_true(draw_png(&chart, &png));
    assert_memory_equal(png.at, "\x89PNG\r\n\x1a\n", 8);
    decode(&png, out);
    bytes_free(&png);
    definition_free(&chart);
}

/* Whether it is nearly that colour; what lies on an edge is mixed. */
static bool is_near(uint32_t a, uint32_t b)
{
    for (int shift = 0; shift < 24; shift += 8)
        if (abs((int)(a >> shift & 0xff) - (int)(b >> shift & 0xff)) > 40)
            return false;
    return true;
}

/* The rows of that colour in a column: how many, and their middle. */
static int rows_of(const struct pixels *pixels, int x, uint32_t rgb, double *middle)
{
    int n = 0, sum = 0;

    for (int y = 0; y < pixels->height; y++)
        if (is_near(pixel(pixels, x, y), rgb)) {
            n++;
            sum += y;
        }
    *middle = n > 0 ? (double)sum / n : -1;
    return n;
}

/* ---- where things are -------------------------------------------------- */

/* Pictures of 600 by 240 pixels without title, unit and legend rows but one; values 0 to 10
 * over a hundred seconds. Time and value to pixels, found by the frame that is drawn. */
struct place {
    double left, right, top, bottom;
};

static const uint32_t edge = 0x858d96, grid = 0xe2e4e7, blue = 0x0b62a8, red = 0xd3261e;

/* The axis of times is the longest row of its colour; the lines of the values 0 and 10 are the
 * ends of the grid. */
static void find_place(const struct pixels *pixels, struct place *out)
{
    int most = 0;

    *out = (struct place){ .top = -1 };
    for (int y = 0; y < pixels->height; y++) {
        int first = -1, n = 0, n_grid = 0;
        for (int x = 0; x < pixels->width; x++) {
            n_grid += pixel(pixels, x, y) == grid;
            if (pixel(pixels, x, y) != edge)
                continue;
            first = first < 0 ? x : first;
            n++;
        }
        if (out->top < 0 && n_grid > pixels->width / 2)
            out->top = y;
        if (n > most) {
            most = n;
            out->left = first;
            out->right = first + n;
            out->bottom = y;
        }
    }
    assert_true(most > pixels->width / 2 && out->top >= 0 && out->top < out->bottom);
}

static int x_of(const struct place *place, double share)
{
    return (int)(place->left + (place->right - place->left) * share);
}

static double y_of(const struct place *place, double value)
{
    return place->bottom - (place->bottom - place->top) * value / 10;
}

#define DEFINITION(series, more)                                                        \
    "{\"width\":600,\"height\":240,\"from\":1000,\"to\":1100,\"min\":0,\"max\":10.001," \
    "\"requests\":[{\"answer\":{\"series\":[" series "]}}]" more "}"
#define SERIES(attributes, points)                                                     \
    "{\"scope\":\"*\",\"expression\":\"e\",\"interval\":20,\"attributes\":" attributes \
    ",\"pointlist\":" points "}"

/* The same value for 40 seconds. */
#define LEVEL(attributes, value) SERIES(attributes, "[[1000000," value "],[1020000," value "]]")
#define UPPER                    "{\"role\":\"upper\"}"
#define LOWER                    "{\"role\":\"lower\"}"

/* The column shows the colour where that value is, and nowhere else. */
static void assert_at(const struct pixels *pixels, const struct place *place, double share,
                      uint32_t rgb, double value)
{
    double middle;
    int n = rows_of(pixels, x_of(place, share), rgb, &middle);

    if (n < 1 || n > 6 || fabs(middle - y_of(place, value)) > 1.5)
        fail_msg("at %g: %d rows around %g, not %g", share, n, middle, y_of(place, value));
}

static void assert_none(const struct pixels *pixels, const struct place *place, double share,
                        uint32_t rgb)
{
    double middle;
    int n = rows_of(pixels, x_of(place, share), rgb, &middle);

    if (n > 0)
        fail_msg("at %g: %d rows around %g", share, n, middle);
}

/* ---- lines ------------------------------------------------------------- */

static void a_line_is_where_its_values_are(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(
             SERIES("{}", "[[1000000,5],[1020000,5],[1040000,9],[1060000,9],[1080000,1]]"), ""),
         &pixels);
    assert_int_equal(pixels.width, 600);
    assert_int_equal(pixels.height, 240);
    find_place(&pixels, &place);
    assert_at(&pixels, &place, 0.1, blue, 5);
    assert_at(&pixels, &place, 0.5, blue, 9);
    assert_none(&pixels, &place, 0.9, blue); /* nothing was measured there */
    cairo_surface_destroy(pixels.surface);
}

static void a_gap_stays_empty_and_a_point_alone_is_seen(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(SERIES("{}", "[[1000000,5],[1020000,5],[1050000,null],[1060000,8],"
                                 "[1091000,2],[1100000,2]]"),
                    ""),
         &pixels);
    find_place(&pixels, &place);
    assert_at(&pixels, &place, 0.1, blue, 5);
    assert_none(&pixels, &place, 0.4, blue);
    assert_at(&pixels, &place, 0.6, blue, 8);
    assert_none(&pixels, &place, 0.75, blue);
    assert_at(&pixels, &place, 0.95, blue, 2);
    cairo_surface_destroy(pixels.surface);
}

static void several_lines_have_colours_of_their_own(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(LEVEL("{}", "2") "," LEVEL("{}", "7"), ""), &pixels);
    find_place(&pixels, &place);
    assert_at(&pixels, &place, 0.1, blue, 2);
    assert_at(&pixels, &place, 0.1, 0xb5540a, 7);
    cairo_surface_destroy(pixels.surface);
}

static void a_line_beside_a_band_has_another_colour(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(
             LEVEL("{}", "2") "," LEVEL("{}", "7") "," LEVEL(UPPER, "8") "," LEVEL(LOWER, "6"),
             ""),
         &pixels);
    find_place(&pixels, &place);
    assert_at(&pixels, &place, 0.1, 0xb5540a, 2);
    assert_at(&pixels, &place, 0.1, blue, 7);
    cairo_surface_destroy(pixels.surface);
}

/* Whether there is something of the colour below the axis of times: a name's mark. */
static bool has_mark(const char *json, uint32_t rgb)
{
    struct pixels pixels;
    struct place place;
    bool found = false;

    draw(json, &pixels);
    find_place(&pixels, &place);
    for (int y = (int)place.bottom + 2; y < pixels.height; y++)
        for (int x = 0; x < pixels.width; x++)
            found = found || pixel(&pixels, x, y) == rgb;
    cairo_surface_destroy(pixels.surface);
    return found;
}

static void names_stand_below_where_the_title_does_not_say_them(void **state)
{
    (void)state;

    assert_true(has_mark(DEFINITION(SERIES("{}", "[]"), ""), blue));
    assert_true(has_mark(DEFINITION(SERIES("{}", "[]"), ",\"title\":\"another\""), blue));
    assert_false(has_mark(DEFINITION(SERIES("{}", "[]"), ",\"title\":\"e\""), blue));
    assert_false(has_mark(DEFINITION("", ""), blue));
}

static void areas_and_bars_stand_on_zero(void **state)
{
    static const char *const types[] = { "area", "bars" };
    char json[1024];
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pixels pixels;
        struct place place;
        snprintf(
            json, sizeof json,
            "{\"width\":600,\"height\":240,\"from\":1000,\"to\":1100,\"min\":-10,\"max\":10,"
            "\"requests\":[{\"type\":\"%s\",\"answer\":{\"series\":[%s]}}]}",
            types[i], SERIES("{}", "[[1000000,8],[1020000,8],[1040000,-8],[1060000,-8]]"));
        draw(json, &pixels);
        find_place(&pixels, &place);
        double zero = (place.top + place.bottom) / 2;
        int x = x_of(&place, 0.1), after = x_of(&place, 0.5);
        uint32_t white = 0xffffff;
        assert_int_not_equal(pixel(&pixels, x, (int)zero - 15), white);
        assert_int_equal(pixel(&pixels, x, (int)zero + 15), white);
        assert_int_equal(pixel(&pixels, after, (int)zero - 15), white);
        assert_int_not_equal(pixel(&pixels, after, (int)zero + 15), white);
        cairo_surface_destroy(pixels.surface);
    }
}

static bool is_like(uint32_t rgb, uint32_t other)
{
    for (int shift = 0; shift < 24; shift += 8)
        if (abs((int)(rgb >> shift & 0xff) - (int)(other >> shift & 0xff)) > 3)
            return false;
    return true;
}

/* Two at 2 and 3: the second reaches from 2 to 5, and nothing is drawn twice. */
static void areas_and_bars_stand_on_each_other(void **state)
{
    static const char *const types[] = { "area", "bars" };
    char json[1024];
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pixels pixels;
        struct place place;
        snprintf(json, sizeof json,
                 "{\"width\":600,\"height\":240,\"from\":1000,\"to\":1100,\"min\":0,\"max\":10,"
                 "\"requests\":[{\"type\":\"%s\",\"answer\":{\"series\":[%s,%s]}}]}",
                 types[i], SERIES("{}", "[[1000000,2],[1020000,2],[1040000,2]]"),
                 SERIES("{}", "[[1000000,3],[1020000,3],[1040000,3]]"));
        draw(json, &pixels);
        find_place(&pixels, &place);
        int x = x_of(&place, 0.3);
        uint32_t first = pixel(&pixels, x, (int)y_of(&place, 1.2));
        uint32_t second = pixel(&pixels, x, (int)y_of(&place, 2.8));
        assert_false(is_like(first, 0xffffff));
        assert_false(is_like(second, 0xffffff));
        assert_false(is_like(first, second));
        assert_true(is_like(second, pixel(&pixels, x, (int)y_of(&place, 4.5))));
        assert_true(is_like(0xffffff, pixel(&pixels, x, (int)y_of(&place, 5.6))));
        cairo_surface_destroy(pixels.surface);
    }
}

/* ---- bands and markers ------------------------------------------------- */

static bool is_grey(uint32_t rgb)
{
    int r = rgb >> 16 & 0xff, g = rgb >> 8 & 0xff, b = rgb & 0xff;

    return r < 235 && r > 180 && abs(r - g) < 10 && abs(g - b) < 10;
}

static void a_line_is_blue_inside_its_grey_band_and_red_outside(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(
             SERIES(
                 "{\"role\":\"value\"}",
                 "[[1000000,3],[1020000,3],[1040000,3],[1060000,9],["
                 "1080000,9],[1100000,1]]") "," SERIES("{\"role\":\"lower\"}",
                                                       "[[1020000,2],[1040000,2],[1060000,2],["
                                                       "1080000,2],["
                                                       "1100000,2]]") "," SERIES("{\"role\":"
                                                                                 "\"upper\"}",
                                                                                 "[[1020000,6],"
                                                                                 "[1040000,6],["
                                                                                 "1060000,6],["
                                                                                 "1080000,6],["
                                                                                 "1100000,6]]"),
             ""),
         &pixels);
    find_place(&pixels, &place);
    int before = x_of(&place, 0.1), amid = x_of(&place, 0.7);
    assert_int_equal(pixel(&pixels, before, (int)y_of(&place, 4.5)), 0xffffff); /* none yet */
    assert_true(is_grey(pixel(&pixels, amid, (int)y_of(&place, 4.5))));
    assert_true(is_grey(pixel(&pixels, amid, (int)y_of(&place, 2.3))));
    assert_int_equal(pixel(&pixels, amid, (int)y_of(&place, 1.5)), 0xffffff);
    assert_int_equal(pixel(&pixels, amid, (int)y_of(&place, 6.7)), 0xffffff);
    assert_at(&pixels, &place, 0.1, blue, 3);
    assert_none(&pixels, &place, 0.1, red);
    assert_at(&pixels, &place, 0.3, blue, 3);
    assert_at(&pixels, &place, 0.7, red, 9);
    assert_none(&pixels, &place, 0.7, blue);
    /* On its way up it changes where it leaves the band: at 6, in the middle of 3 and 9. */
    assert_none(&pixels, &place, 0.48, red);
    assert_none(&pixels, &place, 0.52, blue);
    cairo_surface_destroy(pixels.surface);
}

/* Points at 9 and at 1 beyond a band from 2 to 6, in ways of 20 seconds. */
static void only_the_side_that_is_asked_for_is_red(void **state)
{
    static const struct {
        const char *direction;
        uint32_t above, below;
    } cases[] = {
        { "", red, red },
        { ",\"direction\":\"above\"", red, blue },
        { ",\"direction\":\"below\"", blue, red },
    };
    char json[2048], attributes[64];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pixels pixels;
        struct place place;
        snprintf(attributes, sizeof attributes, "{\"role\":\"value\"%s}", cases[i].direction);
        snprintf(
            json, sizeof json,
            "{\"width\":600,\"height\":240,\"from\":1000,\"to\":1100,\"min\":0,\"max\":10,"
            "\"requests\":[{\"answer\":{\"series\":[{\"expression\":\"e\",\"interval\":20,"
            "\"attributes\":%s,\"pointlist\":[[1000000,9],[1020000,9],[1040000,4],[1060000,1],"
            "[1080000,1]]},%s,%s]}}]}",
            attributes,
            SERIES("{\"role\":\"lower\"}",
                   "[[1000000,2],[1020000,2],[1040000,2],[1060000,2],[1080000,2]]"),
            SERIES("{\"role\":\"upper\"}",
                   "[[1000000,6],[1020000,6],[1040000,6],[1060000,6],[1080000,6]]"));
        draw(json, &pixels);
        find_place(&pixels, &place);
        assert_at(&pixels, &place, 0.1, cases[i].above, 9);
        assert_at(&pixels, &place, 0.7, cases[i].below, 1);
        assert_at(&pixels, &place, 0.4, blue, 4);
        cairo_surface_destroy(pixels.surface);
    }
}

static void a_point_alone_is_red_outside_its_band_too(void **state)
{
    struct pixels pixels;
    struct place place;
    (void)state;

    draw(DEFINITION(SERIES("{}", "[[1010000,3],[1050000,9],[1090000,9]]") "," SERIES(
                        "{\"role\":\"lower\"}",
                        "[[1010000,2],[1050000,2]]") "," SERIES("{\"role\":\"upper\"}",
                                                                "[[1010000,6],[1050000,6]]"),
                    ""),
         &pixels);
    find_place(&pixels, &place);
    assert_at(&pixels, &place, 0.1, blue, 3);
    assert_at(&pixels, &place, 0.5, red, 9);
    assert_at(&pixels, &place, 0.9, blue, 9); /* no band is known there */
    cairo_surface_destroy(pixels.surface);
}

static void a_marker_lies_across(void **state)
{
    struct pixels pixels;
    struct place place;
    double middle;
    (void)state;

    draw(DEFINITION("",
                    ",\"markers\":[{\"value\":8,\"type\":\"error solid\",\"label\":\"high\"},"
                    "{\"value\":\"2 < y < 4\",\"type\":\"ok\"}]"),
         &pixels);
    find_place(&pixels, &place);
    for (int i = 1; i < 9; i++)
        assert_at(&pixels, &place, i / 10.0, 0xb3261e, 8);
    assert_int_equal(rows_of(&pixels, x_of(&place, 0.2), 0x1a6b3c, &middle), 2);
    assert_true(fabs(middle - y_of(&place, 3)) < 1.5);
    assert_int_not_equal(pixel(&pixels, x_of(&place, 0.2), (int)y_of(&place, 3)), 0xffffff);
    cairo_surface_destroy(pixels.surface);
}

/* ---- the whole --------------------------------------------------------- */

static void a_dark_picture_is_dark(void **state)
{
    struct pixels pixels;
    (void)state;

    draw("{\"theme\":\"dark\",\"from\":0,\"to\":60,\"requests\":[]}", &pixels);
    assert_int_equal(pixel(&pixels, 0, 0), 0x1a1e22);
    assert_int_equal(pixel(&pixels, pixels.width - 1, pixels.height - 1), 0x1a1e22);
    cairo_surface_destroy(pixels.surface);
}

/* Whatever there is to draw, there is a picture. */
static void nothing_is_too_odd_to_be_drawn(void **state)
{
    static const char *const cases[] = {
        DEFINITION("", ""),
        DEFINITION(SERIES("{}", "[]"), ""),
        DEFINITION(SERIES("{}", "[[1000000,1.7e308],[1020000,-1.7e308],[1040000,5e-324]]"), ""),
        "{\"from\":0,\"to\":60,\"requests\":[{\"answer\":{\"series\":[" SERIES(
            "{}",
            "[[1000,1.7e308],[2000,-1.7e308]]") "," SERIES("{\"role\":\"lower\"}",
                                                           "[[1000,-1.7e308],[2000,1e308]"
                                                           "]") "," SERIES("{\"role\":"
                                                                           "\"upper\"}",
                                                                           "[[1000,1."
                                                                           "7e308],[2000,"
                                                                           "1.7e308]]") "]}}]}",
        "{\"from\":0,\"to\":60,\"requests\":[{\"answer\":{\"series\":[" SERIES(
            "{}", "[[1000,5e-324],[2000,1e-323]]") "]}}]}",
        "{\"from\":0,\"to\":253402300800,\"width\":120,\"height\":80,\"title\":\"t\","
        "\"requests\":"
        "[{\"answer\":{\"series\":[" SERIES("{}", "[[1000,5]]") "]}}]}",
        "{\"from\":0,\"to\":60,\"min\":1e308,\"requests\":[{\"answer\":{\"series\":[" SERIES(
            "{}", "[[1000,5]]") "]}}]}",
        "{\"from\":0,\"to\":60,\"max\":-1.7e308,\"requests\":[]}",
        "{\"from\":0,\"to\":1.5,\"requests\":[]}",
        DEFINITION("", ",\"markers\":[{\"value\":\"-1e308 < y < 1e9\"}]"),
        "{\"from\":0,\"to\":60,\"width\":1600,\"height\":1000,\"requests\":[]}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pixels pixels;
        draw(cases[i], &pixels);
        cairo_surface_destroy(pixels.surface);
    }
}

/* ---- cutting ----------------------------------------------------------- */

static void a_way_is_cut_where_it_crosses_a_bound(void **state)
{
    static const struct {
        double value[2], lower[2], upper[2];
        size_t n;
        struct draw_piece pieces[DRAW_PIECES_MAX];
    } cases[] = {
        { { 5, 5 }, { 0, 0 }, { 10, 10 }, 1, { { 0, 1, false } } },
        { { 10, 10 }, { 0, 0 }, { 10, 10 }, 1, { { 0, 1, false } } }, /* on a bound: inside */
        { { 12, 12 }, { 0, 0 }, { 10, 10 }, 1, { { 0, 1, true } } },
        { { 5, 15 }, { 0, 0 }, { 10, 10 }, 2, { { 0, 0.5, false }, { 0.5, 1, true } } },
        { { -5, 5 }, { 0, 0 }, { 10, 10 }, 2, { { 0, 0.5, true }, { 0.5, 1, false } } },
        { { -10, 30 },
          { 0, 0 },
          { 10, 10 },
          3,
          { { 0, 0.25, true }, { 0.25, 0.5, false }, { 0.5, 1, true } } },
        { { 5, 5 }, { 0, 0 }, { 10, 0 }, 2, { { 0, 0.5, false }, { 0.5, 1, true } } },
        { { -1.7e308, 1.7e308 },
          { 0, 0 },
          { 1.7e308, 1.7e308 },
          2,
          { { 0, 0.5, true }, { 0.5, 1, false } } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct draw_piece pieces[DRAW_PIECES_MAX];
        size_t n = draw_cut(cases[i].value, cases[i].lower, cases[i].upper, pieces);
        assert_int_equal(n, cases[i].n);
        for (size_t p = 0; p < n; p++)
            if (fabs(pieces[p].from - cases[i].pieces[p].from) > 1e-9 ||
                fabs(pieces[p].to - cases[i].pieces[p].to) > 1e-9 ||
                pieces[p].outside != cases[i].pieces[p].outside)
                fail_msg("case %zu, piece %zu: %g to %g", i, p, pieces[p].from, pieces[p].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_where_its_values_are),
        cmocka_unit_test(a_gap_stays_empty_and_a_point_alone_is_seen),
        cmocka_unit_test(several_lines_have_colours_of_their_own),
        cmocka_unit_test(a_line_beside_a_band_has_another_colour),
        cmocka_unit_test(names_stand_below_where_the_title_does_not_say_them),
        cmocka_unit_test(areas_and_bars_stand_on_zero),
        cmocka_unit_test(areas_and_bars_stand_on_each_other),
        cmocka_unit_test(a_line_is_blue_inside_its_grey_band_and_red_outside),
        cmocka_unit_test(only_the_side_that_is_asked_for_is_red),
        cmocka_unit_test(a_point_alone_is_red_outside_its_band_too),
        cmocka_unit_test(a_marker_lies_across),
        cmocka_unit_test(a_dark_picture_is_dark),
        cmocka_unit_test(nothing_is_too_odd_to_be_drawn),
        cmocka_unit_test(a_way_is_cut_where_it_crosses_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
