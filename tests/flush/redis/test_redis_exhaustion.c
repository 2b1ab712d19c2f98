/* The ways to a Redis and back where memory ends: each allocation on them fails once. What
 * was made up to there is freed once, as the sanitizer watches, and nothing waits for ever.
 * The linker puts our allocator before the library's calls (Makefile), libevent is told to
 * use it. Without the memory that failed most attempts get through nevertheless, because
 * the next one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flush/delivery/mirror_sink.h"
#include "flush/fleet/redis_reader.h"
#include "flush/redis/resp.h"
#include "tests/support/certificate.h"
#include "tests/support/redis_server.h"

/* Where libevent cannot watch a socket and does not say so, the time to connect ends it. */
enum { GUARD_S = 60, A_DAY = 86400, CONNECT_MS = 1000 };

/* ---- an allocator that fails once -------------------------------------- */

static struct {
    bool counts;
    long n, fails_at;
    size_t room; /* what was just freed in one piece may be had again */
} allocator;

enum { ROOM = 8192 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(size_t size)
{
    if (!allocator.counts)
        return false;
    if (size <= allocator.room) {
        allocator.room -= size;
        return false;
    }
    return ++allocator.n == allocator.fails_at;
}

void *__wrap_malloc(size_t size)
{
    if (fails(size))
        return NULL;
    allocator.room = size == ROOM ? ROOM : allocator.room; /* is freed at once */
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return fails(size) ? NULL : __real_realloc(at, size);
}

char *__wrap_strdup(const char *text)
{
    return fails(strlen(text)) ? NULL : __real_strdup(text);
}

/* Again and again until a whole attempt has fewer allocations than the one that fails. */
static void fail_each(void (*attempt)(void))
{
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, free);
    for (allocator.fails_at = 1; allocator.fails_at <= allocator.n + 1; allocator.fails_at++) {
        allocator.n = 0;
        allocator.room = 0;
        attempt();
        allocator.counts = false;
    }
    assert_true(allocator.fails_at > 20);
}

/* ---- the servers and the loop ------------------------------------------ */

static struct redis_server server, tls_server, cluster_server;
static struct authority authority;
static char ca_file[TEMP_PATH_SIZE], url[128];
static struct event_base *base;
static bool over;

static int start_servers(void **state)
{
    char certificate[TEMP_PATH_SIZE], key[TEMP_PATH_SIZE];
    (void)state;

    authority_make(&authority);
    authority_write(&authority, ca_file);
    certificate_write(&authority, "DNS:localhost", A_DAY, certificate, key);
    snprintf(tls_server.certificate, sizeof tls_server.certificate, "%s", certificate);
    snprintf(tls_server.key, sizeof tls_server.key, "%s", key);
    redis_server_start(&tls_server);
    redis_server_start(&server);
    cluster_server.cluster = true; /* of one */
    redis_server_start(&cluster_server);
    redis_server_expect(&cluster_server, "OK", "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    undo_forget_all();
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    redis_server_stop(&server);
    redis_server_stop(&tls_server);
    redis_server_stop(&cluster_server);
    unlink(tls_server.certificate);
    unlink(tls_server.key);
    unlink(ca_file);
    authority_free(&authority);
    return 0;
}

static void on_guard(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what, (void)argument;
    allocator.counts = false;
    fail_msg("hangs where allocation %ld fails", allocator.fails_at);
}

static void turn_until_over(void)
{
    struct event *guard = evtimer_new(base, on_guard, NULL);

    evtimer_add(guard, &(struct timeval){ .tv_sec = GUARD_S });
    allocator.counts = true;
    while (!over)
        event_base_loop(base, EVLOOP_ONCE);
    allocator.counts = false;
    event_free(guard);
}

/* ---- a client ---------------------------------------------------------- */

static void on_up(void *argument)
{
    (void)argument;
    over = true;
}

static void connect_client(bool cluster)
{
    static const struct redis_client_events events = { .up = on_up };
    struct redis_client_config config = { .url = url,
                                          .cluster = cluster,
                                          .ca_file = ca_file,
                                          .connect_ms = CONNECT_MS,
                                          .retry_min_ms = 1,
                                          .retry_max_ms = 2 };
    char problem[256];

    base = event_base_new();
    over = false;
    allocator.counts = true;
    struct redis_client *client =
        redis_client_new(base, &config, &events, NULL, problem, sizeof problem);
    allocator.counts = false;
    if (client != NULL)
        turn_until_over();
    else
        assert_non_null(strstr(problem, "memory"));
    redis_client_free(client);
    event_base_free(base);
}

static void connect_alone(void)
{
    connect_client(false);
}

static void connect_cluster(void)
{
    connect_client(true);
}

static void a_connection_by_tls_and_name(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "rediss://localhost:%d", tls_server.port);
    fail_each(connect_alone);
}

