#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/ddsketch.h"
#include "tests/support/ddsketch_out.h"

static struct arena_budget budget;
static struct arena arena;
static struct sketch *sketch;
static struct bytes message;

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 16 << 20);
    arena_init(&arena, &budget);
    sketch = sketch_new(&arena);
    bytes_clear(&message);
    return sketch == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    bytes_free(&message);
    return 0;
}

static enum ddsketch_result read_it(const char **sentence)
{
    struct slice bytes = bytes_view(&message);

    return ddsketch_read(bytes, sketch, &arena, sentence);
}

/* Each duration is in the bin of its grid, and comes out within the grid's accuracy of what it
 * was, whatever the library's grid is. */
static void durations_come_out_as_seconds_on_any_grid(void **state)
{
    static const struct {
        double gamma, offset, within;
        const char *of;
    } grids[] = {
        { 1.01 / 0.99, 0, 0.01, "the Agent, Go, JavaScript" },
        { 1.015625, 1338.5, 0.0078, "libdatadog, so Python" },
        { 1.2, -7, 0.1, "none that we know" },
    };
    static const double seconds[] = { 1e-9, 0.000123, 0.010, 0.5, 1, 17.25, 3600, 86400 };
    const char *sentence;
    (void)state;

    for (size_t g = 0; g < sizeof grids / sizeof grids[0]; g++)
        for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
            struct sketch_summary summary;

            bytes_clear(&message);
            ddsketch_out_grid(&message, grids[g].gamma, grids[g].offset);
            ddsketch_out_value(&message, grids[g].gamma, grids[g].offset, seconds[i] * 1e9, 3);
            sketch = sketch_new(&arena);
            assert_int_equal(read_it(&sentence), DDSKETCH_OK);
            sketch_summary(sketch, &summary);
            assert_int_equal(summary.count, 3);
            if (fabs(summary.max / seconds[i] - 1) > grids[g].within)
                fail_msg("%s: %.17g, not %.17g", grids[g].of, summary.max, seconds[i]);
        }
}

static void counts_may_stand_in_a_run_or_a_map_or_be_zeros(void **state)
{
    static const double run[] = { 1, 0, 2.4, 0.2 };
    struct sketch_summary summary;
    const char *sentence;
    (void)state;

    ddsketch_out_zeros(&message, 5);
    ddsketch_out_run(&message, 1000, run, 4);
    ddsketch_out_value(&message, 1.02, 0, 1e9, 1);
    ddsketch_out_grid(&message, 1.02, 0); /* behind the bins that it is needed for */
    assert_int_equal(read_it(&sentence), DDSKETCH_OK);
    sketch_summary(sketch, &summary);
    assert_int_equal(summary.count, 5 + 1 + 2 + 1);
    assert_true(summary.min == 0);
}

static void an_empty_message_has_no_values(void **state)
{
    const char *sentence;
    (void)state;

    assert_int_equal(read_it(&sentence), DDSKETCH_OK);
    assert_null(sentence);
}

static void what_is_no_sketch_is_refused(void **state)
{
    static const double endless[] = { INFINITY }, negative[] = { -1 }, one[] = { 1 };
    static const struct {
        const char *sentence;
        double gamma;
        int64_t index;
        const double *count;
    } cases[] = {
        { "a sketch has no grid", 1, 0, one },
        { "a sketch has no grid", NAN, 0, one },
        { "a sketch has no grid", 1e300, 0, one },
        { "a sketch counts what is no number of values", 1.02, 0, endless },
        { "a sketch counts what is no number of values", 1.02, 0, negative },
        { "a sketch has a bin of no finite value", 1.02, INT32_MAX, one },
    };
    const char *sentence;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes_clear(&message);
        ddsketch_out_grid(&message, cases[i].gamma, 0);
        ddsketch_out_run(&message, cases[i].index, cases[i].count, 1);
        assert_int_equal(read_it(&sentence), DDSKETCH_BAD);
        assert_string_equal(sentence, cases[i].sentence);
    }
    bytes_clear(&message);
    ddsketch_out_run(&message, 0, one, 1); /* without a grid */
    assert_int_equal(read_it(&sentence), DDSKETCH_BAD);
}

