#include "flush/rollups/tag_keys.h"

#include <stdlib.h>

enum { BITS = 64 };

struct slice tag_key_of(struct slice tag)
{
    const char *colon = tag.len > 0 ? memchr(tag.at, ':', tag.len) : NULL;

    return (struct slice){ tag.at, colon != NULL ? (size_t)(colon - tag.at) : 0 };
}

struct slice tag_value_of(struct slice tag)
{
    const char *colon = tag.len > 0 ? memchr(tag.at, ':', tag.len) : NULL;

    return colon != NULL ? slice_skip(tag, (size_t)(colon - tag.at) + 1) : tag;
}

bool tag_keys_init(struct tag_keys *keys, const struct identities *identities)
{
    *keys = (struct tag_keys){ .identities = identities,
                               .tags_end = identities_tags_end(identities),
                               .hosts_end = identities_texts_end(identities) };
    keys->tags_seen = calloc(keys->tags_end / BITS + 1u, sizeof *keys->tags_seen);
    keys->hosts_seen = calloc(keys->hosts_end / BITS + 1u, sizeof *keys->hosts_seen);
    return keys->tags_seen != NULL && keys->hosts_seen != NULL;
}

void tag_keys_free(struct tag_keys *given)
{
    free(given->tags_seen);
    free(given->hosts_seen);
    given->tags_seen = given->hosts_seen = NULL;
}

/* Numbers from end on came later than the question. */
static bool is_new(uint64_t *seen, uint32_t end, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % BITS;

    if (number >= end || (seen[number / BITS] & bit) != 0)
        return false;
    seen[number / BITS] |= bit;
    return true;
}

static void count(struct tag_key_values *of, uint32_t example)
{
    if (of->values < TAG_KEY_EXAMPLES)
        of->examples[of->values] = example;
    of->values++;
}

/* NULL: there are too many keys. */
static struct tag_key_values *find(struct tag_keys *keys, struct slice key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (slice_equal(key,
                        tag_key_of(identities_tag(keys->identities, keys->at[i].examples[0]))))
            return &keys->at[i];
    if (keys->n == TAG_KEYS_MAX)
        return NULL;
    keys->at[keys->n] = (struct tag_key_values){ .values = 0 };
    return &keys->at[keys->n++];
}

size_t tag_keys_add(struct tag_keys *keys, const uint32_t *tags, size_t n)
{
    size_t added = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_new(keys->tags_seen, keys->tags_end, tags[i]))
            continue;
        struct tag_key_values *of =
            find(keys, tag_key_of(identities_tag(keys->identities, tags[i])));

        if (of != NULL)
            count(of, tags[i]);
        added++;
    }
    return added;
}

void tag_keys_add_host(struct tag_keys *keys, uint32_t host)
{
    if (identities_text(keys->identities, host).len > 0 &&
        is_new(keys->hosts_seen, keys->hosts_end, host))
        count(&keys->hosts, host);
}
