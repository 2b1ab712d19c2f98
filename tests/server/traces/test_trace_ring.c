/* Which traces are kept, which go, and which are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/traces/trace_ring.h"
#include "tests/support/spans.h"

enum { BYTES = 256 << 10, NOW_S = 1700000000 };

static struct arena_budget budget;
static struct traces_ledger ledger;
static struct trace_ring *ring;
static struct trace_results results;

static int open_ring(void **state)
{
    struct trace_ring_config config = { .budget = &budget, .ledger = &ledger, .bytes = BYTES };
    (void)state;

    arena_budget_init(&budget, 16 << 20);
    ring = trace_ring_new(&config);
    return ring != NULL ? 0 : -1;
}

/* All that it took is given back. */
static int close_ring(void **state)
{
    (void)state;

    trace_ring_free(ring);
    return atomic_load(&budget.left) == budget.all && counter_read(&ledger.ring_bytes) == 0
               ? 0
               : -1;
}

static void offer(uint64_t id, const char *service, const char *resource, int64_t duration_ms,
                  bool failed, int64_t now_s)
{
    struct span *root;

    spans_begin();
    root = spans_add(id, 0, service, "web.request", resource, now_s * 1000, duration_ms);
    root->is_top_level = true;
    root->trace_id = id;
    root->error = failed;
    trace_ring_offer(ring, spans_trace(), now_s);
    assert_true(counter_read(&ledger.ring_bytes) <= BYTES);
    assert_int_equal(counter_read(&ledger.ring_bytes), budget.all - atomic_load(&budget.left));
}

static struct trace_search of(const char *service, const char *resource)
{
    return (struct trace_search){ .service = slice_of(service),
                                  .resource = slice_of(resource),
                                  .limit = TRACE_RING_FOUND_MAX };
}

/* The ids of those that are found, in order: "3 1 2". */
static const char *found(struct trace_search search)
{
    static char text[4096];
    size_t len = 0;

    trace_ring_search(ring, &search, &results);
    text[0] = '\0';
    for (uint32_t i = 0; i < results.n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu", i > 0 ? " " : "",
                                (unsigned long long)results.at[i].copy->trace_id);
    trace_results_free(&results);
    return text;
}

/* ---- who stays --------------------------------------------------------- */

static void the_slowest_of_a_resource_stay(void **state)
{
    (void)state;

    for (uint64_t i = 1; i <= 100; i++)
        offer(i, "shop", "GET /", (int64_t)(i * 37 % 101), false, NOW_S);
    /* 37 i mod 101 is 100 for 30, 99 for 60, and so on by 30. */
    assert_string_equal(found(of("shop", "GET /")), "30 60 90 19 49 79 8 38");
    assert_int_equal(counter_read(&ledger.ring_traces), TRACE_RING_SLOWEST);
    offer(200, "shop", "POST /", 1, false, NOW_S);
    offer(201, "blog", "GET /", 1, false, NOW_S);
    assert_string_equal(found(of("shop", "POST /")), "200");
    assert_string_equal(found(of("blog", "")), "201");
}

/* The same again is not worth it. */
static void one_that_is_not_slower_is_not_kept(void **state)
{
    (void)state;

    for (uint64_t i = 1; i <= 20; i++)
        offer(i, "shop", "GET /", 5, false, NOW_S);
    assert_string_equal(found(of("shop", "GET /")), "8 7 6 5 4 3 2 1");
}

static void the_last_that_failed_stay_beside_them(void **state)
{
    struct trace_search search = of("shop", "GET /");
    (void)state;

    for (uint64_t i = 1; i <= 20; i++)
        offer(i, "shop", "GET /", 1000, false, NOW_S);
    for (uint64_t i = 101; i <= 120; i++)
        offer(i, "shop", "GET /", 1, true, NOW_S + (int64_t)i);
    search.errors = search.latest = true;
    assert_string_equal(found(search), "120 119 118 117 116 115 114 113");
    search.limit = 3;
    assert_string_equal(found(search), "120 119 118");
    search.errors = search.latest = false;
    search.limit = 8;
    assert_string_equal(found(search), "8 7 6 5 4 3 2 1");
    assert_int_equal(counter_read(&ledger.ring_traces), TRACE_RING_SLOWEST + TRACE_RING_FAILED);
}

/* Once there are enough, one a second: else they would all be of the last moment. */
static void a_storm_of_failures_does_not_drive_out_the_older_ones(void **state)
{
    struct trace_search search = of("shop", "");
    (void)state;

    search.latest = search.errors = true;
    for (uint64_t i = 1; i <= 50; i++)
        offer(i, "shop", "GET /", 0, true, NOW_S);
    for (uint64_t i = 51; i <= 100; i++)
        offer(i, "shop", "GET /", 0, true, NOW_S + 1);
    assert_string_equal(found(search), "51 8 7 6 5 4 3 2");
}

