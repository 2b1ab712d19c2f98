/* Who is who: series and their metrics under the ids of the store. */
#include "flush/history/store_internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/history/sql.h"
#include "flush/memory/wire.h"
#include "flush/values/cell_kind.h"

/* Both statements of a metric have its name alone. */
static sqlite3_stmt *use_metric(struct store *store, enum store_statement which,
                                struct slice name, int *result)
{
    sqlite3_stmt *statement = store_use(store, which, result);

    if (statement != NULL)
        *result = store_bind_view(statement, 1, name.at, name.len);
    return *result == SQLITE_OK ? statement : NULL;
}

static int find_metric(struct store *store, struct slice name, int64_t *id)
{
    int result;
    sqlite3_stmt *statement = use_metric(store, STORE_FIND_METRIC, name, &result);

    return statement != NULL ? store_fetch(statement, id) : result;
}

static int add_metric(struct store *store, struct slice name, int64_t *id)
{
    int result;
    sqlite3_stmt *statement = use_metric(store, STORE_ADD_METRIC, name, &result);

    if (statement != NULL)
        result = store_finish(statement);
    *id = sqlite3_last_insert_rowid(store->database.handle);
    return result;
}

/* Length and bytes of each tag. */
static bool pack_tags(struct bytes *out, const struct store_series *series)
{
    uint8_t len[VARINT_MAX];

    bytes_clear(out);
    for (size_t i = 0; i < series->n_tags; i++) {
        bytes_add(out, len, (size_t)(varint_put(len, series->tags[i].len) - len));
        bytes_add(out, series->tags[i].at, series->tags[i].len);
    }
    return !out->failed;
}

static int64_t hash_of(const struct store *store, const struct store_series *series,
                       int64_t metric)
{
    uint64_t parts[4] = { (uint64_t)metric, series->kind,
                          XXH3_64bits(series->host.at, series->host.len),
                          XXH3_64bits(store->tags.at, store->tags.len) };

    return (int64_t)XXH3_64bits(parts, sizeof parts);
}

/* What both statements of a series begin with. */
static sqlite3_stmt *use_series(struct store *store, enum store_statement which,
                                const struct store_series *series, int64_t metric, int *result)
{
    const int64_t numbers[] = { hash_of(store, series, metric), metric, series->kind };
    sqlite3_stmt *statement = store_use_with(store, which, numbers, 3, result);

    if (statement != NULL)
        *result = store_bind_view(statement, 4, series->host.at, series->host.len);
    if (*result == SQLITE_OK)
        *result = store_bind_view(statement, 5, store->tags.at, store->tags.len);
    return *result == SQLITE_OK ? statement : NULL;
}

static int find_series(struct store *store, const struct store_series *series, int64_t metric,
                       int64_t *id)
{
    int result;
    sqlite3_stmt *statement = use_series(store, STORE_FIND_SERIES, series, metric, &result);

    return statement != NULL ? store_fetch(statement, id) : result;
}

static int add_series(struct store *store, const struct store_series *series, int64_t metric,
                      int64_t now_s, int64_t *id)
{
    int result;
    sqlite3_stmt *statement = use_series(store, STORE_ADD_SERIES, series, metric, &result);

    if (statement == NULL)
        return result;
    (void)sqlite3_bind_int64(statement, 6, series->unit);
    (void)sqlite3_bind_int64(statement, 7, now_s);
    result = store_finish(statement);
    *id = sqlite3_last_insert_rowid(store->database.handle);
    return result;
}

int store_series(struct store *store, const struct store_series *series, int64_t now_s,
                 uint32_t *id)
{
    int64_t metric, found = 0;

    if (!pack_tags(&store->tags, series))
        return SQLITE_NOMEM;
    int result = find_metric(store, series->name, &metric);

    if (result == SQLITE_DONE)
        result = add_metric(store, series->name, &metric);
    if (result == SQLITE_OK)
        result = find_series(store, series, metric, &found);
    if (result == SQLITE_DONE)
        result = add_series(store, series, metric, now_s, &found);
    if (result == SQLITE_OK && (found < 1 || found > UINT32_MAX))
        return SQLITE_CORRUPT;
    *id = (uint32_t)found;
    return result;
}

