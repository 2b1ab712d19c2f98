/* flush/history/store_internal.h: the store's parts, which stand in files of their own: store.c
 * (transactions, windows, dropping), store_series.c (who is who), store_definitions.c,
 * store_records.c (events and checks). */
#ifndef FLUSH_HISTORY_STORE_INTERNAL_H
#define FLUSH_HISTORY_STORE_INTERNAL_H

#include "flush/history/store.h"

/* A statement, ready to be bound; NULL with *result. */
sqlite3_stmt *store_use(struct store *store, enum store_statement which, int *result);

/* The same with n numbers bound, from its first parameter on. */
sqlite3_stmt *store_use_with(struct store *store, enum store_statement which,
                             const int64_t *numbers, int n, int *result);

/* A view, which outlives the step; an empty one is an empty blob. A result. */
MUST_CHECK int store_bind_view(sqlite3_stmt *statement, int at, const void *bytes, size_t len);

/* Runs what returns no rows, and unbinds it. A result. */
MUST_CHECK int store_finish(sqlite3_stmt *statement);

/* The same for what returns one number; SQLITE_DONE: it returned none. */
MUST_CHECK int store_fetch(sqlite3_stmt *statement, int64_t *out);

/* One that has n numbers as its parameters and returns no rows. */
MUST_CHECK int store_run(struct store *store, enum store_statement which,
                         const int64_t *numbers, int n);

/* One that has a number as its parameter and returns one; as store_fetch(). */
MUST_CHECK int store_number(struct store *store, enum store_statement which, int64_t number,
                            int64_t *out);

/* A column of the row that a statement stands at; a view until its next step. */
struct slice store_blob(sqlite3_stmt *statement, int column);

#endif
