#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/monitors/group_state.h"

enum { NONE = 12345 }; /* no value in a row of the tables below */

static const struct alert_rules usual = {
    .comparator = ABOVE,
    .critical = { true, 800 },
    .warning = { true, 500 },
    .missing = MISSING_NOTIFIES,
    .no_data_s = 600,
};

/* One minute. True: there is a transition. */
static bool observe(struct group_state *group, const struct alert_rules *rules, int minute,
                    double value, struct transition *out)
{
    struct observation observation = {
        .what = OBSERVED_VALUE, .value = value, .at_s = 60 * minute, .data_s = 60 * minute
    };

    if (comparator_holds(EQUAL, value, NONE))
        observation.what = OBSERVED_NOTHING;
    return group_state_step(group, rules, &observation, out);
}

static void expect_quiet(struct group_state *group, const struct alert_rules *rules, int from,
                         int to, double value)
{
    struct transition transition;

    for (int minute = from; minute <= to; minute++)
        assert_false(observe(group, rules, minute, value, &transition));
}

static void expect(struct group_state *group, const struct alert_rules *rules, int minute,
                   double value, enum monitor_state to, bool is_told)
{
    struct transition transition;
    enum monitor_state from = group->state;

    assert_true(observe(group, rules, minute, value, &transition));
    assert_int_equal(transition.from, from);
    assert_int_equal(transition.to, to);
    assert_int_equal(transition.is_told, is_told);
    assert_int_equal(transition.again, 0);
    assert_int_equal(transition.at_s, 60 * minute);
    assert_int_equal(group->state, to);
}

static void tells_each_change_once(void **state)
{
    struct group_state group = { .state = MONITOR_OK };

    (void)state;
    expect_quiet(&group, &usual, 1, 3, 400);
    expect(&group, &usual, 4, 501, MONITOR_WARN, true);
    expect_quiet(&group, &usual, 5, 6, 800);
    expect(&group, &usual, 7, 801, MONITOR_ALERT, true);
    expect_quiet(&group, &usual, 8, 9, 5000);
    expect(&group, &usual, 10, 600, MONITOR_WARN, true);
    expect(&group, &usual, 11, 500, MONITOR_OK, true);
    expect(&group, &usual, 12, 900, MONITOR_ALERT, true);
    expect(&group, &usual, 13, 1, MONITOR_OK, true);
    assert_int_equal(group.last_resolved_s, 13 * 60);
    assert_int_equal(group.last_triggered_s, 12 * 60);
    assert_int_equal(group.first_triggered_s, 12 * 60);
}

static void misses_only_what_was_there(void **state)
{
    struct group_state group = { .state = MONITOR_OK };

    (void)state;
    expect_quiet(&group, &usual, 1, 30, NONE);
    expect_quiet(&group, &usual, 31, 31, 400);
    expect_quiet(&group, &usual, 32, 40, NONE);
    expect(&group, &usual, 41, NONE, MONITOR_NO_DATA, true);
    expect_quiet(&group, &usual, 42, 99, NONE);
    expect(&group, &usual, 100, 400, MONITOR_OK, true);
    expect_quiet(&group, &usual, 101, 109, NONE);
    expect(&group, &usual, 110, NONE, MONITOR_NO_DATA, true);
    expect(&group, &usual, 111, 900, MONITOR_ALERT, true);
}

static void keeps_shows_or_resolves(void **state)
{
    struct alert_rules keeps = usual, shows = usual, resolves = usual;
    struct group_state a = { .state = MONITOR_OK }, b = a, c = a;

    (void)state;
    keeps.missing = MISSING_KEEPS;
    shows.missing = MISSING_SHOWS;
    resolves.missing = MISSING_RESOLVES;

    expect(&a, &keeps, 1, 900, MONITOR_ALERT, true);
    expect_quiet(&a, &keeps, 2, 100, NONE);
    assert_int_equal(a.state, MONITOR_ALERT);

    expect_quiet(&b, &shows, 1, 1, 1);
    expect_quiet(&b, &shows, 2, 10, NONE);
    expect(&b, &shows, 11, NONE, MONITOR_NO_DATA, false);
    expect(&b, &shows, 12, 1, MONITOR_OK, false);
    expect(&b, &shows, 13, 900, MONITOR_ALERT, true);
    expect_quiet(&b, &shows, 14, 22, NONE);
    expect(&b, &shows, 23, NONE, MONITOR_NO_DATA, false);
    expect(&b, &shows, 24, 1, MONITOR_OK,
           true); /* the alert is over: somebody waits for that */

    expect(&c, &resolves, 1, 900, MONITOR_ALERT, true);
    expect_quiet(&c, &resolves, 2, 10, NONE);
    expect(&c, &resolves, 11, NONE, MONITOR_OK, true);
    expect_quiet(&c, &resolves, 12, 50, NONE);
}

