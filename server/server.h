/* server/server.h: the whole of Heeler, started and stopped as one.
 *
 *   start  listeners -> delivery -> flusher -> workers -> HTTP
 *   stop   the same list walked down the stream: the sockets are gated, workers
 *          read what was accepted and push it, the flusher flushes the open
 *          interval, delivery sends until the deadline, the ledger is printed
 *
 * Runs in the process that calls it; several may follow each other, so that a
 * test starts and stops one like any other object. The settings are the
 * caller's and must outlive the server. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <event2/event.h>
#include <stdio.h>

#include "config/settings.h"
#include "flush/snapshots/observer.h"
#include "server/http/server_view.h"
#include "server/reload.h"

struct server;

struct inheritance;

struct server_config {
    const struct settings *settings;
    const char *hostname;
    struct event_base *base;  /* the caller's loop: serves HTTP */
    FILE *console;            /* flushed buckets are printed here; NULL: nowhere */
    struct observer observer; /* the caller's, of what is sent; without ops: nobody looks on */

    /* For reloads and for POST /drain. Without `load` reloads are refused; without `stop` POST
     * /drain does nothing. */
    reload_load *load;
    void (*stop)(void *argument); /* begins what SIGTERM begins */
    /* Is shown the ledgers at the end, when nobody writes them any more; or NULL. */
    void (*account)(void *argument, const struct server_view *last);
    void *argument;                /* of all three */
    struct inheritance *inherited; /* given, also on failure; NULL: nothing was inherited */
};

/* NULL with a sentence. */
struct server *server_start(const struct server_config *config, char *problem,
                            size_t problem_size);

/* The stop or handover that follows ends by then, whatever the disk does. Without this call it
 * may take heeler_stop_timeout. */
void server_end_by(struct server *server, int64_t deadline_monotonic_ns);

/* Frees the server. False: delivery did not end by the deadline, or the desk of HTTP, and still
 * runs; the process must end without freeing more. */
bool server_stop(struct server *given);

/* ---- while it runs: on the thread of the loop -------------------------- */

/* Loads the settings anew (server/reload.h), and logs what came of it. False: refused. */
bool server_reload(struct server *server, struct reload *out, const char *asker);

/* The settings in force; a view until the next reload. */
const struct settings *server_settings(const struct server *server);

/* From now on /ready says no. All else goes on. */
void server_linger(struct server *server);

/* How many were received on all listeners so far. */
uint64_t server_datagrams(const struct server *server);

/* Somebody else has the sockets too, as systemd does in its store: a stop neither gates them
 * nor removes their files. keep() is called for each of them. */
void server_keep_sockets(struct server *server, void (*keep)(int fd));

/* What a successor gets: the open interval, the payloads that are unsent and the sockets; or
 * only the sockets, and the rest is flushed and sent as by a stop. */
enum server_successor {
    SERVER_SUCCESSOR_PROGRAM, /* in this process: connections too */
    SERVER_SUCCESSOR_PROCESS, /* a later one: connections are read to their end and closed */
    SERVER_SUCCESSOR_SOCKETS,
};

/* Stops the server without closing its sockets, in which datagrams wait meanwhile. Before
 * anything ends, delivery is asked for a sign of life, while HTTP goes on. NULL, with a log
 * line: delivery gives none, or there is no memory; then the server runs on as it was. */
struct inheritance *server_hand_over(struct server *given, enum server_successor who);

/* ---- for telemetry: all readable live, from any thread ----------------- */

void server_view(const struct server *server, struct server_view *out);

/* What HTTP is given of the server; good as long as the server lives. */
struct server_access server_access(struct server *server);

/* The port of the first UDP listener; 0: none. */
int server_udp_port(const struct server *server);

/* The TCP port of traces; 0: none. */
int server_traces_port(const struct server *server);

/* The port of the HTTP endpoint; 0 when it is off. */
int server_http_port(const struct server *server);

#endif
