/* flush/series/mapper_cache.h: the outcomes of names that a mapper was asked for lately.
 *
 * A name has one place, by its hash; if another name is there, the newer one takes it. That
 * a name is not mapped is an outcome, too. Bounded: so many places, and names or outcomes
 * that are long are not kept. One thread. */
#ifndef FLUSH_SERIES_MAPPER_CACHE_H
#define FLUSH_SERIES_MAPPER_CACHE_H

#include "flush/series/mapping.h"

struct mapper_cache;

/* Owned. size: how many names; 0 keeps none. NULL without memory. */
struct mapper_cache *mapper_cache_new(size_t size);
void mapper_cache_free(struct mapper_cache *given);

/* False: the name is not there. *out is a view, good until the next mapper_cache_put(). */
bool mapper_cache_find(const struct mapper_cache *cache, struct slice name, bool *matched,
                       struct mapping *out);

/* Keeps a copy of the outcome, if there is memory for it. mapping is read if it matched. */
void mapper_cache_put(struct mapper_cache *cache, struct slice name, bool matched,
                      const struct mapping *mapping);

#endif
