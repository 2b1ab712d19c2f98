/* server/http/ask_target.h: the query part of a request as an inquiry.
 *
 *   from=1700000000&to=1700000600&query=sum:hits{*}     a query
 *   match=http.*&sort=values&limit=200&offset=0         a list of metrics
 *   name=http.hits&limit=500                            one metric
 *
 * What is left out has a usual value, if it has one. Pure. */
#ifndef SERVER_HTTP_ASK_TARGET_H
#define SERVER_HTTP_ASK_TARGET_H

#include "config/must_check.h"
#include "flush/rollups/inquiry.h"
#include "server/http/http_request.h"

/* Bounds of what may be asked; inquiries keep within them. */
enum {
    ASK_LIST_LIMIT = 200,
    ASK_METRIC_LIMIT = 500,
    ASK_LIMIT_MAX = 1000,
    ASK_HOSTS_LIMIT = 100,
    ASK_EVENTS_LIMIT = 1000,
    ASK_NAMES_MAX = 100000, /* of active metrics, and of a search */
    ASK_OFFSET_MAX = 100000,
};

/* The inquiry is a view of room, which is enough for two texts. */
struct ask_target {
    struct inquiry inquiry;
    char room[2 * HTTP_HEAD_MAX];
};

/* False with a sentence, static. */
MUST_CHECK bool ask_target_read(enum inquiry_kind kind, struct slice query,
                                struct ask_target *out, const char **sentence);

#endif
