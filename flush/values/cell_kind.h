/* flush/values/cell_kind.h: what a context is aggregated as, and all that differs by it.
 *
 * The value of a count or a gauge is a number in the cell itself: the path of a sample and
 * the fold know both. Any other is an object with operations of its own
 * (flush/values/object.h). So a new kind is a row here and a file with its operations, and a
 * new number of the state (flush/memory/state.h). */
#ifndef FLUSH_VALUES_CELL_KIND_H
#define FLUSH_VALUES_CELL_KIND_H

#include "flush/values/object.h"

/* As what it is sent; windows and questions treat it in the same way. */
enum cell_shown {
    SHOWN_RATE,  /* a number that adds up; sent per second of the interval */
    SHOWN_VALUE, /* a number that stands for itself; of an object the last of its summary */
    SHOWN_AGGREGATES, /* a series for each aggregate and percentile; windows keep those */
    SHOWN_SKETCH,     /* a point of the sketches payload */
};

extern const struct object_ops object_set, object_histogram, object_sketch;

/* X(id, letter, word, shown, object). The letter stands in the fields in Redis, 0: none ever
 * does; the word in warnings. h and ms are one kind. A distribution copied from a histogram
 * (histogram_copy_to_distribution) is a context of its own, but its series is a
 * CELL_DISTRIBUTION. The order is written in states: a new row is the last. */
#define CELL_KINDS(X)                                                    \
    X(CELL_COUNT, 'c', "c", SHOWN_RATE, NULL)                            \
    X(CELL_GAUGE, 'g', "g", SHOWN_VALUE, NULL)                           \
    X(CELL_SET, 's', "s", SHOWN_VALUE, &object_set)                      \
    X(CELL_HISTOGRAM, 0, "h or ms", SHOWN_AGGREGATES, &object_histogram) \
    X(CELL_DISTRIBUTION, 'd', "d", SHOWN_SKETCH, &object_sketch)         \
    X(CELL_DISTRIBUTION_COPY, 0, "d", SHOWN_SKETCH, &object_sketch)

#define CELL_KIND_ENUM(id, letter, word, shown, object) id,
enum cell_kind { CELL_KINDS(CELL_KIND_ENUM) CELL_KIND_COUNT };
#undef CELL_KIND_ENUM

struct cell_kind_row {
    char letter;
    const char *word;
    enum cell_shown shown;
    const struct object_ops *object; /* NULL: a number in the cell */
};

extern const struct cell_kind_row cell_kinds[CELL_KIND_COUNT]; /* by enum cell_kind */

static inline enum cell_kind cell_kind_of(enum metric_type type)
{
#define CELL_KIND_OF(id, letters, name, cell, unit) [id] = cell,
    static const uint8_t kinds[METRIC_TYPE_COUNT] = { METRIC_TYPES(CELL_KIND_OF) };
#undef CELL_KIND_OF
    return (enum cell_kind)kinds[type];
}

#endif
