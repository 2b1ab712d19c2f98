#include "flush/rollups/late.h"

#include <stdlib.h>
#include <string.h>

enum { MALLOC_HEAD = 16 };

/* ---- memory ------------------------------------------------------------ */

static bool fits(const struct late *late, size_t more)
{
    return late->bytes + more <= late->max_bytes;
}

/* Room for one item more in an array; false: there is none. */
static bool reserve(struct late *late, void **at, uint32_t n, uint32_t *capacity, size_t size)
{
    uint32_t grown = *capacity == 0 ? 2 : *capacity * 2;
    size_t more = (grown - *capacity) * size;

    if (n < *capacity)
        return true;
    void *moved = fits(late, more) ? realloc(*at, grown * size) : NULL;

    if (moved == NULL)
        return false;
    *at = moved;
    *capacity = grown;
    late->bytes += more;
    return true;
}

static size_t block_size(uint32_t capacity)
{
    return sizeof(struct late_block) + capacity * sizeof(struct late_cell);
}

static void free_window(struct late *late, struct late_window *given)
{
    for (uint32_t i = 0; i < given->n_blocks; i++) {
        late->bytes -= block_size(given->blocks[i]->capacity) + MALLOC_HEAD;
        free(given->blocks[i]);
    }
    late->bytes -= given->blocks_capacity * sizeof *given->blocks +
                   given->objects_capacity * sizeof *given->objects + sizeof *given +
                   MALLOC_HEAD;
    free(given->blocks);
    free(given->objects);
    free(given);
}

/* Gives all memory back; the objects are freed already. */
static void free_all(struct late *given)
{
    for (size_t i = 0; i < given->n; i++)
        free_window(given, given->windows[i]);
    free(given->windows);
    *given = (struct late){ .max_bytes = given->max_bytes };
}

/* ---- windows ----------------------------------------------------------- */