static void a_connection_to_a_cluster(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", cluster_server.port);
    fail_each(connect_cluster);
}

/* ---- the mirror -------------------------------------------------------- */

static struct mirror_ledger ledger;
static struct outbox outbox; /* counts bytes only */

static struct payload *make_payload(void)
{
    struct bytes out = { 0 };

    resp_command(&out, 4);
    resp_word(&out, SLICE("HSET"));
    resp_word(&out, SLICE("key"));
    resp_word(&out, SLICE("field"));
    resp_word(&out, SLICE("value"));
    struct payload *payload = calloc(1, sizeof *payload + out.len);
    payload->route = ROUTE_REDIS;
    payload->points = 1;
    payload->holders = 1;
    payload->size = payload->raw_size = out.len;
    memcpy(payload->bytes, out.at, out.len);
    bytes_free(&out);
    return payload;
}

static void on_moved(void *argument)
{
    (void)argument;
    over = over || atomic_load(&ledger.points.delivered.points) > 0;
}

/* A point is delivered or shed, and counted once. */
static void mirror_a_point(void)
{
    struct mirror_sink_config config = { .url = url,
                                         .ca_file = ca_file,
                                         .prefix = "heeler",
                                         .id = "0123456789ab",
                                         .hostname = "h",
                                         .queue_bytes = 1 << 20,
                                         .retry_min_ms = 1,
                                         .ledger = &ledger,
                                         .outbox = &outbox,
                                         .moved = on_moved };
    struct payload *payload = make_payload();
    char problem[256];

    ledger = (struct mirror_ledger){ 0 };
    base = event_base_new();
    allocator.counts = true;
    struct sink *sink = mirror_sink_new(base, &config, problem, sizeof problem);
    if (sink != NULL)
        sink_accept(sink, payload, 0);
    allocator.counts = false;
    over = atomic_load(&ledger.points.shed[UNSENT_NO_MEMORY].points) > 0;
    if (sink != NULL)
        turn_until_over();
    outbox_let_go(&outbox, payload);
    if (sink != NULL)
        sink_free(sink);
    event_base_free(base);
    if (sink != NULL)
        assert_int_equal(atomic_load(&ledger.points.imbalance), 0);
}

static void the_mirror(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "rediss://localhost:%d", tls_server.port);
    fail_each(mirror_a_point);
}

/* ---- a question -------------------------------------------------------- */

enum { NOW_S = 1700006400 };

static void ask_a_question(void)
{
    struct redis_reader_config config = { .client = { .url = url, .connect_ms = CONNECT_MS },
                                          .prefix = "heeler",
                                          .now_s = NOW_S,
                                          .timeout_s = GUARD_S };
    struct redis_reader_report report;
    struct bytes answer = { 0 };
    char problem[512] = "";

    allocator.counts = true;
    enum redis_reader_result result =
        redis_reader_ask(&config, SLICE("sum:hits{*} by {a}.rollup(sum,60)"), NOW_S - 600,
                         NOW_S, &answer, &report, problem, sizeof problem);
    allocator.counts = false;
    assert_true(result == READER_ANSWERED ? answer.len > 0 : problem[0] != '\0');
    bytes_free(&answer);
}

static void a_question(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    redis_server_expect(&server, "1", "ZADD", "heeler:instances", "1700006400",
                        "{\"id\":\"aaaaaaaaaaaa\",\"interval\":10,\"rollups\":[60],"
                        "\"ttl\":86400,\"lookback\":3600}");
    redis_server_expect(&server, "1", "HSET", "heeler:{hits}:60:1700006340",
                        "c|h|a:b|aaaaaaaaaaaa", "30 360 0 5 1 1700006399000");
    fail_each(ask_a_question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_by_tls_and_name),
        cmocka_unit_test(a_connection_to_a_cluster),
        cmocka_unit_test(the_mirror),
        cmocka_unit_test(a_question),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
