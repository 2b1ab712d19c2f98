#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flush/rollups/window.h"

static struct window_cell cells[COLUMN_VALUES];

static void set(unsigned i, double sum, double count, double min, double max, double last)
{
    cells[i] = (struct window_cell){ { sum, count, min, max, last } };
}

static void columns_hold_those_who_have_a_value(void **state)
{
    struct window *window = window_new(60);
    double values[COLUMN_VALUES];
    (void)state;

    memset(cells, 0, sizeof cells);
    assert_true(window_add_block(window, cells)); /* nobody */
    set(0, 7, 2, 3, 4, 3);
    set(63, 1.5, 1, 1.5, 1.5, 1.5);
    assert_true(window_add_block(window, cells));
    window_close(window);
    assert_true(window_mask(window, 0) == 0);
    assert_true(window_mask(window, 1) == (1 | UINT64_C(1) << 63));
    assert_true(window_mask(window, 2) == 0); /* behind the last block */
    for (int column = 0; column < WINDOW_COLUMNS; column++) {
        assert_true(window_read(window, 0, (enum window_column)column, values) == 0);
        assert_true(window_read(window, 1, (enum window_column)column, values) ==
                    window_mask(window, 1));
        assert_true(values[0] == cells[0].column[column]);
        assert_true(values[1] == cells[63].column[column]);
    }
    assert_true(window->n_cells == 2);
    window_free(window);
}

static void a_single_point_costs_little_more_than_itself(void **state)
{
    struct window *window = window_new(0);
    (void)state;

    for (unsigned i = 0; i < COLUMN_VALUES; i++)
        set(i, 0.1 * i, 1, 0.1 * i, 0.1 * i, 0.1 * i);
    for (int block = 0; block < 100; block++)
        assert_true(window_add_block(window, cells));
    window_close(window);
    assert_in_range(window_bytes(window), 1, 6400 * 8.4);
    window_free(window);
}

static void blobs_come_back_in_their_order(void **state)
{
    struct window *window = window_new(0);
    size_t n;
    (void)state;

    assert_true(window_add_blob(window, 3, (const uint8_t *)"three", 5));
    assert_true(window_add_blob(window, 70, (const uint8_t *)"seventy", 7));
    window_close(window);
    const struct window_blob *blobs = window_blobs(window, &n);
    assert_int_equal(n, 2);
    assert_int_equal(blobs[1].series, 70);
    assert_memory_equal(window_blob_at(window, &blobs[0]), "three", blobs[0].len);
    assert_memory_equal(window_blob_at(window, &blobs[1]), "seventy", blobs[1].len);
    window_free(window);
}

static void a_window_lives_until_its_last_holder_lets_go(void **state)
{
    struct window *window = window_new(60), *held;
    (void)state;

    window_close(window);
    held = window_hold(window);
    window_free(window);
    assert_int_equal(held->start_s, 60);
    window_free(held); /* and no leak is reported */
    window_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_hold_those_who_have_a_value),
        cmocka_unit_test(a_single_point_costs_little_more_than_itself),
        cmocka_unit_test(blobs_come_back_in_their_order),
        cmocka_unit_test(a_window_lives_until_its_last_holder_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
