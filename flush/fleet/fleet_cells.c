#include "flush/fleet/fleet_cells.h"

#include <math.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/number.h"

enum { SLOTS_MIN = 64, BLOB_MEMORY = 256 << 10 };

/* ---- text -------------------------------------------------------------- */

static bool read_kind(struct slice word, enum cell_kind *out)
{
    for (int kind = 0; kind < CELL_KIND_COUNT; kind++)
        if (word.len == 1 && cell_kinds[kind].letter == word.at[0] && word.at[0] != '\0') {
            *out = (enum cell_kind)kind;
            return true;
        }
    return false;
}

static bool is_id(struct slice id)
{
    for (size_t i = 0; i < id.len; i++)
        if (memchr("0123456789abcdef", id.at[i], 16) == NULL)
            return false;
    return id.len == FLEET_ID;
}

static size_t count_tags(struct slice tags)
{
    size_t n = tags.len > 0;

    for (size_t i = 0; i < tags.len; i++)
        n += tags.at[i] == ',';
    return n;
}

bool fleet_field_read(struct slice text, struct fleet_field *out)
{
    struct slice rest = text;

    if (text.len > FLEET_FIELD_MAX || !read_kind(slice_cut(&rest, '|'), &out->kind))
        return false;
    out->host = slice_cut(&rest, '|');
    const char *bar = rest.len > 0 ? memrchr(rest.at, '|', rest.len) : NULL;
    if (bar == NULL)
        return false;
    out->tags = (struct slice){ rest.at, (size_t)(bar - rest.at) };
    out->id = slice_skip(rest, out->tags.len + 1);
    out->series = (struct slice){ text.at, (size_t)(bar - text.at) };
    return is_id(out->id) && count_tags(out->tags) <= FLEET_TAGS_MAX;
}

struct fleet_value {
    struct window_cell cell;
    int64_t last_ms;
    struct slice blob;
};

static bool read_value(struct slice text, struct fleet_value *out)
{
    struct slice numbers = slice_cut(&text, '\n');
    double column[WINDOW_COLUMNS] = { 0 };

    for (int i = 0; i < WINDOW_COLUMNS; i++)
        if (!number_double(slice_cut(&numbers, ' '), &column[i]) || !isfinite(column[i]))
            return false;
    out->blob = text;
    memcpy(out->cell.column, column, sizeof column);
    return number_int64(numbers, &out->last_ms) && out->last_ms >= 0 &&
           column[WINDOW_COUNT] > 0 && column[WINDOW_MIN] <= column[WINDOW_MAX];
}

/* ---- the table --------------------------------------------------------- */

void fleet_cells_init(struct fleet_cells *cells, struct arena_budget *budget)
{
    *cells = (struct fleet_cells){ 0 };
    arena_init(&cells->arena, budget);
}

void fleet_cells_free(struct fleet_cells *given)
{
    struct arena_budget *budget = given->arena.budget;

    arena_free(&given->arena);
    free(given->slots);
    fleet_cells_init(given, budget);
}

static struct fleet_cell **find_slot(struct fleet_cell **slots, uint32_t n_slots,
                                     struct slice series, uint32_t hash)
{
    uint32_t at = hash & (n_slots - 1);

    while (slots[at] != NULL &&
           (slots[at]->hash != hash || !slice_equal(slots[at]->series, series)))
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

static bool grow(struct fleet_cells *cells)
{
    uint32_t n_slots = cells->n_slots > 0 ? cells->n_slots * 2 : SLOTS_MIN;
    struct fleet_cell **slots = calloc(n_slots, sizeof(struct fleet_cell *));

    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < cells->n_slots; i++)
        if (cells->slots[i] != NULL)
            *find_slot(slots, n_slots, cells->slots[i]->series, cells->slots[i]->hash) =
                cells->slots[i];
    free(cells->slots);
    cells->slots = slots;
    cells->n_slots = n_slots;
    return true;
}

static struct fleet_cell *new_cell(struct arena *arena, struct slice series,
                                   enum cell_kind kind, uint32_t hash)
{
    struct fleet_cell *cell = arena_alloc(arena, sizeof *cell);
    char *text = cell != NULL ? arena_alloc(arena, series.len) : NULL;

    if (text == NULL)
        return NULL;
    memcpy(text, series.at, series.len);
    *cell = (struct fleet_cell){
        .series = { text, series.len }, .hash = hash, .kind = kind, .last_ms = -1
    };
    return cell;
}

/* Finds the cell of the series, or makes one without a value. NULL without memory. */
static struct fleet_cell *cell_of(struct fleet_cells *cells, struct slice series,
                                  enum cell_kind kind)
{
    uint32_t hash = (uint32_t)XXH3_64bits(series.at, series.len);

    if (cells->n >= cells->n_slots / 2 && !grow(cells))
        return NULL;
    struct fleet_cell **slot = find_slot(cells->slots, cells->n_slots, series, hash);
    if (*slot == NULL) {
        *slot = new_cell(&cells->arena, series, kind, hash);
        cells->n += *slot != NULL;
    }
    return *slot;
}

struct fleet_cell *fleet_cells_next(const struct fleet_cells *cells, uint32_t *next)
{
    while (*next < cells->n_slots) {
        struct fleet_cell *cell = cells->slots[(*next)++];
        if (cell != NULL && cell->cell.column[WINDOW_COUNT] != 0)
            return cell;
    }
    return NULL;
}

