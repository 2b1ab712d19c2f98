/* flush/strings.h: every distinct byte string once.
 *
 * Names, hosts, tags and whole tag sets are interned: a string is an id of 32
 * bits, equal strings have equal ids, so memory grows with distinct strings and
 * not with series. Ids are counted references; the last release frees the
 * bytes and the id may mean another string.
 *
 * Owned by the catalogue, one thread. A slice from strings_get is a view, good
 * until that id's last release. */
#ifndef FLUSH_STRINGS_H
#define FLUSH_STRINGS_H

#include <stdint.h>

#include "protocol/slice.h"

/* No string: memory is exhausted, or there are 2^32 - 2 strings. */
#define STRINGS_NONE UINT32_MAX

struct strings_entry {
    char *at; /* NULL: free, then len is the next free id */
    uint32_t len;
    uint32_t refs;
};

struct strings_slot {
    uint32_t hash;
    uint32_t id_plus_one; /* 0: empty */
};

struct strings {
    struct strings_entry *entries;
    uint32_t n_entries; /* ids below this exist or are free */
    uint32_t entries_capacity;
    uint32_t free_id; /* head of the free list, STRINGS_NONE: empty */
    uint32_t live;
    struct strings_slot *slots;
    uint32_t n_slots; /* a power of two */
    size_t bytes;     /* of all live strings */
};

void strings_init(struct strings *strings);
void strings_free(struct strings *strings);

/* The id of text, with one more reference; STRINGS_NONE without memory. */
uint32_t strings_intern(struct strings *strings, struct slice text);

/* The same for several at once: ids[i] of texts[i]. What the look-ups will touch is
 * fetched for all before the first is looked up, so that their misses overlap. When
 * memory runs out the rest are STRINGS_NONE. */
void strings_intern_all(struct strings *strings, const struct slice *texts, size_t n,
                        uint32_t *ids);

/* The id of text without taking a reference; STRINGS_NONE when nobody holds it. */
uint32_t strings_find(const struct strings *strings, struct slice text);

/* One more reference to a string that is held already. */
static inline void strings_hold(struct strings *strings, uint32_t id)
{
    strings->entries[id].refs++;
}

/* One reference less; true when it was the last: then the id is gone. */
bool strings_release(struct strings *strings, uint32_t id);

static inline struct slice strings_get(const struct strings *strings, uint32_t id)
{
    return (struct slice){ strings->entries[id].at, strings->entries[id].len };
}

/* True when this reference is the only one: releasing it frees the string. */
static inline bool strings_is_last(const struct strings *strings, uint32_t id)
{
    return strings->entries[id].refs == 1;
}

#endif