static void waits_for_recovery(void **state)
{
    struct alert_rules rules = usual;
    struct group_state group = { .state = MONITOR_OK };

    (void)state;
    rules.critical_recovery = (struct level){ true, 700 };
    rules.warning_recovery = (struct level){ true, 400 };
    expect_quiet(&group, &rules, 1, 1, 450);
    expect(&group, &rules, 2, 801, MONITOR_ALERT, true);
    expect_quiet(&group, &rules, 3, 3, 700.5);
    expect(&group, &rules, 4, 700, MONITOR_WARN, true); /* > has <= for its recovery */
    expect_quiet(&group, &rules, 5, 5, 401);
    expect(&group, &rules, 6, 400, MONITOR_OK, true);
    expect(&group, &rules, 7, 900, MONITOR_ALERT, true);
    expect(&group, &rules, 8, 450, MONITOR_WARN, true);

    rules.comparator = BELOW_OR_EQUAL;
    rules.critical = (struct level){ true, 10 };
    rules.critical_recovery = (struct level){ true, 20 };
    rules.warning = rules.warning_recovery = (struct level){ false, 0 };
    group = (struct group_state){ .state = MONITOR_OK };
    expect(&group, &rules, 1, 10, MONITOR_ALERT, true);
    expect_quiet(&group, &rules, 2, 2, 20); /* <= has > for its recovery */
    expect(&group, &rules, 3, 20.5, MONITOR_OK, true);
}

static void tells_again(void **state)
{
    struct alert_rules rules = usual;
    struct group_state group = { .state = MONITOR_OK };
    struct transition transition;

    (void)state;
    rules.renotify_s = 600;
    rules.renotify_states = 1U << MONITOR_ALERT;
    rules.renotify_occurrences = 2;
    expect(&group, &rules, 1, 600, MONITOR_WARN, true);
    expect_quiet(&group, &rules, 2, 30, 600); /* not of those states */
    expect(&group, &rules, 31, 900, MONITOR_ALERT, true);
    expect_quiet(&group, &rules, 32, 40, 900);
    for (uint32_t again = 1; again <= 2; again++) {
        int minute = 31 + 10 * (int)again;

        assert_true(observe(&group, &rules, minute, 900, &transition));
        assert_int_equal(transition.from, MONITOR_ALERT);
        assert_int_equal(transition.to, MONITOR_ALERT);
        assert_int_equal(transition.again, again);
        assert_int_equal(transition.at_s, 31 * 60); /* of the same change */
        if (again < 2)
            expect_quiet(&group, &rules, minute + 1, minute + 9, 900);
    }
    expect_quiet(&group, &rules, 52, 200, 900);

    rules.renotify_occurrences = 0;
    uint32_t times = 0;
    for (int minute = 201; minute < 4000; minute++)
        times += observe(&group, &rules, minute, 900, &transition);
    assert_in_range(times, 150, 181); /* for 30 hours after the first */
}

static void gives_up_waiting(void **state)
{
    struct alert_rules rules = usual;
    struct group_state group = { .state = MONITOR_OK };

    (void)state;
    rules.timeout_s = 3600;
    expect(&group, &rules, 1, 900, MONITOR_ALERT, true);
    expect_quiet(&group, &rules, 2, 10, NONE);
    expect(&group, &rules, 11, NONE, MONITOR_NO_DATA, true);
    expect_quiet(&group, &rules, 12, 60, NONE);
    expect(&group, &rules, 61, NONE, MONITOR_OK, true);
    expect_quiet(&group, &rules, 62, 200, NONE);
}

/* A window that still has its last point is no reason to wait for longer. */
static void misses_since_the_last_point(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct observation observation = { .what = OBSERVED_VALUE, .value = 1, .data_s = 60 };
    struct transition transition;

    (void)state;
    for (int minute = 1; minute <= 6; minute++) {
        observation.at_s = 60 * minute;
        assert_false(group_state_step(&group, &usual, &observation, &transition));
    }
    expect_quiet(&group, &usual, 7, 10, NONE);
    expect(&group, &usual, 11, NONE, MONITOR_NO_DATA, true);
}

static bool observe_share(struct group_state *group, const struct alert_rules *rules,
                          double value, double recovery)
{
    struct observation observation = {
        .what = OBSERVED_VALUE, .value = value, .is_share = true, .recovery = recovery
    };
    struct transition transition;

    observation.at_s = observation.data_s = group->last_data_s + 60;
    return group_state_step(group, rules, &observation, &transition);
}

