#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/stats_encode.h"
#include "tests/support/decode.h"

enum { NOW = 1700000000, PAYLOADS_MAX = 8 };

static struct arena_budget budget, scarce;
static struct concentrator *concentrator;
static struct arena arena;
static unsigned short seed[3];
static struct payload *payloads[PAYLOADS_MAX];
static size_t n_payloads;

static void keep(void *argument, struct payload *given)
{
    (void)argument;
    assert_true(n_payloads < PAYLOADS_MAX);
    payloads[n_payloads++] = given;
}

static void drop_payloads(void)
{
    while (n_payloads > 0)
        payload_free(payloads[--n_payloads]);
}

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 64 << 20);
    arena_budget_init(&scarce, 0);
    arena_init(&arena, &budget);
    struct concentrator_config config = { .budget = &budget,
                                          .default_env = SLICE("none"),
                                          .groups_max = 20000 };

    concentrator = concentrator_new(&config, NOW);
    memcpy(seed, (unsigned short[]){ 1, 2, 3 }, sizeof seed);
    return concentrator == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    drop_payloads();
    concentrator_free(concentrator);
    arena_free(&arena);
    assert_int_equal(budget.left, budget.all);
    return 0;
}

static struct span_group a_group(const char *type, const char *resource)
{
    return (struct span_group){ .key = { .env = SLICE("prod"),
                                         .language = SLICE("js"),
                                         .service = SLICE("shop"),
                                         .name = SLICE("web.request"),
                                         .resource = slice_of(resource),
                                         .type = slice_of(type) },
                                .hits = 1,
                                .duration_ns = 1e6 };
}

static struct sketch *sketch_of(double seconds, int times)
{
    struct sketch *made = sketch_new(&arena);

    assert_true(made != NULL && sketch_add_weighted(made, &arena, seconds, times));
    return made;
}

static void add(const struct span_group *group)
{
    assert_true(concentrator_merge(concentrator, NOW, group, NOW));
}

static size_t encode(struct arena_budget *from)
{
    const struct stats_encoding encoding = { .hostname = SLICE("here"),
                                             .env = SLICE("none"),
                                             .budget = from,
                                             .random = seed,
                                             .emit = keep };

    drop_payloads();
    return stats_encode(&encoding, concentrator_due(concentrator, NOW, true), NOW + 20);
}

/* The only payload, as a text. */
static char *said(void)
{
    assert_int_equal(n_payloads, 1);
    json_t *decoded = decode_payload(payloads[0]);

    assert_non_null(decoded);
    char *text = json_dumps(decoded, JSON_COMPACT);

    json_decref(decoded);
    return text;
}

static void a_group_is_sent_with_all_that_makes_it_one(void **state)
{
    struct span_group group = a_group("web", "GET /");
    (void)state;

    group.key.version = SLICE("1.2");
    group.key.container_id = SLICE("c1");
    group.key.kind = SLICE("server");
    group.key.method = SLICE("GET");
    group.key.endpoint = SLICE("/");
    group.key.grpc_status = SLICE("5");
    group.key.peer_tags = (struct slice){ "db.name:a\0peer.service:b", 25 };
    group.key.http_status = 503;
    group.key.synthetics = group.key.is_trace_root = true;
    group.hits = 5;
    group.errors = 2;
    group.top_level_hits = 4;
    group.duration_ns = 1e9;
    group.ok = sketch_of(0.25, 3);
    group.failed = sketch_of(0, 2);
    add(&group);
    assert_int_equal(encode(&budget), 0);
    assert_int_equal(payloads[0]->points, 1);
    assert_int_equal(payloads[0]->route, ROUTE_TRACE_STATS);
    assert_int_equal(payloads[0]->created_s, NOW + 20);
    char *text = said();

    /* 1248 + 1337: ln(0.25e9) / ln(1.015625) + 1338.5 is 2585.7. */
    assert_string_equal(
        text,
        "{\"AgentHostname\":\"here\",\"AgentEnv\":\"none\",\"AgentVersion\":\"7.83.3\","
        "\"ClientComputed\":false,\"SplitPayload\":false,\"Stats\":[{\"Hostname\":\"here\","
        "\"Env\":\"prod\",\"Version\":\"1.2\",\"Lang\":\"js\",\"ContainerID\":\"c1\","
        "\"Stats\":[{\"Start\":1700000000000000000,\"Duration\":10000000000,\"Stats\":[{"
        "\"Service\":\"shop\",\"Name\":\"web.request\",\"Resource\":\"GET /\",\"Type\":\"web\","
        "\"DBType\":\"\",\"SpanKind\":\"server\",\"GRPCStatusCode\":\"5\","
        "\"HTTPMethod\":\"GET\",\"HTTPEndpoint\":\"/\",\"HTTPStatusCode\":503,"
        "\"IsTraceRoot\":1,\"Synthetics\":true,\"PeerTags\":[\"db.name:a\",\"peer.service:b\"],"
        "\"Hits\":5,\"Errors\":2,\"TopLevelHits\":4,\"Duration\":1000000000,"
        "\"OkSummary\":{\"gamma\":1.015625,\"offset\":1338.5,\"zeros\":0.0,"
        "\"bins\":{\"2586\":3.0},\"negative\":{}},"
        "\"ErrorSummary\":{\"gamma\":1.015625,\"offset\":1338.5,\"zeros\":2.0,\"bins\":{},"
        "\"negative\":{}}}]}]}]}");
    free(text);
}

