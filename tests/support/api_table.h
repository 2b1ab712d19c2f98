/* tests/support/api_table.h: a table of docs/api.md, compared with an answer. */
#ifndef TESTS_SUPPORT_API_TABLE_H
#define TESTS_SUPPORT_API_TABLE_H

#include <jansson.h>

/* Reads the rows "| `path` | type | sentence |" between the marks of that name. Fails the test
 * when there are fewer than `least`. */
void api_table_read(const char *name, size_t least);

/* All of the answer must be in the table, with its type. A null may stand for any. */
void api_table_walk(json_t *answer);

/* All of the table must have been in an answer since it was read. */
void api_table_end(void);

#endif
