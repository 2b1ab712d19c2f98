/* flush/series/mapping.h: what became of a name that a mapper was asked for. */
#ifndef FLUSH_SERIES_MAPPING_H
#define FLUSH_SERIES_MAPPING_H

#include "protocol/slice.h"

/* Views; whoever fills it says until when. */
struct mapping {
    struct slice name;
    const struct slice *tags; /* "key:value"; a value may hold a comma that the name held */
    size_t n_tags;
};

#endif
