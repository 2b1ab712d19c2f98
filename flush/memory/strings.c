#include "flush/memory/strings.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/memory/pages.h"

enum { ENTRIES_MIN = 32, CHUNKS_MAX = 1 << (32 - STRINGS_CHUNK_SHIFT) };

#define NO_PLACE UINT32_MAX

void strings_init(struct strings *strings)
{
    *strings = (struct strings){ .free_id = STRINGS_NONE };
}

void strings_free(struct strings *given)
{
    for (uint32_t i = 0; i < given->n_chunks; i++)
        pages_unmap(given->chunks[i].at, STRINGS_CHUNK_BYTES);
    free(given->chunks);
    free(given->entries);
    index_free(&given->index);
    strings_init(given);
}

static uint32_t hash_of(struct slice text)
{
    return (uint32_t)XXH3_64bits(text.at, text.len);
}

/* ---- chunks ------------------------------------------------------------ */

static uint32_t size_of(size_t len)
{
    return (uint32_t)(len + 1 + (len >= STRINGS_LONG ? sizeof(uint32_t) : 0));
}

/* Finds a chunk that has no pages, or makes one more. */
static uint32_t unused_chunk(struct strings *strings)
{
    for (uint32_t i = 0; i < strings->n_chunks; i++)
        if (strings->chunks[i].at == NULL)
            return i;
    if (strings->n_chunks ==
        CHUNKS_MAX - 1) /* the last is not used, because NO_PLACE would be a place in it */
        return CHUNKS_MAX;
    struct strings_chunk *grown =
        realloc(strings->chunks, (strings->n_chunks + 1) * sizeof *grown);
    if (grown == NULL)
        return CHUNKS_MAX;
    strings->chunks = grown;
    strings->chunks[strings->n_chunks] = (struct strings_chunk){ .at = NULL };
    return strings->n_chunks++;
}

static bool open_chunk(struct strings *strings)
{
    uint32_t chunk = unused_chunk(strings);

    if (chunk == CHUNKS_MAX)
        return false;
    strings->chunks[chunk] = (struct strings_chunk){ .at = pages_map(STRINGS_CHUNK_BYTES) };
    if (strings->chunks[chunk].at == NULL)
        return false;
    strings->open = chunk;
    return true;
}

static void close_chunk(struct strings *strings, struct strings_chunk *chunk)
{
    pages_unmap(chunk->at, STRINGS_CHUNK_BYTES);
    strings->written -= chunk->used;
    *chunk = (struct strings_chunk){ .at = NULL };
}

static bool has_room(const struct strings *strings, uint32_t size)
{
    return strings->n_chunks > 0 && strings->chunks[strings->open].at != NULL &&
           size <= STRINGS_CHUNK_BYTES - strings->chunks[strings->open].used;
}

/* A copy of the text; its place, or NO_PLACE without memory. */
static uint32_t write_text(struct strings *strings, struct slice text)
{
    uint32_t size = size_of(text.len), len = (uint32_t)text.len;

    if (!has_room(strings, size) && !open_chunk(strings))
        return NO_PLACE;
    struct strings_chunk *chunk = &strings->chunks[strings->open];
    uint32_t place = strings->open << STRINGS_CHUNK_SHIFT | chunk->used;
    char *at = chunk->at + chunk->used;
    *at++ = (char)(len < STRINGS_LONG ? len : STRINGS_LONG);
    if (len >= STRINGS_LONG) {
        memcpy(at, &len, sizeof len);
        at += sizeof len;
    }
    if (len > 0)
        memcpy(at, text.at, len);
    chunk->used += size;
    strings->written += size;
    return place;
}

/* A chunk without any string is given back at once; the open one is written from its start. */
static void leave_hole(struct strings *strings, uint32_t place, size_t len)
{
    uint32_t index = place >> STRINGS_CHUNK_SHIFT;
    struct strings_chunk *chunk = &strings->chunks[index];

    chunk->dead += size_of(len);
    if (chunk->dead < chunk->used)
        return;
    if (index != strings->open) {
        close_chunk(strings, chunk);
        return;
    }
    strings->written -= chunk->used;
    chunk->used = chunk->dead = 0;
}

/* ---- ids --------------------------------------------------------------- */

/* The id that stands for text, or STRINGS_NONE. */
static uint32_t find(const struct strings *strings, struct slice text, uint32_t hash)
{
    struct index_probe probe = index_begin(&strings->index, hash);
    uint32_t id;

    while ((id = index_next(&strings->index, &probe)) != INDEX_NONE)
        if (slice_equal(strings_get(strings, id), text))
            break;
    return id;
}

static bool lay_out_index(struct strings *strings)
{
    if (!index_clear(&strings->index, strings->index.live + 1))
        return false;
    for (uint32_t id = 0; id < strings->n_entries; id++)
        if (strings->entries[id].refs > 0)
            index_put(&strings->index, hash_of(strings_get(strings, id)), id);
    return true;
}

