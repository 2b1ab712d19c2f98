#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/numbers.h"
#include "tests/support/ask.h"
#include "tests/support/pipeline.h"
#include "tests/support/undo.h"

enum { START = 1700006400 };

/* A pipeline, and the lane of the trace thread into it. */
struct rig {
    struct pipeline *pipeline;
    struct submitter *submitter;
    struct worker_ledger ledger;
    struct arena arena;
    struct span_bucket bucket;
    struct span_group groups[4];
};

static struct rig rig;

static void forget(void *what)
{
    (void)what;
    submitter_free(rig.submitter);
    arena_free(&rig.arena);
    pipeline_free(rig.pipeline);
}

static void make(void)
{
    memset(&rig, 0, sizeof rig);
    rig.pipeline = PIPELINE(1, START, "statsd_metric_namespace=ours", "tags=dc:x");
    uint32_t index = rig.pipeline->n_workers + SUBMITTED_TRACES;
    struct submitter_config config = { &rig.pipeline->inbox, &rig.pipeline->accounts[index],
                                       &rig.ledger, index };

    rig.submitter = submitter_new(&config);
    arena_init(&rig.arena, &rig.pipeline->budget);
    rig.bucket = (struct span_bucket){ .start_s = START + 10, .arena = &rig.arena };
    undo_later(forget, &rig);
    assert_non_null(rig.submitter);
}

static struct sketch *sketch_of(const double *values, size_t n)
{
    struct sketch *sketch = sketch_new(&rig.arena);

    assert_non_null(sketch);
    for (size_t i = 0; i < n; i++)
        assert_true(sketch_add(sketch, &rig.arena, values[i], 1));
    return sketch;
}

/* Spans of a web service: ok ones, and one that failed. */
static struct span_group *add_group(const char *resource, uint32_t status, double hits,
                                    double errors)
{
    static const double ok[] = { 0.010, 0.020, 0.030 }, failed[] = { 2 };
    struct span_group *group = &rig.groups[rig.bucket.n_groups++];

    *group = (struct span_group){ .key = { .env = SLICE("prod"),
                                           .service = SLICE("shop"),
                                           .name = SLICE("web.request"),
                                           .resource = slice_of(resource),
                                           .kind = SLICE("server"),
                                           .http_status = status },
                                  .hits = hits,
                                  .errors = errors,
                                  .duration_ns = 2.06e9,
                                  .ok = sketch_of(ok, 3),
                                  .failed = sketch_of(failed, 1),
                                  .next = rig.bucket.groups };
    rig.bucket.groups = group;
    return group;
}

static void tell(void)
{
    assert_int_equal(numbers_tell(rig.submitter, &rig.bucket, &rig.pipeline->budget),
                     SUBMITTER_READY);
    pipeline_run(rig.pipeline);
    pipeline_flush(rig.pipeline, START + 60);
}

static double answer(const char *question)
{
    return ask_point(flusher_rollup(rig.pipeline->flusher), question, START, START + 60, NULL,
                     START + 10);
}

