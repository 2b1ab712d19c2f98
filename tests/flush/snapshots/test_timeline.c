#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "config/clock.h"
#include "flush/snapshots/timeline.h"

/* 10 s intervals. */
static struct timeline *begun(int64_t first_s)
{
    static struct timeline timeline;

    timeline_init(&timeline, 10, first_s);
    return &timeline;
}

static void an_interval_carries_its_start(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    assert_int_equal(timeline_seal(t, 1000), 1000);
    assert_int_equal(timeline_seal(t, 1010), 1010);
    assert_int_equal(timeline_seal(t, 1050), 1050);
}

static void the_first_stamp_is_not_before_the_start_of_the_process(void **state)
{
    struct timeline *t = begun(1003);
    (void)state;

    assert_int_equal(timeline_seal(t, 1000), 1003);
    assert_int_equal(timeline_seal(t, 1010), 1010);
}

static void an_interval_is_over_once_it_or_a_later_one_is_sealed(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    assert_false(timeline_is_over(t, 990)); /* nothing is sealed yet */
    timeline_seal(t, 1000);
    assert_true(timeline_is_over(t, 990));
    assert_true(timeline_is_over(t, 1000));
    assert_false(timeline_is_over(t, 1010));
}

static void what_is_sealed_late_takes_the_next_free_second(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    timeline_seal(t, 1000);
    timeline_seal(t, 1010);
    assert_int_equal(timeline_seal(t, 1000), 1011);
    assert_int_equal(timeline_seal(t, 1010), 1012);
    assert_true(timeline_is_over(t, 1010)); /* the newest is still the newest */
    assert_int_equal(timeline_seal(t, 1020), 1020);
}

static void ten_minutes_back_is_late_and_more_is_a_new_timeline(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    timeline_seal(t, 10000);
    assert_true(timeline_is_over(t, 10000 - CLOCK_AHEAD_MAX_S));
    assert_false(timeline_is_over(t, 10000 - CLOCK_AHEAD_MAX_S - 1));
    assert_int_equal(timeline_seal(t, 9000), 9000);
    assert_true(timeline_is_over(t, 9000));
    assert_false(timeline_is_over(t, 9010)); /* the newest is of the new one */
    assert_int_equal(timeline_seal(t, 9010), 9010);
}

static void a_new_timeline_takes_the_seconds_that_the_old_one_left_free(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    for (int64_t start_s = 1000; start_s < 3000; start_s += 10)
        timeline_seal(t, start_s);
    assert_int_equal(timeline_seal(t, 2000), 2001);
    assert_int_equal(timeline_seal(t, 2010), 2011);
}

static void when_no_second_is_free_the_first_is_used_again(void **state)
{
    struct timeline *t = begun(1000);
    (void)state;

    timeline_init(t, 1, 1000); /* intervals of one second */
    for (int64_t start_s = 1000; start_s < 3000; start_s++)
        timeline_seal(t, start_s);
    assert_int_equal(timeline_seal(t, 2000), 2000);
}

static void the_oldest_stamps_are_forgotten(void **state)
{
    struct timeline *t = begun(0);
    (void)state;

    timeline_init(t, 1, 0);
    for (int64_t start_s = 1000; start_s <= 1000 + TIMELINE_STAMPS_KEPT; start_s++)
        timeline_seal(t, start_s);
    assert_int_equal(timeline_seal(t, 1000), 1000); /* free again */
    timeline_init(t, 10, 0);
    for (int64_t start_s = 1000; start_s < 1000 + 10 * TIMELINE_STAMPS_KEPT; start_s += 10)
        timeline_seal(t, start_s);
    assert_int_equal(timeline_seal(t, 1000), 1001); /* still known */
}

