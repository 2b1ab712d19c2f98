/* tests/support/server_rig.h: a view of a server of which all is well, without a server.
 *
 * Two workers, two intakes, a mirror, a UDP and a unix listener; each number is the test's to
 * set. On the heap or static, aligned to 64. */
#ifndef TESTS_SUPPORT_SERVER_RIG_H
#define TESTS_SUPPORT_SERVER_RIG_H

#include "flush/delivery/mirror_ledger.h"
#include "flush/history/history_ledger.h"
#include "flush/notify/notify_ledger.h"
#include "server/http/server_view.h"
#include "server/monitors/monitor_ledger.h"

enum {
    SERVER_RIG_WORKERS = 2,
    SERVER_RIG_SINKS = 2,
    SERVER_RIG_NOW_MS = 1000000, /* monotonic: all threads turned then */
    SERVER_RIG_WALL_S = 50000,
    SERVER_RIG_STARTED_S = 40000,
};

struct server_rig {
    struct settings settings;
    struct worker_ledger workers[SERVER_RIG_WORKERS];
    struct flusher_ledger flusher;
    struct delivery_ledger sinks[SERVER_RIG_SINKS];
    struct delivery_target targets[SERVER_RIG_SINKS]; /* with a password in the URL */
    struct mirror_ledger mirror;
    struct history_ledger history;
    struct notify_ledger notify;
    struct monitor_ledger monitors;
    struct listener listener[2];
    struct listener_socket sockets[2];
    struct listeners listeners;
    struct server_facts facts;
    struct arena_budget budget;
    struct outbox outbox;
    struct tag_survey survey;
    struct checks *checks; /* one instance, of a runner that has ended */
    struct server_view view;
};

/* False: no memory. */
bool server_rig_make(struct server_rig *rig);
/* What the runner of checks tells then; the text is one that is taken. */
void server_rig_tell_checks(struct server_rig *rig, const char *json, int64_t now_ms);

void server_rig_free(struct server_rig *given);

#endif
