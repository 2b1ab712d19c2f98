/* server/api/definition_index.h: definitions of a kind, found by name and by number.
 *
 *   hash of the name, of the number ──► a chain, linked through the definitions
 *
 * A chain of the five thousand definitions that there may be has five of them on average, so it
 * is never laid out anew. A number of 0 is none. Owned by its list (server/api/definitions.h),
 * and taken with its first definition. */
#ifndef SERVER_API_DEFINITION_INDEX_H
#define SERVER_API_DEFINITION_INDEX_H

#include "server/api/definition.h"

enum { DEFINITION_CHAINS = 1024 };

struct definition_index {
    struct definition *by_name[DEFINITION_CHAINS], *by_number[DEFINITION_CHAINS];
    uint64_t looks; /* at definitions, while one was sought */
};

/* It is in the index from now on, until it is taken out. */
void definition_index_add(struct definition_index *index, struct definition *definition);
void definition_index_remove(struct definition_index *index,
                             const struct definition *definition);

/* NULL: there is none. */
struct definition *definition_index_find(struct definition_index *index, struct slice name);
struct definition *definition_index_find_number(struct definition_index *index, int64_t number);

#endif
