#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/api/api.h"
#include "server/monitors/monitoring_internal.h"
#include "server/receive/host_addresses.h"
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

/* Of this machine its own, of whoever is seen where he sends from, of anybody else none. */
static void a_host_is_where_it_sends_from(void **state)
{
    static const struct sender near = { .family = AF_INET, .address = { 127, 0, 0, 2 } };
    struct sender process = sender_of_process(0);
    struct senders senders = { .wanted = 0 };
    struct settings settings;
    struct server_view view = { .settings = &settings };
    char own[OWN_ADDRESS_SIZE];

    (void)state;
    assert_true(WITH_SETTINGS(&settings, "tags="));
    assert_non_null(view.api = api_new(&view, &settings));
    assert_non_null(view.host_addresses = host_addresses_new(&senders, NULL, 0));
    struct monitoring *monitoring = monitoring_new(&view, "h");

    assert_non_null(monitoring);
    struct evaluator_needs needs = monitoring_needs(monitoring);

    host_addresses_want(view.host_addresses, true);
    host_addresses_note(view.host_addresses, SLICE("web"), &near);
    host_addresses_note(view.host_addresses, SLICE("h"), &near);
    host_addresses_note(view.host_addresses, SLICE("box"), &process);
    own_address_find(own);
    assert_true(slice_equal(needs.address(needs.self, SLICE("web")), SLICE("127.0.0.2")));
    assert_true(slice_equal(needs.address(needs.self, SLICE("h")), slice_of(own)));
    assert_true(slice_equal(needs.address(needs.self, SLICE("box")), slice_of(own)));
    assert_int_equal(needs.address(needs.self, SLICE("other")).len, 0);
    monitoring_end(monitoring);
    monitoring_free(monitoring);
    host_addresses_free(view.host_addresses);
    api_free(view.api);
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heartbeat_follows_a_reload),
        cmocka_unit_test(a_host_is_where_it_sends_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
