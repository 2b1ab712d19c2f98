#include "flush/rollups/shown.h"

const char *shown_type(uint8_t kind)
{
    static const char *const words[CELL_KIND_COUNT] = {
        [CELL_COUNT] = "count",
        [CELL_GAUGE] = "gauge",
        [CELL_SET] = "set",
        [CELL_HISTOGRAM] = "histogram", /* windows keep what is made of it */
        [CELL_DISTRIBUTION] = "distribution",
        [CELL_DISTRIBUTION_COPY] = "distribution",
    };
    return words[kind];
}
