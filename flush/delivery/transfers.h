/* flush/delivery/transfers.h: libcurl's multi interface on a libevent loop.
 *
 * libcurl names the sockets that it waits for and one time-out; each becomes
 * an event, and each event is handed back to libcurl. Nothing blocks. The
 * handles belong to the caller and are taken out before done is called, which
 * may then start them again. One thread: that of the loop. */
#ifndef FLUSH_DELIVERY_TRANSFERS_H
#define FLUSH_DELIVERY_TRANSFERS_H

#include <curl/curl.h>
#include <event2/event.h>

#include <stdbool.h>

/* The owner of a handle embeds it, to be told how the transfer ended. */
struct transfer {
    void (*done)(struct transfer *transfer, CURLcode code);
};

struct transfers {
    CURLM *multi;
    struct event_base *base;
    struct event *timer;
};

/* connections: how many are kept open, and opened to one host at most. */
bool transfers_open(struct transfers *transfers, struct event_base *base, int connections);

/* Every handle must have ended or been stopped. */
void transfers_close(struct transfers *given);

/* False: libcurl refused, done is not called. */
bool transfers_start(struct transfers *transfers, CURL *easy, struct transfer *transfer);

/* Ends a transfer without a result. */
void transfers_stop(struct transfers *transfers, CURL *easy);

#endif
