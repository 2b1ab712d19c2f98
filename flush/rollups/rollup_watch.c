/* What is new in the open windows, and which windows are given to somebody who keeps them. */
#include "flush/rollups/rollup_internal.h"

#include "flush/memory/pages.h"

/* ---- watched ----------------------------------------------------------- */

bool rollup_watch(struct rollup *rollup)
{
    rollup->newest_ms = pages_map(rollup->max_ids * sizeof *rollup->newest_ms);
    return rollup->newest_ms != NULL;
}

bool rollup_turns(const struct rollup *rollup, size_t level, int64_t stamp_s)
{
    const struct rollup_level *of = &rollup->levels[level];

    if (of->open_s == ROLLUP_NO_START)
        return false;
    if (rollup_goes_back(rollup, stamp_s))
        return true;
    return stamp_s > rollup->now_s && rollup_start(stamp_s, of->step_s) != of->open_s;
}

uint32_t rollup_unwritten(const struct rollup *rollup, size_t level)
{
    return rollup->levels[level].unwritten;
}

int64_t rollup_open_start(const struct rollup *rollup, size_t level)
{
    return rollup->levels[level].open_s;
}

bool rollup_take(struct rollup *rollup, size_t level, uint32_t series, struct rollup_value *out)
{
    struct rollup_series *entry = &rollup->entries[series];

    if ((entry->unwritten >> level & 1) == 0)
        return false;
    entry->unwritten = (uint8_t)(entry->unwritten & ~(1u << level));
    rollup->levels[level].unwritten--;
    const struct rollup_blob *blob = rollup_open_blob(rollup, series, level);
    *out = (struct rollup_value){
        .column = rollup->levels[level].open[series].column,
        .blob = blob != NULL ? blob->at : NULL,
        .blob_len = blob != NULL && blob->at != NULL ? blob->len : 0,
        .newest_ms = rollup->newest_ms[series],
    };
    return true;
}

void rollup_unwatch(struct rollup *rollup, uint32_t number)
{
    struct rollup_series *entry = &rollup->entries[number];

    for (size_t level = 0; level < rollup->n_levels; level++)
        rollup->levels[level].unwritten -= entry->unwritten >> level & 1;
    entry->unwritten = 0;
}

/* ---- given ------------------------------------------------------------- */

void rollup_give_from(struct rollup *rollup, size_t level, int64_t start_s)
{
    rollup->levels[level].ungiven_s = start_s;
}

static bool copy_blobs(const struct rollup *rollup, size_t level, struct window *to)
{
    const struct rollup_span open = { .level = level };
    uint32_t next = 0, series;
    const uint8_t *at;
    size_t len;
    bool copied = true;

    while (copied && rollup_next_blob(rollup, open, &next, &series, &at, &len))
        copied = window_add_blob(to, series, at, len);
    return copied;
}

struct window *rollup_copy_open(const struct rollup *rollup, size_t level)
{
    const struct rollup_level *of = &rollup->levels[level];
    uint32_t blocks = (rollup->end + COLUMN_VALUES - 1) / COLUMN_VALUES;
    struct window *copy = of->open_s != ROLLUP_NO_START ? window_new(of->open_s) : NULL;
    bool copied = copy != NULL;

    for (uint32_t block = 0; copied && block < blocks; block++)
        copied = window_add_block(copy, &of->open[block * COLUMN_VALUES]);
    if (!copied || !copy_blobs(rollup, level, copy) || copy->n_cells == 0) {
        window_free(copy);
        return NULL;
    }
    copy->first_s = of->first_s;
    copy->last_s = of->last_s;
    window_close(copy);
    return copy;
}

bool rollup_tell(struct rollup *rollup, uint32_t series, uint32_t epoch)
{
    struct rollup_series *entry = &rollup->entries[series];

    if (!entry->live || entry->told == epoch)
        return false;
    entry->told = epoch;
    return true;
}
