#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/concentrator.h"
#include "server/traces/normalise.h"
#include "tests/support/spans.h"

enum { NOW = 1700000000, MOST = 4 };
#define NOW_MS (INT64_C(1000) * NOW)

static struct arena_budget budget;
static struct arena arena;
static struct concentrator *concentrator;
static struct trace_payload payload;

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    struct concentrator_config config = { .budget = &budget,
                                          .default_env = SLICE("none"),
                                          .secret = 17,
                                          .by_span_kind = true,
                                          .peer_tags = true,
                                          .groups_max = MOST };

    concentrator = concentrator_new(&config, NOW);
    payload = (struct trace_payload){ .n_traces = 1 };
    spans_begin();
    return concentrator == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    concentrator_free(concentrator);
    arena_free(&arena);
    assert_int_equal(budget.left, budget.all);
    return 0;
}

/* What was added since spans_begin(), as one trace. */
static struct concentrated add(int64_t now_s)
{
    struct trace *trace = spans_trace();

    assert_int_equal(normalise_trace(trace, &payload.source, &arena, now_s * 1000000000),
                     TRACE_TAKEN);
    assert_true(trace_shape(trace, payload.source.computed_top_level, &arena));
    return concentrator_add(concentrator, &payload, trace, now_s);
}

/* A root span that ends at that time. */
static struct span *add_root(const char *resource, int64_t end_ms, int64_t duration_ms)
{
    return spans_add(1, 0, "web", "web.request", resource, end_ms - duration_ms, duration_ms);
}

static const struct span_group *group_of(const struct span_bucket *bucket, const char *resource)
{
    for (const struct span_group *group = bucket->groups; group != NULL; group = group->next)
        if (slice_equal(group->key.resource, slice_of(resource)))
            return group;
    fail_msg("there is no group %s", resource);
    return NULL;
}

static const struct span_bucket *take_at(int64_t start_s, size_t n_groups)
{
    const struct span_bucket *bucket = concentrator_due(concentrator, 0, true);

    assert_non_null(bucket);
    assert_int_equal(bucket->start_s, start_s);
    assert_int_equal(bucket->n_groups, n_groups);
    return bucket;
}

static struct sketch_summary summary_of(struct sketch *sketch)
{
    struct sketch_summary summary = { 0 };

    if (sketch != NULL)
        sketch_summary(sketch, &summary);
    return summary;
}

/* ---- what counts ------------------------------------------------------- */

static void spans_at_the_top_measured_ones_and_calls_count(void **state)
{
    (void)state;
    add_root("r", NOW_MS, 10);
    spans_add(2, 1, "web", "inner", "r", NOW_MS, 1);
    spans_metric(spans_add(3, 1, "web", "measured", "r", NOW_MS, 1), "_dd.measured", 1);
    spans_meta(spans_add(4, 1, "web", "call", "r", NOW_MS, 1), "span.kind", "Client");
    spans_meta(spans_add(5, 1, "web", "inside", "r", NOW_MS, 1), "span.kind", "internal");
    spans_metric(spans_add(6, 1, "other", "partial", "r", NOW_MS, 1), "_dd.partial_version", 0);
    struct concentrated done = add(NOW);

    assert_int_equal(done.counted, 3);
    assert_int_equal(done.not_eligible, 2);
    assert_int_equal(done.partial, 1);
    assert_int_equal(done.late, 0);
    take_at(NOW, 3);
}

/* The worked case of three requests to "/" and one to an unknown path. */
static void requests_are_grouped_by_resource_and_status(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        spans_begin();
        struct span *span = add_root(i < 3 ? "GET /" : "GET 404", NOW_MS + i, 10 + i);

        spans_meta(span, "span.kind", "server");
        spans_meta(span, "http.status_code", i < 3 ? "200" : "404");
        span->error = i == 3 ? 0 : i == 2;
        assert_int_equal(add(NOW).counted, 1);
    }
    const struct span_bucket *bucket = take_at(NOW, 2);
    const struct span_group *home = group_of(bucket, "GET /"), *lost;

    lost = group_of(bucket, "GET 404");
    assert_float_equal(home->hits, 3, 0);
    assert_float_equal(home->top_level_hits, 3, 0);
    assert_float_equal(home->errors, 1, 0);
    assert_float_equal(home->duration_ns, 33e6, 0);
    assert_int_equal(summary_of(home->ok).count, 2);
    assert_int_equal(summary_of(home->failed).count, 1);
    assert_float_equal(summary_of(home->failed).max, 0.012, 1e-15);
    assert_int_equal(home->key.http_status, 200);
    assert_true(home->key.is_trace_root);
    assert_float_equal(lost->hits, 1, 0);
    assert_int_equal(lost->key.http_status, 404);
}

