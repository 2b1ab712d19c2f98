#include "flush/memory/index.h"

#include <stdlib.h>

#include "flush/memory/pages.h"

enum { SLOTS_MIN = 64, SLOT_BYTES = sizeof(uint32_t) + sizeof(uint8_t) };

size_t index_bytes(const struct index *index)
{
    return (size_t)index->n_slots * SLOT_BYTES;
}

void index_free(struct index *given)
{
    pages_unmap(given->ids, index_bytes(given));
    *given = (struct index){ 0 };
}

bool index_clear(struct index *index, uint32_t ids)
{
    uint64_t wanted = (uint64_t)ids * 2;

    if (wanted < SLOTS_MIN)
        wanted = SLOTS_MIN;
    if (wanted > UINT32_MAX)
        return false;
    uint32_t n_slots = (uint32_t)wanted;
    uint32_t *slots = pages_map(n_slots * (size_t)SLOT_BYTES);
    if (slots == NULL)
        return false;
    index_free(index); /* before the new pages are touched */
    *index = (struct index){ slots, (uint8_t *)(slots + n_slots), n_slots, 0, 0 };
    return true;
}

bool index_is_sparse(const struct index *index)
{
    return index->n_slots > SLOTS_MIN && index->live < index->n_slots / 8;
}

void index_put(struct index *index, uint32_t hash, uint32_t id)
{
    struct index_probe probe = index_begin(index, hash);

    while (index->marks[probe.at] >= INDEX_MARKS)
        probe.at = probe.at + 1 < index->n_slots ? probe.at + 1 : 0;
    index->used += index->marks[probe.at] == INDEX_EMPTY;
    index->marks[probe.at] = probe.mark;
    index->ids[probe.at] = id;
    index->live++;
}

static uint32_t slot_of(const struct index *index, uint32_t hash, uint32_t id)
{
    struct index_probe probe = index_begin(index, hash);

    while (index->marks[probe.at] != probe.mark || index->ids[probe.at] != id)
        probe.at = probe.at + 1 < index->n_slots ? probe.at + 1 : 0;
    return probe.at;
}

/* A gap is there for probes to pass over. If an empty slot follows, no probe has to, so the gap
 * and those before it become empty, too. */
void index_remove(struct index *index, uint32_t hash, uint32_t id)
{
    uint32_t at = slot_of(index, hash, id);
    uint32_t behind = at + 1 < index->n_slots ? at + 1 : 0;

    index->marks[at] = INDEX_GAP;
    index->live--;
    if (index->marks[behind] != INDEX_EMPTY)
        return;
    for (; index->marks[at] == INDEX_GAP; at = at > 0 ? at - 1 : index->n_slots - 1) {
        index->marks[at] = INDEX_EMPTY;
        index->used--;
    }
}