static void a_group_of_spans_becomes_four_series(void **state)
{
    (void)state;
    make();
    add_group("GET /Cart", 503, 4, 1);
    tell();
    static const struct {
        const char *question;
        double value;
    } cases[] = {
        { "sum:trace.web.request.hits{service:shop,env:prod}.as_count().rollup(sum,10)", 4 },
        { "sum:trace.web.request.hits{resource:get_/cart}.as_count().rollup(sum,10)", 4 },
        { "sum:trace.web.request.hits{http.status_code:503}.as_count().rollup(sum,10)", 4 },
        { "sum:trace.web.request.hits{http.status_class:5xx}.as_count().rollup(sum,10)", 4 },
        { "sum:trace.web.request.hits{span.kind:server,dc:x}.as_count().rollup(sum,10)", 4 },
        { "sum:trace.web.request.errors{host:h}.as_count().rollup(sum,10)", 1 },
        { "sum:trace.web.request.duration{*}.as_count().rollup(sum,10)", 2.06 },
        { "count:trace.web.request{*}.rollup(10)", 4 },
        { "max:trace.web.request{*}.rollup(10)", 2 },
        { "min:trace.web.request{*}.rollup(10)", 0.010 },
        { "sum:trace.web.request{*}.rollup(10)", 2.06 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = answer(cases[i].question);

        if (!(value > cases[i].value - 1e-9 && value < cases[i].value + 1e-9))
            fail_msg("%s: %g, not %g", cases[i].question, value, cases[i].value);
    }
}

/* Groups that differ in what no tag says are one series. */
static void groups_of_the_same_tags_are_added_up(void **state)
{
    (void)state;
    make();
    add_group("a", 0, 4, 1);
    add_group("a", 0, 5, 1)->key.synthetics = true;
    tell();
    assert_float_equal(answer("sum:trace.web.request.hits{*}.as_count().rollup(sum,10)"), 9, 0);
    assert_float_equal(answer("count:trace.web.request{*}.rollup(10)"), 8, 0);
}

/* By lane, not by name: who sends such a name himself sends it on. */
static void what_spans_become_is_sent_to_nobody(void **state)
{
    (void)state;
    make();
    add_group("a", 0, 4, 1);
    pipeline_line(rig.pipeline, 0, START + 11, "trace.web.request.hits:7|c");
    tell();
    json_t *sent = pipeline_take(rig.pipeline), *series = json_object_get(sent, "series");
    json_t *sketches = json_object_get(sent, "sketches"), *one;
    size_t i;

    assert_int_equal(json_array_size(sketches), 0);
    assert_true(json_array_size(series) > 0);
    json_array_foreach(series, i, one) assert_string_equal(
        json_string_value(json_object_get(one, "metric")), "ours.trace.web.request.hits");
    json_decref(sent);
}

static void the_books_of_the_lane_balance(void **state)
{
    (void)state;
    make();
    add_group("a", 0, 4, 1);
    add_group("b", 200, 2, 0);
    tell();
    uint64_t parsed = ledger_values_parsed(&rig.ledger);

    assert_int_equal(parsed, 2 * (3 + 4));
    assert_int_equal(ledger_values_shed(&rig.ledger), 0);
    assert_int_equal(counter_read(&rig.pipeline->ledger.folded), parsed);
    assert_int_equal(counter_read(&rig.pipeline->ledger.values_imbalance), 0);
}

/* A comma would end a tag, a newline a line; a text may have both. */
static void no_resource_makes_tags_of_its_own(void **state)
{
    (void)state;
    make();
    add_group("SELECT a,host:evil\nFROM t", 0, 4, 1);
    tell();
    assert_float_equal(answer("sum:trace.web.request.hits{host:h,"
                              "resource_name:select_a_host:evil_from_t}"
                              ".as_count().rollup(sum,10)"),
                       4, 0);
}

static void without_memory_it_is_counted_as_shed(void **state)
{
    struct arena_budget none;
    (void)state;

    make();
    add_group("A b", 0, 4, 1); /* whose tag is no view */
    arena_budget_init(&none, 0);
    assert_int_equal(numbers_tell(rig.submitter, &rig.bucket, &none), SUBMITTER_READY);
    pipeline_run(rig.pipeline);
    assert_int_equal(ledger_values_parsed(&rig.ledger), 3 + 4);
    assert_int_equal(ledger_values_shed(&rig.ledger), 3 + 4);
    assert_int_equal(counter_read(&rig.pipeline->ledger.folded), 0);
}

static void behind_the_gate_nothing_is_told(void **state)
{
    (void)state;
    make();
    add_group("a", 0, 4, 1);
    submitter_gate(rig.submitter);
    assert_int_equal(numbers_tell(rig.submitter, &rig.bucket, &rig.pipeline->budget),
                     SUBMITTER_CLOSED);
    assert_int_equal(ledger_values_parsed(&rig.ledger), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_of_spans_becomes_four_series),
        cmocka_unit_test(groups_of_the_same_tags_are_added_up),
        cmocka_unit_test(what_spans_become_is_sent_to_nobody),
        cmocka_unit_test(the_books_of_the_lane_balance),
        cmocka_unit_test(no_resource_makes_tags_of_its_own),
        cmocka_unit_test(without_memory_it_is_counted_as_shed),
        cmocka_unit_test(behind_the_gate_nothing_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