static void a_sampled_trace_counts_for_all_that_were_not_sent(void **state)
{
    static const struct {
        double rate, weight;
    } cases[] = { { 0.25, 4 }, { 1, 1 }, { 0, 1 }, { -1, 1 }, { 2, 1 }, { 1e-300, 1 } };
    double hits = 0;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spans_begin();
        spans_metric(add_root("r", NOW_MS, 10), "_sample_rate", cases[i].rate);
        add(NOW);
        hits += cases[i].weight;
        const struct span_group *group = group_of(take_at(NOW, 1), "r");

        assert_true(group->hits == hits);
        assert_true(group->duration_ns == hits * 10e6);
        assert_int_equal(summary_of(group->ok).count, i + 1); /* a duration once */
    }
}

/* ---- keys -------------------------------------------------------------- */

static void what_a_payload_or_the_root_says_holds_for_all_spans(void **state)
{
    (void)state;
    spans_add(2, 1, "db", "query", "s", NOW_MS, 1);
    struct span *root = add_root("r", NOW_MS, 10);

    spans_meta(&spans_trace()->spans[0], "version", "1.2");
    spans_meta(root, "env", "Prod");
    spans_meta(root, "_dd.origin", "synthetics-browser");
    spans_meta(root, "_dd.hostname", "web1");
    add(NOW);
    const struct span_key *key = &group_of(take_at(NOW, 2), "s")->key;

    assert_true(slice_equal(key->env, SLICE("prod")));
    assert_true(slice_equal(key->version, SLICE("1.2")));
    assert_true(slice_equal(key->hostname, SLICE("web1")));
    assert_true(key->synthetics);
    assert_false(key->is_trace_root);
    concentrator_drop(concentrator, concentrator_due(concentrator, 0, true));
    payload.source.env = SLICE("stage");
    payload.source.app_version = SLICE("2");
    add(NOW);
    key = &group_of(take_at(NOW, 2), "r")->key;
    assert_true(slice_equal(key->env, SLICE("stage")));
    assert_true(slice_equal(key->version, SLICE("2")));
}

static void without_an_env_there_is_the_default_one(void **state)
{
    (void)state;
    add_root("r", NOW_MS, 10);
    add(NOW);
    assert_true(slice_equal(group_of(take_at(NOW, 1), "r")->key.env, SLICE("none")));
}

/* Calls to two databases are two groups; of what is served nobody asks. */
static void calls_are_grouped_by_whom_they_reach(void **state)
{
    static const char *const kinds[] = { "client", "client", "server", "server" };
    static const char *const names[] = { "orders", "users", "orders", "users" };
    (void)state;

    for (int i = 0; i < 4; i++) {
        spans_begin();
        struct span *span = add_root(kinds[i], NOW_MS, 10);

        spans_meta(span, "span.kind", kinds[i]);
        spans_meta(span, "db.name", names[i]);
        spans_meta(span, "db.system", "postgresql");
        add(NOW);
    }
    const struct span_bucket *bucket = take_at(NOW, 3);

    assert_float_equal(group_of(bucket, "server")->hits, 2, 0);
    assert_int_equal(group_of(bucket, "client")->key.peer_tags.len,
                     sizeof "db.name:users" + sizeof "db.system:postgresql");
}

static void beyond_the_most_groups_there_is_one_for_the_rest(void **state)
{
    char resource[8];
    (void)state;

    for (int i = 0; i < 2 * MOST; i++) {
        spans_begin();
        snprintf(resource, sizeof resource, "r%d", i);
        add_root(resource, NOW_MS, 10);
        assert_int_equal(add(NOW).counted, 1);
    }
    assert_float_equal(group_of(take_at(NOW, MOST + 1), "tracer_blocked_value")->hits, MOST, 0);
}

/* ---- buckets ----------------------------------------------------------- */

static void a_span_counts_where_it_ended(void **state)
{
    (void)state;
    add_root("long", NOW_MS + 10000, 9000);
    spans_add(2, 1, "db", "query", "short", NOW_MS + 9000, 999);
    add(NOW + 11);
    assert_non_null(group_of(take_at(NOW, 1), "short"));
    concentrator_drop(concentrator, concentrator_due(concentrator, 0, true));
    assert_non_null(group_of(take_at(NOW + 10, 1), "long"));
}