static uint32_t take_id(struct strings *strings)
{
    uint32_t id = strings->free_id;

    if (id != STRINGS_NONE) {
        strings->free_id = strings->entries[id].at;
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
    strings->entries[id] = (struct strings_entry){ .at = strings->free_id };
    strings->free_id = id;
}

static uint32_t add(struct strings *strings, struct slice text, uint32_t hash)
{
    if (text.len > STRINGS_LENGTH_MAX ||
        (index_is_full(&strings->index) && !lay_out_index(strings)))
        return STRINGS_NONE;
    uint32_t id = take_id(strings);
    if (id == STRINGS_NONE)
        return STRINGS_NONE;
    uint32_t place = write_text(strings, text);
    if (place == NO_PLACE) {
        give_id(strings, id);
        return STRINGS_NONE;
    }
    strings->entries[id] = (struct strings_entry){ place, 1 };
    index_put(&strings->index, hash, id);
    strings->bytes += text.len;
    return id;
}

static uint32_t intern_hashed(struct strings *strings, struct slice text, uint32_t hash)
{
    uint32_t id = find(strings, text, hash);

    if (id == STRINGS_NONE)
        return add(strings, text, hash);
    strings->entries[id].refs++;
    return id;
}

uint32_t strings_intern(struct strings *strings, struct slice text)
{
    return intern_hashed(strings, text, hash_of(text));
}

/* The id that most likely stands for this hash, or STRINGS_NONE. */
static uint32_t likely_id(const struct strings *strings, uint32_t hash)
{
    struct index_probe probe = index_begin(&strings->index, hash);

    return index_next(&strings->index, &probe);
}

static void fetch(const struct strings *strings, const uint32_t *hashes, size_t n,
                  uint32_t *ids)
{
    for (size_t i = 0; i < n; i++)
        index_fetch(&strings->index, hashes[i]);
    for (size_t i = 0; i < n; i++) {
        ids[i] = likely_id(strings, hashes[i]);
        if (ids[i] != STRINGS_NONE)
            __builtin_prefetch(&strings->entries[ids[i]]);
    }
    for (size_t i = 0; i < n; i++)
        if (ids[i] != STRINGS_NONE)
            __builtin_prefetch(
                strings->chunks[strings->entries[ids[i]].at >> STRINGS_CHUNK_SHIFT].at +
                (strings->entries[ids[i]].at & (STRINGS_CHUNK_BYTES - 1)));
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
        fetch(strings, hashes, some, ids + done);
        for (size_t i = 0; i < some; i++)
            ids[done + i] = intern_hashed(strings, texts[done + i], hashes[i]);
    }
}

uint32_t strings_find(const struct strings *strings, struct slice text)
{
    return find(strings, text, hash_of(text));
}

bool strings_release(struct strings *strings, uint32_t id)
{
    struct strings_entry *entry = &strings->entries[id];

    if (--entry->refs > 0)
        return false;
    struct slice text = strings_get(strings, id);
    index_remove(&strings->index, hash_of(text), id);
    strings->bytes -= text.len;
    leave_hole(strings, entry->at, text.len);
    give_id(strings, id);
    return true;
}

/* ---- memory ------------------------------------------------------------ */

/* The id of the string at that place, if it is still in use. */
static uint32_t id_at(const struct strings *strings, struct slice text, uint32_t place)
{
    struct index_probe probe = index_begin(&strings->index, hash_of(text));
    uint32_t id;

    while ((id = index_next(&strings->index, &probe)) != INDEX_NONE)
        if (strings->entries[id].at == place)
            break;
    return id;
}

/* Moves the strings of a chunk to the open one. The chunk is given back with the last of them.
 * Without memory those that are left stay. */
static void empty_chunk(struct strings *strings, uint32_t index)
{
    uint32_t used = strings->chunks[index].used;

    for (uint32_t at = 0; at < used && strings->chunks[index].at != NULL;) {
        uint32_t place = index << STRINGS_CHUNK_SHIFT | at;
        struct slice text = strings_at(strings, place);
        uint32_t id = id_at(strings, text, place);

        at += size_of(text.len);
        if (id == STRINGS_NONE)
            continue;
        uint32_t moved = write_text(strings, text);
        if (moved == NO_PLACE)
            return;
        strings->entries[id].at = moved;
        leave_hole(strings, place, text.len);
    }
}

/* Gives back the end of the entries once a spike has passed: what is free there
 * leaves the free list, which is then built anew, lowest id first. */
static void trim_entries(struct strings *strings)
{
    while (strings->n_entries > 0 && strings->entries[strings->n_entries - 1].refs == 0)
        strings->n_entries--;
    strings->free_id = STRINGS_NONE;
    for (uint32_t id = strings->n_entries; id-- > 0;)
        if (strings->entries[id].refs == 0)
            give_id(strings, id);

    uint32_t capacity = strings->n_entries > ENTRIES_MIN ? strings->n_entries : ENTRIES_MIN;
    struct strings_entry *less = realloc(strings->entries, capacity * sizeof *less);
    if (less != NULL) {
        strings->entries = less;
        strings->entries_capacity = capacity;
    }
}

void strings_tidy(struct strings *strings)
{
    for (uint32_t i = 0; i < strings->n_chunks; i++)
        if (i == strings->open && strings->chunks[i].used == 0)
            close_chunk(strings, &strings->chunks[i]);
        else if (i != strings->open && strings->chunks[i].dead > strings->chunks[i].used / 2)
            empty_chunk(strings, i);
    if (!index_is_sparse(&strings->index))
        return;
    (void)lay_out_index(strings); /* without memory: stay large */
    trim_entries(strings);
}

size_t strings_memory(const struct strings *strings)
{
    return strings->written + (size_t)strings->n_entries * sizeof *strings->entries +
           index_bytes(&strings->index);
}

size_t strings_share(const struct strings *strings, uint32_t id)
{
    enum { SLOT_BYTES = 8 }; /* of the index, some of them empty */

    return (size_of(strings_get(strings, id).len) + sizeof *strings->entries + SLOT_BYTES) /
           strings->entries[id].refs;
}
