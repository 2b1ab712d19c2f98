/* flush/memory/arena.h: memory that is taken piece by piece and given back at once.
 *
 * The blocks of one bucket (set members, histogram values, sketch bins) live
 * as long as the bucket does; nothing is freed singly. Every arena draws on a
 * budget shared by all arenas of its owner, so that no input can grow memory
 * without bound: a refused allocation is shed and counted by the caller.
 *
 * One thread at a time uses an arena; it moves with its bucket. */
#ifndef FLUSH_MEMORY_ARENA_H
#define FLUSH_MEMORY_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes that may still be taken; shared between threads (a worker takes, the
 * flusher gives back), touched only when a chunk comes or goes. */
struct arena_budget {
    _Atomic(long) left;
    long all; /* what it began with */
};

void arena_budget_init(struct arena_budget *budget, long bytes);

/* Whether more than a quarter of it is taken: whoever can do with less should. */
static inline bool arena_under_pressure(const struct arena_budget *budget)
{
    return atomic_load_explicit(&budget->left, memory_order_relaxed) < budget->all / 4 * 3;
}

struct arena_chunk;

struct arena {
    struct arena_budget *budget;
    struct arena_chunk *chunks; /* newest first */
    char *at, *end;             /* what is free in the newest */
    size_t bytes;               /* of all chunks */
};

void arena_init(struct arena *arena, struct arena_budget *budget);

/* size bytes aligned to 8, not zeroed. NULL when the budget or the machine has no
 * more. */
void *arena_alloc(struct arena *arena, size_t size);

/* Gives every chunk back; the arena is empty and may be used again. */
void arena_free(struct arena *given);

#endif
