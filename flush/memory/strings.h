/* flush/memory/strings.h: every distinct byte string once.
 *
 * Names, hosts, tags and whole tag sets are interned: a string is an id of 32
 * bits, equal strings have equal ids, so memory grows with distinct strings and
 * not with series. Ids are counted references; the last release frees the
 * string and the id may mean another one.
 *
 *   hash -> index -> id -> entry: place, references
 *   place -> chunk of a mebibyte:  length | bytes | length | bytes | ...
 *
 * Beside its bytes a string costs some 17: eight of its entry, seven in the
 * index, one or two of its length. What is freed leaves a hole; strings_tidy() moves
 * the rest of a chunk with many holes elsewhere and gives the chunk back.
 *
 * Owned by the identities, one thread. A slice from strings_get is a view, good
 * until that id's last release or strings_tidy(). */
#ifndef FLUSH_MEMORY_STRINGS_H
#define FLUSH_MEMORY_STRINGS_H

#include <stdint.h>
#include <string.h>

#include "flush/memory/index.h"
#include "protocol/slice.h"

/* No string: memory is exhausted, there are 2^32 - 2 strings or 4 GiB of them. */
#define STRINGS_NONE UINT32_MAX

enum { STRINGS_CHUNK_SHIFT = 20, STRINGS_CHUNK_BYTES = 1 << STRINGS_CHUNK_SHIFT };

/* The longest string: what fits into a chunk. */
enum { STRINGS_LONG = UINT8_MAX, STRINGS_LENGTH_MAX = STRINGS_CHUNK_BYTES - 8 };

struct strings_entry {
    uint32_t at;   /* chunk and offset; of a free one the next free id */
    uint32_t refs; /* 0: free */
};

struct strings_chunk {
    char *at;      /* pages; NULL: none */
    uint32_t used; /* bytes written */
    uint32_t dead; /* of them no longer a string's */
};

struct strings {
    struct strings_entry *entries;
    uint32_t n_entries; /* ids below this exist or are free */
    uint32_t entries_capacity;
    uint32_t free_id; /* head of the free list, STRINGS_NONE: empty */
    struct index index;
    struct strings_chunk *chunks;
    uint32_t n_chunks;
    uint32_t open;  /* the chunk that is written to */
    size_t bytes;   /* of all live strings */
    size_t written; /* of all chunks, holes too */
};

void strings_init(struct strings *strings);
void strings_free(struct strings *given);

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

/* One reference less. True: it was the last, and the id means nothing any more. */
bool strings_release(struct strings *strings, uint32_t id);

/* Gives back what released strings took; views end here. */
void strings_tidy(struct strings *strings);

/* How many bytes they take, with all that belongs to them. */
size_t strings_memory(const struct strings *strings);

/* The part of that for one string and one of those who hold it. */
size_t strings_share(const struct strings *strings, uint32_t id);

static inline struct slice strings_at(const struct strings *strings, uint32_t place)
{
    const char *at =
        strings->chunks[place >> STRINGS_CHUNK_SHIFT].at + (place & (STRINGS_CHUNK_BYTES - 1));
    uint32_t len = (uint8_t)*at++;

    if (len == STRINGS_LONG) {
        memcpy(&len, at, sizeof len);
        at += sizeof len;
    }
    return (struct slice){ at, len };
}

static inline struct slice strings_get(const struct strings *strings, uint32_t id)
{
    return strings_at(strings, strings->entries[id].at);
}

/* Whether the id, below n_entries, is a string's. */
static inline bool strings_is_held(const struct strings *strings, uint32_t id)
{
    return strings->entries[id].refs > 0;
}

/* True when this reference is the only one: releasing it frees the string. */
static inline bool strings_is_last(const struct strings *strings, uint32_t id)
{
    return strings->entries[id].refs == 1;
}

#endif