static void a_bucket_is_due_when_it_is_twenty_seconds_old(void **state)
{
    (void)state;
    add_root("r", NOW_MS, 10);
    add(NOW);
    assert_null(concentrator_due(concentrator, NOW + 19, false));
    const struct span_bucket *bucket = concentrator_due(concentrator, NOW + 20, false);

    assert_non_null(bucket);
    assert_ptr_equal(concentrator_due(concentrator, NOW + 20, false), bucket);
    concentrator_drop(concentrator, bucket);
    assert_null(concentrator_due(concentrator, NOW + 20, false));
}

static void what_is_too_late_counts_in_the_oldest_that_is_open(void **state)
{
    struct concentrated done;
    (void)state;

    add_root("before the start", NOW_MS - 60000, 10);
    done = add(NOW);
    assert_int_equal(done.counted, 1);
    assert_int_equal(done.late, 1);
    concentrator_drop(concentrator, take_at(NOW, 1));
    assert_null(concentrator_due(concentrator, NOW + 45, false));
    spans_begin();
    add_root("late", NOW_MS, 10);
    assert_int_equal(add(NOW + 45).late, 1);
    take_at(NOW + 30, 1);
}

static void after_the_clock_went_back_spans_count_where_they_end(void **state)
{
    (void)state;
    assert_null(concentrator_due(concentrator, NOW + 86400, false));
    assert_null(concentrator_due(concentrator, NOW + 20, false));
    add_root("r", NOW_MS + 20000, 10);
    assert_int_equal(add(NOW + 20).late, 0);
    take_at(NOW + 20, 1);
}

static void what_ends_far_ahead_counts_now(void **state)
{
    (void)state;
    add_root("r", NOW_MS + 3600000, 10);
    spans_add(2, 1, "soon", "n", "s", NOW_MS + 100000, 1);
    assert_int_equal(add(NOW + 5).counted, 2);
    assert_non_null(group_of(take_at(NOW, 1), "r"));
    concentrator_drop(concentrator, concentrator_due(concentrator, 0, true));
    take_at(NOW + 100, 1);
}

static void what_clients_counted_is_merged(void **state)
{
    struct sketch *sketch = sketch_new(&arena);
    struct span_group group = { .hits = 5, .errors = 2, .top_level_hits = 5, .failed = sketch };
    (void)state;

    assert_true(sketch_add(sketch, &arena, 3, 1));
    assert_true(sketch_add(sketch, &arena, 4, 1));
    add_root("r", NOW_MS, 10);
    add(NOW);
    group.key = group_of(take_at(NOW, 1), "r")->key;
    assert_true(concentrator_merge(concentrator, NOW, &group, NOW));
    const struct span_group *both = group_of(take_at(NOW, 1), "r");

    assert_float_equal(both->hits, 6, 0);
    assert_float_equal(both->errors, 2, 0);
    assert_float_equal(summary_of(both->failed).sum, 7, 0);
    assert_int_equal(summary_of(both->ok).count, 1);
}

static void without_memory_a_span_is_not_counted(void **state)
{
    long left = budget.left;
    (void)state;

    add_root("r", NOW_MS, 10);
    struct trace *trace = spans_trace();

    assert_true(trace_shape(trace, false, &arena));
    left = budget.left;
    budget.left = 0;
    struct concentrated done = concentrator_add(concentrator, &payload, trace, NOW);

    budget.left = left;
    assert_int_equal(done.no_memory, 1);
    assert_int_equal(done.counted, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spans_at_the_top_measured_ones_and_calls_count),
        TEST(requests_are_grouped_by_resource_and_status),
        TEST(a_sampled_trace_counts_for_all_that_were_not_sent),
        TEST(what_a_payload_or_the_root_says_holds_for_all_spans),
        TEST(without_an_env_there_is_the_default_one),
        TEST(calls_are_grouped_by_whom_they_reach),
        TEST(beyond_the_most_groups_there_is_one_for_the_rest),
        TEST(a_span_counts_where_it_ended),
        TEST(a_bucket_is_due_when_it_is_twenty_seconds_old),
        TEST(what_is_too_late_counts_in_the_oldest_that_is_open),
        TEST(after_the_clock_went_back_spans_count_where_they_end),
        TEST(what_ends_far_ahead_counts_now),
        TEST(what_clients_counted_is_merged),
        TEST(without_memory_a_span_is_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
