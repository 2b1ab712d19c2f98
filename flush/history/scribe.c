#include "flush/history/scribe.h"

#include <stdlib.h>

#include "flush/history/sql.h"
#include "flush/history/told.h"

enum { DAY_S = 86400 };

void scribe_init(struct scribe *scribe, struct store *store)
{
    *scribe = (struct scribe){ .store = store };
}

void scribe_free(struct scribe *given)
{
    free(given->ids);
    free(given->days);
    free(given->cells);
    *given = (struct scribe){ 0 };
}

void scribe_forget(struct scribe *scribe)
{
    if (scribe->capacity > 0)
        memset(scribe->ids, 0, scribe->capacity * sizeof *scribe->ids);
}

/* ---- who is who -------------------------------------------------------- */

static bool reserve_number(struct scribe *scribe, uint32_t number)
{
    size_t capacity = scribe->capacity;

    if (number < capacity)
        return true;
    while (capacity <= number)
        capacity = capacity * 2 + 64;
    uint32_t *ids = realloc(scribe->ids, capacity * sizeof *ids);

    scribe->ids = ids != NULL ? ids : scribe->ids;
    uint16_t *days = realloc(scribe->days, capacity * sizeof *days);

    scribe->days = days != NULL ? days : scribe->days;
    if (ids == NULL || days == NULL)
        return false;
    memset(ids + scribe->capacity, 0, (capacity - scribe->capacity) * sizeof *ids);
    scribe->capacity = (uint32_t)capacity;
    return true;
}

static int take_told(struct scribe *scribe, struct slice told, int64_t now_s)
{
    struct told one;
    int result = SQLITE_OK;

    while (result == SQLITE_OK && told_next(&told, &one)) {
        if (!reserve_number(scribe, one.number))
            return SQLITE_NOMEM;
        result = store_series(scribe->store, &one.series, now_s, &scribe->ids[one.number]);
        scribe->days[one.number] = 0; /* it may be an old acquaintance */
    }
    return result;
}

/* Once a day the store is told that a series lives. */
static int touch(struct scribe *scribe, uint32_t number, int64_t now_s)
{
    uint16_t day = (uint16_t)(now_s / DAY_S);

    if (scribe->days[number] == day)
        return SQLITE_OK;
    scribe->days[number] = day;
    return store_touch_series(scribe->store, scribe->ids[number], now_s);
}

/* ---- cells ------------------------------------------------------------- */

static bool reserve_cells(struct scribe *scribe, uint64_t n)
{
    if (n <= scribe->cells_capacity)
        return true;
    struct packed_cell *cells = realloc(scribe->cells, n * sizeof *cells);

    if (cells == NULL)
        return false;
    scribe->cells = cells;
    scribe->cells_capacity = n;
    return true;
}

/* The blobs of a window, looked up by ascending numbers. */
struct objects {
    const struct window *window;
    const struct window_blob *at, *end;
};

static struct slice object_of(struct objects *objects, uint32_t number)
{
    while (objects->at < objects->end && objects->at->series < number)
        objects->at++;
    if (objects->at == objects->end || objects->at->series != number)
        return SLICE("");
    return (struct slice){ (const char *)window_blob_at(objects->window, objects->at),
                           objects->at->len };
}

/* Gathers the cells of a block; returns behind the last. */
static size_t gather_block(struct scribe *scribe, uint32_t block, size_t n,
                           struct objects *objects)
{
    double values[WINDOW_COLUMNS][COLUMN_VALUES];
    uint64_t mask = 0;

    for (int column = 0; column < WINDOW_COLUMNS; column++)
        mask = window_read(objects->window, block, (enum window_column)column, values[column]);
    for (size_t i = 0; mask != 0; mask &= mask - 1, i++) {
        uint32_t number = block * COLUMN_VALUES + (uint32_t)__builtin_ctzll(mask);
        struct packed_cell *cell = &scribe->cells[n];

        if (number >= scribe->capacity || scribe->ids[number] == 0) {
            scribe->counted.unknown++;
            continue;
        }
        cell->id = scribe->ids[number];
        cell->object = object_of(objects, number);
        for (int column = 0; column < WINDOW_COLUMNS; column++)
            cell->cell.column[column] = values[column][i];
        n++;
    }
    return n;
}

static int touch_block(struct scribe *scribe, const struct window *window, uint32_t block)
{
    uint64_t mask = window_mask(window, block);
    int result = SQLITE_OK;

    for (; mask != 0 && result == SQLITE_OK; mask &= mask - 1) {
        uint32_t number = block * COLUMN_VALUES + (uint32_t)__builtin_ctzll(mask);

        if (number < scribe->capacity && scribe->ids[number] != 0)
            result = touch(scribe, number, window->last_s);
    }
    return result;
}

/* All cells by id, *n of them. */
static int gather(struct scribe *scribe, const struct window *window, size_t *n)
{
    size_t blobs;
    struct objects objects = { window, window_blobs(window, &blobs), NULL };
    int result = SQLITE_OK;

    *n = 0;
    objects.end = blobs > 0 ? objects.at + blobs : objects.at;
    if (!reserve_cells(scribe, window->n_cells))
        return SQLITE_NOMEM;
    for (uint32_t block = 0; block < window->n_blocks && result == SQLITE_OK; block++) {
        *n = gather_block(scribe, block, *n, &objects);
        result = touch_block(scribe, window, block);
    }
    packed_sort(scribe->cells, *n);
    return result;
}

/* ---- the outside ------------------------------------------------------- */

static int write(struct scribe *scribe, int64_t step_s, const struct window *window,
                 struct slice told, size_t *n)
{
    struct store_part part = { step_s, window->start_s, window->first_s, window->last_s };
    int result = take_told(scribe, told, window->last_s);

    if (result == SQLITE_OK)
        result = gather(scribe, window, n);
    if (result == SQLITE_OK)
        result = store_put_window(scribe->store, &part, scribe->cells, *n);
    return result == SQLITE_OK ? store_commit(scribe->store) : result;
}

int scribe_write(struct scribe *scribe, int64_t step_s, const struct window *window,
                 struct slice told)
{
    size_t n = 0;
    int result = store_begin(scribe->store);

    if (result == SQLITE_OK)
        result = write(scribe, step_s, window, told, &n);
    if (result == SQLITE_OK) {
        scribe->counted.windows++;
        scribe->counted.cells += n;
        return SQLITE_OK;
    }
    store_roll_back(scribe->store);
    scribe->counted.lost_cells += window->n_cells;
    scribe_forget(scribe);
    return result;
}
