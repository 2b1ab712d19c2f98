/* flush/series/mapper.h: dogstatsd_mapper_profiles: names that carry tags inside.
 *
 *   "test.job.duration.nightly.copy" -> "test.job.duration", job_type:nightly, job_name:copy
 *
 * The first profile whose prefix fits a name is the only one tried, and in it
 * the first mapping that matches wins. A regex goes to PCRE2 under limits of
 * steps, memory and length of the name, so that no pattern can run away: one
 * that hits them does not match and is counted.
 *
 * The Agent's patterns are RE2's. What only PCRE2 knows (looking around,
 * referring back, ...) is refused at the start (flush/series/re2.h). Both find the same groups,
 * but here "." is one byte and not one character.
 *
 * One thread. The profiles are shared with the caller by reference count and
 * must not change. */
#ifndef FLUSH_SERIES_MAPPER_H
#define FLUSH_SERIES_MAPPER_H

#include <jansson.h>
#include <stdint.h>

#include "flush/series/mapping.h"

/* A longer name is a name that the intake refuses, so it is cut there. */
enum { MAPPER_NAME_MAX = 512, MAPPER_TAGS_MAX = 128 * 1024 };

struct mapper;

/* Owned. NULL when the profiles are not valid (or memory ran out): problem then
 * holds a sentence. cache_size: names whose outcome is kept; 0 keeps none. */
struct mapper *mapper_new(const json_t *profiles, size_t cache_size, char *problem,
                          size_t problem_size);
void mapper_free(struct mapper *given);

/* False when no mapping matches: the name stays as it is. *out is good until the next call. */
bool mapper_map(struct mapper *mapper, struct slice name, struct mapping *out);

/* Which mapping it is that mapper_map() applies; views into the profiles. */
struct mapper_rule {
    struct slice profile; /* its name */
    struct slice match;   /* as it was written */
    size_t number;        /* in the profile, from 1 */
    bool is_regex;
};

/* For whoever explains: looks anew, past the outcomes that are kept. False: none matches. */
bool mapper_find(struct mapper *mapper, struct slice name, struct mapper_rule *out);

/* How often a regex was stopped by a limit. */
uint64_t mapper_limited(const struct mapper *mapper);

#endif
