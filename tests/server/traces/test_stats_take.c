#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/stats_take.h"
#include "tests/support/ddsketch_out.h"
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
    problem[0] = '\0';
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

static void add_text(const char *key, const char *value)
{
    msgpack_out_text(&body, key);
    msgpack_out_text(&body, value);
}

static void add_number(const char *key, uint64_t value)
{
    msgpack_out_text(&body, key);
    msgpack_out_uint(&body, value);
}

static void add_bytes(const char *key, const struct bytes *bytes)
{
    msgpack_out_text(&body, key);
    msgpack_out_head(&body, 0xc4, bytes->len);
    bytes_add(&body, bytes->at, bytes->len);
}

/* hits of ten milliseconds, of which some failed. */
static void add_group(const char *resource, uint64_t hits, uint64_t errors)
{
    struct bytes sketch = { 0 };

    ddsketch_out_grid(&sketch, 1.015625, 1338.5);
    if (hits > errors)
        ddsketch_out_value(&sketch, 1.015625, 1338.5, 1e7, (double)(hits - errors));
    msgpack_out_map(&body, 13);
    add_text("Service", "Shop");
    add_text("Name", "web.request");
    add_text("Resource", resource);
    add_text("Type", "web");
    add_text("SpanKind", "client");
    add_number("HTTPStatusCode", 200);
    add_number("Hits", hits);
    add_number("Errors", errors);
    add_number("TopLevelHits", hits);
    add_number("Duration", hits * 10000000);
    add_number("IsTraceRoot", 1);
    add_bytes("OkSummary", &sketch);
    msgpack_out_text(&body, "PeerTags");
    msgpack_out_list(&body, 2);
    msgpack_out_text(&body, "peer.service:b");
    msgpack_out_text(&body, "db.name:a");
    bytes_free(&sketch);
}

static void begin(uint32_t n_groups)
{
    msgpack_out_map(&body, 4);
    add_text("Hostname", "web1");
    add_text("Version", "1.2");
    add_text("Lang", "js");
    msgpack_out_text(&body, "Stats");
    msgpack_out_list(&body, 1);
    msgpack_out_map(&body, 3);
    add_number("Start", NOW * UINT64_C(1000000000));
    add_number("Duration", 10000000000);
    msgpack_out_text(&body, "Stats");
    msgpack_out_list(&body, n_groups);
}

static enum trace_result take(void)
{
    return stats_take(&taker, msgpack_out_body(&body), SLICE("python"), NOW, problem);
}

static void groups_of_a_library_are_counted_as_ours(void **state)
{
    struct sketch_summary summary;
    (void)state;

    begin(3);
    add_group("GET /", 5, 1);
    add_group("", 2, 0);
    add_group("GET /", 3, 0); /* top level and measured parts come apart */
    assert_int_equal(take(), TRACE_OK);
    const struct span_bucket *bucket = concentrator_due(taker.concentrator, NOW, true);

    assert_non_null(bucket);
    assert_int_equal(bucket->start_s, NOW);
    assert_int_equal(bucket->n_groups, 2);
    const struct span_group *group = bucket->groups->next;

    assert_true(slice_equal(bucket->groups->key.resource, SLICE("web.request")));
    assert_true(slice_equal(group->key.resource, SLICE("GET /")));
    assert_true(slice_equal(group->key.service, SLICE("shop")));
    assert_true(slice_equal(group->key.env, SLICE("none")));
    assert_true(slice_equal(group->key.hostname, SLICE("web1")));
    assert_true(slice_equal(group->key.language, SLICE("js")));
    assert_true(
        slice_equal(group->key.peer_tags, (struct slice){ "db.name:a\0peer.service:b", 25 }));
    assert_true(group->key.is_trace_root);
    assert_true(group->hits == 8 && group->errors == 1 && group->duration_ns == 8e7);
    sketch_summary(group->ok, &summary);
    assert_int_equal(summary.count, 7);
    assert_float_equal(summary.avg, 0.01, 0.00008);
    assert_int_equal(counter_read(&ledger.stats_payloads), 1);
    assert_int_equal(counter_read(&ledger.stats_groups), 3);
}

static void what_is_wrong_is_said_and_nothing_is_counted(void **state)
{
    (void)state;

    begin(2);
    add_group("GET /", 5, 1);
    msgpack_out_map(&body, 1);
    add_text("OkSummary", "\x08"); /* a str will do for bin, but this is no protobuf */
    assert_int_equal(take(), TRACE_BAD);
    assert_non_null(strstr(problem, "group 2 of bucket 1"));
    assert_non_null(strstr(problem, "a sketch is no protobuf"));
    assert_null(concentrator_due(taker.concentrator, NOW, true));
    body.len -= 3;
    assert_int_equal(take(), TRACE_CUT);
    body.len = 0;
    assert_int_equal(take(), TRACE_CUT);
    assert_string_equal(problem, "byte 0: the body ends too early");
    assert_int_equal(counter_read(&ledger.stats_payloads), 0);
}

static void without_memory_groups_are_counted_as_shed(void **state)
{
    long left;
    (void)state;

    begin(1);
    add_group("GET /", 5, 1);
    left = atomic_load(&budget.left);
    atomic_store(&budget.left, 0);
    assert_int_equal(take(), TRACE_NO_MEMORY);
    atomic_store(&budget.left, left);
}

static void cut_anywhere_it_is_refused(void **state)
{
    (void)state;

    begin(1);
    add_group("GET /", 5, 1);
    size_t whole = body.len;

    for (size_t len = 0; len < whole; len++) {
        char *copy = malloc(len + 1);

        memcpy(copy, body.at, len);
        assert_int_not_equal(
            stats_take(&taker, (struct slice){ copy, len }, SLICE(""), NOW, problem), TRACE_OK);
        free(copy);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(groups_of_a_library_are_counted_as_ours),
        TEST(what_is_wrong_is_said_and_nothing_is_counted),
        TEST(without_memory_groups_are_counted_as_shed),
        TEST(cut_anywhere_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
