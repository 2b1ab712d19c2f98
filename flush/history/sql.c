#include "flush/history/sql.h"

#include <stddef.h>
#include <stdio.h>

bool sql_is_damage(int result)
{
    int primary = result & 0xff;

    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT;
}

bool sql_is_full(int result)
{
    return (result & 0xff) == SQLITE_FULL;
}

int sql_run(sqlite3 *handle, const char *statements)
{
    return sqlite3_exec(handle, statements, NULL, NULL, NULL);
}

int sql_number(sqlite3 *handle, const char *statement, int64_t *out)
{
    sqlite3_stmt *prepared = NULL;
    int result = sqlite3_prepare_v2(handle, statement, -1, &prepared, NULL);

    *out = 0;
    if (result == SQLITE_OK)
        result = sqlite3_step(prepared);
    if (result == SQLITE_ROW)
        *out = sqlite3_column_int64(prepared, 0);
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        result = SQLITE_OK;
    (void)sqlite3_finalize(prepared);
    return result;
}

int sql_text(sqlite3 *handle, const char *statement, char *out, size_t out_size)
{
    sqlite3_stmt *prepared = NULL;
    int result = sqlite3_prepare_v2(handle, statement, -1, &prepared, NULL);
    const char *text = NULL;

    if (result == SQLITE_OK)
        result = sqlite3_step(prepared);
    if (result == SQLITE_ROW)
        text = (const char *)sqlite3_column_text(prepared, 0); /* NULL: so is the column */
    snprintf(out, out_size, "%s", text != NULL ? text : "");
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        result = SQLITE_OK;
    (void)sqlite3_finalize(prepared);
    return result;
}
