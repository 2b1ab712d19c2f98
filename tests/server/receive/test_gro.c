#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/receive/gro.h"
#include "tests/support/udp.h"

static void a_socket_coalesces_from_when_it_is_asked(void **state)
{
    udp_need_coalescing();
    char name[32], got[64];
    int port, fd = udp_receiver(&port);
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int sender = udp_sender(name);
    assert_false(gro_is_asked(fd));
    udp_send_segments(sender, "aabb", 4, 2);
    assert_true(gro_ask(fd));
    assert_true(gro_is_asked(fd));
    assert_true(gro_ask(fd));
    udp_send_segments(sender, "ccdd", 4, 2);
    assert_int_equal(recv(fd, got, sizeof got, 0), 2);
    assert_int_equal(recv(fd, got, sizeof got, 0), 2);
    assert_int_equal(recv(fd, got, sizeof got, 0), 4);
    assert_memory_equal(got, "ccdd", 4);
    close(sender);
    close(fd);
}

/* Without the option nobody could tell that what waits is two datagrams. */
static void it_goes_on_until_it_was_empty(void **state)
{
    udp_need_coalescing();
    char name[32], got[64];
    int port, fd = udp_receiver(&port);
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int sender = udp_sender(name);
    assert_true(gro_ask(fd));
    udp_send_segments(sender, "aabb", 4, 2);
    assert_false(gro_end(fd));
    assert_true(gro_is_asked(fd));
    assert_int_equal(recv(fd, got, sizeof got, 0), 4);
    assert_true(gro_end(fd));
    assert_false(gro_is_asked(fd));
    udp_send_segments(sender, "aabb", 4, 2);
    assert_int_equal(recv(fd, got, sizeof got, 0), 2);
    close(sender);
    close(fd);
}

static void what_is_no_udp_socket_cannot(void **state)
{
    int fds[2];
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    assert_false(gro_ask(fds[0]));
    assert_false(gro_is_asked(fds[0]));
    assert_false(gro_is_asked(-1));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_coalesces_from_when_it_is_asked),
        cmocka_unit_test(it_goes_on_until_it_was_empty),
        cmocka_unit_test(what_is_no_udp_socket_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
