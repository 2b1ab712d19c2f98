#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/log.h"
#include "server/receive/listener_udp.h"
#include "server/receive/listeners.h"
#include "tests/support/udp.h"
#include "tests/support/with_settings.h"

struct opened {
    struct settings settings;
    struct listeners listeners;
    char problem[256];
    bool good;
};

static struct opened open_with(uint32_t workers, char **sets, size_t n)
{
    struct opened opened = { .good = false };

    assert_true(with_settings(&opened.settings, sets, n));
    opened.good = listeners_open(&opened.listeners, &opened.settings, workers, NULL,
                                 opened.problem, sizeof opened.problem);
    return opened;
}
#define OPEN_WITH(workers, ...)                                        \
    open_with(workers, (char *[]){ "dogstatsd_socket=", __VA_ARGS__ }, \
              sizeof((char *[]){ "dogstatsd_socket=", __VA_ARGS__ }) / sizeof(char *))

static void close_opened(struct opened *opened)
{
    listeners_close(&opened->listeners);
    assert_int_equal(opened->listeners.n, 0);
    settings_free(&opened->settings);
}

static const char *port_of(const struct listener *listener)
{
    return strrchr(listener->name, ':') + 1;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool has_v6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;

    if (fd >= 0)
        close(fd);
    return has;
}

/* ---- addresses --------------------------------------------------------- */

static void localhost_is_both_families_on_one_port(void **state)
{
    static char *const hosts[] = { "bind_host=", "bind_host=localhost",
                                   "dogstatsd_non_local_traffic=true" };
    (void)state;

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", hosts[i]);

        assert_true(opened.good);
        assert_int_equal(opened.listeners.n, has_v6() ? 2 : 1);
        assert_true(
            begins(opened.listeners.at[0].name, i < 2 ? "udp 127.0.0.1:" : "udp 0.0.0.0:"));
        assert_int_not_equal(atoi(port_of(&opened.listeners.at[0])), 0);
        if (has_v6()) {
            assert_true(
                begins(opened.listeners.at[1].name, i < 2 ? "udp [::1]:" : "udp [::]:"));
            assert_string_equal(port_of(&opened.listeners.at[0]),
                                port_of(&opened.listeners.at[1]));
        }
        close_opened(&opened);
    }
}

/* In a network of its own, with a loopback and no IPv6. False: not permitted here. */
static bool leave_v6(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
        return false;
    close(fd);
    fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY);
    return fd < 0 || write(fd, "1", 1) == 1;
}

static void a_machine_without_ipv6_gets_a_warning(void **state)
{
    enum { FINE, WRONG, NOT_PERMITTED };
    int status;
    pid_t child = fork();
    (void)state;

    if (child == 0) {
        if (!leave_v6())
            _exit(NOT_PERMITTED);
        struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__");
        _exit(opened.good && opened.listeners.n == 1 &&
                      begins(opened.listeners.at[0].name, "udp 127.0.0.1:")
                  ? FINE
                  : WRONG);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_PERMITTED)
        skip();
    assert_int_equal(WEXITSTATUS(status), FINE);
}

static void a_port_of_zero_is_no_listener(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=0", "use_dogstatsd=false");
    (void)state;

    assert_true(opened.good);
    assert_int_equal(opened.listeners.n, 0);
    close_opened(&opened);
}

static void a_list_of_addresses_stands_for_the_port(void **state)
{
    struct opened opened =
        OPEN_WITH(1, "heeler_udp_listen=127.0.0.1:0 127.0.0.2:0", "dogstatsd_port=8125");
    (void)state;

    assert_true(opened.good);
    assert_int_equal(opened.listeners.n, 2);
    assert_true(begins(opened.listeners.at[0].name, "udp 127.0.0.1:"));
    assert_true(begins(opened.listeners.at[1].name, "udp 127.0.0.2:"));
    close_opened(&opened);
}

