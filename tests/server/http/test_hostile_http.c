/* The rows of tests/data/hostile/hostile.jsonl that come in over HTTP, each against a real
 * server; those of time against both of its ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/admin.h"
#include "server/http/http.h"
#include "tests/support/raw_http.h"
#include "tests/support/running.h"

enum { SLOW = 80, IDLE = 70, READERS = 60 };

/* A server with both of its ports, and the rows. */
struct fixture {
    struct running running;
    struct admin *full, *health;
    FILE *rows;
    int fds[SLOW];
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char problem[128];

    *state = f;
    f->rows = fopen("tests/data/hostile/hostile.jsonl", "re");
    if (f->rows == NULL || !RUNNING_START(&f->running, NULL, "heeler_interval=60"))
        return -1;
    struct server_access access = server_access(f->running.server);
    f->full = admin_start(f->running.base, true, &access);
    f->health = admin_start(f->running.base, false, &access);
    return f->full != NULL && f->health != NULL &&
                   admin_listen(f->full, "127.0.0.1:0", NULL, problem, sizeof problem) &&
                   admin_listen(f->health, "0.0.0.0:0", NULL, problem, sizeof problem)
               ? 0
               : -1;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < SLOW; i++)
        if (f->fds[i] > 0)
            close(f->fds[i]);
    admin_stop(f->full);
    admin_stop(f->health);
    running_stop(&f->running);
    running_free(&f->running);
    if (f->rows != NULL)
        fclose(f->rows);
    free(f);
    return 0;
}

/* The next row of that kind (owned), or NULL. */
static json_t *next_row(struct fixture *f, const char *kind)
{
    json_t *row;

    while ((row = json_loadf(f->rows, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL)) != NULL) {
        if (strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0)
            return row;
        json_decref(row);
    }
    return NULL;
}

static const char *id_of(const json_t *row)
{
    return json_string_value(json_object_get(row, "id"));
}

static bool is_expected(const json_t *row, int status)
{
    const json_t *expected = json_object_get(json_object_get(row, "expect"), "status");

    if (!json_is_array(expected))
        return json_integer_value(expected) == status;
    for (size_t i = 0; i < json_array_size(expected); i++)
        if (json_integer_value(json_array_get(expected, i)) == status)
            return true;
    return false;
}

static void check_bytes(struct fixture *f, const json_t *row)
{
    const json_t *request = json_object_get(row, "request");
    const json_t *body = json_object_get(json_object_get(row, "expect"), "body_bytes");
    struct raw_answer answer;
    int status = raw_ask(f->running.base, admin_port(f->full), json_string_value(request),
                         json_string_length(request), &answer);

    if (!is_expected(row, status) ||
        (body != NULL && (size_t)json_integer_value(body) != answer.body_len))
        fail_msg("%s: %d", id_of(row), status);
}

static void bytes_of_a_request_get_their_status(void **state)
{
    struct fixture *f = *state;
    json_t *row;
    int n = 0;

    for (; (row = next_row(f, "http")) != NULL; n++) {
        check_bytes(f, row);
        json_decref(row);
    }
    assert_int_equal(n, 16);
    assert_false(f->running.asked_to_stop); /* by POST /drain */
}

static void targets_get_their_status(void **state)
{
    struct fixture *f = *state;
    json_t *row;
    int n = 0;

    for (; (row = next_row(f, "http_query")) != NULL; n++) {
        const char *target = json_string_value(json_object_get(row, "target"));
        char *body;

        if (!is_expected(row, running_get(&f->running, admin_port(f->full), target, &body)))
            fail_msg("%s", id_of(row));
        free(body);
        json_decref(row);
    }
    assert_int_equal(n, 1);
}

/* ---- slow ones --------------------------------------------------------- */

/* /live is answered, and not because the slow ones had had their time. */
static void assert_live(struct fixture *f, const struct admin *admin, int others)
{
    char *body;

    assert_int_equal(running_get(&f->running, admin_port(admin), "/live", &body), 200);
    free(body);
    assert_true(http_connections(admin_http(admin)) >= others);
}

