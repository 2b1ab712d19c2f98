/* server/http/top.h: who does most, over HTTP.
 *
 *   GET /api/v1/top?by=metric|tag|sender&sort=values|lines|bytes|series&limit=N
 *
 * Of metrics (flush/rollups/answer_top.c) and tags the flusher knows it anyway. Senders are
 * counted by the workers only while somebody asks for them (server/http/top_senders.h), so the
 * first answer has none. */
#ifndef SERVER_HTTP_TOP_H
#define SERVER_HTTP_TOP_H

#include "config/must_check.h"
#include "flush/memory/json_out.h"
#include "server/http/http_handler.h"
#include "server/http/server_view.h"

enum { TOP_LIMIT = 50, TOP_LIMIT_MAX = 1000 };

enum top_by { TOP_METRIC, TOP_TAG, TOP_SENDER };
enum top_sort { TOP_VALUES, TOP_LINES, TOP_BYTES, TOP_SERIES };

struct top_request {
    enum top_by by;
    enum top_sort sort;
    uint32_t limit;
};

/* What is left out has its usual value. False with a sentence, static. */
MUST_CHECK bool top_request_read(struct slice query, struct top_request *out,
                                 const char **sentence);

/* {"status":"error","error":"..."} */
void top_refuse(struct http_exchange *exchange, const char *sentence);

/* Keys of tags by their distinct values, as the flusher has found them last. Until it
 * has been through all tags once, those so far and "walked":false. */
void top_on_tags(struct http_exchange *exchange, const struct top_request *request,
                 const struct server_view *view);

#endif
