/* flush/fleet/fleet_cells.h: what instances wrote of one metric to Redis, read and merged
 * by series.
 *
 *   field   KIND|HOST|TAGS|ID
 *   value   SUM COUNT MIN MAX LAST LAST_MS, for sets and distributions '\n' and a blob
 *
 * (the whole layout: docs/redis.md). A field is one instance's view of one series in
 * one window. Several are merged as if one server had seen it all: counts add up, the
 * newest gauge wins, sets unite, distributions merge bin by bin. In a window of its
 * own interval a counter, a gauge or a set is one point, however many instances had a
 * part in it; in longer windows points are pooled.
 *
 * All that is read is untrusted. The cells live in an arena with a bound, and views
 * into them as long as they. One thread. */
#ifndef FLUSH_FLEET_FLEET_CELLS_H
#define FLUSH_FLEET_FLEET_CELLS_H

#include "flush/rollups/rollup.h"

enum {
    FLEET_ID = 12, /* hexadecimal digits of an incarnation */
    FLEET_FIELD_MAX = 256 << 10,
    FLEET_TAGS_MAX = 256
};

struct fleet_field {
    struct slice series; /* KIND|HOST|TAGS */
    struct slice host, tags, id;
    enum cell_kind kind;
};

/* A view of the text. False: damaged. */
bool fleet_field_read(struct slice text, struct fleet_field *out);

struct fleet_cell {
    struct slice series;
    uint32_t hash;
    enum cell_kind kind;
    struct window_cell cell;
    int64_t last_ms;
    void *object; /* unless the kind is a number */
};

struct fleet_cells {
    struct arena arena;
    struct fleet_cell **slots; /* by hash; NULL: empty */
    uint32_t n_slots, n;
};

void fleet_cells_init(struct fleet_cells *cells, struct arena_budget *budget);

/* Leaves it empty and frees its memory. */
void fleet_cells_free(struct fleet_cells *given);

enum fleet_result { FLEET_MERGED, FLEET_DAMAGED, FLEET_NO_MEMORY };

/* How a field is merged. */
struct fleet_manner {
    bool own;      /* the window is the writer's own interval */
    double weight; /* of a counter's points: its interval by that of the rates asked for */
};

enum fleet_result fleet_cells_add(struct fleet_cells *cells, const struct fleet_field *field,
                                  struct slice value, struct fleet_manner manner);

/* Merges the cells of one window into those of a longer one, or of one that is as long. False
 * without memory. `from` is only read, though its sketches may be compacted. */
bool fleet_cells_fold(struct fleet_cells *into, struct fleet_cells *from);

/* All of them in no order; *next starts at 0. NULL at the end. */
struct fleet_cell *fleet_cells_next(const struct fleet_cells *cells, uint32_t *next);

/* The cell's series in its parts; tags are views, as many as there are. */
size_t fleet_cell_tags(const struct fleet_cell *cell, struct slice *host,
                       struct slice tags[static FLEET_TAGS_MAX]);

#endif
