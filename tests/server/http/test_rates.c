#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/http/rates.h"
#include "server/http/totals.h"

enum { START_MS = 5000, WALL_MS = 1000000 };

static struct rates rates;
static struct totals sums;

static int set_up(void **state)
{
    (void)state;
    rates_init(&rates);
    sums = (struct totals){ .lines = 0 };
    return 0;
}

static void look(int64_t after_ms)
{
    rates_look(&rates, &sums, START_MS + after_ms, WALL_MS + after_ms);
}

static json_t *written(void)
{
    struct json_out out = { .comma = false };

    rates_write(&out, NULL, &rates);
    json_t *json = json_loadb((const char *)out.bytes.at, out.bytes.len, 0, NULL);
    bytes_free(&out.bytes);
    assert_non_null(json);
    return json;
}

static void the_first_look_only_remembers(void **state)
{
    (void)state;
    sums.lines = 1000000; /* of a server that has been running */
    look(0);
    assert_true(rates_now(&rates, RATE_LINES) == 0);
    sums.lines += 500;
    look(1000);
    assert_true(rates_now(&rates, RATE_LINES) == 500);
}

static void now_is_the_mean_of_the_last_ten_seconds(void **state)
{
    (void)state;
    look(0);
    for (int second = 1; second <= 20; second++) {
        sums.lines += second > 10 ? 100 : 100000;
        sums.bytes += 7;
        look(second * 1000);
    }
    assert_true(rates_now(&rates, RATE_LINES) == 100);
    assert_true(rates_now(&rates, RATE_BYTES) == 7);
    assert_true(rates_now(&rates, RATE_VALUES) == 0);
}

static void both_rings_are_told_oldest_first(void **state)
{
    (void)state;
    look(0);
    for (int second = 1; second <= 20; second++) {
        sums.lines += (uint64_t)second;
        look(second * 1000 - 50); /* a timer comes early */
    }
    json_t *json = written(), *fine = json_object_get(json, "fine");
    json_t *lines = json_object_get(fine, "lines");
    assert_int_equal(json_array_size(lines), 20);
    assert_true(json_number_value(json_array_get(lines, 0)) < 1.1);
    assert_true(json_number_value(json_array_get(lines, 19)) == 20);
    assert_int_equal(json_integer_value(json_object_get(fine, "until_ms")), WALL_MS + 19950);
    lines = json_object_get(json_object_get(json, "coarse"), "lines");
    assert_int_equal(json_array_size(lines), 2);
    assert_true(json_number_value(json_array_get(lines, 1)) == 15.5);
    json_decref(json);
}

static void a_late_look_stands_for_the_seconds_that_it_missed(void **state)
{
    (void)state;
    look(0);
    sums.datagrams = 50;
    look(5000);
    json_t *json = written(), *fine = json_object_get(json, "fine");
    json_t *datagrams = json_object_get(fine, "datagrams");
    assert_int_equal(json_array_size(datagrams), 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(json_number_value(json_array_get(datagrams, i)) == 10);
    json_decref(json);
}

static void the_rings_do_not_grow(void **state)
{
    (void)state;
    look(0);
    for (int second = 1; second <= 1000; second++)
        look(second * 1000);
    look(INT64_C(1) << 40); /* asleep for a year */
    json_t *json = written();
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "fine"), "lines")),
                     RATES_PLACES);
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "coarse"), "lines")),
                     RATES_PLACES);
    json_decref(json);
}

/* Each column of the table reads a sum of its own. */
static void every_column_moves(void **state)
{
    (void)state;
    look(0);
    sums = (struct totals){ .datagrams = 1,
                            .bytes = 1,
                            .drops = 1,
                            .lines = 1,
                            .rejected = 1,
                            .values = 1,
                            .shed = 1,
                            .folded = 1,
                            .encoded = 1,
                            .delivered = 1,
                            .refused = 1 };
    look(1000);
    for (int i = 0; i < RATE_COUNT; i++)
        assert_true(rates_now(&rates, (enum rate)i) == 1);
    sums.local = sums.delivered_stale = sums.unsent = 1;
    look(2000);
    assert_true(rates_now(&rates, RATE_DELIVERED) == 1.5);
    assert_true(rates_now(&rates, RATE_LOST) == 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, NULL)
    const struct CMUnitTest tests[] = {
        TEST(the_first_look_only_remembers),
        TEST(now_is_the_mean_of_the_last_ten_seconds),
        TEST(both_rings_are_told_oldest_first),
        TEST(a_late_look_stands_for_the_seconds_that_it_missed),
        TEST(the_rings_do_not_grow),
        TEST(every_column_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
