#include "flush/strings.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SLOTS_MIN = 64, ENTRIES_MIN = 32 };

void strings_init(struct strings *strings)
{
    *strings = (struct strings){ .free_id = STRINGS_NONE };
}

void strings_free(struct strings *strings)
{
    for (uint32_t id = 0; id < strings->n_entries; id++)
        free(strings->entries[id].at);
    free(strings->entries);
    free(strings->slots);
    strings_init(strings);
}

static uint32_t hash_of(struct slice text)
{
    return (uint32_t)XXH3_64bits(text.at, text.len);
}

/* The slot that holds text, or the empty one where it would go. */
static struct strings_slot *probe(const struct strings *strings, struct slice text,
                                  uint32_t hash)
{
    uint32_t mask = strings->n_slots - 1;

    for (uint32_t at = hash & mask;; at = (at + 1) & mask) {
        struct strings_slot *slot = &strings->slots[at];

        if (slot->id_plus_one == 0 ||
            (slot->hash == hash &&
             slice_equal(strings_get(strings, slot->id_plus_one - 1), text)))
            return slot;
    }
}

static bool resize_slots(struct strings *strings, uint32_t n_slots)
{
    struct strings_slot *old = strings->slots;
    uint32_t n_old = strings->n_slots;
    struct strings_slot *slots = calloc(n_slots, sizeof *slots);

    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].id_plus_one == 0)
            continue;
        uint32_t at = old[i].hash & (n_slots - 1);
        while (slots[at].id_plus_one != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = old[i];
    }
    free(old);
    strings->slots = slots;
    strings->n_slots = n_slots;
    return true;
}

static bool reserve_slot(struct strings *strings)
{
    if (strings->n_slots == 0)
        return resize_slots(strings, SLOTS_MIN);
    if (strings->live < strings->n_slots / 4 * 3)
        return true;
    return resize_slots(strings, strings->n_slots * 2);
}

static uint32_t take_id(struct strings *strings)
{
    uint32_t id = strings->free_id;

    if (id != STRINGS_NONE) {
        strings->free_id = strings->entries[id].len;
        return id;
    }
    if (strings->n_entries == strings->entries_capacity) {
        uint64_t wanted = strings->entries_capacity + strings->entries_capacity / 2u;
        if (wanted < ENTRIES_MIN)
            wanted = ENTRIES_MIN;
        if (wanted >= STRINGS_NONE)
            return STRINGS_NONE;
        struct strings_entry *grown = realloc(strings->entries, (size_t)wanted * sizeof *grown);
        if (grown == NULL)
            return STRINGS_NONE;
        strings->entries = grown;
        strings->entries_capacity = (uint32_t)wanted;
    }
    return strings->n_entries++;
}

static void give_id(struct strings *strings, uint32_t id)
{
    strings->entries[id] = (struct strings_entry){ .len = strings->free_id };
    strings->free_id = id;
}

static uint32_t intern_hashed(struct strings *strings, struct slice text, uint32_t hash)
{
    if (text.len > UINT32_MAX || !reserve_slot(strings))
        return STRINGS_NONE;
    struct strings_slot *slot = probe(strings, text, hash);
    if (slot->id_plus_one != 0) {
        strings->entries[slot->id_plus_one - 1].refs++;
        return slot->id_plus_one - 1;
    }
    uint32_t id = take_id(strings);
    if (id == STRINGS_NONE)
        return STRINGS_NONE;
    char *copy = malloc(text.len + (text.len == 0));
    if (copy == NULL) {
        give_id(strings, id);
        return STRINGS_NONE;
    }
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    strings->entries[id] = (struct strings_entry){ copy, (uint32_t)text.len, 1 };
    *slot = (struct strings_slot){ hash, id + 1 };
    strings->live++;
    strings->bytes += text.len;
    return id;
}

uint32_t strings_intern(struct strings *strings, struct slice text)
{
    return intern_hashed(strings, text, hash_of(text));
}

