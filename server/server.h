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
#include "flush/delivery/delivery.h"
#include "flush/parcels/ledger.h"
#include "flush/rollups/questions.h"
#include "server/receive/listener.h"
#include "server/reload.h"

struct server;

struct inheritance;

struct server_config {
    const struct settings *settings;
    const char *hostname;
    struct event_base *base; /* the caller's loop: serves HTTP */
    FILE *console;           /* flushed buckets are printed here; NULL: nowhere */

    /* For reloads and POST /drain; NULL: refused, ignored. */
    reload_load *load;
    void (*stop)(void *context);   /* begins what SIGTERM begins */
    void *context;                 /* of both */
    struct inheritance *inherited; /* given, also on failure; NULL: nothing was there before */
};

/* NULL with a sentence. */
struct server *server_start(const struct server_config *config, char *problem,
                            size_t problem_size);

/* A stop or a hand-over that follows ends by then, whatever the disk does; without this it
 * has heeler_stop_timeout. */
void server_end_by(struct server *server, int64_t deadline_monotonic_ns);

/* Frees the server. False: delivery did not end by the deadline and still runs;
 * the process must end without freeing more. */
bool server_stop(struct server *given);

/* ---- while it runs: on the thread of the loop --------------------------- */

/* Loads the settings anew; see server/reload.h. Says in the log what came of it. */
bool server_reload(struct server *server, struct reload *out, const char *asker);

/* The settings in force; a view until the next reload. */
const struct settings *server_settings(const struct server *server);

/* The name of this host; a view. */
const char *server_hostname(const struct server *server);

/* The open interval ends at the next full second, which is returned; the rest of it is
 * sent with the stamp of that second. */
int64_t server_flush(struct server *server);

/* As a signal would, if the caller of server_start() gave a way. */
void server_ask_to_stop(struct server *server);

/* /ready says no from now on; all else goes on. */
void server_linger(struct server *server);

/* Received on all listeners so far. */
uint64_t server_datagrams(const struct server *server);
/* The sockets are somebody else's too, as of systemd's store: a stop neither gates them
 * nor removes their files. keep() is called for each of them. */
void server_keep_sockets(struct server *server, void (*keep)(int fd));

/* Who takes over gets the open interval and what is unsent, or its sockets only: then
 * those are flushed as by a stop. */
enum server_heir {
    SERVER_HEIR_PROGRAM, /* in this process: connections too */
    SERVER_HEIR_PROCESS, /* a later one: connections are read to their end and closed */
    SERVER_HEIR_SOCKETS,
};

/* Stops the server (given) without closing its sockets, which queue meanwhile; delivery is
 * asked for a sign of life first, while HTTP goes on. NULL, with a log line: no memory, or
 * no such sign; nothing was done, and the server runs on. */
struct inheritance *server_hand_over(struct server *given, enum server_heir heir);

/* ---- for telemetry: all readable live, from any thread ---------------- */

struct server_view {
    const struct listeners *listeners;
    uint32_t workers;
    const struct worker_ledger *worker_ledgers;
    const struct counter *forwarded; /* by worker */
    const struct flusher_ledger *flusher_ledger;
    const struct outbox *outbox;
    const struct delivery_ledger *delivery_ledger; /* one a sink; the first is the main one */
    const struct delivery_target *sinks;           /* what they are */
    size_t n_sinks;
    const struct mirror_ledger *mirror; /* NULL: no heeler_redis_url */
    struct questions *questions;        /* to the flusher */
    bool lingering;                     /* a stop was asked for */
    bool local;                         /* nothing is sent */
    int64_t flusher_alive_ms;           /* monotonic; a worker's is in its ledger */
    int64_t delivery_alive_ms;
    int64_t started_s;
};
void server_view(const struct server *server, struct server_view *out);

/* The port of the HTTP endpoint; 0 when it is off. */
int server_http_port(const struct server *server);

#endif