/* Its own window says when a share has recovered; and nothing is less than none of the points.
 */
static void shares_recover_in_their_own_window(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct alert_rules rules = { .comparator = ABOVE_OR_EQUAL,
                                 .critical = { true, 0.5 },
                                 .critical_recovery = { true, 0 } };

    (void)state;
    assert_true(observe_share(&group, &rules, 0.6, 1));
    assert_int_equal(group.state, MONITOR_ALERT);
    assert_false(observe_share(&group, &rules, 0.4, 0.1));
    assert_true(observe_share(&group, &rules, 0.4, 0));
    assert_int_equal(group.state, MONITOR_OK);
    assert_false(observe_share(&group, &rules, 0.4, 1)); /* it has not to be right to be OK */

    rules.critical_recovery.set = false;
    assert_true(observe_share(&group, &rules, 0.5, 0));
    assert_false(observe_share(&group, &rules, 0.4, 0.5));
    assert_true(observe_share(&group, &rules, 0.4, 0.4));
    assert_int_equal(group.state, MONITOR_OK);
}

static void takes_states_as_they_are(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct observation observation = {
        .what = OBSERVED_STATE, .state = MONITOR_WARN, .at_s = 60, .data_s = 60
    };
    struct transition transition;

    (void)state;
    assert_true(group_state_step(&group, &usual, &observation, &transition));
    assert_int_equal(transition.to, MONITOR_WARN);
    assert_false(group_state_step(&group, &usual, &observation, &transition));
}

static void too_little_changes_nothing(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct observation little = { .what = OBSERVED_TOO_LITTLE, .at_s = 120 };
    struct transition transition;

    (void)state;
    expect(&group, &usual, 1, 900, MONITOR_ALERT, true);
    assert_false(group_state_step(&group, &usual, &little, &transition));
    assert_int_equal(group.state, MONITOR_ALERT);
}

static void what_lasts_is_told_again_in_time(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct alert_rules rules = usual;
    struct observation little = { .what = OBSERVED_TOO_LITTLE, .at_s = 120 };
    struct transition transition;

    (void)state;
    rules.renotify_s = 120;
    rules.renotify_states = 1U << MONITOR_ALERT;
    expect(&group, &rules, 1, 900, MONITOR_ALERT, true);
    assert_false(group_state_step(&group, &rules, &little, &transition));
    little.at_s = 180;
    assert_true(group_state_step(&group, &rules, &little, &transition));
    assert_int_equal(transition.again, 1);
}

static void tells_what_is_wrong_at_the_end(void **state)
{
    struct group_state group = { .state = MONITOR_OK };
    struct transition transition;

    (void)state;
    assert_false(group_state_tell(&group, ~0U, 60, &transition));
    expect(&group, &usual, 1, 900, MONITOR_ALERT, true);
    assert_false(group_state_tell(&group, 1U << MONITOR_WARN, 120, &transition));
    assert_true(group_state_tell(&group, 1U << MONITOR_ALERT, 120, &transition));
    assert_int_equal(transition.again, 1); /* an id of its own */
    assert_int_equal(transition.at_s, 60);
}

static void words_are_found(void **state)
{
    enum monitor_state found;

    (void)state;
    for (int i = 0; i < MONITOR_STATE_COUNT; i++) {
        assert_true(
            monitor_state_find(slice_of(monitor_state_word((enum monitor_state)i)), &found));
        assert_int_equal(found, i);
    }
    assert_true(monitor_state_find(SLICE("no_data"), &found) && found == MONITOR_NO_DATA);
    assert_true(monitor_state_find(SLICE("nodata"), &found) && found == MONITOR_NO_DATA);
    assert_false(monitor_state_find(SLICE("no dat"), &found));
    assert_false(monitor_state_find(SLICE(""), &found));
    assert_false(monitor_state_find(SLICE("alerts"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_change_once),
        cmocka_unit_test(misses_only_what_was_there),
        cmocka_unit_test(keeps_shows_or_resolves),
        cmocka_unit_test(waits_for_recovery),
        cmocka_unit_test(tells_again),
        cmocka_unit_test(gives_up_waiting),
        cmocka_unit_test(misses_since_the_last_point),
        cmocka_unit_test(shares_recover_in_their_own_window),
        cmocka_unit_test(takes_states_as_they_are),
        cmocka_unit_test(too_little_changes_nothing),
        cmocka_unit_test(what_lasts_is_told_again_in_time),
        cmocka_unit_test(tells_what_is_wrong_at_the_end),
        cmocka_unit_test(words_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
