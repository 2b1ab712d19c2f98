#include "server/http/health.h"

#include <stdio.h>
#include <string.h>

#include "server/http/findings.h"

/* A sink that took something within this time counts as taking what is sent. */
enum { LATELY_MS = 60000 };

enum component { WORKERS, FLUSHER, DELIVERY, KEYS, LIFECYCLE, COMPONENT_COUNT };

bool health_turns(int64_t alive_ms, int64_t now_ms)
{
    return now_ms - alive_ms < HEALTH_SILENT_MS;
}

static bool all_workers_turn(const struct server_view *view, int64_t now_ms)
{
    for (uint32_t i = 0; i < view->workers; i++)
        if (!health_turns((int64_t)counter_read(&view->worker_ledgers[i].alive_ms), now_ms))
            return false;
    return true;
}

/* False: payloads wait, some were tried, and none was taken lately. The intake refuses them, or
 * cannot be reached. */
static bool takes(const struct delivery_ledger *ledger, int64_t wall_ms)
{
    int64_t last_ms = atomic_load_explicit(&ledger->last_success_ms, memory_order_relaxed);
    bool waiting = atomic_load_explicit(&ledger->queued.payloads, memory_order_relaxed) > 0 ||
                   atomic_load_explicit(&ledger->spooled.payloads, memory_order_relaxed) > 0;
    bool retried = atomic_load_explicit(&ledger->retries, memory_order_relaxed) > 0;

    return !waiting || !retried || wall_ms - last_ms < LATELY_MS;
}

static void look_at_sinks(const struct server_view *view, int64_t wall_ms,
                          bool healthy[COMPONENT_COUNT])
{
    for (size_t i = 0; !view->local && i < view->n_sinks; i++) {
        const struct delivery_ledger *ledger = &view->delivery_ledger[i];

        if (!takes(ledger, wall_ms))
            healthy[DELIVERY] = false;
        if (atomic_load_explicit(&ledger->key, memory_order_relaxed) == KEY_INVALID)
            healthy[KEYS] = false;
    }
}

/* Adds the names of the components that are in this state, as items of a list. */
static void add_names(char *out, const bool healthy[COMPONENT_COUNT], bool state)
{
    static const char *const names[] = { "dogstatsd-main", "aggregator", "forwarder", "api-key",
                                         "lifecycle" };
    const char *separator = "";

    for (int i = 0; i < COMPONENT_COUNT; i++) {
        if (healthy[i] != state || (i == LIFECYCLE && state))
            continue; /* a stop is named only when there is one */
        size_t used = strlen(out);

        snprintf(out + used, HEALTH_TEXT_MAX - used, "%s\"%s\"", separator, names[i]);
        separator = ",";
    }
}

/* There is room for all that there are. */
static void add_findings(char *out, const struct findings *findings)
{
    const char *separator = "";

    strcat(out, ",\"Findings\":[");
    for (int i = 0; findings != NULL && i < FINDING_COUNT; i++) {
        size_t used = strlen(out);

        if (!findings->at[i].active || used + 64 > HEALTH_TEXT_MAX)
            continue;
        snprintf(out + used, HEALTH_TEXT_MAX - used, "%s\"%s\"", separator,
                 finding_label((enum finding_id)i));
        separator = ",";
    }
    strcat(out, "]");
}

int health_write(const struct server_view *view, bool readiness, int64_t monotonic_ms,
                 int64_t wall_ms, char out[HEALTH_TEXT_MAX])
{
    bool healthy[COMPONENT_COUNT] = {
        [WORKERS] = all_workers_turn(view, monotonic_ms),
        [FLUSHER] = health_turns(view->flusher_alive_ms, monotonic_ms),
        [DELIVERY] = health_turns(view->delivery_alive_ms, monotonic_ms),
        [KEYS] = true,
        [LIFECYCLE] = !readiness || !view->lingering,
    };
    bool all = true;

    if (readiness)
        look_at_sinks(view, wall_ms, healthy);
    for (int i = 0; i < COMPONENT_COUNT; i++)
        all = all && healthy[i];
    strcpy(out, "{\"Healthy\":[");
    add_names(out, healthy, true);
    strcat(out, "],\"Unhealthy\":[");
    add_names(out, healthy, false);
    strcat(out, "]");
    if (readiness)
        add_findings(out, view->findings);
    strcat(out, "}\n");
    return all ? 200 : healthy[LIFECYCLE] ? 500 : 503;
}
