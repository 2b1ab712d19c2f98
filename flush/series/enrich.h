/* flush/series/enrich.h: from the raw bytes of a context or record to its canonical
 * identity: what the series will be called, and with which host and tags.
 *
 *   raw name, raw tag section
 *     -> mapper -> host and origin out of the tags -> namespace -> filter list
 *     -> extra tags -> UTF-8 -> unique and sorted -> limits of the intake
 *
 * Done once per context, when it is admitted, never per sample.
 *
 * Bytes that are no UTF-8 become U+FFFD here and not when a series is encoded: it is
 * once per context and not once per flush, and the intake, the rollups, Redis and the
 * answers to questions then all know the series by the same name. Two spellings that
 * become one are one series, to which both add, as two orders of its tags are.
 *
 * Extra tags are dogstatsd_tags and the tags of the host (tags, extra_tags,
 * env). They are added last, so a "host:" among them is a tag like any other.
 * metric_tag_filterlist strips all but the host's: with the Agent those never
 * stand on a sample.
 *
 * One thread. The settings and the host name must outlive the enricher. */
#ifndef FLUSH_SERIES_ENRICH_H
#define FLUSH_SERIES_ENRICH_H

#include "flush/parcels/ledger.h"
#include "flush/series/filter.h"
#include "flush/series/series.h"
#include "flush/values/cell_kind.h"

/* What the intake takes (it clips a tag over 200 bytes itself). */
enum {
    ENRICH_NAME_MAX = 350,
    ENRICH_HOST_MAX = 255,
    ENRICH_TAGS_MAX = 100,
    ENRICH_TAG_BYTES_MAX = 100 * 1024,
};

struct enricher;
struct mapper;

/* Owned. NULL when a setting is not valid (or memory ran out): problem then
 * holds a sentence. */
struct enricher *enrich_new(const struct settings *settings, const char *hostname,
                            char *problem, size_t problem_size);
void enrich_free(struct enricher *given);

/* Views into the bytes given, the settings and the enricher: good until the
 * next call. All of it is valid UTF-8. */
struct enriched {
    struct slice name; /* of a metric */
    struct slice host; /* empty only where a client said "host:" */
    struct slice pod_uid, cardinality;
    const struct slice *tags; /* sorted, unique; "device:" and resources among them */
    size_t n_tags;
};

/* SHED_NOTHING: accepted, and *out is whole. Otherwise why it is shed.
 * Of CELL_DISTRIBUTION_COPY the filter list looks at the histogram's name, as in the
 * Agent. */
enum shed_reason enrich_metric(struct enricher *enricher, struct slice name,
                               struct slice raw_tags, enum cell_kind kind,
                               struct enriched *out);

/* An event or check: host_field (h:) goes before a host tag unless empty. False:
 * no memory. */
bool enrich_record(struct enricher *enricher, struct slice raw_tags, struct slice host_field,
                   struct enriched *out);

/* The identity of an inherited series, as it would be today: an older version may have accepted
 * bytes that are not UTF-8. False: no memory. */
bool enrich_again(struct enricher *enricher, struct enriched *identity);

const struct filter *enrich_filter(const struct enricher *enricher);
struct mapper *enrich_mapper(const struct enricher *enricher); /* for whoever explains */

/* How often a mapper's regex was stopped by a limit. */
uint64_t enrich_limited(const struct enricher *enricher);

/* Takes "device:x" and "dd.internal.resource:type:name" out of the tags: the
 * rest goes to plain_tags in order, and the number of resources is returned, the
 * device (the last one) first. Both need room for n_tags. A resource without
 * type or name is dropped. Pure. */
size_t enrich_resources(const struct slice *tags, size_t n_tags, struct slice *plain_tags,
                        size_t *n_plain, struct resource *resources);

#endif
