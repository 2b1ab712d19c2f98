#include "server/api/definition_index.h"

#include <stddef.h>
#include <xxhash.h>

static struct definition **chain_of_name(struct definition_index *index, struct slice name)
{
    return &index->by_name[XXH3_64bits(name.at, name.len) % DEFINITION_CHAINS];
}

static struct definition **chain_of_number(struct definition_index *index, int64_t number)
{
    return &index->by_number[XXH3_64bits(&number, sizeof number) % DEFINITION_CHAINS];
}

void definition_index_add(struct definition_index *index, struct definition *definition)
{
    struct definition **name = chain_of_name(index, definition->name);
    struct definition **number = chain_of_number(index, definition->number);

    definition->next_name = *name;
    *name = definition;
    if (definition->number == 0)
        return;
    definition->next_number = *number;
    *number = definition;
}

void definition_index_remove(struct definition_index *index,
                             const struct definition *definition)
{
    struct definition **name = chain_of_name(index, definition->name);
    struct definition **number = chain_of_number(index, definition->number);

    while (*name != definition)
        name = &(*name)->next_name;
    *name = definition->next_name;
    if (definition->number == 0)
        return;
    while (*number != definition)
        number = &(*number)->next_number;
    *number = definition->next_number;
}

struct definition *definition_index_find(struct definition_index *index, struct slice name)
{
    struct definition *at = *chain_of_name(index, name);

    for (; at != NULL; at = at->next_name) {
        index->looks++;
        if (slice_equal(at->name, name))
            break;
    }
    return at;
}

struct definition *definition_index_find_number(struct definition_index *index, int64_t number)
{
    struct definition *at = *chain_of_number(index, number);

    for (; at != NULL; at = at->next_number) {
        index->looks++;
        if (at->number == number)
            break;
    }
    return at;
}
