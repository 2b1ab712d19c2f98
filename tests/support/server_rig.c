#include "tests/support/server_rig.h"

#include <stdio.h>

#include "tests/support/with_settings.h"

static void make_listeners(struct server_rig *rig)
{
    static const enum listener_kind kinds[] = { LISTENER_UDP, LISTENER_UNIX };

    for (int i = 0; i < 2; i++) {
        rig->sockets[i].fd = -1;
        rig->listener[i].kind = kinds[i];
        rig->listener[i].sockets = &rig->sockets[i];
        rig->listener[i].n_sockets = 1;
        snprintf(rig->listener[i].name, sizeof rig->listener[i].name, "%s %d",
                 listener_traits(&rig->listener[i])->label, i);
    }
    counter_set(&rig->sockets[0].datagrams, 1);
    rig->listeners = (struct listeners){ .at = rig->listener, .n = 2 };
}

static void make_view(struct server_rig *rig)
{
    rig->view = (struct server_view){
        .settings = &rig->settings,
        .facts = &rig->facts,
        .budget = &rig->budget,
        .listeners = &rig->listeners,
        .workers = SERVER_RIG_WORKERS,
        .worker_ledgers = rig->workers,
        .flusher_ledger = &rig->flusher,
        .outbox = &rig->outbox,
        .delivery_ledger = rig->sinks,
        .sinks = rig->targets,
        .n_sinks = SERVER_RIG_SINKS,
        .mirror = &rig->mirror,
        .history = &rig->history,
        .notify = &rig->notify,
        .monitors = &rig->monitors,
        .tag_survey = &rig->survey,
        .flusher_alive_ms = SERVER_RIG_NOW_MS,
        .delivery_alive_ms = SERVER_RIG_NOW_MS,
        .started_s = SERVER_RIG_STARTED_S,
    };
}

bool server_rig_make(struct server_rig *rig)
{
    *rig = (struct server_rig){ .facts = { .memory_bytes = 0 } };
    for (int i = 0; i < SERVER_RIG_SINKS; i++)
        rig->targets[i] = (struct delivery_target){ "https://user:secret@intake.example",
                                                    "0123456789abcdef0123456789abcdef" };
    for (int i = 0; i < SERVER_RIG_WORKERS; i++)
        counter_set(&rig->workers[i].alive_ms, SERVER_RIG_NOW_MS);
    rig->mirror.up = 1;
    counter_set(&rig->history.state, HISTORY_OPEN);
    arena_budget_init(&rig->budget, 1 << 20);
    make_listeners(rig);
    make_view(rig);
    return WITH_SETTINGS(&rig->settings, "heeler_max_contexts=1000");
}

void server_rig_free(struct server_rig *given)
{
    settings_free(&given->settings);
}
