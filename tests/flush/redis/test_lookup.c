#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flush/redis/lookup.h"
#include "tests/support/temp_file.h"

/* A name server of few words. It answers each question with the same code, and the
 * question for an IPv4 address with 192.0.2.7 if the code is 0. */
enum { NO_ERROR = 0, NO_SUCH_NAME = 3, SILENCE = -1, TYPE_A = 1, HEADER = 12 };

struct name_server {
    int fd, code;
    struct event *readable;
    int questions;
};

/* One question: the header, a name of lengths and letters, type and class. */
static size_t answer_question(unsigned char *text, size_t len, int code)
{
    static const unsigned char address[] = { 0xc0, HEADER, 0, TYPE_A, 0,   1, 0, 0,
                                             0,    60,     0, 4,      192, 0, 2, 7 };
    unsigned type = text[len - 3];

    text[2] = 0x84; /* an answer, and for sure */
    text[3] = (unsigned char)code;
    memset(text + 6, 0, 6);
    if (code != NO_ERROR || type != TYPE_A)
        return len;
    text[7] = 1;
    memcpy(text + len, address, sizeof address);
    return len + sizeof address;
}

static void on_question(evutil_socket_t fd, short what, void *argument)
{
    struct name_server *server = argument;
    unsigned char text[1024];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t len = recvfrom(fd, text, sizeof text / 2, 0, (struct sockaddr *)&from, &from_len);
    (void)what;

    assert_true(len > HEADER + 4);
    server->questions++;
    if (server->code == SILENCE)
        return;
    size_t full = answer_question(text, (size_t)len, server->code);

    assert_int_equal(sendto(fd, text, full, 0, (struct sockaddr *)&from, from_len), full);
}

/* ---- a look-up and all it looks at ------------------------------------- */

struct scene {
    struct event_base *base;
    struct name_server server;
    char resolv_conf[TEMP_PATH_SIZE], hosts[TEMP_PATH_SIZE];
    struct lookup_files files;
    bool done;
    struct lookup_answer answer;
};

static void scene_start(struct scene *scene, int code)
{
    static const char hosts[] = "# hosts\n192.0.2.1 redis.example other\n"
                                "2001:db8::1 six.example\n192.0.2.2 both\n192.0.2.3 both\n";
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;
    char text[100];

    scene->base = event_base_new();
    scene->server.code = code;
    scene->server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(scene->server.fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(scene->server.fd, (struct sockaddr *)&at, &len), 0);
    scene->server.readable = event_new(scene->base, scene->server.fd, EV_READ | EV_PERSIST,
                                       on_question, &scene->server);
    event_add(scene->server.readable, NULL);
    int written = snprintf(text, sizeof text, "nameserver 127.0.0.1:%d\n", ntohs(at.sin_port));

    temp_file_write(scene->resolv_conf, text, (size_t)written);
    temp_file_write(scene->hosts, hosts, sizeof hosts - 1);
    scene->files = (struct lookup_files){ scene->resolv_conf, scene->hosts };
}

static void scene_stop(struct scene *scene)
{
    event_free(scene->server.readable);
    close(scene->server.fd);
    event_base_free(scene->base);
    unlink(scene->resolv_conf);
    unlink(scene->hosts);
}

static void take(void *argument, const struct lookup_answer *answer)
{
    struct scene *scene = argument;

    assert_false(scene->done);
    scene->done = true;
    scene->answer = *answer;
}

static struct lookup *start(struct scene *scene, const char *host)
{
    struct lookup *lookup = lookup_start(scene->base, &scene->files, host, 6379, take, scene);

    assert_non_null(lookup);
    assert_false(scene->done); /* the answer comes from the loop */
    return lookup;
}

static void look_up(struct scene *scene, const char *host)
{
    scene->done = false;
    start(scene, host);
    while (!scene->done)
        event_base_loop(scene->base, EVLOOP_ONCE);
}

static void expect_address(const struct scene *scene, size_t i, const char *expected)
{
    char text[100] = "";

    assert_true(i < scene->answer.n);
    const struct sockaddr_storage *at = &scene->answer.addresses[i].at;
    const struct sockaddr_in *four = (const struct sockaddr_in *)at;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)at;

    if (at->ss_family == AF_INET)
        inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    else
        inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(ntohs(at->ss_family == AF_INET ? four->sin_port : six->sin6_port), 6379);
}

