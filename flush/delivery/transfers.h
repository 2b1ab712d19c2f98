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

/* private: what CURLOPT_PRIVATE of the handle was at its start. */
typedef void transfers_done(void *argument, void *private, CURLcode code);

struct transfers {
    CURLM *multi;
    struct event_base *base;
    struct event *timer;
    transfers_done *done;
    void *argument;
};

/* connections: how many are kept open, and opened to one host at most. */
bool transfers_open(struct transfers *transfers, struct event_base *base, int connections,
                    transfers_done *done, void *argument);

/* Every handle must have ended or been stopped. */
void transfers_close(struct transfers *given);

/* False: libcurl refused, done is not called. */
bool transfers_start(struct transfers *transfers, CURL *easy, void *private);

/* Ends a transfer without a result. */
void transfers_stop(struct transfers *transfers, CURL *easy);

#endif
