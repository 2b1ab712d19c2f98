#include "flush/history/store_internal.h"

#include <stdio.h>

#include "flush/history/sql.h"

/* ---- statements -------------------------------------------------------- */

sqlite3_stmt *store_use(struct store *store, enum store_statement which, int *result)
{
#define STORE_TEXT(id, sql) [id] = (sql),
    static const char *const texts[STORE_STATEMENT_COUNT] = { STORE_STATEMENTS(STORE_TEXT) };
#undef STORE_TEXT
    sqlite3_stmt **statement = &store->statements[which];

    *result = *statement != NULL
                  ? SQLITE_OK
                  : sqlite3_prepare_v3(store->database.handle, texts[which], -1,
                                       SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return *statement;
}

sqlite3_stmt *store_use_with(struct store *store, enum store_statement which,
                             const int64_t *numbers, int n, int *result)
{
    sqlite3_stmt *statement = store_use(store, which, result);

    for (int i = 0; statement != NULL && i < n; i++)
        (void)sqlite3_bind_int64(statement, i + 1, numbers[i]); /* there is such a parameter */
    return statement;
}

int store_finish(sqlite3_stmt *statement)
{
    int stepped = sqlite3_step(statement);

    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return stepped == SQLITE_DONE ? SQLITE_OK : stepped;
}

int store_fetch(sqlite3_stmt *statement, int64_t *out)
{
    int stepped = sqlite3_step(statement);

    *out = stepped == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return stepped == SQLITE_ROW ? SQLITE_OK : stepped;
}

int store_run(struct store *store, enum store_statement which, const int64_t *numbers, int n)
{
    int result;
    sqlite3_stmt *statement = store_use_with(store, which, numbers, n, &result);

    return statement != NULL ? store_finish(statement) : result;
}

int store_bind_view(sqlite3_stmt *statement, int at, const void *bytes, size_t len)
{
    return sqlite3_bind_blob64(statement, at, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

static void finalize(struct store *store)
{
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}

/* ---- the outside ------------------------------------------------------- */

enum database_state store_open(struct store *store, const char *folder)
{
    *store = (struct store){ 0 };
    return database_open(&store->database, folder);
}

enum database_state store_open_to_read(struct store *store, const char *folder)
{
    *store = (struct store){ 0 };
    return database_open_to_read(&store->database, folder);
}

enum database_state store_begin_anew(struct store *store)
{
    finalize(store);
    return database_begin_anew(&store->database);
}

void store_close(struct store *given)
{
    finalize(given);
    database_close(&given->database);
    packed_free(&given->packed);
    bytes_free(&given->tags);
}

int store_begin(struct store *store)
{
    return store_run(store, STORE_BEGIN, NULL, 0);
}

int store_commit(struct store *store)
{
    return store_run(store, STORE_COMMIT, NULL, 0);
}

/* Some failures have rolled it back already. */
void store_roll_back(struct store *store)
{
    if (sqlite3_get_autocommit(store->database.handle) == 0)
        (void)!store_run(store, STORE_ROLLBACK, NULL, 0);
}

/* ---- windows ----------------------------------------------------------- */

static int drop_parts(struct store *store, const struct store_part *part)
{
    const int64_t numbers[] = { part->step_s, part->start_s, part->first_s, part->last_s,
                                store->writer };

    return store_run(store, STORE_DROP_PARTS, numbers, 5);
}

static int bind_packed(sqlite3_stmt *statement, const struct packed *packed)
{
    const struct bytes *blobs[] = { &packed->ids,
                                    &packed->columns[WINDOW_SUM],
                                    &packed->columns[WINDOW_COUNT],
                                    &packed->columns[WINDOW_MIN],
                                    &packed->columns[WINDOW_MAX],
                                    &packed->columns[WINDOW_LAST],
                                    &packed->objects };
    int result = SQLITE_OK;

    for (int i = 0; i < 7 && result == SQLITE_OK; i++)
        result = store_bind_view(statement, 9 + i, blobs[i]->at, blobs[i]->len);
    return result;
}

static int add_row(struct store *store, const struct store_part *part)
{
    const struct packed *packed = &store->packed;
    const int64_t numbers[] = { part->step_s,  part->start_s, part->first_s, part->last_s,
                                store->writer, packed->low,   packed->high,  packed->n };
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_ADD_ROW, numbers, 8, &result);

    if (statement == NULL)
        return result;
    result = bind_packed(statement, packed);
    return result == SQLITE_OK ? store_finish(statement) : result;
}

int store_put_window(struct store *store, const struct store_part *part,
                     const struct packed_cell *cells, size_t n)
{
    int result = drop_parts(store, part);

    for (size_t i = 0; i < n && result == SQLITE_OK; i += PACKED_SERIES_MAX) {
        size_t some = n - i < PACKED_SERIES_MAX ? n - i : PACKED_SERIES_MAX;

        result =
            packed_make(&store->packed, cells + i, some) ? add_row(store, part) : SQLITE_NOMEM;
    }
    return result;
}

/* ---- reading ----------------------------------------------------------- */

int store_read(struct store *store, const struct store_range *range)
{
    const int64_t numbers[] = { range->step_s, range->from_s, range->to_s,
                                range->low,    range->high,   range->what };
    int result;

    (void)store_use_with(store, STORE_READ, numbers, 6, &result);
    return result;
}

struct slice store_blob(sqlite3_stmt *statement, int column)
{
    const void *at = sqlite3_column_blob(statement, column); /* before its length */

    return (struct slice){ at, (size_t)sqlite3_column_bytes(statement, column) };
}

int store_next(struct store *store, struct store_row *out)
{
    sqlite3_stmt *statement = store->statements[STORE_READ];
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW)
        return result;
    int64_t n = sqlite3_column_int64(statement, 3);

    if (n < 1 || n > PACKED_SERIES_MAX)
        return SQLITE_CORRUPT;
    *out = (struct store_row){
        .part = { .start_s = sqlite3_column_int64(statement, 0),
                  .first_s = sqlite3_column_int64(statement, 1),
                  .last_s = sqlite3_column_int64(statement, 2) },
        .low = (uint32_t)sqlite3_column_int64(statement, 11),
        .writer = sqlite3_column_int64(statement, 12),
        .n = (uint32_t)n,
        .ids = store_blob(statement, 4),
        .objects = store_blob(statement, 10),
    };
    for (int column = 0; column < WINDOW_COLUMNS; column++)
        out->columns[column] = store_blob(statement, 5 + column);
    return SQLITE_ROW;
}

void store_end(struct store *store)
{
    (void)sqlite3_reset(store->statements[STORE_READ]);
}

int store_number(struct store *store, enum store_statement which, int64_t step_s, int64_t *out)
{
    int result;
    sqlite3_stmt *statement = store_use_with(store, which, &step_s, 1, &result);

    return statement != NULL ? store_fetch(statement, out) : result;
}

int store_newest(struct store *store, int64_t step_s, int64_t *last_s)
{
    return store_number(store, STORE_NEWEST, step_s, last_s);
}

int store_newest_of(struct store *store, int64_t step_s, int64_t process, int64_t *start_s)
{
    const int64_t numbers[] = { step_s, process };
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_NEWEST_OF, numbers, 2, &result);

    return statement != NULL ? store_fetch(statement, start_s) : result;
}

