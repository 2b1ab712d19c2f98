/* The definition of a picture as any bytes. What is read is drawn, on a small picture: its PNG
 * begins and ends as one. What is refused has a sentence. */
#include <stdio.h>
#include <stdlib.h>

#include "chart/definition.h"
#include "chart/draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIDTH = 160, HEIGHT = 120 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_drawn(const struct chart *chart)
{
    static const unsigned char end[] = { 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82 };
    struct bytes png = { 0 };

    check(draw_png(chart, &png) && png.len > 64);
    check(memcmp(png.at, "\x89PNG\r\n\x1a\n", 8) == 0);
    check(memcmp(png.at + png.len - sizeof end, end, sizeof end) == 0);
    bytes_free(&png);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice json = { (const char *)data, size };
    char problem[256] = "";
    struct chart chart;

    if (definition_read(&chart, json, problem, sizeof problem)) {
        chart.width = chart.width > WIDTH ? WIDTH : chart.width;
        chart.height = chart.height > HEIGHT ? HEIGHT : chart.height;
        check_drawn(&chart);
    } else {
        check(problem[0] != '\0' && strchr(problem, '\n') == NULL);
    }
    definition_free(&chart);
    return 0;
}