static void the_text_of_a_query_does_not_leave(void **state)
{
    static const char *const types[] = { "sql",   "SQL",       "cassandra",  "redis",
                                         "cache", "memcached", "mongodb",    "elasticsearch",
                                         "db",    "valkey",    "opensearch", "graphql" };
    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct span_group group = a_group(types[i], "SELECT secret");

        add(&group);
        group.key.resource = SLICE("SELECT another secret");
        group.hits = 2;
        add(&group);
    }
    assert_int_equal(encode(&budget), 0);
    assert_int_equal(payloads[0]->points, 12); /* those that are now equal are one */
    char *text = said();
    size_t masked = 0;

    assert_null(strstr(text, "secret"));
    for (const char *at = text; (at = strstr(at, "\"Resource\":\"?\"")) != NULL; at++)
        masked++;
    assert_int_equal(masked, 12);
    assert_non_null(strstr(text, "\"Hits\":3,"));
    assert_null(strstr(text, "\"Hits\":1,"));
    free(text);
}

static void other_resources_leave_as_they_are(void **state)
{
    static const char *const types[] = { "web", "http", "", "sqlx", "worker" };
    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_false(stats_type_is_query(slice_of(types[i])));
}

static json_int_t number_of(const char *text, const char *member)
{
    const char *at = strstr(text, member);

    assert_non_null(at);
    return atoll(at + strlen(member));
}

static void fractions_are_right_on_average_and_no_more_fail_than_are_counted(void **state)
{
    enum { TIMES = 2000 };
    struct span_group group = a_group("web", "GET /");
    double hits = 0, errors = 0;
    (void)state;

    group.hits = 10.0 / 3;
    group.errors = 1.25;
    add(&group);
    for (int i = 0; i < TIMES; i++) {
        encode(&budget);
        char *text = said();
        json_int_t hit = number_of(text, "\"Hits\":"), failed = number_of(text, "\"Errors\":");

        assert_in_range(hit, 3, 4);
        assert_in_range(failed, 1, 2);
        assert_true(failed - 1 <= hit - 3);
        hits += (double)hit;
        errors += (double)failed;
        free(text);
    }
    assert_float_equal(hits / TIMES, 10.0 / 3, 0.04);
    assert_float_equal(errors / TIMES, 1.25, 0.04);
}

static size_t groups_of(const struct payload *payload, bool *is_split, size_t *n_clients)
{
    json_t *decoded = decode_payload(payload), *client;
    size_t n = 0, i;

    assert_non_null(decoded);
    *is_split = json_is_true(json_object_get(decoded, "SplitPayload"));
    *n_clients = json_array_size(json_object_get(decoded, "Stats"));
    json_array_foreach(json_object_get(decoded, "Stats"), i, client) n += json_array_size(
        json_object_get(json_array_get(json_object_get(client, "Stats"), 0), "Stats"));
    json_decref(decoded);
    return n;
}

static void a_payload_has_so_many_groups_at_most(void **state)
{
    size_t sizes[] = { STATS_GROUPS_MAX, STATS_GROUPS_MAX, 1 }, n_clients;
    char resource[32];
    bool is_split;
    (void)state;

    for (int i = 0; i < 2 * STATS_GROUPS_MAX + 1; i++) {
        snprintf(resource, sizeof resource, "GET /%d", i);
        struct span_group group = a_group("web", resource);

        group.key.version = i % 2 == 0 ? SLICE("1") : SLICE("2");
        add(&group);
    }
    assert_int_equal(encode(&budget), 0);
    assert_int_equal(n_payloads, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(payloads[i]->points, sizes[i]);
        assert_int_equal(groups_of(payloads[i], &is_split, &n_clients), sizes[i]);
        assert_true(is_split);
        assert_int_equal(n_clients, i == 1 ? 2 : 1); /* sorted by version, too */
    }
}

static void a_payload_has_so_many_bytes_at_most(void **state)
{
    static char resource[5001];
    size_t n = 0, n_clients;
    bool is_split;
    (void)state;

    memset(resource, 'r', sizeof resource - 1);
    for (int i = 0; i < 1000; i++) {
        resource[snprintf(resource, 8, "%06d", i)] = 'r';
        struct span_group group = a_group("web", resource);

        add(&group);
    }
    assert_int_equal(encode(&budget), 0);
    assert_int_equal(n_payloads, 2);
    for (size_t i = 0; i < n_payloads; i++) {
        assert_true(payloads[i]->raw_size < (4 << 20) + 8192);
        n += groups_of(payloads[i], &is_split, &n_clients);
    }
    assert_int_equal(n, 1000);
}

static void what_clients_share_is_said_once(void **state)
{
    size_t n_clients;
    bool is_split;
    (void)state;

    for (int i = 0; i < 6; i++) {
        struct span_group group = a_group("web", i % 2 == 0 ? "a" : "b");

        group.key.env = i < 2 ? SLICE("prod") : SLICE("test");
        group.key.hostname = i < 4 ? SLICE("") : SLICE("web1");
        add(&group);
    }
    assert_int_equal(encode(&budget), 0);
    assert_int_equal(groups_of(payloads[0], &is_split, &n_clients), 6);
    assert_int_equal(n_clients, 3);
    assert_false(is_split);
}

static void without_memory_nothing_is_sent_and_counted_as_left_out(void **state)
{
    struct span_group group = a_group("web", "GET /");
    (void)state;

    add(&group);
    assert_int_equal(encode(&scarce), 1);
    assert_int_equal(n_payloads, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_group_is_sent_with_all_that_makes_it_one),
        TEST(the_text_of_a_query_does_not_leave),
        TEST(other_resources_leave_as_they_are),
        TEST(fractions_are_right_on_average_and_no_more_fail_than_are_counted),
        TEST(a_payload_has_so_many_groups_at_most),
        TEST(a_payload_has_so_many_bytes_at_most),
        TEST(what_clients_share_is_said_once),
        TEST(without_memory_nothing_is_sent_and_counted_as_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