/* Where the first window stands that is that one or comes behind it. */
static size_t place_of(const struct late *late, size_t level, int64_t start_s)
{
    size_t low = 0, high = late->n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct late_window *window = late->windows[middle];

        if (window->level < level || (window->level == level && window->start_s < start_s))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct late_window *late_find(const struct late *late, size_t level, int64_t start_s)
{
    size_t at = place_of(late, level, start_s);

    return at < late->n && late->windows[at]->level == level ? late->windows[at] : NULL;
}

static bool reserve_window(struct late *late)
{
    size_t capacity = late->capacity == 0 ? 16 : late->capacity * 2;

    if (late->n < late->capacity)
        return true;
    struct late_window **grown = realloc(late->windows, capacity * sizeof *grown);

    if (grown == NULL)
        return false;
    late->bytes += (capacity - late->capacity) * sizeof *grown;
    late->windows = grown;
    late->capacity = capacity;
    return true;
}

struct late_window *late_window(struct late *late, size_t level, int64_t start_s)
{
    size_t at = place_of(late, level, start_s), size = sizeof(struct late_window) + MALLOC_HEAD;

    if (at < late->n && late->windows[at]->level == level &&
        late->windows[at]->start_s == start_s)
        return late->windows[at];
    struct late_window *window =
        fits(late, size) && reserve_window(late) ? calloc(1, sizeof *window) : NULL;

    if (window == NULL)
        return NULL;
    window->level = level;
    window->start_s = start_s;
    window->first_s = INT64_MAX;
    memmove(late->windows + at + 1, late->windows + at, (late->n - at) * sizeof *late->windows);
    late->windows[at] = window;
    late->n++;
    late->bytes += size;
    return window;
}

void late_drop(struct late *late, struct late_window *given)
{
    size_t at = place_of(late, given->level, given->start_s);

    late->n--;
    memmove(late->windows + at, late->windows + at + 1, (late->n - at) * sizeof *late->windows);
    free_window(late, given);
    if (late->n == 0)
        free_all(late);
}

/* ---- cells ------------------------------------------------------------- */

/* Where the first block stands that is that one or comes behind it. */
static uint32_t block_place(const struct late_window *window, uint32_t number)
{
    uint32_t low = 0, high = window->n_blocks;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (window->blocks[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct late_block *find_block(const struct late_window *window, uint32_t number)
{
    uint32_t at = block_place(window, number);

    return at < window->n_blocks && window->blocks[at]->number == number ? window->blocks[at]
                                                                         : NULL;
}

/* Where the block stands, perhaps a new one; NULL: there is no room. */
static struct late_block **block_of(struct late *late, struct late_window *window,
                                    uint32_t number)
{
    uint32_t at = block_place(window, number);

    if (at < window->n_blocks && window->blocks[at]->number == number)
        return &window->blocks[at];
    if (!fits(late, block_size(1) + MALLOC_HEAD) ||
        !reserve(late, (void **)&window->blocks, window->n_blocks, &window->blocks_capacity,
                 sizeof *window->blocks))
        return NULL;
    struct late_block *block = calloc(1, block_size(1));

    if (block == NULL)
        return NULL;
    block->number = number;
    block->capacity = 1;
    late->bytes += block_size(1) + MALLOC_HEAD;
    memmove(window->blocks + at + 1, window->blocks + at,
            (window->n_blocks - at) * sizeof(struct late_block *));
    window->blocks[at] = block;
    window->n_blocks++;
    return &window->blocks[at];
}

/* How many series of the block stand before that one. */
static unsigned rank_of(const struct late_block *block, unsigned bit)
{
    return (unsigned)__builtin_popcountll(block->mask & ((UINT64_C(1) << bit) - 1));
}

/* Room for one cell more. */
static bool grow_block(struct late *late, struct late_block **at)
{
    uint32_t capacity = (*at)->capacity;
    size_t more = block_size(2 * capacity) - block_size(capacity);

    if ((uint32_t)__builtin_popcountll((*at)->mask) < capacity)
        return true;
    struct late_block *grown = fits(late, more) ? realloc(*at, block_size(2 * capacity)) : NULL;

    if (grown == NULL)
        return false;
    grown->capacity = 2 * capacity;
    late->bytes += more;
    *at = grown;
    return true;
}

struct late_cell *late_cell(struct late *late, struct late_window *window, uint32_t series)
{
    struct late_block **at = block_of(late, window, series / COLUMN_VALUES);
    unsigned bit = series % COLUMN_VALUES;

    if (at == NULL)
        return NULL;
    unsigned rank = rank_of(*at, bit);

    if (((*at)->mask >> bit & 1) != 0)
        return &(*at)->cells[rank];
    if (!grow_block(late, at))
        return NULL;
    struct late_block *block = *at;
    unsigned n = (unsigned)__builtin_popcountll(block->mask);

    memmove(block->cells + rank + 1, block->cells + rank, (n - rank) * sizeof *block->cells);
    block->cells[rank] = (struct late_cell){ .newest_s = 0 };
    block->mask |= UINT64_C(1) << bit;
    return &block->cells[rank];
}

/* ---- objects ----------------------------------------------------------- */

/* Where the first object stands that is that series' or one's behind it. */
static uint32_t object_place(const struct late_window *window, uint32_t series)
{
    uint32_t low = 0, high = window->n_objects;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (window->objects[middle].series < series)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct rollup_blob *late_object(struct late *late, struct late_window *window, uint32_t series)
{
    uint32_t at = object_place(window, series);

    if (at < window->n_objects && window->objects[at].series == series)
        return &window->objects[at].blob;
    if (!reserve(late, (void **)&window->objects, window->n_objects, &window->objects_capacity,
                 sizeof *window->objects))
        return NULL;
    memmove(window->objects + at + 1, window->objects + at,
            (window->n_objects - at) * sizeof *window->objects);
    window->objects[at] = (struct late_object){ .series = series };
    window->n_objects++;
    return &window->objects[at].blob;
}

/* ---- reading ----------------------------------------------------------- */

bool late_block_cells(const struct late_window *window, uint32_t number,
                      struct window_cell cells[static COLUMN_VALUES])
{
    const struct late_block *block = find_block(window, number);
    uint64_t mask = block != NULL ? block->mask : 0;

    memset(cells, 0, COLUMN_VALUES * sizeof *cells);
    for (size_t i = 0; mask != 0; mask &= mask - 1, i++)
        cells[__builtin_ctzll(mask)] = block->cells[i].cell;
    return block != NULL;
}

bool late_has(const struct late_window *window, uint32_t series)
{
    const struct late_block *block = find_block(window, series / COLUMN_VALUES);

    return block != NULL && (block->mask >> series % COLUMN_VALUES & 1) != 0;
}

uint64_t late_read(const struct late_window *window, uint32_t number, enum window_column column,
                   double values[static COLUMN_VALUES])
{
    const struct late_block *block = find_block(window, number);
    uint64_t mask = block != NULL ? block->mask : 0, read = 0;

    for (size_t i = 0; mask != 0; mask &= mask - 1, i++) {
        if (block->cells[i].cell.column[WINDOW_COUNT] == 0)
            continue; /* there was no memory for its object */
        read |= mask & -mask;
        *values++ = block->cells[i].cell.column[column];
    }
    return read;
}
