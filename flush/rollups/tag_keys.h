/* flush/rollups/tag_keys.h: the keys of the tags of some series, each with how many values it
 * has and some of them.
 *
 *   add the tags and the host of each series; a tag counts the first time that it comes
 *   at[0 .. n): the keys, as they came; hosts: the key "host"
 *
 * It takes a bit for each tag and each text that there is, and knows some hundred keys; further
 * ones are left out. Whoever uses it sees to it that the tags are held meanwhile. One thread.
 */
#ifndef FLUSH_ROLLUPS_TAG_KEYS_H
#define FLUSH_ROLLUPS_TAG_KEYS_H

#include "config/must_check.h"
#include "flush/series/identities.h"

enum { TAG_KEYS_MAX = 128, TAG_KEY_EXAMPLES = 20 };

struct tag_key_values {
    uint32_t values;
    uint32_t examples[TAG_KEY_EXAMPLES]; /* tags or hosts, the first that came */
};

struct tag_keys {
    const struct identities *identities;
    uint64_t *tags_seen, *hosts_seen; /* a bit each; owned */
    uint32_t tags_end, hosts_end;
    struct tag_key_values at[TAG_KEYS_MAX];
    size_t n;
    struct tag_key_values hosts;
};

/* The identities outlive it. False without memory; tag_keys_free() is fine in any case. */
MUST_CHECK bool tag_keys_init(struct tag_keys *keys, const struct identities *identities);
void tag_keys_free(struct tag_keys *given);

/* Returns how many of them are new, which is the work that it was. */
size_t tag_keys_add(struct tag_keys *keys, const uint32_t *tags, size_t n);
void tag_keys_add_host(struct tag_keys *keys, uint32_t host);

static inline size_t tag_key_examples(const struct tag_key_values *of)
{
    return of->values < TAG_KEY_EXAMPLES ? of->values : TAG_KEY_EXAMPLES;
}

/* What stands before the first colon; a tag without one has the empty key. And what stands
 * behind it. */
struct slice tag_key_of(struct slice tag);
struct slice tag_value_of(struct slice tag);

#endif
