#include "flush/fleet/fleet_seen.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool grow(struct fleet_seen *seen, size_t *left)
{
    struct fleet_seen grown = { .capacity = seen->capacity > 0 ? seen->capacity * 2 : 4096 };
    size_t bytes = (grown.capacity - seen->capacity) * sizeof *grown.hashes;

    if (bytes > *left)
        return false;
    grown.hashes = calloc(grown.capacity, sizeof *grown.hashes);
    if (grown.hashes == NULL)
        return false;
    *left -= bytes;
    for (size_t i = 0; i < seen->capacity; i++) {
        size_t at = seen->hashes[i] & (grown.capacity - 1);
        while (seen->hashes[i] != 0 && grown.hashes[at] != 0)
            at = (at + 1) & (grown.capacity - 1);
        if (seen->hashes[i] != 0)
            grown.hashes[at] = seen->hashes[i];
    }
    grown.n = seen->n;
    free(seen->hashes);
    *seen = grown;
    return true;
}

bool fleet_seen_add(struct fleet_seen *seen, struct slice field, uint64_t seed, size_t *left,
                    bool *again)
{
    uint64_t hash = XXH3_64bits_withSeed(field.at, field.len, seed) | 1;

    if (seen->n >= seen->capacity / 2 && !grow(seen, left))
        return false;
    size_t at = hash & (seen->capacity - 1);
    while (seen->hashes[at] != 0 && seen->hashes[at] != hash)
        at = (at + 1) & (seen->capacity - 1);
    *again = seen->hashes[at] == hash;
    seen->n += !*again;
    seen->hashes[at] = hash;
    return true;
}

void fleet_seen_free(struct fleet_seen *given, size_t *left)
{
    *left += given->capacity * sizeof *given->hashes;
    free(given->hashes);
    *given = (struct fleet_seen){ 0 };
}
