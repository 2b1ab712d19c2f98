/* server/http/metrics.h: every counter of the ledgers as Prometheus text.
 *
 * One table says which families there are, with their type and sentence;
 * docs/metrics.md is made from it. */
#ifndef SERVER_HTTP_METRICS_H
#define SERVER_HTTP_METRICS_H

#include <event2/buffer.h>

#include "server/http/server_view.h"

void metrics_write(struct evbuffer *out, const struct server_view *view);

/* "heeler_lines_received_total  counter  sentence", a line a family. */
void metrics_list(FILE *out);

#endif
