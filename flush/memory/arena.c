#include "flush/memory/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Chunks of MAPPED bytes and more come from mmap, so that the memory of a spike goes back to
 * the system. malloc would not do: it raises its own threshold for mmap whenever such a chunk
 * is freed, and then keeps the memory in its heap. */
enum { CHUNK_MIN = 4 << 10, CHUNK_MAX = 1 << 20, MAPPED = 128 << 10 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* with this head */
};

void arena_budget_init(struct arena_budget *budget, long bytes)
{
    atomic_init(&budget->left, bytes);
    budget->all = bytes;
}

void arena_init(struct arena *arena, struct arena_budget *budget)
{
    *arena = (struct arena){ .budget = budget };
}

static void budget_give(struct arena_budget *budget, size_t size)
{
    atomic_fetch_add_explicit(&budget->left, (long)size, memory_order_relaxed);
}

/* Relaxed, because the number guards no other memory. A take that goes over the budget is given
 * back at once; an arena that asks in between is refused too, which only sheds a little
 * earlier. */
static bool budget_take(struct arena_budget *budget, size_t size)
{
    if (atomic_fetch_sub_explicit(&budget->left, (long)size, memory_order_relaxed) >=
        (long)size)
        return true;
    budget_give(budget, size);
    return false;
}

static void *memory_new(size_t size)
{
    if (size < MAPPED)
        return malloc(size);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED ? memory : NULL;
}

static void memory_free(void *memory, size_t size)
{
    if (size < MAPPED)
        free(memory);
    else
        munmap(memory, size);
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
    if (!budget_take(arena->budget, size))
        return NULL;
    struct arena_chunk *chunk = memory_new(size);

    if (chunk == NULL) {
        budget_give(arena->budget, size);
        return NULL;
    }
    chunk->size = size;
    arena->bytes += size;
    return chunk;
}

/* A block too large for the next chunk gets its own, linked behind the newest,
 * whose free rest stays in use. */
static void *alloc_alone(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = chunk_new(arena, size + sizeof *chunk);
    struct arena_chunk **place = arena->chunks != NULL ? &arena->chunks->next : &arena->chunks;

    if (chunk == NULL)
        return NULL;
    chunk->next = *place;
    *place = chunk;
    return chunk + 1;
}

/* Every chunk is as large as all before it together, so a small bucket stays small and a large
 * one takes few chunks. When that is more than the budget has left, a smaller one is tried. */
static void *alloc_from_new(struct arena *arena, size_t size)
{
    size_t wanted = arena->bytes > CHUNK_MIN ? arena->bytes : CHUNK_MIN;
    size_t needed = size + sizeof(struct arena_chunk);

    if (wanted > CHUNK_MAX)
        wanted = CHUNK_MAX;
    if (needed > wanted)
        return alloc_alone(arena, size);

    struct arena_chunk *chunk = chunk_new(arena, wanted);

    while (chunk == NULL && wanted / 2 >= needed)
        chunk = chunk_new(arena, wanted /= 2);
    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = (char *)(chunk + 1) + size;
    arena->end = (char *)chunk + wanted;
    return chunk + 1;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX / 2)
        return NULL;
    size = (size + 7) & ~(size_t)7;
    if (size > (size_t)(arena->end - arena->at))
        return alloc_from_new(arena, size);
    void *block = arena->at;

    arena->at += size;
    return block;
}

void arena_free(struct arena *given)
{
    struct arena_chunk *chunk = given->chunks;

    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        memory_free(chunk, chunk->size);
        chunk = next;
    }
    budget_give(given->budget, given->bytes);
    arena_init(given, given->budget);
}
