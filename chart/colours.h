/* chart/colours.h: the colours of a picture, those of the page (server/http/page/style.css).
 *
 * 0xRRGGBB. Static. */
#ifndef CHART_COLOURS_H
#define CHART_COLOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "chart/chart.h"

enum { COLOURS_SERIES = 8 };

struct colours {
    uint32_t ground, text, muted, line, edge;
    uint32_t series[COLOURS_SERIES];
    uint32_t inside, outside;         /* of a line that has a band */
    uint32_t levels[CHART_ERROR + 1]; /* of markers */
};

const struct colours *colours_of(bool dark);

#endif
