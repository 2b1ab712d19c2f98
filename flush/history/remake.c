#include "flush/history/remake.h"

#include <stdlib.h>
#include <string.h>

#include "flush/history/sql.h"
#include "flush/memory/arena.h"
#include "flush/values/cell_kind.h"

enum { MERGE_BYTES = 64 << 20 };

struct held {
    int64_t first_s, last_s, writer;
};

/* A coarse window that is being made. */
struct remade {
    struct store *store;
    struct store_part part; /* what is in it so far */
    struct held *held;      /* its parts on the disk */
    size_t n_held, held_capacity;
    int64_t late; /* the writer whose late parts are added; INT64_MAX: there is none */
    int64_t next; /* while the one behind that is looked for */
    struct packed_cell *cells;
    size_t n, capacity;
    uint32_t *places; /* by id: place in cells + 1; 0: none */
    size_t n_places;
    struct arena_budget budget;
    struct arena arena; /* of two objects that are merged */
    struct bytes packed;
};

static void clear(struct remade *remade)
{
    for (size_t i = 0; i < remade->n; i++) {
        free((void *)(uintptr_t)remade->cells[i].object.at);
        remade->places[remade->cells[i].id] = 0;
    }
    remade->n = 0;
}

static void free_remade(struct remade *given)
{
    clear(given);
    free(given->held);
    free(given->cells);
    free(given->places);
    arena_free(&given->arena);
    bytes_free(&given->packed);
}

/* ---- cells ------------------------------------------------------------- */

static bool reserve_place(struct remade *remade, uint32_t id)
{
    size_t n = remade->n_places;

    if (id < n)
        return true;
    while (n <= id)
        n = n * 2 + 1024;
    uint32_t *grown = realloc(remade->places, n * sizeof *grown);

    if (grown == NULL)
        return false;
    memset(grown + remade->n_places, 0, (n - remade->n_places) * sizeof *grown);
    remade->places = grown;
    remade->n_places = n;
    return true;
}

/* The cell of that series, a new one without a count; NULL without memory. */
static struct packed_cell *cell_of(struct remade *remade, uint32_t id)
{
    if (!reserve_place(remade, id))
        return NULL;
    if (remade->places[id] != 0)
        return &remade->cells[remade->places[id] - 1];
    if (remade->n == remade->capacity) {
        size_t capacity = remade->capacity * 2 + 64;
        struct packed_cell *grown = realloc(remade->cells, capacity * sizeof *grown);

        if (grown == NULL)
            return NULL;
        remade->cells = grown;
        remade->capacity = capacity;
    }
    remade->cells[remade->n] = (struct packed_cell){ .id = id };
    remade->places[id] = (uint32_t)++remade->n;
    return &remade->cells[remade->n - 1];
}

/* ---- objects ----------------------------------------------------------- */

static bool set_object(struct packed_cell *cell, const void *at, size_t len)
{
    char *copy = malloc(len);

    if (copy == NULL)
        return false;
    memcpy(copy, at, len);
    free((void *)(uintptr_t)cell->object.at);
    cell->object.at = copy;
    cell->object.len = len;
    return true;
}

/* False: there is no memory, or the bytes are damaged. */
static bool merge(struct remade *remade, struct packed_cell *cell, const struct object_ops *ops,
                  struct slice more)
{
    struct arena *arena = &remade->arena;
    void *all = ops->unpack((const uint8_t *)cell->object.at, cell->object.len, arena);
    void *other = ops->unpack((const uint8_t *)more.at, more.len, arena);

    bytes_clear(&remade->packed);
    return all != NULL && other != NULL && ops->merge(all, arena, other, NULL) &&
           ops->pack(&remade->packed, all, arena) && !remade->packed.failed &&
           set_object(cell, remade->packed.at, remade->packed.len);
}

static int add_object(struct remade *remade, struct packed_cell *cell, struct slice more)
{
    uint8_t kind;

    if (cell->object.at == NULL)
        return set_object(cell, more.at, more.len) ? SQLITE_OK : SQLITE_NOMEM;
    int result = store_kind(remade->store, cell->id, &kind);

    if (result != SQLITE_OK || cell_kinds[kind].object == NULL)
        return result == SQLITE_OK ? SQLITE_CORRUPT : result;
    bool merged = merge(remade, cell, cell_kinds[kind].object, more);

    arena_free(&remade->arena);
    return merged ? SQLITE_OK : SQLITE_CORRUPT;
}

static int add_objects(struct remade *remade, const struct store_row *row, const uint32_t *ids)
{
    struct slice rest = row->objects;
    struct packed_object object;
    uint32_t next_place = 0;
    int result = SQLITE_OK;

    while (rest.len > 0 && result == SQLITE_OK) {
        if (!packed_next_object(&rest, &next_place, row->n, &object))
            return SQLITE_CORRUPT;
        result = add_object(remade, cell_of(remade, ids[object.place]), object.bytes);
    }
    return result;
}

