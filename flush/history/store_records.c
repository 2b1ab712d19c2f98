/* Events, and the last status of each check. */
#include "flush/history/store_internal.h"

enum { DROPPED_A_STEP = 1000 };

static const struct {
    enum store_statement read, count, bytes, expire, drop;
} statements[] = {
    [STORE_RECORD_EVENT] = { STORE_EVENTS, STORE_EVENT_COUNT, STORE_EVENT_BYTES,
                             STORE_EXPIRE_EVENTS, STORE_DROP_EVENTS },
    [STORE_RECORD_CHECK] = { STORE_CHECKS, STORE_CHECK_COUNT, STORE_CHECK_BYTES,
                             STORE_EXPIRE_CHECKS, STORE_DROP_CHECKS },
};

/* ---- writing ----------------------------------------------------------- */

int store_put_event(struct store *store, int64_t time_s, struct slice body)
{
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_ADD_EVENT, &time_s, 1, &result);

    if (statement == NULL)
        return result;
    result = store_bind_view(statement, 2, body.at, body.len);
    return result == SQLITE_OK ? store_finish(statement) : result;
}

int store_put_check(struct store *store, int64_t time_s, struct slice identity,
                    struct slice body)
{
    int result;
    sqlite3_stmt *statement = store_use_with(store, STORE_PUT_CHECK, &time_s, 1, &result);

    if (statement == NULL)
        return result;
    result = store_bind_view(statement, 2, body.at, body.len);
    if (result == SQLITE_OK)
        result = store_bind_view(statement, 3, identity.at, identity.len);
    return result == SQLITE_OK ? store_finish(statement) : result;
}

/* ---- reading ----------------------------------------------------------- */

int store_read_records(struct store *store, enum store_record of, size_t most)
{
    const int64_t number = (int64_t)most;
    int result;

    (void)store_use_with(store, statements[of].read, &number, 1, &result);
    return result;
}

int store_next_record(struct store *store, enum store_record of, int64_t *time_s,
                      struct slice *body)
{
    sqlite3_stmt *statement = store->statements[statements[of].read];
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW)
        return result;
    *time_s = sqlite3_column_int64(statement, 0);
    *body = store_blob(statement, 1);
    return SQLITE_ROW;
}

void store_end_records(struct store *store, enum store_record of)
{
    (void)sqlite3_reset(store->statements[statements[of].read]);
}

int store_read_events(struct store *store, int64_t before, size_t most)
{
    const int64_t numbers[] = { before, (int64_t)most };
    int result;

    (void)store_use_with(store, STORE_EVENTS_BEFORE, numbers, 2, &result);
    return result;
}

int store_next_event(struct store *store, int64_t *number, struct slice *body)
{
    sqlite3_stmt *statement = store->statements[STORE_EVENTS_BEFORE];
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW)
        return result;
    *number = sqlite3_column_int64(statement, 0);
    *body = store_blob(statement, 1);
    return SQLITE_ROW;
}

void store_end_events(struct store *store)
{
    (void)sqlite3_reset(store->statements[STORE_EVENTS_BEFORE]);
}

int store_count_records(struct store *store, enum store_record of, uint64_t *n)
{
    int64_t number = 0;
    int result = store_number(store, statements[of].count, INT64_MIN, &number);

    *n = (uint64_t)number;
    return result;
}

/* ---- dropping ---------------------------------------------------------- */

static int run_drop(struct store *store, enum store_statement which, const int64_t *numbers,
                    int n, uint64_t *dropped)
{
    int result = store_run(store, which, numbers, n);

    if (result == SQLITE_OK)
        *dropped += (uint64_t)sqlite3_changes(store->database.handle);
    return result;
}

/* How many have to go: those beyond the number, or an eighth of those that are too large. */
static int excess(struct store *store, enum store_record of,
                  const struct store_record_bounds *bounds, int64_t *out)
{
    uint64_t n;
    int64_t bytes = 0;
    int result = store_count_records(store, of, &n);

    *out = 0;
    if (result == SQLITE_OK)
        result = store_number(store, statements[of].bytes, INT64_MIN, &bytes);
    if (n > bounds->most)
        *out = (int64_t)(n - bounds->most);
    else if ((uint64_t)bytes > bounds->most_bytes)
        *out = (int64_t)(n / 8 + 1);
    if (*out > DROPPED_A_STEP)
        *out = DROPPED_A_STEP;
    return result;
}

int store_drop_records(struct store *store, enum store_record of,
                       const struct store_record_bounds *bounds, uint64_t *dropped)
{
    const int64_t expired[] = { bounds->before_s, DROPPED_A_STEP };
    int64_t too_many = 0;
    int result = run_drop(store, statements[of].expire, expired, 2, dropped);

    if (result == SQLITE_OK)
        result = excess(store, of, bounds, &too_many);
    if (result == SQLITE_OK && too_many > 0)
        result = run_drop(store, statements[of].drop, &too_many, 1, dropped);
    return result;
}