static void an_address_that_is_none_is_named(void **state)
{
    static const struct {
        char *set;
        const char *sentence;
    } cases[] = {
        { "bind_host=no such host", "bind_host: \"no such host\" is no address" },
        { "bind_host=192.0.2.1", "192.0.2.1" }, /* of documentation: not this machine's */
        { "heeler_udp_listen=192.0.2.1:9", "192.0.2.1" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", cases[i].set);

        assert_false(opened.good);
        if (strstr(opened.problem, cases[i].sentence) == NULL)
            fail_msg("%s: %s", cases[i].set, opened.problem);
        close_opened(&opened);
    }
}

/* ---- who may have an address ------------------------------------------- */

static void a_second_server_is_told_that_the_address_is_in_use(void **state)
{
    struct opened first = OPEN_WITH(2, "dogstatsd_port=__random__", "bind_host=127.0.0.1");
    char set[64], listed[64];
    (void)state;

    assert_true(first.good);
    snprintf(set, sizeof set, "dogstatsd_port=%s", port_of(&first.listeners.at[0]));
    snprintf(listed, sizeof listed, "heeler_udp_listen=127.0.0.1:%s",
             port_of(&first.listeners.at[0]));
    struct opened cases[] = {
        OPEN_WITH(1, set, "bind_host=127.0.0.1"),
        OPEN_WITH(2, set, "bind_host=127.0.0.1"),
        OPEN_WITH(1, set, "dogstatsd_non_local_traffic=true"),
        OPEN_WITH(1, listed),
        OPEN_WITH(1, listed, "dogstatsd_port=__random__"), /* no other port instead */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].good)
            fail_msg("case %zu opened %s", i, cases[i].listeners.at[0].name);
        assert_non_null(strstr(cases[i].problem, "in use"));
        assert_non_null(strstr(cases[i].problem, port_of(&first.listeners.at[0])));
        close_opened(&cases[i]);
    }
    close_opened(&first);
}

static void every_worker_has_a_socket_of_its_own(void **state)
{
    struct opened opened = OPEN_WITH(2, "dogstatsd_port=__random__", "bind_host=127.0.0.1");
    const struct listener *listener = &opened.listeners.at[0];
    int got[2] = { 0, 0 };
    char text[8];
    (void)state;

    assert_true(opened.good);
    assert_int_equal(listener->n_sockets, 2);
    for (int i = 0; i < 64; i++) { /* 64 flows */
        int fd = udp_sender(listener->name);
        udp_send(fd, "x");
        close(fd);
    }
    for (int i = 0; i < 2; i++)
        while (recv(listener->sockets[i].fd, text, sizeof text, MSG_DONTWAIT) > 0)
            got[i]++;
    assert_int_equal(got[0] + got[1], 64);
    assert_true(got[0] > 0 && got[1] > 0);
    close_opened(&opened);
}

static int waiting_at(int fd)
{
    char bytes[64];
    int n = 0;

    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
        n++;
    return n;
}

static void one_loud_sender_reaches_one_worker_or_at_random_all(void **state)
{
    static char *const spreads[] = { "heeler_spread=flow", "heeler_spread=random" };
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct opened opened =
            OPEN_WITH(2, "dogstatsd_port=__random__", "bind_host=127.0.0.1", spreads[i]);
        assert_true(opened.good);
        int sender = udp_sender(opened.listeners.at[0].name);
        for (int n = 0; n < 64; n++)
            udp_send(sender, "a:1|c");
        int first = waiting_at(opened.listeners.at[0].sockets[0].fd);
        int second = waiting_at(opened.listeners.at[0].sockets[1].fd);
        assert_int_equal(first + second, 64);
        /* Both miss out at random once in 2^63 runs. */
        assert_int_equal(first > 0 && second > 0, i == 1);
        close(sender);
        close_opened(&opened);
    }
}

static void a_newline_is_required_where_the_setting_says_so(void **state)
{
    struct opened plain = OPEN_WITH(1, "dogstatsd_port=__random__");
    struct opened strict =
        OPEN_WITH(1, "dogstatsd_port=__random__", "dogstatsd_eol_required=uds udp");
    struct opened other =
        OPEN_WITH(1, "dogstatsd_port=__random__", "dogstatsd_eol_required=uds");
    (void)state;

    assert_false(plain.listeners.at[0].need_newline);
    assert_true(strict.listeners.at[0].need_newline);
    assert_false(other.listeners.at[0].need_newline);
    close_opened(&plain);
    close_opened(&strict);
    close_opened(&other);
}

/* ---- drops ------------------------------------------------------------- */

static uint64_t drain(const struct listener_socket *sock)
{
    char text[2048];
    uint64_t n = 0;

    while (recv(sock->fd, text, sizeof text, MSG_DONTWAIT) >= 0)
        n++;
    return n;
}

