#include "flush/series/identities.h"

#include <stdlib.h>

#include "flush/memory/packed_ids.h"

enum { TAGS_USUAL = 64 };

struct identities {
    struct flusher_ledger *ledger;
    struct strings texts; /* names and hosts */
    struct strings tags;
    struct strings tag_sets; /* the ids of sorted tags, packed */
    /* Scratch, all of them as long as the longest tag set was so far: tags that are being
     * interned, the same packed, and of the set that is read. */
    uint32_t *ids;
    uint8_t *packed;
    uint32_t *read;
    struct slice *views;
    size_t ids_capacity;
};

static bool grow(void *array, size_t n, size_t size)
{
    void **at = array, *grown = realloc(*at, n * size);

    if (grown != NULL)
        *at = grown;
    return grown != NULL;
}

/* Makes room for a set of so many tags now, so that reading it later needs no memory. */
static bool reserve(struct identities *identities, size_t n)
{
    if (n <= identities->ids_capacity)
        return true;
    if (!grow(&identities->ids, n, sizeof *identities->ids) ||
        !grow(&identities->packed, packed_ids_room(n), 1) ||
        !grow(&identities->read, n, sizeof *identities->read) ||
        !grow(&identities->views, n, sizeof *identities->views))
        return false;
    identities->ids_capacity = n;
    return true;
}

struct identities *identities_new(struct flusher_ledger *ledger)
{
    struct identities *identities = calloc(1, sizeof *identities);

    if (identities == NULL)
        return NULL;
    identities->ledger = ledger;
    strings_init(&identities->texts);
    strings_init(&identities->tags);
    strings_init(&identities->tag_sets);
    if (!reserve(identities, TAGS_USUAL)) {
        identities_free(identities);
        return NULL;
    }
    return identities;
}

void identities_free(struct identities *given)
{
    if (given == NULL)
        return;
    strings_free(&given->texts);
    strings_free(&given->tags);
    strings_free(&given->tag_sets);
    free(given->ids);
    free(given->packed);
    free(given->read);
    free(given->views);
    free(given);
}

static void count(struct identities *identities)
{
    counter_set(&identities->ledger->strings,
                identities->texts.bytes + identities->tags.bytes + identities->tag_sets.bytes);
}

/* ---- holding and letting go -------------------------------------------- */

static void release_tags(struct identities *identities, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] != STRINGS_NONE)
            strings_release(&identities->tags, ids[i]);
}

/* A set holds each of its tags once. So if the set was there already, the tags that were
 * interned to find it are released again. */
static uint32_t intern_set(struct identities *identities, const struct slice *tags, size_t n)
{
    uint32_t *ids;

    if (!reserve(identities, n))
        return STRINGS_NONE;
    ids = identities->ids;
    strings_intern_all(&identities->tags, tags, n, ids);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == STRINGS_NONE) {
            release_tags(identities, ids, n);
            return STRINGS_NONE;
        }
    }
    size_t len = packed_ids_pack(ids, n, identities->packed);
    uint32_t set = strings_intern(&identities->tag_sets,
                                  (struct slice){ (const char *)identities->packed, len });
    if (set == STRINGS_NONE || !strings_is_last(&identities->tag_sets, set))
        release_tags(identities, ids, n);
    return set;
}

static void release_set(struct identities *identities, uint32_t set)
{
    if (strings_is_last(&identities->tag_sets, set)) {
        size_t n;
        const uint32_t *ids = identities_tag_ids(identities, set, &n);
        release_tags(identities, ids, n);
    }
    strings_release(&identities->tag_sets, set);
}

void identities_release(struct identities *identities, struct identity given)
{
    if (given.name != STRINGS_NONE)
        strings_release(&identities->texts, given.name);
    if (given.host != STRINGS_NONE)
        strings_release(&identities->texts, given.host);
    if (given.tags != STRINGS_NONE)
        release_set(identities, given.tags);
    count(identities);
}

bool identities_intern(struct identities *identities, struct slice name, struct slice host,
                       const struct slice *tags, size_t n_tags, struct identity *out)
{
    out->name = strings_intern(&identities->texts, name);
    out->host = strings_intern(&identities->texts, host);
    out->tags = intern_set(identities, tags, n_tags);
    count(identities);
    if (out->name != STRINGS_NONE && out->host != STRINGS_NONE && out->tags != STRINGS_NONE)
        return true;
    identities_release(identities, *out);
    return false;
}

static void hold_host_and_tags(struct identities *identities, struct identity held)
{
    strings_hold(&identities->texts, held.host);
    strings_hold(&identities->tag_sets, held.tags);
}

void identities_hold(struct identities *identities, struct identity held)
{
    strings_hold(&identities->texts, held.name);
    hold_host_and_tags(identities, held);
}

bool identities_hold_named(struct identities *identities, struct identity held,
                           struct slice name, struct identity *out)
{
    *out = held;
    out->name = strings_intern(&identities->texts, name);
    if (out->name == STRINGS_NONE)
        return false;
    hold_host_and_tags(identities, held);
    count(identities);
    return true;
}

/* ---- reading ----------------------------------------------------------- */

struct slice identities_text(const struct identities *identities, uint32_t name_or_host)
{
    return strings_get(&identities->texts, name_or_host);
}

struct slice identities_tag(const struct identities *identities, uint32_t tag)
{
    return strings_get(&identities->tags, tag);
}

const uint32_t *identities_tag_ids(const struct identities *identities, uint32_t tags,
                                   size_t *n)
{
    struct slice set = strings_get(&identities->tag_sets, tags);

    *n = packed_ids_unpack(set, identities->read);
    return identities->read;
}

const struct slice *identities_tags(const struct identities *identities, uint32_t tags,
                                    size_t *n)
{
    const uint32_t *ids = identities_tag_ids(identities, tags, n);

    for (size_t i = 0; i < *n; i++)
        identities->views[i] = strings_get(&identities->tags, ids[i]);
    return identities->views;
}

uint32_t identities_find_text(const struct identities *identities, struct slice text)
{
    return strings_find(&identities->texts, text);
}

uint32_t identities_find_tag(const struct identities *identities, struct slice tag)
{
    return strings_find(&identities->tags, tag);
}

uint32_t identities_texts_end(const struct identities *identities)
{
    return identities->texts.n_entries;
}

uint32_t identities_tags_end(const struct identities *identities)
{
    return identities->tags.n_entries;
}

bool identities_has_tag(const struct identities *identities, uint32_t tag)
{
    return strings_is_held(&identities->tags, tag);
}

/* ---- memory ------------------------------------------------------------ */

size_t identities_memory(const struct identities *identities)
{
    return strings_memory(&identities->texts) + strings_memory(&identities->tags) +
           strings_memory(&identities->tag_sets);
}

size_t identities_share(const struct identities *identities, struct identity held)
{
    size_t n, sum = strings_share(&identities->texts, held.name) +
                    strings_share(&identities->texts, held.host) +
                    strings_share(&identities->tag_sets, held.tags);
    const uint32_t *ids = identities_tag_ids(identities, held.tags, &n);

    for (size_t i = 0; i < n; i++)
        sum += strings_share(&identities->tags, ids[i]);
    return sum;
}

void identities_tidy(struct identities *identities)
{
    strings_tidy(&identities->texts);
    strings_tidy(&identities->tags);
    strings_tidy(&identities->tag_sets);
}