/* Whatever the clock does within an hour: no stamp twice. */
static void no_stamp_is_used_twice(void **state)
{
    struct timeline *t = begun(100000);
    static bool used[10000];
    int64_t start_s = 100000;
    (void)state;

    srand(1);
    for (int i = 0; i < 350; i++) {
        start_s += 10 * (rand() % 8 == 0 ? rand() % 200 - 100 : 1);
        if (start_s < 98000)
            start_s = 98000;
        int64_t stamp_s = timeline_seal(t, start_s);

        assert_in_range(stamp_s - 95000, 0, 9999);
        assert_false(used[stamp_s - 95000]);
        used[stamp_s - 95000] = true;
    }
}

/* What one wrote, as the next reads it; the bytes stay until the test ends. */
static int64_t travel(const struct timeline *from, struct timeline *to, bool *failed)
{
    struct state_writer *out = state_writer_new();
    struct state state;
    char problem[160];

    state_begin(out, STATE_SERIES);
    timeline_write(from, out);
    int fd = state_writer_end(out);
    assert_true(state_map(&state, fd, problem, sizeof problem));
    struct state_reader in = state.parts[STATE_SERIES];
    int64_t interval_s = timeline_read(to, &in);

    *failed = in.failed || in.at != in.end;
    state_done(&state);
    close(fd);
    return interval_s;
}

static void a_successor_goes_on_where_it_ends(void **state)
{
    struct timeline *t = begun(1003), *next = malloc(sizeof *next);
    bool failed;
    (void)state;

    timeline_seal(t, 1000);
    for (int64_t start_s = 1010; start_s < 90000; start_s += 10)
        timeline_seal(t, start_s); /* more than are remembered */
    timeline_init(next, 15, 90001);
    assert_int_equal(travel(t, next, &failed), 10);
    assert_false(failed);
    assert_int_equal(next->interval_s, 15);
    assert_int_equal(next->first_s, 1003);
    assert_true(timeline_is_over(next, 89990));
    assert_int_equal(timeline_seal(next, 89990), 89991);
    assert_int_equal(timeline_seal(next, 85000), 85001); /* that stamp came along */
    free(next);
}

static void a_timeline_with_too_many_stamps_is_refused(void **state)
{
    static const uint8_t bytes[] = { 20, 0, 1, 0, 0, 0x81, 0x20, 0 }; /* 4097 of them */
    struct state_reader in = { .at = bytes, .end = bytes + sizeof bytes, .version = 2 };
    struct timeline *t = begun(0);
    (void)state;

    timeline_read(t, &in);
    assert_true(in.failed);
    assert_int_equal(t->n_stamps, 0);
}

/* Snapshots compute with them. */
static void a_stamp_that_no_clock_shows_is_damage(void **state)
{
    static const int64_t stamps[] = { INT64_MAX / 1000, INT64_MAX, -1 };
    struct timeline *t = begun(0), *next = malloc(sizeof *next);
    bool failed;
    (void)state;

    timeline_seal(t, 20);
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        t->last_stamp_s = stamps[i];
        timeline_init(next, 10, 0);
        travel(t, next, &failed);
        assert_true(failed);
        assert_int_equal(next->last_stamp_s, 0);
    }
    free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_carries_its_start),
        cmocka_unit_test(the_first_stamp_is_not_before_the_start_of_the_process),
        cmocka_unit_test(an_interval_is_over_once_it_or_a_later_one_is_sealed),
        cmocka_unit_test(what_is_sealed_late_takes_the_next_free_second),
        cmocka_unit_test(ten_minutes_back_is_late_and_more_is_a_new_timeline),
        cmocka_unit_test(a_new_timeline_takes_the_seconds_that_the_old_one_left_free),
        cmocka_unit_test(when_no_second_is_free_the_first_is_used_again),
        cmocka_unit_test(the_oldest_stamps_are_forgotten),
        cmocka_unit_test(no_stamp_is_used_twice),
        cmocka_unit_test(a_successor_goes_on_where_it_ends),
        cmocka_unit_test(a_timeline_with_too_many_stamps_is_refused),
        cmocka_unit_test(a_stamp_that_no_clock_shows_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
