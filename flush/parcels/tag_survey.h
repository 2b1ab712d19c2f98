/* flush/parcels/tag_survey.h: how many distinct values the tag keys have: what the flusher
 * found, for whoever looks.
 *
 * A result is sealed, and goes from thread to thread by an exchange of a pointer, so that
 * neither side waits: whoever takes it owns it. flush/series/tag_surveyor.h makes it. */
#ifndef FLUSH_PARCELS_TAG_SURVEY_H
#define FLUSH_PARCELS_TAG_SURVEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAG_SURVEY_KEYS = 64, /* those with the most values */
    TAG_KEY_SIZE = 64,    /* what is kept of a key, with its NUL */
};

struct tag_key {
    char key[TAG_KEY_SIZE]; /* as it was sent; "" stands for all tags without a key */
    uint32_t values;
    bool grows;
};

/* free() ends it. */
struct tag_survey {
    size_t n; /* of at: most values first */
    struct tag_key at[TAG_SURVEY_KEYS];
    bool whole; /* false: the first walk is under way, and these are its counts so far */
};

typedef _Atomic(struct tag_survey *) tag_survey_box;

/* The newest result, owned; NULL: there is none since the last call. */
static inline struct tag_survey *tag_survey_take(tag_survey_box *box)
{
    return atomic_exchange_explicit(box, NULL, memory_order_acquire); /* with the surveyor's */
}

#endif
