/* flush/series/rules.h: one generation of the settings, as a flush follows it.
 *
 * Enricher, point rules and settings belong together: they are made as one, on any
 * thread, never changed but for what the flusher notes, and swapped whole when an interval is
 * sealed. A reload gives new rules to each worker (its rules_box). The worker's next bucket
 * carries them on: its parcels up to that bucket follow the old rules, those behind it the new
 * ones, so the flusher needs no other sign. A snapshot is sent by the rules that were in force
 * when it was sealed.
 *
 * Counted holders; the last to let go frees. Only the flusher uses the enricher. */
#ifndef FLUSH_SERIES_RULES_H
#define FLUSH_SERIES_RULES_H

#include <stdatomic.h>

#include "flush/series/enrich.h"
#include "flush/series/point_rules.h"

/* What the settings ask of a fold. */
struct fold_rules {
    size_t histogram_exact_values;
    struct flusher_ledger *ledger;
};

struct rules {
    _Atomic(uint32_t) holders;
    uint32_t naming; /* differs from that of other rules if the same context may be another
                        series by them */
    const struct settings *settings;
    struct settings *owned; /* the same, freed with the rules; or NULL */
    struct enricher *enricher;
    uint64_t limited_noted; /* written by the flusher: how many stopped regexes of the enricher
                               it has counted */
    struct point_rules points;
    struct fold_rules fold;
};

/* Held once, naming 0. The settings (unless given later as owned), host name and ledger
 * outlive it. NULL with a sentence when a setting is wrong or memory is out. */
struct rules *rules_new(const struct settings *settings, const char *hostname,
                        struct flusher_ledger *ledger, char *problem, size_t problem_size);

/* Returns the same. */
struct rules *rules_hold(struct rules *rules);

/* NULL is fine. */
void rules_release(struct rules *given);

/* By the flusher, from time to time: the enricher's stopped regexes into the ledger. */
void rules_note_limited(struct rules *rules, struct flusher_ledger *ledger);

/* The newest rules for one worker: main puts, the worker takes at a seal. { NULL }
 * is empty. What is in it is held by it. */
struct rules_box {
    _Atomic(struct rules *) newest;
};

/* Releases the rules that the worker has not taken yet. */
void rules_put(struct rules_box *box, struct rules *given);

/* The newest rules, owned. NULL: there are no new ones. */
struct rules *rules_take(struct rules_box *box);

#endif
