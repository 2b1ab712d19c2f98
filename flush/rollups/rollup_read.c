/* What others read of the rollups: who is known, and windows, open, sealed and late ones. */
#include "flush/rollups/rollup_internal.h"

bool rollup_is_busy(const struct rollup *rollup)
{
    return rollup->opening || rollup->adding;
}

void rollup_pin(struct rollup *rollup)
{
    rollup->pins++;
}

void rollup_unpin(struct rollup *rollup)
{
    rollup->pins--;
}

uint32_t rollup_end(const struct rollup *rollup)
{
    return rollup->end;
}

const struct rollup_series *rollup_entry(const struct rollup *rollup, uint32_t series)
{
    return &rollup->entries[series];
}

const struct identities *rollup_identities(const struct rollup *rollup)
{
    return rollup->identities;
}

struct matched *rollup_matched(struct rollup *rollup)
{
    return &rollup->matched;
}

int64_t rollup_interval(const struct rollup *rollup)
{
    return rollup->config.interval_s;
}

int64_t rollup_newest(const struct rollup *rollup)
{
    return rollup->now_s;
}

size_t rollup_levels(const struct rollup *rollup)
{
    return rollup->n_levels;
}

int64_t rollup_step(const struct rollup *rollup, size_t level)
{
    return rollup->levels[level].step_s;
}

bool rollup_covers(const struct rollup *rollup, size_t level, int64_t from_s)
{
    return rollup->levels[level].whole_s <= from_s;
}

bool rollup_find(const struct rollup *rollup, size_t level, int64_t *start_s,
                 struct rollup_span *out)
{
    const struct rollup_level *from = &rollup->levels[level];
    size_t low = 0, high = from->n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (from->closed[middle]->start_s < *start_s)
            low = middle + 1;
        else
            high = middle;
    }
    *out = (struct rollup_span){ .window = low < from->n ? from->closed[low] : NULL,
                                 .level = level };
    if (out->window == NULL &&
        from->open_s < *start_s) /* ROLLUP_NO_START lies before all times */
        return false;
    *start_s = out->window != NULL ? out->window->start_s : from->open_s;
    return true;
}

bool rollup_find_late(const struct rollup *rollup, size_t level, int64_t *start_s,
                      struct rollup_span *out)
{
    const struct late_window *late =
        rollup->late.n > 0 ? late_find(&rollup->late, level, *start_s) : NULL;

    *out = (struct rollup_span){ .late = late, .level = level };
    if (late == NULL || late->start_s >= rollup->levels[level].open_s)
        return false;
    *start_s = late->start_s;
    return true;
}

static uint64_t read_open(const struct window_cell cells[static COLUMN_VALUES],
                          enum window_column column, double values[static COLUMN_VALUES])
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < COLUMN_VALUES; i++) {
        if (cells[i].column[WINDOW_COUNT] == 0)
            continue;
        mask |= UINT64_C(1) << i;
        *values++ = cells[i].column[column];
    }
    return mask;
}

uint64_t rollup_read(const struct rollup *rollup, struct rollup_span span, uint32_t block,
                     enum window_column column, double values[static COLUMN_VALUES])
{
    if (span.window != NULL)
        return window_read(span.window, block, column, values);
    if (span.late != NULL)
        return late_read(span.late, block, column, values);
    return read_open(&rollup->levels[span.level].open[block * COLUMN_VALUES], column, values);
}

static bool next_late_blob(const struct late_window *late, uint32_t *next, uint32_t *series,
                           const uint8_t **at, size_t *len)
{
    while (*next < late->n_objects && late->objects[*next].blob.at == NULL)
        (*next)++;
    if (*next == late->n_objects)
        return false;
    const struct late_object *object = &late->objects[(*next)++];

    *series = object->series;
    *at = object->blob.at;
    *len = object->blob.len;
    return true;
}

bool rollup_next_blob(const struct rollup *rollup, struct rollup_span span, uint32_t *next,
                      uint32_t *series, const uint8_t **at, size_t *len)
{
    if (span.window != NULL) {
        size_t n;
        const struct window_blob *blobs = window_blobs(span.window, &n);
        if (*next >= n)
            return false;
        const struct window_blob *blob = &blobs[(*next)++];
        *series = blob->series;
        *at = window_blob_at(span.window, blob);
        *len = blob->len;
        return true;
    }
    if (span.late != NULL)
        return next_late_blob(span.late, next, series, at, len);
    for (; *next < rollup->end; (*next)++) {
        const struct rollup_blob *blob = rollup_open_blob(rollup, *next, span.level);
        if (blob == NULL || blob->at == NULL)
            continue;
        *series = (*next)++;
        *at = blob->at;
        *len = blob->len;
        return true;
    }
    return false;
}
