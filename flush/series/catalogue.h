/* flush/series/catalogue.h: the one list of series of the process.
 *
 * A series is a canonical identity: kind, name, host and the sorted unique
 * set of tags, each interned once. Workers know contexts (raw bytes) by small
 * numbers of their own; a birth maps (worker, id) to a series, and several
 * contexts may map to one: another order of tags, another worker. A context
 * that admission refuses maps to the reason, so that its values are counted.
 *
 * A series lives while a context maps to it and, if it is a counter, for as long
 * after that as it is filled with zeros (dogstatsd_expiry_seconds). Once three
 * quarters of the series are in use, those that only get zeros give way to new
 * ones. Series ids are dense, and used again after catalogue_expire(). Owned by
 * the flusher, one thread. */
#ifndef FLUSH_SERIES_CATALOGUE_H
#define FLUSH_SERIES_CATALOGUE_H

#include "config/must_check.h"
#include "flush/parcels/chunk.h"
#include "flush/parcels/ledger.h"
#include "flush/series/enrich.h"
#include "flush/series/identities.h"

struct series_entry {
    struct identity id;   /* held */
    uint32_t contexts;    /* how many map to this series */
    uint32_t last_seen_s; /* start of the last interval with a value */
    uint8_t kind;         /* enum cell_kind; a copied distribution is CELL_DISTRIBUTION */
    bool live;
};

struct catalogue;

struct catalogue_config {
    uint32_t max_series;
    size_t max_bytes; /* 0: no bound; see catalogue_limit() */
    uint32_t workers;
    int64_t expiry_s;        /* for how long quiet counters get zeros */
    bool keep_gauges;        /* gauges live as long as counters and keep their value */
    char *const *aggregates; /* suffixes of histograms, for naming clashes; static */
    size_t n_aggregates;
};

/* NULL without memory. The ledger outlives the catalogue. */
struct catalogue *catalogue_new(const struct catalogue_config *config,
                                struct flusher_ledger *ledger);
void catalogue_free(struct catalogue *given);

/* Follows what a reload may change: expiry_s and the aggregates, which must stay as above. */
void catalogue_follow(struct catalogue *catalogue, const struct settings *settings);

/* Maps (worker, id) to the series of a birth, made if it is new. */
void catalogue_admit(struct catalogue *catalogue, struct enricher *enricher, uint32_t worker,
                     const struct birth *birth, struct slice name, struct slice tags);

/* Once all series together take so many bytes, new ones are refused. 0: never. */
void catalogue_limit(struct catalogue *catalogue, size_t max_bytes);

/* Whether that limit is reached. */
bool catalogue_is_crowded(const struct catalogue *catalogue);

/* How many bytes the series and their strings take. */
size_t catalogue_memory(const struct catalogue *catalogue);

/* The id means nothing any more, until a birth gives it a meaning again. */
void catalogue_retire(struct catalogue *catalogue, uint32_t worker, uint32_t id);

/* The same for all contexts of that worker. */
void catalogue_retire_all(struct catalogue *catalogue, uint32_t worker);

/* Contexts of that worker that were refused because the catalogue was full or memory
 * was short, as many as there is room for now; owned. NULL: none, or no memory. */
struct id_list *catalogue_refused(const struct catalogue *catalogue, uint32_t worker);

/* The worker uses no id from end on. Gives back the memory that a spike of contexts took. */
void catalogue_trim(struct catalogue *catalogue, uint32_t worker, uint32_t end);

/* What a context maps to: a series id, or a reason of refusal. */
struct mapped {
    uint32_t series;
    enum shed_reason refused; /* SHED_NOTHING: accepted */
};
struct mapped catalogue_lookup(const struct catalogue *catalogue, uint32_t worker, uint32_t id);

/* Ids below this may be live. */
uint32_t catalogue_end(const struct catalogue *catalogue);
struct series_entry *catalogue_entry(struct catalogue *catalogue, uint32_t series);

struct slice catalogue_name(const struct catalogue *catalogue, uint32_t series);
struct slice catalogue_host(const struct catalogue *catalogue, uint32_t series);

/* The sorted tags as views good until the next call; *n of them. */
const struct slice *catalogue_tags(const struct catalogue *catalogue, uint32_t series,
                                   size_t *n);

/* The identities of all its series, a view that ends with the catalogue. Somebody else may hold
 * one for longer than its series lives, but must release it before the catalogue is freed. */
struct identities *catalogue_identities(const struct catalogue *catalogue);

/* Makes an inherited series, to which no context maps yet. False: there is no room. */
MUST_CHECK bool catalogue_restore(struct catalogue *catalogue, const struct enriched *identity,
                                  uint8_t kind, uint32_t last_seen_s, uint32_t *series);

/* The last value of a gauge (0 at first), kept only with keep_gauges. */
double *catalogue_gauge(struct catalogue *catalogue, uint32_t series);

bool catalogue_keeps_gauges(const struct catalogue *catalogue);

/* Whether a counter without a value in the interval at start_s gets a zero. */
bool catalogue_wants_zero(const struct catalogue *catalogue, uint32_t series, int64_t start_s);

/* Frees the series to which no context maps and which need no zeros after the interval at
 * start_s. `unsent` is asked whether a snapshot that is still to be sent names the series: then
 * it stays. NULL: there is no such snapshot. */
void catalogue_expire(struct catalogue *catalogue, int64_t start_s,
                      bool (*unsent)(const void *argument, uint32_t series),
                      const void *argument);

#endif
