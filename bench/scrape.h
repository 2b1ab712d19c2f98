/* bench/scrape.h: one GET of a small page, for /ready and /metrics. HTTP/1.0
 * to a numeric address, five seconds at most: all that a local server needs. */
#ifndef BENCH_SCRAPE_H
#define BENCH_SCRAPE_H

#include <stdbool.h>

/* A connection, whose reads and writes wait five seconds at most; -1: there is none. */
int scrape_connect(const char *host, const char *port);

/* The status of http://HOST:PORT/path, or 0 when there was no answer. */
int scrape_status(const char *url);

/* The sum of all series of a metric on a Prometheus page. False when the page
 * could not be had or has none. */
bool scrape_sum(const char *url, const char *metric, double *out);

#endif