static void close_clients(struct fixture *f)
{
    for (int i = 0; i < SLOW; i++) {
        if (f->fds[i] > 0)
            close(f->fds[i]);
        f->fds[i] = 0;
    }
    raw_turn(f->running.base);
}

static void say_to(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text)); /* it may have lost its place */
}

static void slowloris(struct fixture *f, const struct admin *admin)
{
    for (int i = 0; i < SLOW; i++) {
        f->fds[i] = raw_connect(admin_port(admin));
        say_to(f->fds[i], "GET /live HTTP/1.1\r\nX: ");
        raw_turn(f->running.base);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SLOW; i++)
            say_to(f->fds[i], "x");
        raw_turn(f->running.base);
        assert_live(f, admin, 62); /* of 64 places; the one before may have left just now */
    }
}

static void idle_keepalive(struct fixture *f, const struct admin *admin)
{
    struct raw_answer answer;

    for (int i = 0; i < IDLE; i++) {
        f->fds[i] = raw_connect(admin_port(admin));
        say_to(f->fds[i], "GET /live HTTP/1.1\r\n\r\n");
        raw_read(f->running.base, f->fds[i], &answer);
        assert_int_equal(answer.status, 200);
    }
    assert_live(f, admin, 62);
}

/* ---- slow readers ------------------------------------------------------ */

enum { ANSWER = 5 << 20 };

static void on_large(struct http_exchange *exchange, const struct http_request *request,
                     void *argument)
{
    struct evbuffer *body = evbuffer_new();

    (void)request;
    evbuffer_add_reference(body, argument, ANSWER, NULL, NULL);
    http_reply(exchange, 200, "text/plain", body);
}

static size_t count_status(const int fds[SLOW], int n, const char *status)
{
    char text[13];
    size_t found = 0;

    for (int i = 0; i < n; i++) {
        ssize_t len = recv(fds[i], text, 12, MSG_PEEK | MSG_DONTWAIT);

        text[len > 0 ? len : 0] = '\0';
        found += strstr(text, status) != NULL;
    }
    return found;
}

/* The questions of a small server have small answers, so the answer is another one's. */
static void slow_readers(struct fixture *f, const struct admin *unused)
{
    char *large = calloc(1, ANSWER);
    struct http_config config = {
        .base = f->running.base,
        .other = { .methods = HTTP_GET, .handle = on_large },
        .argument = large,
    };
    struct http *http = http_new(&config);
    char why[256];

    (void)unused;
    assert_true(http_listen(http, "127.0.0.1:0", NULL, why, sizeof why));
    for (int i = 0; i < READERS; i++) {
        f->fds[i] = raw_connect(http_port(http));
        say_to(f->fds[i], "GET / HTTP/1.1\r\n\r\n");
        raw_turn(f->running.base);
    }
    /* Three are kept, whatever the kernel took of them; each of the others is told. */
    size_t served = count_status(f->fds, READERS, " 200");
    assert_in_range(served, 3, 16);
    assert_int_equal(count_status(f->fds, READERS, " 503"), READERS - served);
    http_free(http);
    free(large);
}

static void slow_clients_silence_nobody(void **state)
{
    static const struct {
        const char *id;
        void (*run)(struct fixture *f, const struct admin *admin);
    } rows[] = {
        { "http-slowloris", slowloris },
        { "http-idle-keepalive", idle_keepalive },
        { "http-slow-readers", slow_readers },
    };
    struct fixture *f = *state;
    json_t *row;
    size_t n = 0;

    for (; (row = next_row(f, "http_slow")) != NULL; n++) {
        assert_true(n < sizeof rows / sizeof rows[0]);
        assert_string_equal(id_of(row), rows[n].id);
        rows[n].run(f, f->full);
        close_clients(f);
        rows[n].run(f, f->health);
        close_clients(f);
        json_decref(row);
    }
    assert_int_equal(n, 3);
}

int main(void)
{
#define FIXTURE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        FIXTURE(bytes_of_a_request_get_their_status),
        FIXTURE(targets_get_their_status),
        FIXTURE(slow_clients_silence_nobody),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
