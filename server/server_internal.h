/* server/server_internal.h: what the server's files share: its state, and who does what.
 *
 *   server_start.c   the steps of a start, each of which can fail
 *   server.c         while it runs; the stop and the handover, down the stream */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "config/settings.h"
#include "flush/history/past_reader.h"
#include "server/kept_definitions.h"
#include "server/kept_states.h"
#include "server/receive/forward.h"
#include "server/receive/listeners.h"
#include "server/receive/recent.h"
#include "server/receive/sender_tally.h"
#include "server/receive/sighting.h"
#include "server/receive/submitter.h"
#include "server/receive/tap.h"
#include "server/receive/worker.h"
#include "server/server.h"
#include "server/sinks.h"
#include "server/succession/instance.h"
#include "server/traces/trace_box.h"
#include "server/traces/traces.h"

struct server {
    struct server_config config;
    int64_t started_s;
    uint32_t workers;
    bool local;
    struct listeners listeners;
    struct forward *forward; /* NULL: no copies */
    struct inbox inbox;
    bool inbox_open;
    struct outbox outbox;
    bool outbox_open;
    struct question_box *questions;
    struct units *units; /* of what they are about */
    struct recalled recalled;
    struct senders *senders;
    struct sender_box *sender_boxes;     /* one a worker */
    struct sighting_box *sighting_boxes; /* the same */
    struct taps *taps;
    struct recents *recents; /* NULL: no heeler_ring_bytes */
    struct arena_budget budget;
    struct server_facts facts;
    tag_survey_box tag_survey;
    struct worker_account *accounts;      /* one a worker, and one for each lane */
    struct worker_ledger *worker_ledgers; /* the same */
    struct submitter *submitters[SUBMITTED_LANE_COUNT];
    struct traces *traces;       /* NULL: none are taken */
    struct trace_box *trace_box; /* the same */
    struct traces_ledger traces_ledger;
    struct flusher_ledger flusher_ledger;
    struct history *history;                    /* NULL: only memory is kept */
    struct definition_keeper definition_keeper; /* of that one */
    struct state_keeper state_keeper;           /* the same */
    struct retention retention;
    struct past past; /* of it */
    struct sinks sinks;
    struct delivery_ledger *delivery_ledgers; /* one a sink */
    struct instance instance;                 /* of the mirror */
    struct worker **worker;                   /* NULL entries: not started */
    struct flusher_loop *flusher;
    struct delivery *delivery;
    struct rules *rules; /* of the last reload; held; NULL: there was none */
    bool lingering;
    bool has_state; /* it inherited one */
    struct admin *admin, *health;
    struct watch *watch;               /* NULL: it did not start */
    int64_t end_by_ns;                 /* monotonic; 0: by heeler_stop_timeout */
    uint64_t gated;                    /* datagrams refused at the gate */
    struct inheritance *inherited;     /* or NULL */
    struct worker_leftover *leftovers; /* of each worker */
};

/* What any thread may look at. */
void server_view_for_all(const struct server *server, struct server_view *out);

#endif
