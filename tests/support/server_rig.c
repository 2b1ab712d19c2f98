#include "tests/support/server_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "flush/memory/json_view.h"
#include "server/api/checks_report.h"
#include "server/http/checks.h"
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
        .checks = rig->checks,
        .flusher_alive_ms = SERVER_RIG_NOW_MS,
        .delivery_alive_ms = SERVER_RIG_NOW_MS,
        .started_s = SERVER_RIG_STARTED_S,
    };
}

static const char one_check[] =
    "{\"ended\":true,\"runner\":{\"pid\":7,\"version\":\"1\",\"started\":5,\"python\":\"3.11."
    "2\"},"
    "\"sent\":{\"points\":9,\"service_checks\":2,\"events\":1,\"given_up\":{\"timeout\":3},"
    "\"queued\":4},\"problems\":[\"conf.d/b.yaml:5: a "
    "tab\"],\"instances\":[{\"name\":\"my_check\","
    "\"id\":\"my_check:ab12\",\"source\":\"conf.d/my_check.yaml:3\",\"interval_s\":15,"
    "\"state\":\"error\",\"last_run\":49990,\"seconds\":0.25,\"next_run\":50005,\"runs\":8,"
    "\"failures\":1,\"skipped\":2,\"kills\":1,\"metrics\":5,\"error\":\"no such host\"}]}";

void server_rig_tell_checks(struct server_rig *rig, const char *json, int64_t now_ms)
{
    char problem[CHECKS_PROBLEM_MAX] = "it is no JSON";
    struct checks_brief *brief = NULL;
    struct json_fault fault;
    struct bytes whole = { 0 };
    struct slice body;

    if (!json_view_check(slice_of(json), CHECKS_KEYS_MAX, &body, &fault) ||
        checks_report_read(body, now_ms, SERVER_RIG_WALL_S, &brief, &whole, problem) !=
            CHECKS_READ)
        fail_msg("%s: %s", problem, json);
    checks_tell(rig->checks, brief, &whole);
}

bool server_rig_make(struct server_rig *rig)
{
    *rig = (struct server_rig){ .facts = { .memory_bytes = 0 } };
    for (int i = 0; i < SERVER_RIG_SINKS; i++)
        rig->targets[i] =
            (struct delivery_target){ "https://user:secret@intake.example",
                                      "0123456789abcdef0123456789abcdef", DOOR_METRICS };
    for (int i = 0; i < SERVER_RIG_WORKERS; i++)
        counter_set(&rig->workers[i].alive_ms, SERVER_RIG_NOW_MS);
    rig->mirror.up = 1;
    counter_set(&rig->history.state, HISTORY_OPEN);
    arena_budget_init(&rig->budget, 1 << 20);
    make_listeners(rig);
    rig->checks = checks_new();
    if (rig->checks == NULL)
        return false;
    server_rig_tell_checks(rig, one_check, SERVER_RIG_NOW_MS);
    make_view(rig);
    return WITH_SETTINGS(&rig->settings, "heeler_max_contexts=1000");
}

void server_rig_free(struct server_rig *given)
{
    checks_free(given->checks);
    settings_free(&given->settings);
}
