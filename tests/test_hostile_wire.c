/* Hostile datagrams and connections against a whole server: the rows "datagram" and
 * "stream" of tests/data/hostile/hostile.jsonl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/fake_intake.h"
#include "tests/support/running.h"
#include "tests/support/udp.h"

enum { BYTES_MAX = 65536, WAIT_MS = 60000 };

static struct running running;
static struct fake_intake *fake;
static char folder[TEMP_PATH_SIZE], socket_setting[128], url[96];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(socket_setting, sizeof socket_setting, "dogstatsd_stream_socket=%s/s", folder);
    return 0;
}

static int tear_down(void **state)
{
    undo_all(state);
    temp_folder_remove(folder);
    return 0;
}

static void start(void)
{
    fake = fake_intake_start();
    snprintf(url, sizeof url, "dd_url=%s", fake_intake_url(fake));
    assert_true(RUNNING_START(&running, NULL, url, "api_key=k", "heeler_interval=60",
                              "log_level=debug", "heeler_http_listen=127.0.0.1:0",
                              socket_setting));
}

/* ---- what a row says --------------------------------------------------- */

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

/* Code points up to U+00FF are bytes. */
static size_t latin1(const json_t *text, unsigned char out[BYTES_MAX])
{
    const unsigned char *at = (const unsigned char *)json_string_value(text);
    size_t n = 0;

    for (size_t i = 0; i < json_string_length(text); i++) {
        if (at[i] >= 0xC0) {
            out[n++] = (unsigned char)((at[i] & 3) << 6 | (at[i + 1] & 0x3F));
            i++;
        } else {
            out[n++] = at[i];
        }
        assert_true(n < BYTES_MAX);
    }
    return n;
}

static size_t hexadecimal(const char *text, unsigned char out[BYTES_MAX])
{
    size_t n = 0;
    unsigned byte;

    for (; sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (unsigned char)byte;
    return n;
}

/* ---- what comes out ---------------------------------------------------- */

/* The log shows no byte that a terminal obeys: no C0 but the end of a line, no DEL, and
 * no C1, raw or as UTF-8. */
static void assert_log_is_harmless(const char *id)
{
    for (const unsigned char *at = (const unsigned char *)running.log; *at != '\0'; at++)
        if ((*at < 0x20 && *at != '\n') || *at == 0x7F ||
            (*at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0))
            fail_msg("%s: byte %d in the log", id, *at);
}

/* Every payload can be read, down to the text of each name. */
static void assert_payloads_are_read(const char *id)
{
    for (size_t i = 0; i < fake_intake_count(fake); i++) {
        const struct fake_request *request = fake_intake_request(fake, i);
        if (strcmp(request->path, "/api/v1/validate") == 0)
            continue;
        json_t *decoded = fake_request_decode(request);
        if (decoded == NULL)
            fail_msg("%s: %s cannot be read", id, request->path);
        json_decref(decoded);
    }
    json_t *items = fake_intake_items(fake, "/api/v2/series"), *item;
    size_t i;
    json_array_foreach(items, i, item)
    {
        if (json_string_value(json_object_get(item, "metric")) == NULL)
            fail_msg("%s: a name is no UTF-8", id);
    }
    json_decref(items);
}

static bool is_alive(void)
{
    char *body;
    int status = running_get(&running, server_http_port(running.server), "/live", &body);

    free(body);
    return status == 200;
}

static void end(const char *id, uint64_t lines, uint64_t rejected)
{
    if (!is_alive())
        fail_msg("%s: not alive", id);
    assert_true(running_stop(&running));
    if (running_ledger(&running, "lines") != lines ||
        running_ledger(&running, "rejected") != rejected ||
        strcmp(running_imbalance(&running), "0/0/0") != 0)
        fail_msg("%s: %s", id, running.log);
    assert_log_is_harmless(id);
    assert_payloads_are_read(id);
    running_free(&running);
    fake_intake_stop(fake);
}

/* ---- the rows ---------------------------------------------------------- */

static void run_datagram(const json_t *row)
{
    static unsigned char bytes[BYTES_MAX];
    const json_t *expect = json_object_get(row, "expect");
    uint64_t accepted = (uint64_t)json_integer_value(json_object_get(expect, "accepted"));
    uint64_t rejected = (uint64_t)json_integer_value(json_object_get(expect, "rejected"));
    size_t n = latin1(json_object_get(row, "input_latin1"), bytes);

    start();
    int fd = udp_sender(running_listener(&running, 0));
    assert_int_equal(send(fd, bytes, n, 0), n);
    assert_true(running_until(&running, running_datagrams, 1));
    close(fd);
    end(text_of(row, "id"), accepted + rejected, rejected);
}

static int connect_stream(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void wait_for_end(int fd, const char *id)
{
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    char byte;

    if (poll(&watched, 1, WAIT_MS) != 1 || recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
        fail_msg("%s: the connection is not closed", id);
}

/* What it brought was read, as what was sent behind it on another one has come. */
static void assert_still_open(int fd, const char *id)
{
    char byte;

    if (recv(fd, &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
        fail_msg("%s: the connection is closed", id);
}

static uint64_t too_large(void)
{
    struct server_view view;

    server_view(running.server, &view);
    uint64_t sum = 0;
    for (size_t i = 0; i < view.listeners->n; i++)
        for (uint32_t w = 0; w < view.listeners->at[i].n_sockets; w++)
            sum += counter_read(&view.listeners->at[i].sockets[w].too_large);
    return sum;
}

static void run_stream(const json_t *row)
{
    static unsigned char bytes[BYTES_MAX];
    const char *id = text_of(row, "id");
    const char *result = text_of(json_object_get(row, "expect"), "result");
    size_t n = hexadecimal(text_of(row, "input_hex"), bytes);
    uint64_t lines = strncmp(result, "one line", 8) == 0    ? 1
                     : strncmp(result, "two lines", 9) == 0 ? 2
                                                            : 0;

    start();
    int fd = connect_stream();
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    if (strstr(result, "closed") != NULL)
        wait_for_end(fd, id);
    int other = connect_stream();
    assert_int_equal(send(other, "\5\0\0\0z:1|c", 9, MSG_NOSIGNAL), 9);
    assert_true(running_until(&running, running_datagrams, lines + 1));
    if (strstr(result, "closed") == NULL)
        assert_still_open(fd, id);
    if (strstr(result, "too_large") != NULL)
        assert_int_equal(too_large(), 1);
    close(fd);
    close(other);
    end(id, lines + 1, 0);
}

static size_t run_rows(const char *kind, void (*run)(const json_t *row))
{
    FILE *file = fopen("tests/data/hostile/hostile.jsonl", "re");
    char *line = NULL;
    size_t size = 0, n = 0;

    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);

        assert_non_null(row);
        if (strcmp(text_of(row, "kind"), kind) == 0) {
            run(row);
            n++;
        }
        json_decref(row);
    }
    free(line);
    fclose(file);
    return n;
}

static void hostile_datagrams_are_counted_and_harm_nothing(void **state)
{
    (void)state;
    assert_int_equal(run_rows("datagram", run_datagram), 12);
}

static void hostile_connections_are_closed_or_wait(void **state)
{
    (void)state;
    assert_int_equal(run_rows("stream", run_stream), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hostile_datagrams_are_counted_and_harm_nothing),
        TEST(hostile_connections_are_closed_or_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
