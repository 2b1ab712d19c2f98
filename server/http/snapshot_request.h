/* server/http/snapshot_request.h: what is asked of /api/v1/graph/snapshot.
 *
 *   metric_query or graph_def   what is to be seen; one of them
 *   start, end                  seconds since 1970
 *   title, width, height, theme may be left out
 *
 * By GET these are parameters, by POST members of a JSON object, where numbers may be texts and
 * graph_def an object. A graph_def is a graph of Datadog's timeboards, or the definition of a
 * widget: its viz or type is timeseries, its requests have a q, or queries without formulas of
 * their own. What no picture shows (events, a second axis, other scales) is refused and not
 * left out; what only a page uses, as palettes, is not looked at. Pure. */
#ifndef SERVER_HTTP_SNAPSHOT_REQUEST_H
#define SERVER_HTTP_SNAPSHOT_REQUEST_H

#include <jansson.h>

#include "server/http/http_request.h"
#include "server/pictures/picture.h"

enum { SNAPSHOT_PROBLEM_SIZE = 256 };

struct snapshot_request {
    json_t *given;                             /* what came; owned */
    json_t *graph;                             /* owned */
    const char *queries[PICTURE_REQUESTS_MAX]; /* these and all texts below are views of both */
    struct picture picture;                    /* without answers; its requests are counted */
    char *markers;                             /* JSON; owned */
    double min, max;
};

/* False with a sentence; it must be freed all the same. */
MUST_CHECK bool snapshot_request_read(struct snapshot_request *out,
                                      const struct http_request *request,
                                      char problem[SNAPSHOT_PROBLEM_SIZE]);
void snapshot_request_free(struct snapshot_request *given);

/* The members of the answer that say what was asked: graph_def, a text, and metric_query where
 * that was given. */
struct json_out;
void snapshot_request_echo(const struct snapshot_request *request, struct json_out *out);

#endif
