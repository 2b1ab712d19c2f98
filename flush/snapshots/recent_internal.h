/* flush/snapshots/recent_internal.h: the parts of what came last, which stand in files of their
 * own: recent.c (what comes and what gives way), recent_write.c (as JSON), recent_search.c (as
 * Datadog's clients look for it), recent_keep.c (to whoever keeps it for longer, and back). */
#ifndef FLUSH_SNAPSHOTS_RECENT_INTERNAL_H
#define FLUSH_SNAPSHOTS_RECENT_INTERNAL_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/series/admitted.h"
#include "flush/snapshots/recent.h"

/* RECENT_SLOTS is a power of two. RECENT_TAGS_MAX: admission allows fewer. */
enum { RECENT_SLOTS = 1024, RECENT_TAGS_MAX = 128 };

/* Texts of a record, in the order in which they stand behind it; tags follow. The first two of
 * a check, and its tags, are its identity. */
enum text { TEXT_NAME, TEXT_HOST, TEXT_BODY, TEXT_SOURCE, TEXT_HANDLE, TEXTS };

struct kept {
    struct kept *older, *newer;
    struct kept *chain; /* of checks with the same slot */
    uint64_t hash;      /* of a check's identity */
    int64_t time_s, received_s;
    size_t size; /* of all of it */
    uint8_t alert, priority, status;
    bool is_cut;
    uint16_t n_tags;
    uint32_t lengths[TEXTS]; /* then those of the tags, then all the bytes */
    uint32_t tags[];
};

struct kept_list {
    struct kept *oldest, *newest;
    struct kept
        *ungiven; /* the oldest that recent_take() has not given, nor any newer; or NULL */
    size_t n, most;
    size_t bytes;
};

struct recent {
    struct flusher_ledger *ledger;
    struct kept_list events, checks;
    struct kept **slots; /* of checks, by hash; NULL: none came yet */
    bool watched;        /* somebody keeps them for longer */
};

/* What is kept of a record of either kind. Views. */
struct shown {
    struct slice texts[TEXTS];
    const struct slice *tags;
    size_t n_tags;
    int64_t time_s, received_s;
};

/* A copy with its text cut; NULL: it is too large, or there is no memory. */
struct kept *recent_copy(struct shown *shown);

/* The other way round; the tags are written to room. */
struct shown recent_show(const struct kept *kept, struct slice room[static RECENT_TAGS_MAX]);

/* Puts one before all others. False: there is no room, or a newer status of that check; it is
 * freed. */
MUST_CHECK bool recent_add_oldest(struct recent *recent, enum recent_kind kind,
                                  struct kept *given, const struct shown *shown);

/* A body of one. The bytes were cleared. */
void recent_put_body(struct bytes *out, const struct kept *kept, const struct shown *shown);

/* The numbers of a body, and views of its texts. False: it is damaged. */
MUST_CHECK bool recent_get_body(struct slice body, struct kept *out, struct shown *shown,
                                struct slice room[static RECENT_TAGS_MAX]);

/* A backslash and an n, as sent, are a newline. */
void recent_write_lines(struct json_out *out, const char *name, struct slice text);
void recent_write_tags(struct json_out *out, const struct shown *shown);

/* As much of a text as is kept. */
static inline struct slice recent_cut(struct slice text)
{
    return (struct slice){ text.at, text.len < RECENT_TEXT_MAX ? text.len : RECENT_TEXT_MAX };
}

/* Lengths are part of it, so that "a" with "bc" is not "ab" with "c". */
static inline uint64_t recent_hash_text(uint64_t seed, struct slice text)
{
    return XXH3_64bits_withSeed(text.len > 0 ? text.at : "", text.len, seed + text.len);
}

#endif
