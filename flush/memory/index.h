/* flush/memory/index.h: small numbers found by the hash of what they stand for.
 *
 *   hash -> slot   mark: 8 bits of the hash | id
 *
 * Open addressing at five bytes a slot: the mark spares nearly every look at what
 * does not match, and the hash itself is not kept, because whoever owns the things
 * can make it again. A removed id leaves a gap that probes pass over; gaps go when
 * the index is laid out anew, which is the owner's work: index_clear() makes
 * empty slots, then each id is put again.
 *
 * Owned by one thread. */
#ifndef FLUSH_MEMORY_INDEX_H
#define FLUSH_MEMORY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/must_check.h"

#define INDEX_NONE UINT32_MAX

/* Marks of what is no id. */
enum { INDEX_EMPTY, INDEX_GAP, INDEX_MARKS };

struct index {
    uint32_t *ids;  /* one block with the marks */
    uint8_t *marks; /* NULL: no slots yet */
    uint32_t n_slots;
    uint32_t used; /* slots that are not empty, gaps too */
    uint32_t live;
};

void index_free(struct index *given);

/* Empty slots for that many ids and half as many more; false without memory: the
 * index is as it was. */
MUST_CHECK bool index_clear(struct index *index, uint32_t ids);

/* To be asked before one more id is put: whether the index must be laid out anew first. */
static inline bool index_is_full(const struct index *index)
{
    return index->used + 1 > index->n_slots / 4 * 3;
}

/* Whether so much was removed that fewer slots would do. */
bool index_is_sparse(const struct index *index);

size_t index_bytes(const struct index *index);

/* Puts an id. Only while the index is not full. */
void index_put(struct index *index, uint32_t hash, uint32_t id);

/* Removes an id that was put under that hash. */
void index_remove(struct index *index, uint32_t hash, uint32_t id);

/* Where a search stands. */
struct index_probe {
    uint32_t at;
    uint8_t mark;
};

static inline uint8_t index_mark(uint32_t hash)
{
    uint8_t mark = (uint8_t)hash;

    return mark < INDEX_MARKS ? (uint8_t)(mark + INDEX_MARKS) : mark;
}

static inline struct index_probe index_begin(const struct index *index, uint32_t hash)
{
    return (struct index_probe){ (uint32_t)(((uint64_t)hash * index->n_slots) >> 32),
                                 index_mark(hash) };
}

/* The next id that may be the one; INDEX_NONE: there is none. */
static inline uint32_t index_next(const struct index *index, struct index_probe *probe)
{
    while (index->n_slots > 0) {
        uint32_t at = probe->at;
        uint8_t mark = index->marks[at];

        probe->at = at + 1 < index->n_slots ? at + 1 : 0;
        if (mark == probe->mark)
            return index->ids[at];
        if (mark == INDEX_EMPTY)
            break;
    }
    return INDEX_NONE;
}

/* Asks for the memory that a search would begin with. */
static inline void index_fetch(const struct index *index, uint32_t hash)
{
    uint32_t at = index_begin(index, hash).at;

    if (index->n_slots == 0)
        return;
    __builtin_prefetch(index->marks + at);
    __builtin_prefetch(index->ids + at);
}

#endif
