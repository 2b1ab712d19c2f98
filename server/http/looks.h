/* server/http/looks.h: those who look at what the workers receive, as it arrives.
 *
 *   taps of the workers (server/receive/tap.h) ──► looks ──► tail, each capture
 *
 * All of it on the desk's thread. While somebody looks the taps are open, and are read twenty
 * times a second; each datagram is shown to all who look. What came and had no room in a tap is
 * counted in lines, which is what workers count. */
#ifndef SERVER_HTTP_LOOKS_H
#define SERVER_HTTP_LOOKS_H

#include <event2/event.h>

#include "server/receive/tap.h"

struct looks;
struct server_view;

/* One who looks; its own, between looks_begin() and looks_end(). */
struct look {
    tap_show *show;

    /* All that was there was shown, at this time (monotonic). */
    void (*turned)(void *argument, int64_t now_ms);
    void *argument;

    struct look *before, *after; /* of looks */
};

/* For a desk with that event loop, not yet started. NULL without memory. */
struct looks *looks_new(struct event_base *desk_base, const struct server_view *view);

/* The desk is gone. NULL is fine. */
void looks_free(struct looks *given);

struct event_base *looks_base(const struct looks *looks);

/* What arrives from now on is shown. False: no memory, or it is no whole server. */
bool looks_begin(struct looks *looks, struct look *look);

/* It may be called while something is shown, or in a turn. */
void looks_end(struct looks *looks, struct look *look);

/* Lines that were shown, and those that were not. They only grow, but begin anew when nobody
 * looked in between. */
uint64_t looks_seen(const struct looks *looks);
uint64_t looks_unseen(const struct looks *looks);

/* The time of the turn (monotonic). */
int64_t looks_now_ns(const struct looks *looks);

#endif
