#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flush/snapshots/observer.h"

/* What each was told, in order: "a.begin b.begin ". */
static char said[256];
static bool refuses; /* whoever is called 'b' */
static int steps_left;

static void say(const char *name, const char *what)
{
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s.%s ", name, what);
}

static bool may_begin(void *observer, int64_t stamp_s, int64_t now_s)
{
    assert_int_equal(stamp_s, 10);
    assert_int_equal(now_s, 20);
    say(observer, "may_begin");
    return !refuses || *(const char *)observer != 'b';
}

static void begin(void *observer, int64_t stamp_s)
{
    (void)stamp_s;
    say(observer, "begin");
}

static bool step(void *observer, int64_t now_s)
{
    (void)now_s;
    say(observer, "step");
    return steps_left-- > 0;
}

static void free_it(void *given)
{
    say(given, "free");
}

static const struct observer_ops all = {
    .may_begin = may_begin, .begin = begin, .step = step, .free = free_it
};
static const struct observer_ops none = { .begin = NULL };

/* a, one that is told nothing, and b. */
static struct observers of_three(void)
{
    struct observers observers = { .n = 0 };

    said[0] = '\0';
    refuses = false;
    assert_true(observers_add(&observers, (struct observer){ &all, "a" }));
    assert_true(observers_add(&observers, (struct observer){ &none, NULL }));
    assert_true(observers_add(&observers, (struct observer){ &all, "b" }));
    return observers;
}

static void they_are_told_in_the_order_in_which_they_came(void **state)
{
    struct observers observers = of_three();
    (void)state;

    observers_begin(&observers, 10);
    observers_end(&observers, 10); /* concerns none of them */
    observers_event(&observers, NULL);
    observers_finish(&observers, 20);
    assert_string_equal(said, "a.begin b.begin ");
}

static void they_are_asked_and_freed_the_other_way_round(void **state)
{
    struct observers observers = of_three();
    (void)state;

    assert_true(observers_may_begin(&observers, 10, 20));
    observers_free(&observers);
    assert_string_equal(said, "b.may_begin a.may_begin b.free a.free ");
    assert_int_equal(observers.n, 0);
}

static void one_that_is_not_ready_holds_up_those_that_it_reads(void **state)
{
    struct observers observers = of_three();
    (void)state;

    refuses = true;
    assert_false(observers_may_begin(&observers, 10, 20));
    assert_string_equal(said, "b.may_begin ");
}

static void each_makes_a_step_whatever_the_others_have_left(void **state)
{
    struct observers observers = of_three();
    (void)state;

    steps_left = 1;
    assert_true(observers_step(&observers, 20));
    assert_false(observers_step(&observers, 20));
    assert_string_equal(said, "a.step b.step a.step b.step ");
}

static void one_too_many_is_freed(void **state)
{
    struct observers observers = { .n = 0 };
    (void)state;

    for (int i = 0; i < OBSERVERS_MAX; i++)
        assert_true(observers_add(&observers, (struct observer){ &none, NULL }));
    said[0] = '\0';
    assert_false(observers_add(&observers, (struct observer){ &all, "c" }));
    assert_string_equal(said, "c.free ");
    assert_int_equal(observers.n, OBSERVERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_told_in_the_order_in_which_they_came),
        cmocka_unit_test(they_are_asked_and_freed_the_other_way_round),
        cmocka_unit_test(one_that_is_not_ready_holds_up_those_that_it_reads),
        cmocka_unit_test(each_makes_a_step_whatever_the_others_have_left),
        cmocka_unit_test(one_too_many_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
