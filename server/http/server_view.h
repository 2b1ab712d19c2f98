/* server/http/server_view.h: what others see and ask of a server that runs.
 *
 * The view is pointers to ledgers, each written by one thread and read by any, and a few
 * words that only main knows. The access is functions that server.c fills in, so that HTTP
 * and the watch do not include the server, and the arrow points one way. */
#ifndef SERVER_HTTP_SERVER_VIEW_H
#define SERVER_HTTP_SERVER_VIEW_H

#include "config/settings.h"
#include "flush/delivery/delivery.h"
#include "flush/memory/arena.h"
#include "flush/parcels/ledger.h"
#include "flush/parcels/tag_survey.h"
#include "flush/rollups/question_box.h"
#include "server/receive/listener.h"

/* What holds from the start to the end, and is asked of the system once. */
struct server_facts {
    int64_t memory_bytes;       /* that the process may use */
    size_t contexts_bytes;      /* of them for contexts; 0: no bound */
    bool hostname_of_container; /* nobody chose it, and it is a container's */
    bool deaf_on_v6; /* ::1 is there, and a port that 127.0.0.1 has is closed on it */
};

struct api;
struct checks;
struct definition_keeper;
struct evaluator;
struct monitoring;
struct definitions_ledger;
struct history_ledger;
struct monitor_ledger;
struct notify_ledger;
struct state;
struct http_ledger;
struct submitter;
struct sender_box;
struct sighting_box;
struct host_addresses;
struct senders;
struct state_keeper;
struct top_senders;
struct kept_traces;
struct trace_box;
struct traces_ledger;
struct taps;
struct recents;
struct looks;
struct tail;
struct units;
struct pictures;
struct rates;
struct findings;

struct server_view {
    const struct listeners *listeners;
    uint32_t workers;
    const struct worker_ledger *worker_ledgers;
    const struct worker_ledger
        *submitted; /* one for each lane of who submits; NULL: nobody can */
    const struct flusher_ledger *flusher_ledger;
    const struct outbox *outbox;
    const struct delivery_ledger
        *delivery_ledger; /* one for each sink; the first is that of the main one */
    const struct delivery_target *sinks; /* the targets of the sinks */
    size_t n_sinks;
    const struct mirror_ledger *mirror;   /* NULL: no heeler_redis_url */
    const struct history_ledger *history; /* NULL: only memory is kept */
    struct question_box *questions;       /* to the flusher */
    struct units *units;                  /* of metrics, told to it */
    struct senders *senders;              /* of datagrams; for the desk's thread */
    struct taps *taps;                    /* the same */
    struct recents *recents;              /* the same; NULL: no heeler_ring_bytes */
    struct looks *looks;                  /* the same; NULL: of another than HTTP */
    struct tail *tail;                    /* the same */
    struct sender_box *sender_boxes; /* who sent how much, one a worker; for the desk's too */
    struct sighting_box *sighting_boxes;   /* the same: from where which host sends */
    struct host_addresses *host_addresses; /* of these; NULL: of another than HTTP */
    const struct traces_ledger *traces;    /* NULL: no apm_config.enabled */
    struct trace_box *trace_box;           /* of those that are kept; the same */
    struct submitter *submitter;           /* for the desk's thread; NULL: the same */
    const struct definition_keeper *definition_keeper; /* the same; NULL: only memory keeps */
    const struct state_keeper *state_keeper;           /* the same */
    const _Atomic(bool) *has_monitors; /* some were kept, as the history found out */
    const struct state
        *inherited;  /* while HTTP starts: what the program before left; or NULL; for main */
    struct api *api; /* the same; NULL: of another than HTTP */
    struct evaluator *evaluator; /* under its mutex; NULL: nothing is evaluated */
    struct checks *checks;       /* as its runner told; NULL: of another than HTTP */
    const struct definitions_ledger *definitions; /* NULL: who asks does not know it */
    const struct notify_ledger *notify;           /* the same */
    const struct monitor_ledger *monitors;        /* the same */
    struct monitoring *monitoring;                /* the same; NULL: nothing is evaluated */
    struct top_senders *top_senders; /* the desk's; NULL: who asks does not know it */
    struct pictures *pictures;       /* the same */
    struct kept_traces *kept_traces; /* the same; NULL: no apm_config.enabled */
    const struct settings *settings; /* in force; good until the next reload */
    const struct server_facts *facts;
    const struct arena_budget *budget;   /* of what open buckets hold */
    const struct tag_survey *tag_survey; /* the newest; NULL: there is none yet */
    const struct rates *rates;           /* these three are the watch's; NULL: no watch */
    const struct findings *findings;
    const struct http_ledger *http; /* NULL: who asks does not know it */
    bool lingering;                 /* a stop was asked for */
    bool local;                     /* nothing is sent */
    int64_t flusher_alive_ms;       /* monotonic; a worker's is in its ledger */
    int64_t delivery_alive_ms;
    int64_t traces_alive_ms; /* if there is a ledger of traces */
    int64_t started_s;
};

struct server;

/* All are called on main's thread. */
struct server_access {
    struct server *server;
    const char *hostname; /* a view */
    void (*look)(const struct server *server, struct server_view *out);

    /* The settings in force; a view until the next reload. */
    const struct settings *(*settings)(const struct server *server);

    /* The open interval ends at the next full second, which is returned. What comes after
     * that second is sent with it as its stamp. */
    int64_t (*flush)(struct server *server);

    /* Does what SIGTERM does. */
    void (*ask_to_stop)(struct server *server);

    /* Loads the settings anew, as SIGHUP does. Says as JSON what came of it; owned, NULL
     * without memory. */
    char *(*reload)(struct server *server, bool *done);
};

#endif
