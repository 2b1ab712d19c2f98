#include "flush/history/packed.h"

#include <math.h>
#include <stdlib.h>

#include "flush/history/squeeze.h"

/* How many of the rest are packed together. */
static size_t block_of(size_t rest)
{
    return rest < SQUEEZE_VALUES ? rest : SQUEEZE_VALUES;
}

/* ---- writing ----------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    uint32_t left = ((const struct packed_cell *)a)->id;
    uint32_t right = ((const struct packed_cell *)b)->id;

    return (left > right) - (left < right);
}

static bool is_sorted(const struct packed_cell *cells, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (cells[i].id <= cells[i - 1].id)
            return false;
    return true;
}

/* They mostly are. */
void packed_sort(struct packed_cell *cells, size_t n)
{
    if (!is_sorted(cells, n))
        qsort(cells, n, sizeof *cells, by_id);
}

static void put_varint(struct bytes *bytes, uint64_t number)
{
    uint8_t *at = bytes_room(bytes, VARINT_MAX);

    if (at != NULL)
        bytes->len = (size_t)(varint_put(at, number) - bytes->at);
}

/* How far each is from the one before. */
static void put_ids(struct packed *packed, const struct packed_cell *cells, size_t n,
                    uint32_t *before)
{
    int64_t steps[SQUEEZE_VALUES];
    uint8_t *at = bytes_room(&packed->ids, NARROW_BYTES_MAX);

    for (size_t i = 0; i < n; *before = cells[i++].id)
        steps[i] = cells[i].id - *before;
    if (at != NULL)
        packed->ids.len = (size_t)(narrow_put(steps, n, at) - packed->ids.at);
}

static void put_columns(struct packed *packed, const struct packed_cell *cells, size_t n)
{
    double values[WINDOW_COLUMNS][SQUEEZE_VALUES];

    for (size_t i = 0; i < n; i++)
        for (int column = 0; column < WINDOW_COLUMNS; column++)
            values[column][i] = cells[i].cell.column[column];
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        struct bytes *to = &packed->columns[column];
        const double *like = column > 0 ? values[WINDOW_SUM] : NULL;
        uint8_t *at = bytes_room(to, SQUEEZE_BYTES_MAX);

        if (at != NULL)
            to->len = (size_t)(squeeze_put(values[column], like, n, at) - to->at);
    }
}

static void put_objects(struct packed *packed, const struct packed_cell *cells, size_t n)
{
    size_t next = 0;

    for (size_t i = 0; i < n; i++) {
        if (cells[i].object.len == 0)
            continue;
        put_varint(&packed->objects, i - next);
        put_varint(&packed->objects, cells[i].object.len);
        bytes_add(&packed->objects, cells[i].object.at, cells[i].object.len);
        next = i + 1;
    }
}

static void clear(struct packed *packed)
{
    bytes_clear(&packed->ids);
    bytes_clear(&packed->objects);
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        bytes_clear(&packed->columns[column]);
}

bool packed_make(struct packed *packed, const struct packed_cell *cells, size_t n)
{
    uint32_t before = 0;

    clear(packed);
    packed->n = (uint32_t)n;
    packed->low = cells[0].id;
    packed->high = cells[n - 1].id;
    for (size_t i = 0; i < n; i += SQUEEZE_VALUES) {
        put_ids(packed, cells + i, block_of(n - i), &before);
        put_columns(packed, cells + i, block_of(n - i));
    }
    put_objects(packed, cells, n);

    bool failed = packed->ids.failed || packed->objects.failed;
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        failed = failed || packed->columns[column].failed;
    return !failed;
}

void packed_free(struct packed *given)
{
    bytes_free(&given->ids);
    bytes_free(&given->objects);
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        bytes_free(&given->columns[column]);
}

/* ---- reading ----------------------------------------------------------- */

/* Cuts a number off the front. */
static bool get_varint(struct slice *from, uint64_t *out)
{
    const uint8_t *at = (const uint8_t *)from->at, *end = at + from->len;

    if (from->len == 0 || !varint_get(&at, end, out))
        return false;
    *from = slice_skip(*from, (size_t)(at - (const uint8_t *)from->at));
    return true;
}

/* Adds the ids of a block up; each is above the one before, but for the very first. */
static bool get_ids(struct slice *from, size_t n, int64_t *id, bool first, uint32_t *out)
{
    int64_t steps[SQUEEZE_VALUES];

    if (!narrow_get(from, n, steps))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t least = first && i == 0 ? 0 : 1;

        if (steps[i] < least || steps[i] > (int64_t)UINT32_MAX - *id)
            return false;
        *id += steps[i];
        out[i] = (uint32_t)*id;
    }
    return true;
}

bool packed_ids(struct slice ids, uint32_t n, uint32_t out[static PACKED_SERIES_MAX])
{
    int64_t id = 0;

    if (n == 0 || n > PACKED_SERIES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i += SQUEEZE_VALUES)
        if (!get_ids(&ids, block_of(n - i), &id, i == 0, out + i))
            return false;
    return ids.len == 0;
}

static bool are_fit(enum window_column column, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]) || (column == WINDOW_COUNT && values[i] <= 0))
            return false;
    return true;
}

bool packed_column(struct slice packed, enum window_column column, uint32_t n,
                   const double *sums, double out[static PACKED_SERIES_MAX])
{
    if (n > PACKED_SERIES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i += SQUEEZE_VALUES) {
        const double *like = column == WINDOW_SUM ? NULL : sums + i;

        if (!squeeze_get(&packed, like, block_of(n - i), out + i) ||
            !are_fit(column, out + i, block_of(n - i)))
            return false;
    }
    return packed.len == 0;
}

bool packed_next_object(struct slice *rest, uint32_t *next_place, uint32_t n,
                        struct packed_object *out)
{
    uint64_t skipped, len;

    if (!get_varint(rest, &skipped) || !get_varint(rest, &len) || len == 0 || len > rest->len ||
        *next_place >= n || skipped >= n - *next_place)
        return false;
    out->place = *next_place + (uint32_t)skipped;
    out->bytes = (struct slice){ rest->at, (size_t)len };
    *next_place = out->place + 1;
    *rest = slice_skip(*rest, (size_t)len);
    return true;
}
