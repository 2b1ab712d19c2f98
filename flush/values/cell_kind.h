/* flush/values/cell_kind.h: what a context is aggregated as.
 *
 * h and ms are one kind; a distribution copied from a histogram
 * (histogram_copy_to_distribution) is a context of its own. */
#ifndef FLUSH_VALUES_CELL_KIND_H
#define FLUSH_VALUES_CELL_KIND_H

#include "protocol/parse.h"

enum cell_kind {
    CELL_COUNT,
    CELL_GAUGE,
    CELL_SET,
    CELL_HISTOGRAM,
    CELL_DISTRIBUTION,
    CELL_DISTRIBUTION_COPY,
    CELL_KIND_COUNT
};

static inline enum cell_kind cell_kind_of(enum metric_type type)
{
#define CELL_KIND_OF(id, letters, name, cell, unit) [id] = cell,
    static const uint8_t kinds[METRIC_TYPE_COUNT] = { METRIC_TYPES(CELL_KIND_OF) };
#undef CELL_KIND_OF
    return (enum cell_kind)kinds[type];
}

#endif
