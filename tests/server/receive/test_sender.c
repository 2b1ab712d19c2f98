#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/settings.h"
#include "server/receive/gro.h"
#include "server/receive/listener.h"
#include "server/receive/sender.h"
#include "tests/support/udp.h"

enum { SIZE = 64 };

static const char *text_of(struct sender sender)
{
    static char text[64];

    sender_write(&sender, text, sizeof text);
    return text;
}

static void each_kind_is_written(void **state)
{
    struct sender v4 = { .family = AF_INET, .port = 53211, .address = { 127, 0, 0, 1 } };
    struct sender v6 = { .family = AF_INET6, .port = 7, .address = { [15] = 1 } };
    (void)state;

    assert_string_equal(text_of((struct sender){ 0 }), "unknown");
    assert_string_equal(text_of(sender_of_process(4711)), "pid 4711");
    assert_string_equal(text_of(sender_of_process(0)), "pid 0 (of another pid namespace)");
    assert_string_equal(text_of(v4), "127.0.0.1:53211");
    assert_string_equal(text_of(v6), "[::1]:7");
    memset(v6.address, 0xab, sizeof v6.address);
    v6.port = 65535;
    assert_string_equal(text_of(v6), "[abab:abab:abab:abab:abab:abab:abab:abab]:65535");
}

static void an_address_is_written_alone(void **state)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(0x0a000007) } };
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
    struct sockaddr unix_socket = { .sa_family = AF_UNIX }, none = { .sa_family = AF_UNSPEC };
    struct sender sender = sender_of_address((struct sockaddr *)&v4);
    char text[64];
    (void)state;

    sender_write_address(&sender, text, sizeof text);
    assert_string_equal(text, "10.0.0.7");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.9", &mapped.sin6_addr), 1);
    sender = sender_of_address((struct sockaddr *)&mapped);
    sender_write_address(&sender, text, sizeof text);
    assert_string_equal(text, "10.0.0.9");
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &mapped.sin6_addr), 1);
    sender = sender_of_address((struct sockaddr *)&mapped);
    sender_write_address(&sender, text, sizeof text);
    assert_string_equal(text, "2001:db8::1");
    sender = sender_of_address(&unix_socket);
    assert_int_equal(sender.family, AF_UNIX);
    sender_write_address(&sender, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(sender_of_address(&none).family, AF_UNSPEC);
}

/* The text of who sent the only datagram that waits at the socket. */
static const char *sender_at(struct batch *batch, int fd, bool is_unix)
{
    struct slice datagram;
    bool truncated;

    assert_int_equal(batch_receive(batch, fd), 1);
    assert_true(batch_next(batch, &datagram, &truncated));
    return text_of(sender_of_batch(batch, is_unix));
}

/* "127.0.0.1:PORT" of a socket that has sent. */
static const char *own_address(int fd)
{
    static char text[64];
    struct sockaddr_in own;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &(socklen_t){ sizeof own }), 0);
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(own.sin_port));
    return text;
}

static void an_address_is_known_while_it_is_asked_for(void **state)
{
    struct batch *batch = batch_new(SIZE);
    int port, to = udp_receiver(&port);
    char name[32];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int from = udp_sender(name), other = udp_sender(name);
    udp_send(from, "a:1|c");
    assert_string_equal(sender_at(batch, to, false), "unknown");
    assert_true(batch_ask(batch, true, true));
    for (int i = 0; i < 3; i++) {
        udp_send(from, "a:1|c");
        assert_string_equal(sender_at(batch, to, false), own_address(from));
        udp_send(other, "a:1|c");
        assert_string_equal(sender_at(batch, to, false), own_address(other));
    }
    assert_true(batch_ask(batch, false, false));
    udp_send(from, "a:1|c");
    assert_string_equal(sender_at(batch, to, false), "unknown");
    close(from);
    close(other);
    close(to);
    batch_free(batch);
}

static void an_address_of_the_old_kind_stays_one_at_a_socket_of_the_new(void **state)
{
    struct batch *batch = batch_new(SIZE);
    struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
    char name[32];
    int to = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)state;

    if (to < 0 || setsockopt(to, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int)) != 0 ||
        bind(to, (struct sockaddr *)&at, sizeof at) != 0)
        skip(); /* a machine without IPv6 */
    assert_int_equal(getsockname(to, (struct sockaddr *)&at, &(socklen_t){ sizeof at }), 0);
    snprintf(name, sizeof name, "udp 127.0.0.1:%d", ntohs(at.sin6_port));
    int from = udp_sender(name);
    assert_true(batch_ask(batch, false, true));
    udp_send(from, "a:1|c");
    assert_string_equal(sender_at(batch, to, false), own_address(from));
    close(from);
    close(to);
    batch_free(batch);
}

