/* flush/history/scribe.h: sealed windows into the store, under the store's ids.
 *
 *   told    number of the rollups -> series -> id, kept by number
 *   window  its blocks by number  -> cells by id -> rows
 *
 * A window and what is told with it are one transaction. When one fails, its ids mean nothing:
 * the scribe forgets all that it was told, and has to be told anew.
 *
 * Four bytes a series, and two for the day it was last seen. On the thread of the store. */
#ifndef FLUSH_HISTORY_SCRIBE_H
#define FLUSH_HISTORY_SCRIBE_H

#include "flush/history/store.h"
#include "flush/rollups/window.h"

struct scribe {
    struct store *store;
    uint32_t *ids;  /* by number, capacity of them; 0: not told */
    uint16_t *days; /* by number: since 1970, when it was last said to live */
    uint32_t capacity;
    struct packed_cell *cells; /* of one window */
    size_t cells_capacity;
    struct counted {
        uint64_t windows, cells;      /* written */
        uint64_t lost_cells, unknown; /* not: the store failed; nobody told whose they are */
    } counted;
};

/* The store outlives it. */
void scribe_init(struct scribe *scribe, struct store *store);
void scribe_free(struct scribe *given);

/* Forgets whose the numbers are. */
void scribe_forget(struct scribe *scribe);

/* Writes a window of that step, and before it what is told. A result (flush/history/sql.h);
 * unless it is SQLITE_OK, nothing was written and everything is forgotten. */
MUST_CHECK int scribe_write(struct scribe *scribe, int64_t step_s, const struct window *window,
                            struct slice told);

#endif
