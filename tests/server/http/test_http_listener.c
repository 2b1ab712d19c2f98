#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/address.h"
#include "server/http/http_listener.h"
#include "tests/support/temp_file.h"

static const struct http_owner owner = { "http", 0600, false };

static bool takes_connections(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    bool taken = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return taken;
}

static void says_who_reaches_it(void **state)
{
    static const struct {
        const char *address;
        bool local;
    } cases[] = {
        { "127.0.0.1:0", true }, { "localhost:0", true },
        { "127.9.9.9:0", true },                         /* all of 127/8 */
        { "[::1]:0", true },     { "0.0.0.0:0", false }, /* whoever asks */
        { "[::]:0", false },
    };
    struct http_listener listener;
    char problem[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(address_is_local(cases[i].address), cases[i].local);
        if (!http_listener_open(&listener, cases[i].address, &owner, NULL, problem,
                                sizeof problem))
            continue; /* a machine without IPv6 */
        if (listener.local != cases[i].local || listener.port == 0)
            fail_msg("%s", cases[i].address);
        http_listener_close(&listener);
    }
}

static void both_wildcards_may_have_one_port(void **state)
{
    struct http_listener v4, v6, again;
    char address[32], problem[512];
    (void)state;

    assert_true(http_listener_open(&v4, "0.0.0.0:0", &owner, NULL, problem, sizeof problem));
    snprintf(address, sizeof address, "[::]:%d", v4.port);
    if (http_listener_open(&v6, address, &owner, NULL, problem, sizeof problem)) {
        assert_false(
            http_listener_open(&again, address, &owner, NULL, problem, sizeof problem));
        assert_non_null(strstr(problem, "the address is in use"));
        http_listener_close(&v6);
    } else { /* a machine without IPv6 */
        assert_null(strstr(problem, "in use"));
    }
    http_listener_close(&v4);
}

static void a_unix_socket_is_for_its_owner_alone(void **state)
{
    struct http_listener listener, second;
    char folder[TEMP_PATH_SIZE], path[TEMP_PATH_SIZE + 32], address[TEMP_PATH_SIZE + 64];
    char problem[512];
    struct stat found;
    (void)state;

    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/new/http.sock", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    assert_true(http_listener_open(&listener, address, &owner, NULL, problem, sizeof problem));
    assert_true(listener.local);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_true(takes_connections(path));
    assert_false(http_listener_open(&second, address, &owner, NULL, problem, sizeof problem));
    assert_non_null(strstr(problem, "another server listens there"));

    close(listener.fd); /* as if it had died */
    listener.fd = -1;
    assert_true(http_listener_open(&second, address, &owner, NULL, problem, sizeof problem));
    assert_true(takes_connections(path));
    http_listener_close(&second);
    assert_int_not_equal(stat(path, &found), 0);
    temp_folder_remove(folder);
}

static void a_successor_goes_on_with_the_socket(void **state)
{
    struct inherited_sockets left = { 0 };
    struct http_listener listener, tcp, again;
    char folder[TEMP_PATH_SIZE], address[TEMP_PATH_SIZE + 64], problem[512];
    const char *path;
    (void)state;

    temp_folder_make(folder);
    snprintf(address, sizeof address, "unix:%s/http.sock", folder);
    path = address_path(address);
    assert_true(http_listener_open(&listener, address, &owner, NULL, problem, sizeof problem));
    assert_true(http_listener_open(&tcp, "127.0.0.1:0", &owner, NULL, problem, sizeof problem));
    int port = tcp.port;
    http_listener_leave(&listener, &left);
    http_listener_leave(&tcp, &left);
    assert_true(takes_connections(path)); /* it waits in the queue */

    assert_true(
        http_listener_open(&again, "127.0.0.1:0", &owner, &left, problem, sizeof problem));
    assert_int_equal(again.port, port);
    assert_true(again.local);
    http_listener_close(&again);
    assert_true(http_listener_open(&again, address, &owner, &left, problem, sizeof problem));
    assert_true(again.local);
    assert_int_equal(inherited_close(&left), 0);
    http_listener_close(&again);
    assert_false(takes_connections(path));
    inherited_free(&left);
    temp_folder_remove(folder);
}

static void what_cannot_be_is_said(void **state)
{
    static const struct {
        const char *address, *why;
    } cases[] = {
        { "no-such-host.invalid:1", "cannot listen on no-such-host.invalid:1" },
        { "192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign requested address" },
        { "unix:/dev/null", "exists and is no socket" },
        { "unix:/proc/nowhere/x", "cannot make the folder" },
    };
    struct http_listener listener;
    char problem[512];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(http_listener_open(&listener, cases[i].address, &owner, NULL, problem,
                                        sizeof problem));
        if (strstr(problem, cases[i].why) == NULL)
            fail_msg("%s", problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_who_reaches_it),
        cmocka_unit_test(both_wildcards_may_have_one_port),
        cmocka_unit_test(a_unix_socket_is_for_its_owner_alone),
        cmocka_unit_test(a_successor_goes_on_with_the_socket),
        cmocka_unit_test(what_cannot_be_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