static void a_slow_failure_stays_for_being_slow(void **state)
{
    (void)state;

    offer(1, "shop", "GET /", 5000, true, NOW_S);
    for (uint64_t i = 2; i <= 30; i++)
        offer(i, "shop", "GET /", 1, true, NOW_S + (int64_t)i);
    struct trace_search search = of("shop", "");

    search.limit = 1;
    assert_string_equal(found(search), "1");
}

static void what_is_too_old_goes(void **state)
{
    (void)state;

    offer(1, "shop", "GET /", 9, false, NOW_S);
    offer(3, "blog", "GET /", 8, false, NOW_S);
    offer(2, "shop", "GET /", 8, false, NOW_S + 10);
    trace_ring_age(ring, NOW_S + TRACE_RING_KEPT_S);
    assert_int_equal(counter_read(&ledger.ring_traces), 3);
    trace_ring_age(ring, NOW_S + TRACE_RING_KEPT_S + 1);
    assert_string_equal(found(of("", "")), "2");
    trace_ring_age(ring, NOW_S - 86400); /* the clock went back */
    assert_int_equal(counter_read(&ledger.ring_traces), 1);
    offer(4, "shop", "GET /", 1, false, NOW_S - 86400);
    trace_ring_age(ring, NOW_S + 86400);
    assert_int_equal(counter_read(&ledger.ring_traces), 0);
}

/* ---- bounds ------------------------------------------------------------ */

/* Resources that never come again do not drive out one that is slow and comes often. */
static void many_resources_stay_within_the_bytes(void **state)
{
    char resource[32];
    (void)state;

    for (uint64_t i = 1; i <= 5000; i++) {
        snprintf(resource, sizeof resource, "GET /%llu", (unsigned long long)i);
        offer(i, "shop", resource, 1, false, NOW_S);
    }
    assert_in_range(counter_read(&ledger.ring_traces), 200, 4000);
    struct trace_search search = of("shop", "GET /5000");

    assert_string_equal(found(search), "5000");
    assert_string_equal(found(of("shop", "GET /1")), "");
    for (uint64_t i = 6001; i <= 6008; i++)
        offer(i, "shop", "often", (int64_t)i, false, NOW_S);
    assert_memory_equal(found(of("shop", "often")), "6008 6007 6006 6005", 19);
    for (uint64_t i = 7001; i <= 7020; i++) {
        snprintf(resource, sizeof resource, "GET /%llu", (unsigned long long)i);
        offer(i, "shop", resource, 1, false, NOW_S);
    }
    assert_string_equal(found(of("shop", "GET /7020")), "7020");
    assert_string_equal(found(of("shop", "often")), "6008 6007 6006 6005");
}

static void large_traces_stay_within_the_bytes(void **state)
{
    static char text[8][60000];
    (void)state;

    memset(text, 'x', sizeof text);
    for (uint64_t i = 1; i <= 200; i++) {
        spans_begin();
        for (uint64_t j = 0; j < 8; j++) {
            struct span *span =
                spans_add(j + 1, j, "shop", "web.request", "GET /", 1000, (int64_t)i);

            span->trace_id = i;
            span->is_top_level = j == 0;
            text[j][0] = (char)('a' + j);
            text[j][sizeof text[j] - 1] = '\0';
            spans_meta(span, "text", text[j]);
        }
        trace_ring_offer(ring, spans_trace(), NOW_S);
        assert_true(counter_read(&ledger.ring_bytes) <= BYTES);
    }
    assert_string_equal(found(of("shop", "GET /")), "200 199 198 197 196 195 194 193");
}

/* Bodies that wait have it all: what is kept stays, and nothing comes. */
static void without_memory_nothing_is_lost_that_is_there(void **state)
{
    (void)state;

    offer(1, "shop", "GET /", 5, false, NOW_S);
    long left = atomic_exchange(&budget.left, 100);

    spans_begin();
    spans_add(2, 0, "shop", "web.request", "GET /2", 1000, 9);
    trace_ring_offer(ring, spans_trace(), NOW_S);
    assert_int_equal(atomic_load(&budget.left), 100);
    assert_string_equal(found(of("", "")), "1");
    atomic_store(&budget.left, left);
}

/* ---- what is found ----------------------------------------------------- */

