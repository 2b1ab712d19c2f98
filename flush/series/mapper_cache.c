#include "flush/series/mapper_cache.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Longer names are not worth keeping: nearly all of them are refused. */
enum { CACHED_NAME_MAX = 350, CACHED_BYTES_MAX = 2048 };

/* The outcome for one name, in one block: this, the tags, all bytes. */
struct cached {
    struct slice name;
    bool matched;
    struct mapping mapping;
    struct slice tags[];
};

struct mapper_cache {
    size_t size;
    struct cached *at[]; /* NULL: empty */
};

struct mapper_cache *mapper_cache_new(size_t size)
{
    struct mapper_cache *cache = calloc(1, sizeof *cache + size * sizeof(struct cached *));

    if (cache != NULL)
        cache->size = size;
    return cache;
}

void mapper_cache_free(struct mapper_cache *given)
{
    for (size_t i = 0; given != NULL && i < given->size; i++)
        free(given->at[i]);
    free(given);
}

/* There must be a place. */
static size_t place_of(const struct mapper_cache *cache, struct slice name)
{
    return XXH3_64bits(name.at, name.len) % cache->size;
}

bool mapper_cache_find(const struct mapper_cache *cache, struct slice name, bool *matched,
                       struct mapping *out)
{
    const struct cached *cached = cache->size > 0 ? cache->at[place_of(cache, name)] : NULL;

    if (cached == NULL || !slice_equal(cached->name, name))
        return false;
    *out = cached->mapping;
    *matched = cached->matched;
    return true;
}

void mapper_cache_put(struct mapper_cache *cache, struct slice name, bool matched,
                      const struct mapping *mapping)
{
    struct mapping none = { .n_tags = 0 };
    const struct mapping *kept = matched ? mapping : &none;
    size_t bytes = name.len + kept->name.len;

    for (size_t i = 0; i < kept->n_tags; i++)
        bytes += kept->tags[i].len + sizeof(struct slice);
    if (cache->size == 0 || name.len > CACHED_NAME_MAX || bytes > CACHED_BYTES_MAX)
        return;
    struct cached *cached = malloc(sizeof *cached + bytes);

    if (cached == NULL)
        return;
    char *at = (char *)&cached->tags[kept->n_tags];
    struct cached **slot = &cache->at[place_of(cache, name)];

    cached->name = slice_copy(name, &at);
    cached->matched = matched;
    cached->mapping =
        (struct mapping){ slice_copy(kept->name, &at), cached->tags, kept->n_tags };
    for (size_t i = 0; i < kept->n_tags; i++)
        cached->tags[i] = slice_copy(kept->tags[i], &at);
    free(*slot);
    *slot = cached;
}
