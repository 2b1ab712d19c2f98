/* server/traces/numbers.h: a bucket of spans as series, which are kept here.
 *
 *   trace.NAME.hits, .errors   counts of spans
 *   trace.NAME.duration        seconds, of all of them; divided by hits it is the average
 *   trace.NAME                 the distribution of seconds
 *
 * with the tags env, service, resource, resource_name, version, span.kind, http.status_code and
 * http.status_class, as far as they are known, at the time of the bucket. Counts are of type
 * count: sums over any time are right. resource is a tag's value as the Agent would write it,
 * resource_name the text that the tracer sent, without what a tag cannot have.
 *
 * (Names and tags: docs.datadoghq.com, "Trace Metrics". There duration is a gauge of a past
 * form; that its sum divided by that of hits is the average holds for both.) */
#ifndef SERVER_TRACES_NUMBERS_H
#define SERVER_TRACES_NUMBERS_H

#include "server/receive/submitter.h"
#include "server/traces/concentrator.h"

/* SUBMITTER_READY: all of it was told, but for what there was no memory for, which is counted
 * as shed. Else nothing was. budget: for what is made on the way. */
MUST_CHECK enum submitter_state numbers_tell(struct submitter *submitter,
                                             const struct span_bucket *bucket,
                                             struct arena_budget *budget);

#endif
