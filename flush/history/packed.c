#include "flush/history/packed.h"

#include <math.h>

#include "flush/memory/wire.h"

/* ---- writing ----------------------------------------------------------- */

static void put_varint(struct bytes *bytes, uint64_t number)
{
    uint8_t *at = bytes_room(bytes, VARINT_MAX);

    if (at != NULL)
        bytes->len = (size_t)(varint_put(at, number) - bytes->at);
}

static void put_ids(struct packed *packed, const struct packed_cell *cells, size_t n)
{
    uint32_t before = 0;

    for (size_t i = 0; i < n; before = cells[i++].id)
        put_varint(&packed->ids, cells[i].id - before);
}

static void put_block(struct packed *packed, const struct packed_cell *cells, size_t n)
{
    double values[WINDOW_COLUMNS][COLUMN_VALUES];

    for (size_t i = 0; i < n; i++)
        for (int column = 0; column < WINDOW_COLUMNS; column++)
            values[column][i] = cells[i].cell.column[column];
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        struct bytes *to = &packed->columns[column];
        const double *like = column > 0 ? values[WINDOW_SUM] : NULL;
        uint8_t *at = bytes_room(to, COLUMN_BYTES_MAX);

        if (at != NULL)
            to->len += column_pack(values[column], like, n, at);
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
    clear(packed);
    packed->n = (uint32_t)n;
    packed->low = cells[0].id;
    packed->high = cells[n - 1].id;
    put_ids(packed, cells, n);
    for (size_t i = 0; i < n; i += COLUMN_VALUES)
        put_block(packed, cells + i, n - i < COLUMN_VALUES ? n - i : COLUMN_VALUES);
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

bool packed_ids(struct slice ids, uint32_t n, uint32_t out[static PACKED_SERIES_MAX])
{
    uint64_t id = 0, more;

    if (n == 0 || n > PACKED_SERIES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!get_varint(&ids, &more) || (i > 0 && more == 0) || more > UINT32_MAX - id)
            return false;
        id += more;
        out[i] = (uint32_t)id;
    }
    return ids.len == 0;
}

static bool are_fit(enum window_column column, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]) || (column == WINDOW_COUNT && values[i] <= 0))
            return false;
    return true;
}

/* Reads up to 64 cells off the front. */
static bool get_block(struct slice *from, enum window_column column, size_t n,
                      const double *sums, double *out)
{
    const uint8_t *at = (const uint8_t *)from->at;
    size_t size = column_size_within(at, from->len, n);

    if (size == 0 || (column_is_like(at) && column == WINDOW_SUM))
        return false;
    if (column_is_like(at))
        memcpy(out, sums, n * sizeof *out);
    else
        column_unpack(at, n, out);
    *from = slice_skip(*from, size);
    return are_fit(column, out, n);
}

bool packed_column(struct slice packed, enum window_column column, uint32_t n,
                   const double *sums, double out[static PACKED_SERIES_MAX])
{
    if (n > PACKED_SERIES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i += COLUMN_VALUES) {
        size_t block = n - i < COLUMN_VALUES ? n - i : COLUMN_VALUES;

        if (!get_block(&packed, column, block, column == WINDOW_SUM ? NULL : sums + i, out + i))
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
