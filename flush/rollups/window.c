#include "flush/rollups/window.h"

#include <stdlib.h>

struct window *window_new(int64_t start_s)
{
    struct window *window = calloc(1, sizeof *window);

    if (window == NULL)
        return NULL;
    atomic_init(&window->holders, 1);
    window->start_s = window->first_s = window->last_s = start_s;
    return window;
}

struct window *window_hold(struct window *window)
{
    atomic_fetch_add_explicit(&window->holders, 1, memory_order_relaxed);
    return window;
}

void window_free(struct window *given)
{
    /* What each holder read of it comes before it is freed. */
    if (given == NULL ||
        atomic_fetch_sub_explicit(&given->holders, 1, memory_order_acq_rel) > 1)
        return;
    bytes_free(&given->masks);
    bytes_free(&given->offsets);
    bytes_free(&given->data);
    bytes_free(&given->blobs);
    bytes_free(&given->blob_data);
    free(given);
}

size_t window_bytes(const struct window *window)
{
    return sizeof *window + window->masks.capacity + window->offsets.capacity +
           window->data.capacity + window->blobs.capacity + window->blob_data.capacity;
}

/* Gathers the columns of the cells that have a value, and sets a bit of *mask for each. */
static size_t transpose(const struct window_cell cells[static COLUMN_VALUES], uint64_t *mask,
                        double columns[WINDOW_COLUMNS][COLUMN_VALUES])
{
    size_t n = 0;

    *mask = 0;
    for (unsigned i = 0; i < COLUMN_VALUES; i++) {
        if (cells[i].column[WINDOW_COUNT] == 0)
            continue;
        *mask |= UINT64_C(1) << i;
        for (int column = 0; column < WINDOW_COLUMNS; column++)
            columns[column][n] = cells[i].column[column];
        n++;
    }
    return n;
}

bool window_add_block(struct window *window,
                      const struct window_cell cells[static COLUMN_VALUES])
{
    double columns[WINDOW_COLUMNS][COLUMN_VALUES];
    uint64_t mask;
    uint32_t offset = (uint32_t)window->data.len;
    size_t n = transpose(cells, &mask, columns);
    uint8_t *to = bytes_room(&window->data, WINDOW_COLUMNS * COLUMN_BYTES_MAX);

    if (to == NULL || bytes_room(&window->masks, sizeof mask) == NULL ||
        bytes_room(&window->offsets, sizeof offset) == NULL)
        return false;
    for (int column = 0; n > 0 && column < WINDOW_COLUMNS; column++)
        to += column_pack(columns[column], column > 0 ? columns[WINDOW_SUM] : NULL, n, to);
    window->data.len = (size_t)(to - window->data.at);
    bytes_add(&window->masks, &mask, sizeof mask);
    bytes_add(&window->offsets, &offset, sizeof offset);
    window->n_blocks++;
    window->n_cells += n;
    return true;
}

static size_t data_at(const struct window *window, uint32_t block)
{
    return block < window->n_blocks
               ? ((const uint32_t *)(const void *)window->offsets.at)[block]
               : window->data.len;
}

/* Adds blocks of the other window, of which it has that many. */
static bool copy_blocks(struct window *window, const struct window *from, uint32_t end)
{
    uint32_t first = window->n_blocks;
    size_t begin = data_at(from, first), size = data_at(from, end) - begin;

    if ((size > 0 && bytes_room(&window->data, size) == NULL) ||
        bytes_room(&window->masks, (end - first) * sizeof(uint64_t)) == NULL ||
        bytes_room(&window->offsets, (end - first) * sizeof(uint32_t)) == NULL)
        return false;
    for (uint32_t block = first; block < end; block++) {
        uint64_t mask = window_mask(from, block);
        uint32_t offset = (uint32_t)(data_at(from, block) - begin + window->data.len);

        bytes_add(&window->masks, &mask, sizeof mask);
        bytes_add(&window->offsets, &offset, sizeof offset);
        window->n_cells += (uint64_t)__builtin_popcountll(mask);
    }
    if (size > 0)
        bytes_add(&window->data, from->data.at + begin, size);
    window->n_blocks = end;
    return true;
}

bool window_add_blocks_of(struct window *window, const struct window *from, uint32_t end)
{
    static const struct window_cell none[COLUMN_VALUES];
    uint32_t copied = end < from->n_blocks ? end : from->n_blocks;

    if (window->n_blocks < copied && !copy_blocks(window, from, copied))
        return false;
    while (window->n_blocks < end)
        if (!window_add_block(window, none))
            return false;
    return true;
}

bool window_add_blob(struct window *window, uint32_t series, const uint8_t *at, size_t len)
{
    struct window_blob blob = { series, (uint32_t)len, window->blob_data.len };

    if (bytes_room(&window->blob_data, len) == NULL ||
        bytes_room(&window->blobs, sizeof blob) == NULL)
        return false;
    bytes_add(&window->blob_data, at, len);
    bytes_add(&window->blobs, &blob, sizeof blob);
    return true;
}

static void shrink(struct bytes *bytes)
{
    unsigned char *less = bytes->len > 0 ? realloc(bytes->at, bytes->len) : NULL;

    if (less == NULL && bytes->len > 0)
        return; /* as it was */
    if (bytes->len == 0)
        free(bytes->at);
    bytes->at = less;
    bytes->capacity = bytes->len;
}

void window_close(struct window *window)
{
    shrink(&window->masks);
    shrink(&window->offsets);
    shrink(&window->data);
    shrink(&window->blobs);
    shrink(&window->blob_data);
}

uint64_t window_mask(const struct window *window, uint32_t block)
{
    return block < window->n_blocks ? ((const uint64_t *)(const void *)window->masks.at)[block]
                                    : 0;
}

uint64_t window_read(const struct window *window, uint32_t block, enum window_column column,
                     double values[static COLUMN_VALUES])
{
    uint64_t mask = window_mask(window, block);
    size_t n = (size_t)__builtin_popcountll(mask);

    if (mask == 0)
        return 0;
    const uint8_t *at =
        window->data.at + ((const uint32_t *)(const void *)window->offsets.at)[block];
    const uint8_t *first = at;
    for (int skipped = 0; skipped < (int)column; skipped++)
        at += column_size(at, n);
    column_unpack(column_is_like(at) ? first : at, n, values);
    return mask;
}

const struct window_blob *window_blobs(const struct window *window, size_t *n)
{
    *n = window->blobs.len / sizeof(struct window_blob);
    return (const struct window_blob *)(const void *)window->blobs.at;
}

const uint8_t *window_blob_at(const struct window *window, const struct window_blob *blob)
{
    return window->blob_data.at + blob->offset;
}
