#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/api.h"
#include "server/monitors/monitoring_internal.h"
#include "tests/support/fake_intake.h"
#include "tests/support/with_settings.h"

/* Who may be told is what the reload says, and not what the start did. */
static void a_heartbeat_follows_a_reload(void **state)
{
    struct fake_intake *fake = fake_intake_start();
    struct settings begun, fresh;
    struct server_view view = { .settings = &begun };
    char problem[512], set[200];

    (void)state;
    snprintf(set, sizeof set, "heeler_heartbeat_url=%s", fake_intake_url(fake));
    assert_true(WITH_SETTINGS(&begun, "tags="));
    assert_true(WITH_SETTINGS(&fresh, set));
    assert_non_null(view.api = api_new(&view, &begun));
    struct monitoring *monitoring = monitoring_new(&view, "h");

    assert_non_null(monitoring);
    struct evaluator_needs needs = monitoring_needs(monitoring);

    needs.beat(needs.self);
    assert_null(monitoring->notifier); /* nobody waits for it yet */
    assert_true(monitoring_follow(monitoring, &fresh, problem, sizeof problem));
    needs.beat(needs.self);
    assert_true(fake_intake_wait(fake, 1));
    assert_true(monitoring_follow(monitoring, &begun, problem, sizeof problem));
    needs.beat(needs.self);
    monitoring_end(monitoring);
    assert_int_equal(fake_intake_count(fake), 1);
    monitoring_free(monitoring);
    api_free(view.api);
    settings_free(&begun);
    settings_free(&fresh);
    fake_intake_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_heartbeat_follows_a_reload) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