/* ---- tests ------------------------------------------------------------- */

static void an_address_is_its_own_answer(void **state)
{
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, NO_SUCH_NAME);
    look_up(&scene, "192.0.2.9");
    expect_address(&scene, 0, "192.0.2.9");
    look_up(&scene, "2001:db8::9");
    expect_address(&scene, 0, "2001:db8::9");
    look_up(&scene, "::1");
    expect_address(&scene, 0, "::1");
    assert_int_equal(scene.answer.n, 1);
    assert_int_equal(scene.server.questions, 0);
    scene_stop(&scene);
}

static void the_hosts_file_comes_first(void **state)
{
    static const char *const cases[][2] = { { "redis.example", "192.0.2.1" },
                                            { "other", "192.0.2.1" },
                                            { "OTHER", "192.0.2.1" },
                                            { "six.example", "2001:db8::1" } };
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, NO_SUCH_NAME);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        look_up(&scene, cases[i][0]);
        assert_int_equal(scene.answer.n, 1);
        expect_address(&scene, 0, cases[i][1]);
    }
    look_up(&scene, "both");
    assert_int_equal(scene.answer.n, 2);
    assert_int_equal(scene.server.questions, 0);
    scene_stop(&scene);
}

static void the_name_server_is_asked_next(void **state)
{
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, NO_ERROR);
    look_up(&scene, "asked.example");
    assert_int_equal(scene.answer.n, 1);
    expect_address(&scene, 0, "192.0.2.7");
    assert_true(scene.server.questions > 0);
    scene_stop(&scene);
}

static void a_name_that_is_none_has_a_reason(void **state)
{
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, NO_SUCH_NAME);
    look_up(&scene, "none.example");
    assert_int_equal(scene.answer.n, 0);
    assert_string_equal(scene.answer.problem, "nodename nor servname provided, or not known");
    scene_stop(&scene);
}

/* libevent then knows localhost and a name server on this machine, which a name of the
 * hosts file does not need. */
static void without_resolv_conf_the_hosts_file_still_counts(void **state)
{
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, NO_SUCH_NAME);
    scene.files.resolv_conf = "/nowhere/resolv.conf";
    look_up(&scene, "redis.example");
    expect_address(&scene, 0, "192.0.2.1");
    scene.files.hosts = "/nowhere/hosts";
    look_up(&scene, "localhost");
    assert_true(scene.answer.n > 0);
    scene_stop(&scene);
}

/* Also with an answer on its way, half an answer, or one not yet told. */
static void it_may_be_cancelled_at_any_time(void **state)
{
    static const char *const names[] = { "none.example", "redis.example", "::1" };
    static const int codes[] = { SILENCE, NO_SUCH_NAME, NO_ERROR };
    (void)state;

    for (size_t i = 0; i < 9; i++)
        for (int turns = 0; turns < 6; turns++) {
            struct scene scene = { 0 };

            scene_start(&scene, codes[i % 3]);
            struct lookup *lookup = start(&scene, names[i / 3]);

            for (int turn = 0; turn < turns && !scene.done; turn++)
                event_base_loop(scene.base, EVLOOP_NONBLOCK);
            if (!scene.done)
                lookup_cancel(lookup);
            scene_stop(&scene);
        }
}

static void a_silent_name_server_keeps_nobody_waiting(void **state)
{
    struct scene scene = { 0 };
    (void)state;

    scene_start(&scene, SILENCE);
    struct lookup *lookup = start(&scene, "asked.example");

    while (scene.server.questions == 0)
        event_base_loop(scene.base, EVLOOP_ONCE);
    assert_false(scene.done);
    lookup_cancel(lookup);
    look_up(&scene, "redis.example"); /* the loop goes on */
    expect_address(&scene, 0, "192.0.2.1");
    scene_stop(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_its_own_answer),
        cmocka_unit_test(the_hosts_file_comes_first),
        cmocka_unit_test(the_name_server_is_asked_next),
        cmocka_unit_test(a_name_that_is_none_has_a_reason),
        cmocka_unit_test(without_resolv_conf_the_hosts_file_still_counts),
        cmocka_unit_test(it_may_be_cancelled_at_any_time),
        cmocka_unit_test(a_silent_name_server_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
