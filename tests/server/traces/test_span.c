#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/traces/span.h"

static const struct span_meta meta[] = {
    { { "span.kind", 9 }, { "client", 6 } },
    { { "", 0 }, { "nameless", 8 } },
    { { "span.kind", 9 }, { "server", 6 } },
    { { "empty", 5 }, { NULL, 0 } },
};

static const struct span_metric metrics[] = {
    { { "_dd.measured", 12 }, 1 },
    { { "_sample_rate", 12 }, 0.5 },
    { { "_dd.measured", 12 }, 0 },
};

static const struct span span = {
    .meta = meta,
    .n_meta = sizeof meta / sizeof meta[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
};

static void the_last_meta_of_a_key_counts(void **state)
{
    (void)state;

    assert_true(slice_equal(span_meta(&span, SLICE("span.kind")), SLICE("server")));
    assert_true(slice_equal(span_meta(&span, SLICE("")), SLICE("nameless")));
    assert_int_equal(span_meta(&span, SLICE("empty")).len, 0);
    assert_int_equal(span_meta(&span, SLICE("span")).len, 0);
    assert_int_equal(span_meta(&span, SLICE("span.kind.")).len, 0);
    assert_int_equal(span_meta(&(struct span){ .error = 0 }, SLICE("span.kind")).len, 0);
}

static void the_last_metric_of_a_key_counts(void **state)
{
    double value = 77;
    (void)state;

    assert_true(span_metric(&span, SLICE("_sample_rate"), &value));
    assert_true(value == 0.5);
    assert_true(span_metric(&span, SLICE("_dd.measured"), &value));
    assert_true(value == 0);
    value = 77;
    assert_false(span_metric(&span, SLICE("_dd.top_level"), &value));
    assert_false(span_metric(&(struct span){ .error = 0 }, SLICE("_sample_rate"), &value));
    assert_true(value == 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_meta_of_a_key_counts),
        cmocka_unit_test(the_last_metric_of_a_key_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