size_t fleet_cell_tags(const struct fleet_cell *cell, struct slice *host,
                       struct slice tags[static FLEET_TAGS_MAX])
{
    struct slice rest = cell->series;
    size_t n = 0;

    (void)slice_cut(&rest, '|');
    *host = slice_cut(&rest, '|');
    while (rest.len > 0 && n < FLEET_TAGS_MAX)
        tags[n++] = slice_cut(&rest, ',');
    return n;
}

/* ---- merging ----------------------------------------------------------- */

/* Merges the object completely, or not at all. False without memory. */
static bool merge_object(struct fleet_cells *cells, struct fleet_cell *into, void *more)
{
    const struct object_ops *ops = cell_kinds[into->kind].object;

    if (more == NULL)
        return true;
    if (into->object == NULL)
        into->object = ops->make(&cells->arena);
    return into->object != NULL && ops->merge(into->object, &cells->arena, more, NULL);
}

static void pool(double column[WINDOW_COLUMNS], const double more[WINDOW_COLUMNS])
{
    bool first = column[WINDOW_COUNT] == 0;

    column[WINDOW_SUM] += more[WINDOW_SUM];
    column[WINDOW_COUNT] += more[WINDOW_COUNT];
    if (first || more[WINDOW_MIN] < column[WINDOW_MIN])
        column[WINDOW_MIN] = more[WINDOW_MIN];
    if (first || more[WINDOW_MAX] > column[WINDOW_MAX])
        column[WINDOW_MAX] = more[WINDOW_MAX];
}

static struct window_cell one_point(double value)
{
    return (struct window_cell){ { value, 1, value, value, value } };
}

/* Of two values that are equally new the larger counts as newer, so that the order in which
 * they are read makes no difference. */
static bool is_newer(const struct fleet_cell *than, int64_t last_ms, double last)
{
    return last_ms > than->last_ms ||
           (last_ms == than->last_ms && last > than->cell.column[WINDOW_LAST]);
}

static void merge_numbers(struct fleet_cell *into, const struct window_cell *more,
                          int64_t last_ms, bool own)
{
    const struct cell_kind_row *row = &cell_kinds[into->kind];
    double last = more->column[WINDOW_LAST];
    bool newer = is_newer(into, last_ms, last);

    if (own && row->shown == SHOWN_VALUE && row->object != NULL) {
        into->cell = one_point(row->object->summary(into->object).last);
    } else if (own && row->shown == SHOWN_VALUE) {
        if (newer)
            into->cell = one_point(last);
    } else if (own && row->shown == SHOWN_RATE) {
        into->cell = one_point(into->cell.column[WINDOW_SUM] + more->column[WINDOW_SUM]);
    } else {
        pool(into->cell.column, more->column);
        if (newer)
            into->cell.column[WINDOW_LAST] = last;
    }
    if (newer)
        into->last_ms = last_ms;
}

/* Says why a blob gave nothing: it is damaged, or there was no memory for it. */
static enum fleet_result blame(const struct fleet_cells *cells)
{
    return atomic_load(&cells->arena.budget->left) < BLOB_MEMORY ? FLEET_NO_MEMORY
                                                                 : FLEET_DAMAGED;
}

static enum fleet_result add_value(struct fleet_cells *cells, const struct fleet_field *field,
                                   struct fleet_value *value, void *object,
                                   struct fleet_manner manner)
{
    struct fleet_cell *cell = cell_of(cells, field->series, field->kind);

    if (cell == NULL || !merge_object(cells, cell, object))
        return FLEET_NO_MEMORY;
    if (field->kind == CELL_COUNT)
        value->cell.column[WINDOW_COUNT] *= manner.weight;
    merge_numbers(cell, &value->cell, value->last_ms, manner.own);
    if (field->kind == CELL_COUNT && manner.own)
        cell->cell.column[WINDOW_COUNT] = manner.weight;
    return FLEET_MERGED;
}

enum fleet_result fleet_cells_add(struct fleet_cells *cells, const struct fleet_field *field,
                                  struct slice text, struct fleet_manner manner)
{
    struct fleet_value value;
    struct arena scratch;
    const struct object_ops *ops = cell_kinds[field->kind].object;
    void *object = NULL;
    enum fleet_result result;

    if (!read_value(text, &value))
        return FLEET_DAMAGED;
    arena_init(&scratch, cells->arena.budget);
    if (ops != NULL)
        object = ops->unpack((const uint8_t *)value.blob.at, value.blob.len, &scratch);
    if (ops != NULL && object == NULL)
        result = blame(cells);
    else
        result = add_value(cells, field, &value, object, manner);
    arena_free(&scratch);
    return result;
}

bool fleet_cells_fold(struct fleet_cells *into, struct fleet_cells *from)
{
    uint32_t next = 0;

    for (struct fleet_cell *cell; (cell = fleet_cells_next(from, &next)) != NULL;) {
        struct fleet_cell *all = cell_of(into, cell->series, cell->kind);
        if (all == NULL || !merge_object(into, all, cell->object))
            return false;
        merge_numbers(all, &cell->cell, cell->last_ms, false);
    }
    return true;
}
