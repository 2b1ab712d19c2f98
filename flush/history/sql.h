/* flush/history/sql.h: short forms of what is done with SQLite, and what its results mean.
 *
 * Every function that says so returns a result of SQLite, of which only SQLITE_OK is good. */
#ifndef FLUSH_HISTORY_SQL_H
#define FLUSH_HISTORY_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/must_check.h"

/* Whether the file cannot be read and will not get better. */
bool sql_is_damage(int result);

/* Whether the disk, or what we may take of it, is full. */
bool sql_is_full(int result);

/* Runs statements that return nothing. A result. */
MUST_CHECK int sql_run(sqlite3 *handle, const char *statements);

/* The first column of the first row; 0 if there is none. A result. */
MUST_CHECK int sql_number(sqlite3 *handle, const char *statement, int64_t *out);

/* The first column of the first row as text; empty if there is none. A result. */
MUST_CHECK int sql_text(sqlite3 *handle, const char *statement, char *out, size_t out_size);

#endif