/* The string that most likely stands for this hash, or NULL. */
static const struct strings_entry *likely_entry(const struct strings *strings, uint32_t hash)
{
    const struct strings_slot *slot = &strings->slots[hash & (strings->n_slots - 1)];

    return slot->hash == hash && slot->id_plus_one != 0
               ? &strings->entries[slot->id_plus_one - 1]
               : NULL;
}

static void fetch(const struct strings *strings, const uint32_t *hashes, size_t n)
{
    const struct strings_entry *entry;

    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(&strings->slots[hashes[i] & (strings->n_slots - 1)]);
    for (size_t i = 0; i < n; i++)
        if ((entry = likely_entry(strings, hashes[i])) != NULL)
            __builtin_prefetch(entry);
    for (size_t i = 0; i < n; i++)
        if ((entry = likely_entry(strings, hashes[i])) != NULL)
            __builtin_prefetch(entry->at);
}

void strings_intern_all(struct strings *strings, const struct slice *texts, size_t n,
                        uint32_t *ids)
{
    enum { AT_ONCE = 64 };
    uint32_t hashes[AT_ONCE];

    for (size_t done = 0; done < n; done += AT_ONCE) {
        size_t some = n - done < AT_ONCE ? n - done : AT_ONCE;

        for (size_t i = 0; i < some; i++)
            hashes[i] = hash_of(texts[done + i]);
        if (strings->n_slots > 0)
            fetch(strings, hashes, some);
        for (size_t i = 0; i < some; i++)
            ids[done + i] = intern_hashed(strings, texts[done + i], hashes[i]);
    }
}

uint32_t strings_find(const struct strings *strings, struct slice text)
{
    if (strings->n_slots == 0)
        return STRINGS_NONE;
    struct strings_slot *slot = probe(strings, text, hash_of(text));

    return slot->id_plus_one != 0 ? slot->id_plus_one - 1 : STRINGS_NONE;
}

/* Closes the hole that a removed slot leaves in its run of probes. */
static void remove_slot(struct strings *strings, uint32_t hole)
{
    uint32_t mask = strings->n_slots - 1;
    struct strings_slot *slots = strings->slots;

    for (uint32_t at = (hole + 1) & mask; slots[at].id_plus_one != 0; at = (at + 1) & mask) {
        uint32_t home = slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = (struct strings_slot){ 0 };
}

/* Gives back the end of the entries once a spike has passed: what is free there
 * leaves the free list, which is then built anew, lowest id first. */
static void trim_entries(struct strings *strings)
{
    while (strings->n_entries > 0 && strings->entries[strings->n_entries - 1].at == NULL)
        strings->n_entries--;
    strings->free_id = STRINGS_NONE;
    for (uint32_t id = strings->n_entries; id-- > 0;)
        if (strings->entries[id].at == NULL)
            give_id(strings, id);

    uint32_t capacity = strings->n_entries > ENTRIES_MIN ? strings->n_entries : ENTRIES_MIN;
    struct strings_entry *less = realloc(strings->entries, capacity * sizeof *less);
    if (less != NULL) {
        strings->entries = less;
        strings->entries_capacity = capacity;
    }
}

bool strings_release(struct strings *strings, uint32_t id)
{
    struct strings_entry *entry = &strings->entries[id];

    if (--entry->refs > 0)
        return false;
    struct strings_slot *slot =
        probe(strings, strings_get(strings, id), hash_of(strings_get(strings, id)));
    remove_slot(strings, (uint32_t)(slot - strings->slots));
    strings->bytes -= entry->len;
    strings->live--;
    free(entry->at);
    give_id(strings, id);

    /* Halved or more: shrink, so that a spike's memory returns. */
    if (strings->n_slots > SLOTS_MIN && strings->live < strings->n_slots / 8) {
        (void)resize_slots(strings, strings->n_slots / 2); /* without memory: stay large */
        trim_entries(strings);
    }
    return true;
}