int store_last_process(struct store *store, int64_t *process)
{
    int64_t writer;
    int result = store_number(store, STORE_LAST_WRITER, 0, &writer);

    *process = store_process(writer);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

int store_first(struct store *store, int64_t step_s, int64_t *first_s)
{
    return store_number(store, STORE_FIRST, step_s, first_s);
}

int store_oldest(struct store *store, int64_t step_s, int64_t *start_s)
{
    return store_number(store, STORE_OLDEST, step_s, start_s);
}

int store_next_start(struct store *store, int64_t step_s, int64_t from_s, int64_t *start_s)
{
    const int64_t numbers[] = { step_s, from_s };
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_NEXT_START, numbers, 2, &result);

    return statement != NULL ? store_fetch(statement, start_s) : result;
}

int store_next_step(struct store *store, int64_t step_s, int64_t *next_s)
{
    return store_number(store, STORE_NEXT_STEP, step_s, next_s);
}

int store_cells(struct store *store, int64_t step_s, uint64_t *cells)
{
    int64_t sum = 0;
    int result = store_number(store, STORE_CELLS, step_s, &sum);

    *cells = (uint64_t)sum;
    return result;
}

/* ---- dropping ---------------------------------------------------------- */

int store_drop_windows(struct store *store, int64_t step_s, int64_t before_s, uint64_t max_rows,
                       struct store_dropped *dropped)
{
    const int64_t numbers[] = { step_s, before_s, (int64_t)max_rows };
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_DROP_ROWS, numbers, 3, &result);

    if (statement == NULL)
        return result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        dropped->rows++;
        dropped->cells += (uint64_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

int store_drop_series(struct store *store, int64_t before_s, uint64_t max)
{
    const int64_t numbers[] = { before_s, (int64_t)max };
    int result = store_run(store, STORE_DROP_SERIES, numbers, 2);

    if (result == SQLITE_OK && sqlite3_changes(store->database.handle) > 0)
        result = store_run(store, STORE_DROP_METRICS, NULL, 0);
    return result;
}

int store_size(struct store *store, uint64_t *used, uint64_t *free)
{
    int64_t page, pages, none;
    sqlite3 *handle = store->database.handle;
    int result = sql_number(handle, "PRAGMA page_size", &page);

    if (result == SQLITE_OK)
        result = sql_number(handle, "PRAGMA page_count", &pages);
    if (result == SQLITE_OK)
        result = sql_number(handle, "PRAGMA freelist_count", &none);
    if (result != SQLITE_OK)
        return result;
    *used = (uint64_t)(page * (pages - none));
    *free = (uint64_t)(page * none);
    return SQLITE_OK;
}

int store_shrink(struct store *store, uint64_t bytes)
{
    char text[64];
    int64_t page;
    int result = sql_number(store->database.handle, "PRAGMA page_size", &page);

    if (result != SQLITE_OK)
        return result;
    snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%llu)",
             (unsigned long long)(bytes / (uint64_t)page + 1));
    return sql_run(store->database.handle, text);
}
