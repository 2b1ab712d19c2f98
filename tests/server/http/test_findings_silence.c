/* The finding that nothing was received: not before its time, and not where something was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/log.h"
#include "flush/parcels/submitted.h"
#include "server/http/findings.h"
#include "server/traces/traces_ledger.h"
#include "tests/support/server_rig.h"

struct rig {
    struct server_rig server;
    struct findings findings;
};

static int set_up(void **state)
{
    struct rig *rig = aligned_alloc(64, (sizeof *rig + 63) / 64 * 64);

    *state = rig;
    if (rig == NULL)
        return -1;
    memset(rig, 0, sizeof *rig);
    log_set_level(LOG_LEVEL_OFF);
    if (!server_rig_make(&rig->server))
        return -1;
    counter_set(&rig->server.sockets[0].datagrams, 0);
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    server_rig_free(&rig->server);
    free(rig);
    return 0;
}

static bool is_silent(struct rig *rig, int64_t after_s)
{
    findings_look(&rig->findings, &rig->server.view, SERVER_RIG_NOW_MS,
                  SERVER_RIG_STARTED_S + after_s);
    return rig->findings.at[FINDING_SILENCE].active;
}

/* Half a minute, or five intervals where these are short. */
static void it_is_not_told_before_its_time(void **state)
{
    static const struct {
        int interval_s, after_s;
    } cases[] = { { 1, 5 }, { 5, 25 }, { 6, 30 }, { 10, 30 }, { 60, 30 } };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig->server.settings.heeler_interval = cases[i].interval_s;
        assert_false(is_silent(rig, cases[i].after_s - 1));
        assert_true(is_silent(rig, cases[i].after_s));
    }
}

/* One that is sent to by the API or by tracing libraries alone is not where nobody sends. */
static void whatever_was_received_is_no_silence(void **state)
{
    static struct worker_ledger submitted[SUBMITTED_LANE_COUNT];
    static struct traces_ledger traces;
    struct rig *rig = *state;
    struct counter *const counters[] = { &rig->server.sockets[0].datagrams,
                                         &submitted[SUBMITTED_HTTP].values[METRIC_GAUGE],
                                         &traces.payloads[TRACE_V05], &traces.stats_payloads };

    rig->server.view.submitted = submitted;
    rig->server.view.traces = &traces;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        assert_true(is_silent(rig, 1000));
        counter_set(counters[i], 1);
        assert_false(is_silent(rig, 1000));
        counter_set(counters[i], 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_not_told_before_its_time),
        TEST(whatever_was_received_is_no_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