/* ---- rows -------------------------------------------------------------- */

static bool read_columns(const struct store_row *row,
                         double out[WINDOW_COLUMNS][PACKED_SERIES_MAX])
{
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        if (!packed_column(row->columns[column], (enum window_column)column, row->n,
                           column > 0 ? out[WINDOW_SUM] : NULL, out[column]))
            return false;
    return true;
}

static int add_row(struct remade *remade, const struct store_row *row)
{
    double columns[WINDOW_COLUMNS][PACKED_SERIES_MAX];
    uint32_t ids[PACKED_SERIES_MAX];

    if (!packed_ids(row->ids, row->n, ids) || !read_columns(row, columns))
        return SQLITE_CORRUPT;
    for (uint32_t i = 0; i < row->n; i++) {
        struct packed_cell *cell = cell_of(remade, ids[i]);
        struct window_cell more;

        if (cell == NULL)
            return SQLITE_NOMEM;
        for (int column = 0; column < WINDOW_COLUMNS; column++)
            more.column[column] = columns[column][i];
        window_cell_add(&cell->cell, &more);
    }
    return add_objects(remade, row, ids);
}

static void add_part(struct remade *remade, const struct store_part *part)
{
    if (remade->part.first_s == 0 || part->first_s < remade->part.first_s)
        remade->part.first_s = part->first_s;
    if (part->last_s > remade->part.last_s)
        remade->part.last_s = part->last_s;
}

/* ---- what is in it already --------------------------------------------- */

static int hold(struct remade *remade, const struct store_row *row)
{
    if (remade->n_held == remade->held_capacity) {
        size_t capacity = remade->held_capacity * 2 + 16;
        struct held *grown = realloc(remade->held, capacity * sizeof *grown);

        if (grown == NULL)
            return SQLITE_NOMEM;
        remade->held = grown;
        remade->held_capacity = capacity;
    }
    remade->held[remade->n_held++] =
        (struct held){ row->part.first_s, row->part.last_s, row->writer };
    return SQLITE_OK;
}

static bool is_held(const struct remade *remade, const struct store_row *row)
{
    if (store_is_late(row->writer))
        return true;
    for (size_t i = 0; i < remade->n_held; i++) {
        const struct held *held = &remade->held[i];

        if (held->writer >= row->writer && held->first_s <= row->part.first_s &&
            held->last_s >= row->part.last_s)
            return true;
    }
    return false;
}

/* ---- reading and writing ----------------------------------------------- */

/* What is done with each row; a result. SQLITE_DONE: no more of them are needed. */
typedef int row_act(struct remade *remade, const struct store_row *row);

static int note_missing(struct remade *remade, const struct store_row *row)
{
    return is_held(remade, row) ? SQLITE_OK : SQLITE_DONE;
}

static int add(struct remade *remade, const struct store_row *row)
{
    add_part(remade, &row->part);
    return add_row(remade, row);
}

static int add_missing(struct remade *remade, const struct store_row *row)
{
    return is_held(remade, row) ? SQLITE_OK : add(remade, row);
}

/* What came late went into each level when it came, but a level is written in its own time. So
 * it is there if the process that got it wrote anything into the window. */
static bool is_late_held(const struct remade *remade, int64_t writer)
{
    for (size_t i = 0; i < remade->n_held; i++)
        if (store_is_late_of(writer, remade->held[i].writer))
            return true;
    return false;
}

static int note_late(struct remade *remade, const struct store_row *row)
{
    if (store_is_late(row->writer) && row->writer > remade->late &&
        row->writer < remade->next && !is_late_held(remade, row->writer))
        remade->next = row->writer;
    return SQLITE_OK;
}

static int add_late(struct remade *remade, const struct store_row *row)
{
    return row->writer == remade->late ? add(remade, row) : SQLITE_OK;
}

/* The rows of a level within the window. A result; SQLITE_DONE: one of them ended it. */
static int read_rows(struct remade *remade, int64_t step_s, unsigned what, row_act *act)
{
    struct store_range range = {
        .step_s = step_s,
        .from_s = remade->part.start_s,
        .to_s = remade->part.start_s + remade->part.step_s,
        .high = UINT32_MAX,
        .what = what,
    };
    struct store_row row;
    int result = store_read(remade->store, &range), acted = SQLITE_OK;

    if (result != SQLITE_OK)
        return result;
    while (acted == SQLITE_OK && (result = store_next(remade->store, &row)) == SQLITE_ROW)
        acted = act(remade, &row);
    store_end(remade->store);
    return acted != SQLITE_OK || result == SQLITE_DONE ? acted : result;
}

