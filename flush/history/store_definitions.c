/* What was made by the API. */
#include "flush/history/store_internal.h"

static int bind_text(sqlite3_stmt *statement, int at, struct slice text)
{
    return sqlite3_bind_text64(statement, at, text.len > 0 ? text.at : "", text.len,
                               SQLITE_STATIC, SQLITE_UTF8);
}

int store_put_definition(struct store *store, const struct store_definition *put)
{
    bool gone = put->text.len == 0;
    int result;
    sqlite3_stmt *statement =
        store_use(store, gone ? STORE_DROP_DEFINITION : STORE_PUT_DEFINITION, &result);

    if (statement == NULL)
        return result;
    result = bind_text(statement, 1, put->kind);
    if (result == SQLITE_OK)
        result = bind_text(statement, 2, put->name);
    if (result == SQLITE_OK && !gone) {
        (void)sqlite3_bind_int64(statement, 3, put->changed_s);
        result = store_bind_view(statement, 4, put->text.at, put->text.len);
    }
    return result == SQLITE_OK ? store_finish(statement) : result;
}

int store_read_definitions(struct store *store)
{
    int result;

    (void)store_use(store, STORE_DEFINITIONS, &result);
    return result;
}

int store_next_definition(struct store *store, struct store_definition *out)
{
    sqlite3_stmt *statement = store->statements[STORE_DEFINITIONS];
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW)
        return result;
    out->kind = store_blob(statement, 0);
    out->name = store_blob(statement, 1);
    out->changed_s = sqlite3_column_int64(statement, 2);
    out->text = store_blob(statement, 3);
    return SQLITE_ROW;
}

void store_end_definitions(struct store *store)
{
    (void)sqlite3_reset(store->statements[STORE_DEFINITIONS]);
}

int store_count_definitions(struct store *store, uint64_t *n)
{
    int64_t number = 0;
    int result = store_number(store, STORE_DEFINITION_COUNT, INT64_MIN, &number);

    *n = (uint64_t)number;
    return result;
}
