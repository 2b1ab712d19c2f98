#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flush/redis/backoff.h"

static const double least = 0, most = 0.999999999;

static void waits_double_up_to_the_maximum(void **state)
{
    static const struct {
        int errors;
        int64_t from_ms, to_ms;
    } cases[] = {
        { 0, 0, 0 },         { 1, 2000, 4000 },      { 2, 4000, 8000 },   { 3, 8000, 16000 },
        { 4, 16000, 32000 }, { 5, 32000, 64000 },    { 6, 64000, 64000 }, /* beyond the maximum:
                                                                             exactly it */
        { 9, 64000, 64000 }, { 2000, 64000, 64000 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(backoff_delay(&backoff_default, cases[i].errors, least),
                         cases[i].from_ms);
        assert_in_range(backoff_delay(&backoff_default, cases[i].errors, most),
                        cases[i].to_ms - (cases[i].to_ms > 0), cases[i].to_ms);
    }
    assert_int_equal(backoff_max_errors(&backoff_default), 6);
}

static void odd_settings_give_finite_waits(void **state)
{
    static const struct {
        struct backoff_config config;
        int max_errors;
    } cases[] = {
        { { 2, 1, 1, 1, false }, 1 },
        { { 2, 0, 1000, 1, false }, 1 },
        { { 3, 1000, 100, 1, false }, 1 }, /* maximum below the base */
        { { 2, 1, INT64_C(1) << 40, 1, false }, 41 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(backoff_max_errors(&cases[i].config), cases[i].max_errors);
        for (int errors = 0; errors < 100; errors++)
            assert_in_range(backoff_delay(&cases[i].config, errors, most), 0,
                            cases[i].config.max_ms);
    }
}

/* One thing that happens to an endpoint, and what must hold then. */
struct step {
    enum { FAIL, OK, START, HURRY } what;
    bool probe;
    int64_t now_ms, least_ms;
    enum backoff_state state;
    int errors;
    int64_t until_ms; /* when blocked */
};

static void run(const struct step *steps, size_t n, const struct backoff_config *config)
{
    struct backoff backoff = { 0 };

    for (size_t i = 0; i < n; i++) {
        const struct step *step = &steps[i];

        if (step->what == START) {
            assert_true(backoff_allows(&backoff, step->now_ms));
            assert_int_equal(backoff_start(&backoff), step->probe);
        } else if (step->what == FAIL)
            backoff_fail(&backoff, config, step->probe, step->now_ms, least, step->least_ms);
        else if (step->what == OK)
            backoff_succeed(&backoff, config, step->probe, step->now_ms, least);
        else
            backoff_hurry(&backoff);
        if (backoff.state != step->state || backoff.errors != step->errors ||
            (backoff.state == BACKOFF_BLOCKED && backoff.until_ms != step->until_ms))
            fail_msg("step %zu: state %d, errors %d, until %lld", i, backoff.state,
                     backoff.errors, (long long)backoff.until_ms);
        if (backoff.state == BACKOFF_BLOCKED) {
            assert_false(backoff_allows(&backoff, backoff.until_ms - 1));
            assert_true(backoff_allows(&backoff, backoff.until_ms));
        }
        if (backoff.state == BACKOFF_HALF_BLOCKED)
            assert_false(backoff_allows(&backoff, INT64_MAX));
    }
}

#define RUN(steps, config) run(steps, sizeof(steps) / sizeof(steps)[0], config)

static void one_probe_decides_after_a_block(void **state)
{
    static const struct step steps[] = {
        { START, false, 0, 0, BACKOFF_UNBLOCKED, 0, 0 },
        { OK, false, 10, 0, BACKOFF_UNBLOCKED, 0, 0 },
        { FAIL, false, 100, 0, BACKOFF_BLOCKED, 1, 2100 },
        { FAIL, false, 200, 0, BACKOFF_BLOCKED, 1, 2100 }, /* was under way: ignored */
        { OK, false, 300, 0, BACKOFF_BLOCKED, 1, 2100 },   /* the same */
        { START, true, 2100, 0, BACKOFF_HALF_BLOCKED, 1, 0 },
        { OK, false, 2150, 0, BACKOFF_HALF_BLOCKED, 1, 0 }, /* not the probe */
        { FAIL, true, 2200, 0, BACKOFF_BLOCKED, 2, 6200 },
        { START, true, 7000, 0, BACKOFF_HALF_BLOCKED, 2, 0 },
        { OK, true, 7100, 0, BACKOFF_UNBLOCKED, 0, 0 },
    };
    (void)state;

    RUN(steps, &backoff_default);
}

static void recovery_takes_a_success_for_every_two_errors(void **state)
{
    static const struct step steps[] = {
        { FAIL, false, 0, 0, BACKOFF_BLOCKED, 1, 2000 },
        { START, true, 2000, 0, BACKOFF_HALF_BLOCKED, 1, 0 },
        { FAIL, true, 2000, 0, BACKOFF_BLOCKED, 2, 6000 },
        { START, true, 6000, 0, BACKOFF_HALF_BLOCKED, 2, 0 },
        { FAIL, true, 6000, 0, BACKOFF_BLOCKED, 3, 14000 },
        { START, true, 14000, 0, BACKOFF_HALF_BLOCKED, 3, 0 },
        { OK, true, 14000, 0, BACKOFF_BLOCKED, 1, 16000 }, /* the wait of one error */
        { START, true, 16000, 0, BACKOFF_HALF_BLOCKED, 1, 0 },
        { OK, true, 16000, 0, BACKOFF_UNBLOCKED, 0, 0 },
    };
    (void)state;

    RUN(steps, &backoff_default);
}

static void recovery_reset_forgives_all_at_once(void **state)
{
    static const struct backoff_config config = { 2, 2000, 64000, 1, true };
    static const struct step steps[] = {
        { FAIL, false, 0, 0, BACKOFF_BLOCKED, 1, 2000 },
        { START, true, 2000, 0, BACKOFF_HALF_BLOCKED, 1, 0 },
        { FAIL, true, 2000, 0, BACKOFF_BLOCKED, 2, 6000 },
        { START, true, 6000, 0, BACKOFF_HALF_BLOCKED, 2, 0 },
        { OK, true, 6000, 0, BACKOFF_UNBLOCKED, 0, 0 },
    };
    (void)state;

    RUN(steps, &config);
}

static void errors_stop_counting_where_the_wait_stops_growing(void **state)
{
    struct backoff backoff = { 0 };
    (void)state;

    for (int64_t now_ms = 0; now_ms < 1000; now_ms++) {
        bool probe = backoff_start(&backoff);

        backoff_fail(&backoff, &backoff_default, probe, now_ms, least, 0);
    }
    assert_int_equal(backoff.errors, 6);
    assert_int_equal(backoff.until_ms, 999 + 64000);
}

static void the_servers_wish_is_a_lower_bound(void **state)
{
    static const struct step steps[] = {
        { FAIL, false, 0, 1000, BACKOFF_BLOCKED, 1, 2000 }, /* ours is longer */
        { FAIL, false, 0, 0, BACKOFF_BLOCKED, 1, 2000 },    /* was under way before */
        { FAIL, false, 100, 1900, BACKOFF_BLOCKED, 1, 2000 },
        { FAIL, false, 0, 2100, BACKOFF_BLOCKED, 1, 2100 }, /* but says more */
        { START, true, 2100, 0, BACKOFF_HALF_BLOCKED, 1, 0 },
        { FAIL, false, 2100, 9000, BACKOFF_HALF_BLOCKED, 1, 0 },
        { FAIL, true, 2000, 60000, BACKOFF_BLOCKED, 2, 62000 },
        { HURRY, false, 0, 0, BACKOFF_BLOCKED, 2, 0 },
        { START, true, 3000, 0, BACKOFF_HALF_BLOCKED, 2, 0 },
    };
    (void)state;

    RUN(steps, &backoff_default);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_maximum),
        cmocka_unit_test(odd_settings_give_finite_waits),
        cmocka_unit_test(one_probe_decides_after_a_block),
        cmocka_unit_test(recovery_takes_a_success_for_every_two_errors),
        cmocka_unit_test(recovery_reset_forgives_all_at_once),
        cmocka_unit_test(errors_stop_counting_where_the_wait_stops_growing),
        cmocka_unit_test(the_servers_wish_is_a_lower_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