static void the_buffer_asked_for_is_a_part_of_the_memory(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "heeler_max_memory=524288");
    int granted = 0;
    (void)state;

    assert_int_equal(getsockopt(opened.listeners.at[0].sockets[0].fd, SOL_SOCKET, SO_RCVBUF,
                                &granted, &(socklen_t){ sizeof granted }),
                     0);
    assert_int_equal(granted, 2 * 524288 / 8); /* the kernel doubles it */
    close_opened(&opened);
}

static void what_a_full_buffer_drops_is_counted_to_the_datagram(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "dogstatsd_so_rcvbuf=4096");
    struct listener_socket *sock = &opened.listeners.at[0].sockets[0];
    int fd = udp_sender(opened.listeners.at[0].name);
    (void)state;

    for (int i = 0; i < 1000; i++)
        udp_send(fd, "burst:1|c");
    uint64_t drops = listener_drops(sock); /* while the buffer is still full, and silent */
    assert_true(drops > 0);
    assert_int_equal(drain(sock) + drops, 1000);

    listener_note_drops(sock);
    for (int i = 0; i < 500; i++)
        udp_send(fd, "burst:1|c");
    uint64_t more = listener_drops(sock) - drops;
    assert_int_equal(drain(sock) + more, 500);
    assert_int_equal(listener_drops(sock), drops + more); /* reading it changes nothing */
    close(fd);
    close_opened(&opened);
}

/* What was coalesced counts once for the kernel, however many datagrams it holds. */
static void of_coalesced_datagrams_the_dropped_buffers_are_counted(void **state)
{
    udp_need_coalescing();
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "dogstatsd_so_rcvbuf=4096", "heeler_udp_gro=true");
    struct listener_socket *sock = &opened.listeners.at[0].sockets[0];
    int fd = udp_sender(opened.listeners.at[0].name);
    (void)state;

    assert_true(listeners_coalesce(&opened.listeners));
    for (int i = 0; i < 1000; i++)
        udp_send_segments(fd, "burst:1|cburst:1|c", 18, 9);
    uint64_t drops = listener_drops(sock);
    assert_true(drops > 0);
    assert_int_equal(drain(sock) + drops, 1000);
    close(fd);
    close_opened(&opened);
}

static void nothing_is_coalesced_by_default(void **state)
{
    struct opened opened = OPEN_WITH(2, "dogstatsd_port=__random__");
    (void)state;

    assert_false(listeners_coalesce(&opened.listeners));
    close_opened(&opened);
}

static void the_kernels_32_bits_are_extended(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "dogstatsd_so_rcvbuf=4096");
    struct listener_socket *sock = &opened.listeners.at[0].sockets[0];
    int fd = udp_sender(opened.listeners.at[0].name);
    (void)state;

    for (int i = 0; i < 1000; i++)
        udp_send(fd, "burst:1|c");
    uint32_t kernel = (uint32_t)listener_drops(sock);
    static const uint64_t wraps = UINT64_C(7) << 32;
    /* Seen last when the kernel's number was one, none and 2^32 - 5 ago. */
    atomic_store(&sock->drops, wraps + kernel - 1);
    assert_int_equal(listener_drops(sock), wraps + kernel);
    atomic_store(&sock->drops, wraps + kernel);
    assert_int_equal(listener_drops(sock), wraps + kernel);
    atomic_store(&sock->drops, wraps - 5);
    assert_int_equal(listener_drops(sock), wraps + kernel);
    close(fd);
    close_opened(&opened);
}

static void a_socket_that_is_gone_keeps_its_last_count(void **state)
{
    struct listener_socket sock = { .fd = -1 };
    struct listener listener = { .n_sockets = 1, .sockets = &sock };
    (void)state;

    atomic_store(&sock.drops, 42);
    assert_int_equal(listener_drops(&sock), 42);
    assert_false(listener_gate(&listener));
}

static void behind_the_gate_what_is_new_is_refused_and_what_waits_is_readable(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1");
    struct listener_socket *sock = &opened.listeners.at[0].sockets[0];
    int fd = udp_sender(opened.listeners.at[0].name);
    (void)state;

    for (int i = 0; i < 10; i++)
        udp_send(fd, "accepted:1|c");
    assert_true(listener_gate(&opened.listeners.at[0]));
    for (int i = 0; i < 7; i++)
        udp_send(fd, "refused:1|c"); /* the sender is told nothing */
    assert_int_equal(listener_drops(sock), 7);
    assert_int_equal(drain(sock), 10);
    assert_int_equal(listener_drops(sock), 7);
    close(fd);
    close_opened(&opened);
}

