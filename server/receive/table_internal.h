/* server/receive/table_internal.h: the first of the table's three steps by each code path of
 * the hash, whose loop over the samples is compiled for that path (table_place.c). */
#ifndef SERVER_RECEIVE_TABLE_INTERNAL_H
#define SERVER_RECEIVE_TABLE_INTERNAL_H

#include "server/receive/table.h"

/* By enum hash_path. */
extern void (*const table_place_by[HASH_PATH_COUNT])(const struct slots *slots,
                                                     const struct sample *samples,
                                                     struct table_spot *spots, uint32_t n);

#endif
