#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/health.h"

enum { WORKERS = 3, SINKS = 2, NOW_MS = 1000000, WALL_MS = 50000000 };

/* A server of which all is well. */
struct rig {
    struct worker_ledger workers[WORKERS];
    struct delivery_ledger sinks[SINKS];
    struct server_view view;
};

static void make(struct rig *rig)
{
    *rig = (struct rig){ .view = { .workers = WORKERS, .n_sinks = SINKS } };
    rig->view.worker_ledgers = rig->workers;
    rig->view.delivery_ledger = rig->sinks;
    for (int i = 0; i < WORKERS; i++)
        counter_set(&rig->workers[i].alive_ms, NOW_MS - 2000);
    rig->view.flusher_alive_ms = rig->view.delivery_alive_ms = NOW_MS - 2000;
}

static void assert_health(const struct rig *rig, bool readiness, int status, const char *said)
{
    char text[HEALTH_TEXT_MAX];

    assert_int_equal(health_write(&rig->view, readiness, NOW_MS, WALL_MS, text), status);
    if (readiness) { /* without a watch there are none */
        static const char none[] = ",\"Findings\":[]}\n";
        char *end = text + strlen(text) - (sizeof none - 1);

        assert_string_equal(end, none);
        strcpy(end, "}\n");
    }
    assert_string_equal(text, said);
}

#define WELL                                                                                   \
    "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\",\"api-key\"],\"Unhealthy\"" \
    ":[]}\n"

static void a_server_whose_loops_turn_is_healthy(void **state)
{
    struct rig rig;
    (void)state;

    make(&rig);
    assert_health(&rig, false, 200, WELL);
    assert_health(&rig, true, 200, WELL);
}

/* Each loop, silent for just short of the limit and for just as long. */
static void a_loop_that_hangs_is_named(void **state)
{
    struct rig rig;
    (void)state;

    for (int i = 0; i < WORKERS; i++) {
        make(&rig);
        counter_set(&rig.workers[i].alive_ms, NOW_MS - HEALTH_SILENT_MS + 1);
        assert_health(&rig, false, 200, WELL);
        counter_set(&rig.workers[i].alive_ms, NOW_MS - HEALTH_SILENT_MS);
        assert_health(&rig, false, 500,
                      "{\"Healthy\":[\"aggregator\",\"forwarder\",\"api-key\"],"
                      "\"Unhealthy\":[\"dogstatsd-main\"]}\n");
    }
    make(&rig);
    rig.view.flusher_alive_ms = NOW_MS - HEALTH_SILENT_MS;
    assert_health(&rig, false, 500,
                  "{\"Healthy\":[\"dogstatsd-main\",\"forwarder\",\"api-key\"],"
                  "\"Unhealthy\":[\"aggregator\"]}\n");
    make(&rig);
    rig.view.delivery_alive_ms = NOW_MS - HEALTH_SILENT_MS;
    assert_health(&rig, false, 500,
                  "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"api-key\"],"
                  "\"Unhealthy\":[\"forwarder\"]}\n");
    rig.view.flusher_alive_ms = 0;
    counter_set(&rig.workers[0].alive_ms, 0);
    assert_health(&rig, true, 500,
                  "{\"Healthy\":[\"api-key\"],"
                  "\"Unhealthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\"]}\n");
}

/* Alive, though the pod would not be helped by a restart. */
static void an_intake_that_takes_nothing_is_a_matter_of_readiness(void **state)
{
    struct rig rig;
    static const char unwell[] =
        "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"api-key\"],\"Unhealthy\":"
        "[\"forwarder\"]}\n";
    (void)state;

    make(&rig);
    rig.sinks[1].queued.payloads = 1;
    assert_health(&rig, true, 200, WELL); /* not tried yet */
    rig.sinks[1].retries = 1;
    assert_health(&rig, true, 500, unwell);
    assert_health(&rig, false, 200, WELL);
    rig.sinks[1].last_success_ms = WALL_MS - 59999;
    assert_health(&rig, true, 200, WELL);
    rig.sinks[1].last_success_ms = WALL_MS - 60000;
    assert_health(&rig, true, 500, unwell);
    rig.sinks[1].queued.payloads = 0;
    assert_health(&rig, true, 200, WELL);
    rig.sinks[1].spooled.payloads = 1;
    assert_health(&rig, true, 500, unwell);
    rig.view.local = true;
    assert_health(&rig, true, 200, WELL);
}

static void an_invalid_key_is_a_matter_of_readiness(void **state)
{
    struct rig rig;
    (void)state;

    make(&rig);
    rig.sinks[0].key = KEY_INVALID;
    assert_health(&rig, false, 200, WELL);
    assert_health(&rig, true, 500,
                  "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\"],"
                  "\"Unhealthy\":[\"api-key\"]}\n");
}

static void a_stop_is_no_readiness_and_no_fault(void **state)
{
    struct rig rig;
    (void)state;

    make(&rig);
    rig.view.lingering = true;
    assert_health(&rig, false, 200, WELL);
    assert_health(&rig, true, 503,
                  "{\"Healthy\":[\"dogstatsd-main\",\"aggregator\",\"forwarder\",\"api-key\"],"
                  "\"Unhealthy\":[\"lifecycle\"]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_whose_loops_turn_is_healthy),
        cmocka_unit_test(a_loop_that_hangs_is_named),
        cmocka_unit_test(an_intake_that_takes_nothing_is_a_matter_of_readiness),
        cmocka_unit_test(an_invalid_key_is_a_matter_of_readiness),
        cmocka_unit_test(a_stop_is_no_readiness_and_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