/* Most windows lack nothing, so their columns are not even read. */
static int read_window(struct remade *remade, int64_t fine_s)
{
    remade->n_held = 0;
    int result = read_rows(remade, remade->part.step_s, 0, hold);

    if (result == SQLITE_OK)
        result = read_rows(remade, fine_s, 0, note_missing);
    return result == SQLITE_DONE ? read_rows(remade, fine_s, STORE_ALL, add_missing) : result;
}

static int write_window(struct remade *remade)
{
    int result = store_begin(remade->store);

    if (result == SQLITE_OK)
        result = store_put_window(remade->store, &remade->part, remade->cells, remade->n);
    if (result == SQLITE_OK)
        result = store_commit(remade->store);
    if (result != SQLITE_OK)
        store_roll_back(remade->store);
    return result;
}

static int write_if_any(struct remade *remade, int result)
{
    if (result == SQLITE_OK && remade->n > 0) {
        packed_sort(remade->cells, remade->n);
        result = write_window(remade);
    }
    clear(remade);
    return result;
}

static void begin_part(struct remade *remade, int64_t coarse_s, int64_t start_s)
{
    remade->part = (struct store_part){ .step_s = coarse_s, .start_s = start_s };
}

/* The next writer behind that one whose late parts are missing. */
static int find_late(struct remade *remade, int64_t fine_s, int64_t after)
{
    remade->late = after;
    remade->next = INT64_MAX;
    int result = read_rows(remade, fine_s, 0, note_late);

    remade->late = remade->next;
    return result;
}

/* Under the number of whoever wrote the finer ones, so that the next level sees whose they are.
 */
static int remake_late(struct remade *remade, int64_t fine_s)
{
    struct store *store = remade->store;
    int64_t own = store->writer;
    int result = find_late(remade, fine_s, INT64_MIN);

    while (result == SQLITE_OK && remade->late < INT64_MAX) {
        begin_part(remade, remade->part.step_s, remade->part.start_s);
        result = read_rows(remade, fine_s, STORE_ALL, add_late);
        store->writer = remade->late;
        result = write_if_any(remade, result);
        store->writer = own;
        if (result == SQLITE_OK)
            result = find_late(remade, fine_s, remade->late);
    }
    return result;
}

static int remake_window(struct remade *remade, int64_t fine_s)
{
    int result = write_if_any(remade, read_window(remade, fine_s));

    return result == SQLITE_OK ? remake_late(remade, fine_s) : result;
}

/* ---- levels ------------------------------------------------------------ */

/* The newest window of whoever wrote last, in the finest level that he wrote to; INT64_MAX:
 * there is none. */
static int find_last(struct store *store, const struct retention *retention, int64_t *start_s)
{
    int64_t process;
    int result = store_last_process(store, &process);

    *start_s = 0;
    for (size_t i = 0; i < retention->n && result == SQLITE_OK && *start_s == 0; i++)
        result = store_newest_of(store, retention->levels[i].step_s, process, start_s);
    if (*start_s == 0)
        *start_s = INT64_MAX;
    return result;
}

/* From the coarse window before that of the level's newest stamp on; or of last_s, which is
 * before that if a clock was ahead once. */
static int remake_level(struct store *store, int64_t fine_s, int64_t coarse_s, int64_t last_s)
{
    struct remade remade = { .store = store };
    int64_t newest_s, start_s = 0;
    int result = store_newest(store, coarse_s, &newest_s);

    if (last_s < newest_s)
        newest_s = last_s;
    arena_budget_init(&remade.budget, MERGE_BYTES);
    arena_init(&remade.arena, &remade.budget);
    if (result == SQLITE_OK)
        result = store_next_start(store, fine_s, newest_s - newest_s % coarse_s - coarse_s,
                                  &start_s);
    while (result == SQLITE_OK && start_s > 0) {
        start_s -= start_s % coarse_s;
        begin_part(&remade, coarse_s, start_s);
        result = remake_window(&remade, fine_s);
        if (result == SQLITE_OK)
            result = store_next_start(store, fine_s, start_s + coarse_s, &start_s);
    }
    free_remade(&remade);
    return result;
}

int remake(struct store *store, const struct retention *retention, int64_t writer)
{
    int64_t own = store->writer, last_s;
    int result = find_last(store, retention, &last_s);

    store->writer = writer;
    for (size_t i = 1; i < retention->n && result == SQLITE_OK; i++) {
        int64_t fine_s = retention_finer(retention, i);

        if (fine_s > 0)
            result = remake_level(store, fine_s, retention->levels[i].step_s, last_s);
    }
    store->writer = own;
    return result;
}