/* Both are told by the same receive, and the length stays told when nobody asks any more. */
static void coalesced_datagrams_have_an_address_too(void **state)
{
    udp_need_coalescing();
    struct batch *batch = batch_new_coalesced(SIZE);
    int port, to = udp_receiver(&port);
    struct slice datagram;
    char name[32];
    bool truncated;
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int from = udp_sender(name);
    assert_true(gro_ask(to));
    for (int asked = 1; asked >= 0; asked--) {
        assert_true(batch_ask(batch, asked, asked));
        udp_send_segments(from, "a:1|ca:2|c", 10, 5);
        assert_int_equal(batch_receive(batch, to), 1);
        for (int i = 0; i < 2; i++) {
            assert_true(batch_next(batch, &datagram, &truncated));
            assert_int_equal(datagram.len, 5);
            assert_string_equal(text_of(sender_of_batch(batch, false)),
                                asked ? own_address(from) : "unknown");
        }
    }
    close(from);
    close(to);
    batch_free(batch);
}

/* ---- who wants to know ------------------------------------------------- */

struct ends {
    int from;
    struct listener_socket socket;
    struct listener listener;
    struct listeners listeners;
};

static void open_ends(struct ends *ends)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    ends->from = fds[0];
    ends->socket = (struct listener_socket){ .fd = fds[1] };
    ends->listener = (struct listener){ .kind = LISTENER_UNIX, .sockets = &ends->socket };
    ends->listeners = (struct listeners){ .at = &ends->listener, .n = 1 };
}

static void close_ends(const struct ends *ends)
{
    close(ends->from);
    close(ends->socket.fd);
}

static bool is_told(const struct ends *ends)
{
    int told = 0;

    assert_int_equal(getsockopt(ends->socket.fd, SOL_SOCKET, SO_PASSCRED, &told,
                                &(socklen_t){ sizeof told }),
                     0);
    return told;
}

static void a_process_is_known_while_somebody_wants_to_know(void **state)
{
    struct batch *batch = batch_new(SIZE);
    struct settings settings = { .dogstatsd_origin_detection = false };
    struct senders senders;
    struct ends ends;
    char own[32];
    (void)state;

    open_ends(&ends);
    senders_init(&senders, &ends.listeners, &settings);
    snprintf(own, sizeof own, "pid %ld", (long)getpid());
    assert_false(senders_are_wanted(&senders));
    senders_want(&senders);
    senders_want(&senders);
    assert_true(senders_are_wanted(&senders));
    assert_true(batch_ask(batch, true, true));
    assert_int_equal(send(ends.from, "a:1|c", 5, 0), 5);
    assert_string_equal(sender_at(batch, ends.socket.fd, true), own);
    senders_want_no_more(&senders);
    assert_true(senders_are_wanted(&senders));
    assert_true(is_told(&ends));
    senders_want_no_more(&senders);
    assert_false(senders_are_wanted(&senders));
    assert_false(is_told(&ends));
    assert_int_equal(send(ends.from, "a:1|c", 5, 0), 5);
    assert_string_equal(sender_at(batch, ends.socket.fd, true), "unknown");
    close_ends(&ends);
    batch_free(batch);
}

static void what_the_settings_ask_for_stays(void **state)
{
    struct settings settings = { .dogstatsd_origin_detection = true };
    struct senders senders;
    struct ends ends;
    (void)state;

    open_ends(&ends);
    senders_init(&senders, &ends.listeners, &settings);
    assert_int_equal(
        setsockopt(ends.socket.fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)), 0);
    senders_want(&senders);
    senders_want_no_more(&senders);
    assert_true(is_told(&ends));
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_written),
        cmocka_unit_test(an_address_is_written_alone),
        cmocka_unit_test(an_address_is_known_while_it_is_asked_for),
        cmocka_unit_test(an_address_of_the_old_kind_stays_one_at_a_socket_of_the_new),
        cmocka_unit_test(coalesced_datagrams_have_an_address_too),
        cmocka_unit_test(a_process_is_known_while_somebody_wants_to_know),
        cmocka_unit_test(what_the_settings_ask_for_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