static void a_trace_is_found_by_any_of_its_spans(void **state)
{
    struct trace_search search = of("db", "SELECT a_ b");
    (void)state;

    spans_begin();
    spans_add(1, 0, "shop", "web.request", "GET /", 1000, 100)->is_top_level = true;
    spans_add(2, 1, "db", "sql.query", "SELECT a, b", 1000, 10);
    struct span *span = spans_add(3, 1, "db", "sql.query", "SELECT a, b", 1000, 30);
    trace_ring_offer(ring, spans_trace(), NOW_S);
    trace_ring_search(ring, &search, &results);
    assert_int_equal(results.n, 1);
    assert_int_equal(results.at[0].span->span_id, 3); /* which took longer */
    trace_results_free(&results);
    search.errors = true;
    assert_string_equal(found(search), "");
    span->error = 1;
    span->duration_ns = 1;
    trace_ring_offer(ring, spans_trace(), NOW_S);
    trace_ring_search(ring, &search, &results);
    assert_int_equal(results.n, 1);
    assert_int_equal(results.at[0].span->duration_ns, 1);
    trace_results_free(&results);
    search.name = SLICE("web.request");
    assert_string_equal(found(search), "");
}

static void offer_call(uint64_t id, int64_t root_ms, int64_t call_ms, bool failed)
{
    struct span *call;

    spans_begin();
    spans_add(id, 0, "shop", "web.request", "GET /", 1000, root_ms)->is_top_level = true;
    call = spans_add(1000 + id, id, "db", "sql.query", "SELECT 1", 1000, call_ms);
    call->is_top_level = true;
    call->error = failed;
    for (uint32_t i = 0; i < 2; i++)
        spans_trace()->spans[i].trace_id = id;
    trace_ring_offer(ring, spans_trace(), NOW_S);
    assert_int_equal(counter_read(&ledger.ring_bytes), budget.all - atomic_load(&budget.left));
}

/* A slow call in a request that is not slow, and a failed one in one that did not fail. */
static void a_trace_is_kept_for_its_calls_too(void **state)
{
    struct trace_search search = of("db", "SELECT 1");
    (void)state;

    for (uint64_t i = 1; i <= 8; i++)
        offer_call(i, 1000, 1, false);
    offer_call(9, 600, 500, false);
    offer_call(10, 600, 1, true);
    offer_call(11, 600, 1, false); /* for nothing */
    assert_int_equal(counter_read(&ledger.ring_traces), 10);
    search.limit = 1;
    assert_string_equal(found(search), "9");
    search.errors = true;
    search.limit = TRACE_RING_FOUND_MAX;
    assert_string_equal(found(search), "10");
    /* Each of them once, whatever it is kept for. */
    assert_string_equal(found(of("shop", "GET /")), "8 7 6 5 4 3 2 1 10 9");
    trace_ring_age(ring, NOW_S + TRACE_RING_KEPT_S + 1);
    assert_int_equal(counter_read(&ledger.ring_traces), 0);
}

/* The parts that several services sent of one trace. */
static void all_parts_of_a_trace_are_found_by_its_id(void **state)
{
    (void)state;

    offer(11, "shop", "GET /", 5, false, NOW_S);
    offer(11, "blog", "GET /", 50, false, NOW_S + 1);
    offer(12, "blog", "GET /", 50, false, NOW_S + 1);
    struct trace_search search = { .by_id = true, .trace_id = 11, .limit = 10 };

    trace_ring_search(ring, &search, &results);
    assert_int_equal(results.n, 2);
    assert_int_equal(results.at[0].arrived_s, NOW_S);
    assert_int_equal(results.n_kept, 3);
    trace_results_free(&results);
}

/* What was found is there as long as it is held. */
static void what_is_held_outlives_the_ring(void **state)
{
    struct trace_search search = of("shop", "");
    (void)state;

    offer(1, "shop", "GET /", 5, false, NOW_S);
    trace_ring_search(ring, &search, &results);
    trace_ring_age(ring, NOW_S + 10000);
    assert_int_equal(counter_read(&ledger.ring_traces), 0);
    struct slice service =
        trace_copy_text(results.at[0].copy, results.at[0].copy->spans[0].service);

    assert_memory_equal(service.at, "shop", 4);
    trace_results_free(&results);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_ring, close_ring)
    const struct CMUnitTest tests[] = {
        CASE(the_slowest_of_a_resource_stay),
        CASE(one_that_is_not_slower_is_not_kept),
        CASE(the_last_that_failed_stay_beside_them),
        CASE(a_storm_of_failures_does_not_drive_out_the_older_ones),
        CASE(a_slow_failure_stays_for_being_slow),
        CASE(what_is_too_old_goes),
        CASE(many_resources_stay_within_the_bytes),
        CASE(large_traces_stay_within_the_bytes),
        CASE(without_memory_nothing_is_lost_that_is_there),
        CASE(a_trace_is_found_by_any_of_its_spans),
        CASE(a_trace_is_kept_for_its_calls_too),
        CASE(all_parts_of_a_trace_are_found_by_its_id),
        CASE(what_is_held_outlives_the_ring),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
