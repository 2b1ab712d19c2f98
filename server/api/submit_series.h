/* server/api/submit_series.h: series and distributions of a body, handed to the flusher.
 *
 *   v1             {metric, type: "gauge", points: [[seconds, value]],
 *                   host, device, tags, interval}
 *   v2             {metric, type: 3, points: [{timestamp, value}],
 *                   resources, tags, unit, interval}
 *   distribution   {metric, points: [[seconds, [value, value]]], host, tags}
 *
 * A body is taken whole or not at all. */
#ifndef SERVER_API_SUBMIT_SERIES_H
#define SERVER_API_SUBMIT_SERIES_H

#include "server/receive/host_addresses.h"
#include "server/receive/submitter.h"

enum submit_form { SUBMIT_V1, SUBMIT_V2, SUBMIT_DISTRIBUTION };

enum {
    SUBMIT_PROBLEM_MAX = 256,
    SUBMIT_VALUES_MAX = 65536 /* of a distribution, in a second */
};

/* Whether each item of the list can be taken; false with a sentence. */
MUST_CHECK bool submit_series_check(enum submit_form form, struct slice list,
                                    char problem[static SUBMIT_PROBLEM_MAX]);

/* Adds all of them; to be called between submitter_begin() and submitter_end(), if they were
 * found good. hosts: told of the host of each, which is at that peer; NULL: nobody wants to
 * know. */
void submit_series_add(enum submit_form form, struct slice list, struct submitter *submitter,
                       struct host_addresses *hosts, const struct sender *peer);

#endif
