#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/receive/host_addresses.h"

struct rig {
    struct senders senders;
    struct sighting_box boxes[2];
    struct host_addresses *addresses;
};

static int set_up(void **state)
{
    struct rig *rig = own_lines(sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->addresses = host_addresses_new(&rig->senders, rig->boxes, 2);
    return rig->addresses != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    host_addresses_free(rig->addresses);
    for (int i = 0; i < 2; i++)
        free(sighting_box_take(&rig->boxes[i]));
    free(rig);
    return 0;
}

static struct sender v4(uint8_t last)
{
    return (struct sender){ .family = AF_INET, .address = { 10, 0, 0, last } };
}

static void note(struct rig *rig, const char *host, struct sender sender)
{
    host_addresses_note(rig->addresses, slice_of(host), &sender);
}

/* The last byte of its address; 0: it is not known. */
static int at(const struct rig *rig, const char *host)
{
    const struct sender *found = host_addresses_find(rig->addresses, slice_of(host));

    return found != NULL ? found->address[3] : 0;
}

static void nothing_is_known_that_nobody_wants(void **state)
{
    struct rig *rig = *state;

    note(rig, "a", v4(1));
    assert_int_equal(at(rig, "a"), 0);
    host_addresses_want(rig->addresses, true);
    host_addresses_want(rig->addresses, true);
    assert_true(host_addresses_are_wanted(rig->addresses));
    assert_int_equal(atomic_load(&rig->senders.wanted), 1);
    assert_true(atomic_load(&rig->boxes[1].wanted));
    note(rig, "a", v4(1));
    assert_int_equal(at(rig, "a"), 1);
    assert_int_equal(at(rig, "b"), 0);
    host_addresses_want(rig->addresses, false);
    assert_int_equal(atomic_load(&rig->senders.wanted), 0);
    assert_false(atomic_load(&rig->boxes[1].wanted));
    assert_int_equal(at(rig, "a"), 0);
    host_addresses_want(rig->addresses, true);
    assert_int_equal(at(rig, "a"), 0);
}

static void the_last_address_counts(void **state)
{
    struct rig *rig = *state;
    char longest[SIGHTING_HOST_MAX + 2];

    host_addresses_want(rig->addresses, true);
    note(rig, "a", v4(1));
    note(rig, "a", v4(2));
    note(rig, "a", (struct sender){ .family = AF_UNSPEC });
    note(rig, "", v4(3));
    assert_int_equal(at(rig, "a"), 2);
    assert_int_equal(at(rig, ""), 0);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    note(rig, longest, v4(4));
    assert_int_equal(at(rig, longest), 0);
    note(rig, longest + 1, v4(4));
    assert_int_equal(at(rig, longest + 1), 4);
}

/* Of more hosts than there is room for the one that was not seen for longest goes. */
static void hosts_are_bounded(void **state)
{
    struct rig *rig = *state;
    char host[32];

    host_addresses_want(rig->addresses, true);
    for (int i = 0; i < HOST_ADDRESSES_MAX; i++) {
        snprintf(host, sizeof host, "host-%d", i);
        note(rig, host, v4((uint8_t)(1 + i % 200)));
    }
    note(rig, "host-0", v4(250)); /* it is the newest now */
    note(rig, "new", v4(251));
    assert_int_equal(at(rig, "host-0"), 250);
    assert_int_equal(at(rig, "new"), 251);
    assert_int_equal(at(rig, "host-1"), 0);
    assert_int_equal(at(rig, "host-2"), 3);
    for (int i = 0; i < HOST_ADDRESSES_MAX; i++) {
        snprintf(host, sizeof host, "other-%d", i);
        note(rig, host, v4(9));
    }
    assert_int_equal(at(rig, "new"), 0);
    assert_int_equal(at(rig, "other-0"), 9);
}

static void what_workers_saw_is_gathered(void **state)
{
    struct rig *rig = *state;
    struct sighter sighter = { .box = &rig->boxes[1] };
    struct sender from = v4(7);

    host_addresses_want(rig->addresses, true);
    assert_true(sighter_looks(&sighter));
    assert_true(sighter_begin(&sighter, 1));
    sighter_see(&sighter, &from, SLICE("a:1|c|#host:a\nb:1|c|#host:b"));
    sighter_end(&sighter, INT64_C(2000000000));
    host_addresses_gather(rig->addresses);
    assert_int_equal(at(rig, "a"), 7);
    assert_int_equal(at(rig, "b"), 7);
    sighter_free(&sighter);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_RIG(nothing_is_known_that_nobody_wants),
        WITH_RIG(the_last_address_counts),
        WITH_RIG(hosts_are_bounded),
        WITH_RIG(what_workers_saw_is_gathered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
