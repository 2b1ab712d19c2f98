/* flush/values/object.h: what a cell holds when a number is not enough.
 *
 * A set, a histogram and a sketch are objects: each lives in an arena and dies with it,
 * and whoever passes one on knows no more of it than these operations. A kind's row in
 * flush/values/cell_kind.h names them; they stand in object_set.c, object_histogram.c and
 * object_sketch.c. What a kind is never asked for is NULL, and a test says which may be. */
#ifndef FLUSH_VALUES_OBJECT_H
#define FLUSH_VALUES_OBJECT_H

#include "flush/memory/bytes.h"
#include "flush/memory/state.h"
#include "flush/values/distinct.h"
#include "flush/values/histogram.h"
#include "flush/values/sketch.h"
#include "protocol/parse.h"

/* What became of the values of a sample. */
struct object_added {
    uint32_t values;     /* went in */
    uint32_t not_finite; /* after scaling by the rate */
    uint32_t no_memory;
};

/* Histograms keep so many values exact; how many histograms gave that up is counted. */
struct exactness {
    size_t values;
    uint32_t switched;
};

/* An object as five numbers, as windows keep them: for a set its size, once. */
struct object_summary {
    double sum, count, min, max, last;
};

struct object_ops {
    /* An empty one; NULL when the arena is exhausted. */
    void *(*make)(struct arena *arena);

    /* The values of the sample into *object, which is made with the first if it is NULL. */
    struct object_added (*add)(void **object, struct arena *arena, const struct sample *sample,
                               struct exactness *exactness);

    /* other is only read (it may be put in order) and may live in another arena. False when
     * the arena is exhausted: nothing was added. Only histograms look at exactness. */
    bool (*merge)(void *into, struct arena *arena, void *other, struct exactness *exactness);

    /* For a successor (flush/memory/state.h). False when the arena is exhausted, in which the
     * object may be put in order; NULL: that, or damaged. */
    bool (*write)(struct state_writer *out, void *object, struct arena *arena);
    void *(*read)(struct state_reader *in, struct arena *arena);

    /* The same for windows, here and in Redis (flush/values/blob.h); out->failed says that
     * memory ran out. */
    bool (*pack)(struct bytes *out, void *object, struct arena *arena);
    void *(*unpack)(const uint8_t *at, size_t len, struct arena *arena);

    struct object_summary (*summary)(const void *object);
};

#endif