static void an_asked_for_buffer_is_granted_as_far_as_the_system_allows(void **state)
{
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "dogstatsd_so_rcvbuf=65536");
    int bytes = 0;
    (void)state;

    getsockopt(opened.listeners.at[0].sockets[0].fd, SOL_SOCKET, SO_RCVBUF, &bytes,
               &(socklen_t){ sizeof bytes });
    assert_int_equal(bytes, 2 * 65536); /* every system's limit allows this */
    close_opened(&opened);
}

static void the_buffer_that_was_granted_is_compared_with_what_is_good(void **state)
{
    static const struct {
        int asked, granted, lacks;
        bool ours;
    } rows[] = {
        { 64 << 20, 64 << 20, 0, true },
        { 64 << 20, LISTENER_GOOD_BYTES, 0, true }, /* less than asked for, and enough */
        { 64 << 20, LISTENER_GOOD_BYTES - 1, LISTENER_GOOD_BYTES, true },
        { 64 << 20, LISTENER_GOOD_BYTES, 64 << 20, false }, /* the operator wants it all */
        { 1 << 20, 212992, 1 << 20, true }, /* little memory: little was asked for */
        { 0, 0, 0, false },                 /* no UDP */
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct listener listener = { .asked_bytes = rows[i].asked,
                                     .granted_bytes = rows[i].granted,
                                     .buffer_is_ours = rows[i].ours };
        assert_int_equal(listener_lacks_buffer(&listener), rows[i].lacks);
    }
    struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", "bind_host=127.0.0.1",
                                     "dogstatsd_so_rcvbuf=65536");
    assert_true(opened.good);
    assert_int_equal(opened.listeners.at[0].asked_bytes, 65536);
    assert_int_equal(opened.listeners.at[0].granted_bytes, 65536);
    close_opened(&opened);
}

static void a_port_that_is_missing_on_v6_is_known(void **state)
{
    static const struct {
        const char *host;
        bool misses;
    } rows[] = { { "127.0.0.1", true }, { "localhost", false }, { "0.0.0.0", true } };
    (void)state;

    for (size_t i = 0; has_v6() && i < sizeof rows / sizeof rows[0]; i++) {
        char host[40];
        struct udp_targets bound;

        snprintf(host, sizeof host, "bind_host=%s", rows[i].host);
        struct opened opened = OPEN_WITH(1, "dogstatsd_port=__random__", host);
        assert_true(opened.good);
        udp_listeners_bound(&opened.listeners, &bound);
        assert_int_equal(udp_targets_miss_v6(&bound), rows[i].misses);
        close_opened(&opened);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(localhost_is_both_families_on_one_port),
        cmocka_unit_test(a_machine_without_ipv6_gets_a_warning),
        cmocka_unit_test(a_port_of_zero_is_no_listener),
        cmocka_unit_test(a_list_of_addresses_stands_for_the_port),
        cmocka_unit_test(an_address_that_is_none_is_named),
        cmocka_unit_test(a_second_server_is_told_that_the_address_is_in_use),
        cmocka_unit_test(every_worker_has_a_socket_of_its_own),
        cmocka_unit_test(one_loud_sender_reaches_one_worker_or_at_random_all),
        cmocka_unit_test(a_newline_is_required_where_the_setting_says_so),
        cmocka_unit_test(the_buffer_asked_for_is_a_part_of_the_memory),
        cmocka_unit_test(what_a_full_buffer_drops_is_counted_to_the_datagram),
        cmocka_unit_test(of_coalesced_datagrams_the_dropped_buffers_are_counted),
        cmocka_unit_test(nothing_is_coalesced_by_default),
        cmocka_unit_test(the_kernels_32_bits_are_extended),
        cmocka_unit_test(a_socket_that_is_gone_keeps_its_last_count),
        cmocka_unit_test(behind_the_gate_what_is_new_is_refused_and_what_waits_is_readable),
        cmocka_unit_test(an_asked_for_buffer_is_granted_as_far_as_the_system_allows),
        cmocka_unit_test(the_buffer_that_was_granted_is_compared_with_what_is_good),
        cmocka_unit_test(a_port_that_is_missing_on_v6_is_known),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
