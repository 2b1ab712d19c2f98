/* flush/series/identities.h: what series are called: names, hosts and tags, each once.
 *
 * An identity is three small numbers, and equal identities have equal numbers while
 * somebody holds them. A set of tags holds each of its tags once, however many series
 * have the set.
 *
 *   identity -> name, host              strings of texts
 *            -> tags   the sorted ids of its tags, packed   -> strings of tags
 *
 * The catalogue holds the identity of each live series; rollups hold it for as long as a
 * window names it, which may be longer. Counted holders; the last release lets the
 * strings go. Owned by the flusher, one thread. */
#ifndef FLUSH_SERIES_IDENTITIES_H
#define FLUSH_SERIES_IDENTITIES_H

#include "flush/memory/strings.h"
#include "flush/parcels/ledger.h"

struct identities;

struct identity {
    uint32_t name, host, tags; /* STRINGS_NONE: nobody has such a string */
};

/* Owned. NULL without memory. The ledger, which is told of the bytes, outlives them. */
struct identities *identities_new(struct flusher_ledger *ledger);
void identities_free(struct identities *given); /* NULL is fine */

/* The identity of these strings, held once more; the tags sorted and unique. False
 * without memory. */
bool identities_intern(struct identities *identities, struct slice name, struct slice host,
                       const struct slice *tags, size_t n_tags, struct identity *out);

/* Holds it once more. */
void identities_hold(struct identities *identities, struct identity held);

/* Holds the same host and tags under another name (a histogram's "x.max"). False without
 * memory. */
bool identities_hold_named(struct identities *identities, struct identity held,
                           struct slice name, struct identity *out);

void identities_release(struct identities *identities, struct identity given);

/* Views of what is held. */
struct slice identities_text(const struct identities *identities, uint32_t name_or_host);
struct slice identities_tag(const struct identities *identities, uint32_t tag);

/* The tags of a set, sorted as text is: *n of them, as ids or as views, good until the
 * next call of either. */
const uint32_t *identities_tag_ids(const struct identities *identities, uint32_t tags,
                                   size_t *n);
const struct slice *identities_tags(const struct identities *identities, uint32_t tags,
                                    size_t *n);

/* The id of a name or host, of a tag; STRINGS_NONE: nobody has it. */
uint32_t identities_find_text(const struct identities *identities, struct slice text);
uint32_t identities_find_tag(const struct identities *identities, struct slice tag);

/* Ids of names and hosts, and of tags, lie below these. */
uint32_t identities_texts_end(const struct identities *identities);
uint32_t identities_tags_end(const struct identities *identities);

/* Whether that id below the end is a tag's. */
bool identities_has_tag(const struct identities *identities, uint32_t tag);

/* How many bytes all of them take. */
size_t identities_memory(const struct identities *identities);

/* The share of one identity in that: the bytes of each of its strings, divided by the number of
 * its holders. */
size_t identities_share(const struct identities *identities, struct identity held);

/* Gives back what released strings took; views end here. */
void identities_tidy(struct identities *identities);

#endif