static void what_no_library_sees_in_ten_seconds_is_refused(void **state)
{
    static const double most[] = { 0x1p35, 0x1p35 }, one[] = { 1 };
    struct sketch_summary summary;
    const char *sentence;
    (void)state;

    ddsketch_out_grid(&message, 1.02, 0);
    ddsketch_out_run(&message, 7, most, 2);
    assert_int_equal(read_it(&sentence), DDSKETCH_OK);
    sketch_summary(sketch, &summary);
    assert_true(summary.count == INT64_C(1) << 36);
    ddsketch_out_run(&message, 9, one, 1);
    assert_int_equal(read_it(&sentence), DDSKETCH_BAD);
    assert_string_equal(sentence, "a sketch counts what is no number of values");
}

/* Cut anywhere, or with any byte changed, it is read or refused. */
static void no_bytes_do_harm(void **state)
{
    static const double run[] = { 1, 2, 3 };
    const char *sentence;
    (void)state;

    ddsketch_out_grid(&message, 1.02, 0);
    ddsketch_out_run(&message, 7, run, 3);
    ddsketch_out_value(&message, 1.02, 0, 1e9, 1);
    size_t whole = message.len;

    for (size_t len = 0; len <= whole; len++)
        for (int byte = 0; byte < 256; byte += 5) {
            char *copy = malloc(len + 1); /* of its size, for the sanitizer */

            memcpy(copy, message.at, len);
            if (len > 0)
                copy[len - 1] = (char)byte;
            struct slice bytes = { copy, len };

            (void)!ddsketch_read(bytes, sketch, &arena, &sentence);
            free(copy);
        }
}

/* What is written in nanoseconds comes back as the same seconds, but for where a bin lies
 * between two. */
static void what_is_written_is_read_again(void **state)
{
    static const double seconds[] = { 1e-9, 3e-7, 0.001, 0.25, 1, 40, 86400 };
    struct sketch_summary summary;
    const struct sketch_bin *bins;
    const char *sentence;
    size_t n;
    (void)state;

    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct sketch *one = sketch_new(&arena), *back = sketch_new(&arena);

        assert_true(one != NULL && back != NULL);
        assert_true(sketch_add_weighted(one, &arena, seconds[i], 5));
        assert_true(sketch_add_weighted(one, &arena, 0, 2));
        assert_true(sketch_add_weighted(one, &arena, -seconds[i], 1));
        assert_true(sketch_bins(one, &arena, &bins, &n));
        bytes_clear(&message);
        ddsketch_write(&message, bins, n);
        struct slice written = bytes_view(&message);

        assert_int_equal(ddsketch_read(written, back, &arena, &sentence), DDSKETCH_OK);
        sketch_summary(back, &summary);
        assert_int_equal(summary.count, 8);
        /* Half a bin, and what lies between the grids. */
        assert_true(summary.max / seconds[i] < 1.014 && seconds[i] / summary.max < 1.014);
        assert_true(summary.min == -summary.max);
    }
}

/* More than a bin of ours counts: several bins of one key, which are one of theirs. */
static void a_key_is_written_once(void **state)
{
    const struct sketch_bin bins[] = {
        { 0, 1 }, { 0, UINT32_MAX }, { 7, 5 }, { 7, UINT32_MAX }
    };
    struct sketch_summary summary;
    const char *sentence;
    (void)state;

    ddsketch_write(&message, bins, 4);
    assert_int_equal(message.len, 20 + 2 + 2 + 3 + 9 + 9);
    assert_int_equal(read_it(&sentence), DDSKETCH_OK);
    sketch_summary(sketch, &summary);
    assert_true(summary.count == 2 * (int64_t)UINT32_MAX + 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(durations_come_out_as_seconds_on_any_grid),
        TEST(counts_may_stand_in_a_run_or_a_map_or_be_zeros),
        TEST(an_empty_message_has_no_values),
        TEST(what_is_no_sketch_is_refused),
        TEST(what_no_library_sees_in_ten_seconds_is_refused),
        TEST(no_bytes_do_harm),
        TEST(what_is_written_is_read_again),
        TEST(a_key_is_written_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
