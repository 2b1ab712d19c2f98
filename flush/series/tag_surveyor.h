/* flush/series/tag_surveyor.h: how many distinct values each tag key has, and which only grow.
 *
 * A key such as "request_id" makes a series of every value; it is the usual cause of too many
 * contexts. The surveyor walks over the interned tags, a bounded piece each second, and counts
 * values by key, for as many keys as it has room for; the first keep their places. After each
 * walk it publishes a result (flush/parcels/tag_survey.h), and after each piece of the first
 * walk that meets a tag, as that may last a minute and nothing is known before.
 *
 * A key grows when it has many values and had more of them after each of the last walks.
 * The surveyor is the flusher's, one thread; time is an argument. */
#ifndef FLUSH_SERIES_TAG_SURVEYOR_H
#define FLUSH_SERIES_TAG_SURVEYOR_H

#include "flush/parcels/tag_survey.h"
#include "flush/series/identities.h"

enum {
    TAG_SURVEY_EACH_S = 20,  /* a walk over tags begins this often at most */
    TAG_GROWTH_LEAST = 1000, /* fewer values are no growth */
    TAG_GROWTH_WALKS = 3,
};

struct tag_surveyor;

/* NULL without memory. */
struct tag_surveyor *tag_surveyor_new(void);
void tag_surveyor_free(struct tag_surveyor *given);

/* A piece of a walk, or the beginning of the next when it is time. */
void tag_surveyor_step(struct tag_surveyor *surveyor, const struct identities *identities,
                       int64_t now_s, tag_survey_box *box);

#endif
