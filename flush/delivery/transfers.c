#include "flush/delivery/transfers.h"

#include <stdint.h>

#include "flush/redis/timer.h"

/* Reports every transfer that has ended. */
static void reap(struct transfers *transfers)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        struct transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        curl_multi_remove_handle(transfers->multi, easy);
        transfer->done(transfer, code);
    }
}

static void act(struct transfers *transfers, curl_socket_t socket, int what)
{
    int running;

    curl_multi_socket_action(transfers->multi, socket, what, &running);
    reap(transfers);
}

static void on_socket_ready(evutil_socket_t socket, short what, void *argument)
{
    act(argument, socket,
        (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t socket, short what, void *argument)
{
    (void)socket, (void)what;
    act(argument, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl wants to be called in wait_ms, or not again (-1). It forbids that we call it from
 * here. */
static int set_timer(CURLM *multi, long wait_ms, void *argument)
{
    struct transfers *transfers = argument;

    (void)multi;
    if (wait_ms < 0)
        return evtimer_del(transfers->timer);
    timer_start(transfers->timer, wait_ms);
    return 0;
}

/* libcurl waits for `what` on the socket. known: the event that we made for it; NULL: none
 * yet. */
static int set_socket(CURL *easy, curl_socket_t socket, int what, void *argument, void *known)
{
    struct transfers *transfers = argument;
    struct event *event = known;
    short kind = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                         (what & CURL_POLL_OUT ? EV_WRITE : 0));

    (void)easy;
    if (event != NULL)
        event_free(event);
    event = what == CURL_POLL_REMOVE
                ? NULL
                : event_new(transfers->base, socket, kind, on_socket_ready, transfers);
    curl_multi_assign(transfers->multi, socket, event);
    if (what == CURL_POLL_REMOVE)
        return 0;
    /* Without an event the transfer ends when its time is up. */
    return event != NULL && event_add(event, NULL) == 0 ? 0 : -1;
}

bool transfers_open(struct transfers *transfers, struct event_base *base, int connections)
{
    *transfers = (struct transfers){ .base = base };
    transfers->multi = curl_multi_init();
    transfers->timer = evtimer_new(base, on_timer, transfers);
    if (transfers->multi == NULL || transfers->timer == NULL) {
        transfers_close(transfers);
        return false;
    }
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    return true;
}

void transfers_close(struct transfers *given)
{
    if (given->multi != NULL)
        curl_multi_cleanup(given->multi); /* calls set_socket and set_timer */
    if (given->timer != NULL)
        event_free(given->timer);
    *given = (struct transfers){ 0 };
}

bool transfers_start(struct transfers *transfers, CURL *easy, struct transfer *transfer)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)transfer);
    return curl_multi_add_handle(transfers->multi, easy) == CURLM_OK;
}

void transfers_stop(struct transfers *transfers, CURL *easy)
{
    curl_multi_remove_handle(transfers->multi, easy);
}
