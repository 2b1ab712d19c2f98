#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/trace_take.h"
#include "tests/support/msgpack_out.h"

enum { NOW = 1700000000 };

static struct arena_budget budget;
static struct traces_ledger ledger;
static struct trace_taker taker;
static struct bytes body;
static char problem[TRACE_PROBLEM_MAX];

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 16 << 20);
    memset(&ledger, 0, sizeof ledger);
    struct concentrator_config config = { .budget = &budget,
                                          .default_env = SLICE("none"),
                                          .groups_max = 100 };

    taker = (struct trace_taker){ .budget = &budget,
                                  .concentrator = concentrator_new(&config, NOW),
                                  .ledger = &ledger };
    bytes_clear(&body);
    return taker.concentrator == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    concentrator_free(taker.concentrator);
    assert_int_equal(budget.left, budget.all);
    bytes_free(&body);
    return 0;
}

/* What v0.7 says of itself for all its spans is written as what each span would say. */
static void the_env_of_a_body_is_put_right_as_those_of_spans_are(void **state)
{
    static const char *const envs[][2] = {
        { "'Stage 1'", "stage_1" }, { "'prod'", "prod" }, { "'_'", "none" }, { "''", "none" }
    };
    char text[256];
    (void)state;

    for (size_t i = 0; i < sizeof envs / sizeof envs[0]; i++) {
        const struct trace_source source = { .language = SLICE("js") };

        bytes_clear(&body);
        snprintf(text, sizeof text,
                 "82 'env' %s 'chunks' 91 81 'spans' 91 84 'service' 'shop' 'name' 'work' "
                 "'trace_id' 07 'span_id' 07",
                 envs[i][0]);
        msgpack_out(&body, text);
        assert_int_equal(trace_take(&taker, TRACE_V07, TRACE_MSGPACK, msgpack_out_body(&body),
                                    &source, NOW * INT64_C(1000000000), problem),
                         TRACE_OK);
        const struct span_bucket *bucket = concentrator_due(taker.concentrator, NOW, true);

        assert_non_null(bucket);
        assert_true(slice_equal(bucket->groups->key.env, slice_of(envs[i][1])));
        concentrator_drop(taker.concentrator, bucket);
    }
    assert_int_equal(counter_read(&ledger.counted), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_env_of_a_body_is_put_right_as_those_of_spans_are,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