int store_touch_series(struct store *store, uint32_t id, int64_t now_s)
{
    const int64_t numbers[] = { id, now_s };

    return store_run(store, STORE_TOUCH_SERIES, numbers, 2);
}

/* ---- reading ----------------------------------------------------------- */

int store_read_series(struct store *store, struct slice name, uint32_t after_id)
{
    int result;
    sqlite3_stmt *statement = store_use(store, STORE_SERIES_OF, &result);

    if (statement == NULL)
        return result;
    (void)sqlite3_bind_int64(statement, 2, after_id);
    return store_bind_view(statement, 1, name.at, name.len);
}

/* False: the bytes are damaged. */
static bool unpack_tags(struct slice packed, struct store_found *out)
{
    const uint8_t *at = (const uint8_t *)packed.at, *end = at + packed.len;
    uint64_t len;
    size_t n = 0;

    for (; at < end; at += len) {
        if (n == STORE_TAGS_MAX || !varint_get(&at, end, &len) || len > (size_t)(end - at))
            return false;
        out->tags[n++] = (struct slice){ (const char *)at, (size_t)len };
    }
    out->series.n_tags = n;
    out->series.tags = out->tags;
    return true;
}

/* What a row says from that column on: kind, unit, host, tags. False: it is damaged. */
static bool get_series(sqlite3_stmt *statement, int column, struct store_found *out)
{
    int64_t kind = sqlite3_column_int64(statement, column);
    int64_t unit = sqlite3_column_int64(statement, column + 1);

    if (kind < 0 || kind >= CELL_KIND_COUNT || unit < 0 || unit >= METRIC_UNIT_COUNT ||
        cell_kinds[kind].letter == 0)
        return false;
    out->series = (struct store_series){ .kind = (uint8_t)kind,
                                         .unit = (uint8_t)unit,
                                         .name = SLICE(""),
                                         .host = store_blob(statement, column + 2) };
    return unpack_tags(store_blob(statement, column + 3), out);
}

int store_next_series(struct store *store, struct store_found *out)
{
    sqlite3_stmt *statement = store->statements[STORE_SERIES_OF];
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW)
        return result;
    int64_t id = sqlite3_column_int64(statement, 0);

    out->id = (uint32_t)id;
    return id >= 1 && id <= UINT32_MAX && get_series(statement, 1, out) ? SQLITE_ROW
                                                                        : SQLITE_CORRUPT;
}

int store_find_id(struct store *store, uint32_t id, struct store_found *out)
{
    int result;
    sqlite3_stmt *statement = store_use(store, STORE_SERIES, &result);

    if (statement == NULL)
        return result;
    (void)sqlite3_reset(statement); /* which ends the views of the last call */
    (void)sqlite3_bind_int64(statement, 1, id);
    result = sqlite3_step(statement);
    if (result != SQLITE_ROW)
        return result;
    out->id = id;
    if (!get_series(statement, 0, out))
        return SQLITE_CORRUPT;
    out->series.name = store_blob(statement, 4);
    return SQLITE_OK;
}

void store_end_find(struct store *store)
{
    (void)sqlite3_reset(store->statements[STORE_SERIES]);
}

void store_end_series(struct store *store)
{
    (void)sqlite3_reset(store->statements[STORE_SERIES_OF]);
    (void)sqlite3_clear_bindings(store->statements[STORE_SERIES_OF]);
}

int store_kind(struct store *store, uint32_t id, uint8_t *kind)
{
    int64_t number;
    int result = store_number(store, STORE_KIND, id, &number);

    *kind = (uint8_t)number;
    if (result == SQLITE_DONE ||
        (result == SQLITE_OK && (number < 0 || number >= CELL_KIND_COUNT)))
        return SQLITE_CORRUPT;
    return result;
}

int store_series_count(struct store *store, uint64_t *n)
{
    int64_t number;
    int result = store_number(store, STORE_SERIES_COUNT, 0, &number);

    *n = (uint64_t)number;
    return result;
}
