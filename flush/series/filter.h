/* flush/series/filter.h: which metric names and tags are let through, and under what
 * prefix: statsd_metric_namespace, metric_filterlist (or statsd_metric_blocklist
 * when that is empty) and metric_tag_filterlist.
 *
 * An entry of the filter list is a whole name, or the beginning of names when
 * the list matches by prefix or the entry ends in a star (the intake keeps no
 * name with a star, so nothing else can be meant).
 *
 * Sealed once made; the settings must outlive it. */
#ifndef FLUSH_SERIES_FILTER_H
#define FLUSH_SERIES_FILTER_H

#include "config/settings.h"
#include "protocol/slice.h"

struct filter;

/* Owned. NULL when metric_tag_filterlist is not valid (or memory ran out):
 * problem then holds a sentence. */
struct filter *filter_new(const struct settings *settings, char *problem, size_t problem_size);
void filter_free(struct filter *given);

/* What is to be put before this name, its dot included; empty without a
 * namespace and for names that begin like an excluded one. */
struct slice filter_namespace(const struct filter *filter, struct slice name);

/* Whether this name, which is final, is on the list. */
bool filter_drops(const struct filter *filter, struct slice name);

/* The same for a series of a histogram, which has its own name: "h" and ".max". */
bool filter_drops_suffix(const struct filter *filter, struct slice name, struct slice suffix);

struct tag_filter;

/* What metric_tag_filterlist says about this final name, which must be that of a
 * counter or distribution; NULL: every tag stays. */
const struct tag_filter *filter_tags(const struct filter *filter, struct slice name);

bool filter_keeps_tag(const struct tag_filter *tags, struct slice tag);

#endif
