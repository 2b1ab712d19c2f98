/* flush/history/store_place.h: how far a reading in slices has come.
 *
 * Rows of a level come by the start of their window, then by part and its writer, then by
 * series. A slice begins to read at the window in which the one before it ended, and leaves out
 * what it has passed. */
#ifndef FLUSH_HISTORY_STORE_PLACE_H
#define FLUSH_HISTORY_STORE_PLACE_H

#include "flush/history/store.h"

/* { 0 } is before all. */
struct store_place {
    bool begun;
    int64_t start_s, first_s, writer;
    uint32_t low;
};

static inline bool store_place_passed(const struct store_place *place,
                                      const struct store_row *row)
{
    if (!place->begun || row->part.start_s != place->start_s)
        return place->begun && row->part.start_s < place->start_s;
    if (row->part.first_s != place->first_s)
        return row->part.first_s < place->first_s;
    if (row->writer != place->writer)
        return row->writer < place->writer;
    return row->low <= place->low;
}

static inline void store_place_pass(struct store_place *place, const struct store_row *row)
{
    *place = (struct store_place){ true, row->part.start_s, row->part.first_s, row->writer,
                                   row->low };
}

#endif
