#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/receive/batch.h"
#include "server/receive/gro.h"
#include "tests/support/temp_file.h"
#include "tests/support/udp.h"
#include "tests/support/with_settings.h"
#include "tests/support/world.h"

static void what_the_kernel_cut_is_counted(void **state)
{
    struct world *world = WORLD_NEW(-1, 0, "dogstatsd_buffer_size=16");
    (void)state;

    udp_send(world->sender, "exactly.16b:1|c\n");
    udp_send(world->sender, "a:1|c\nb.longer.name:1|c");
    world_wait(world, 2);
    assert_int_equal(counter_read(&world_socket(world)->truncated), 1);
    assert_int_equal(counter_read(&world_socket(world)->bytes), 32);
    world_drain(world);
    world_join(world);
    assert_float_equal(world_take(world).value, 2, 0); /* what came whole counts */
    world_free(world);
}

/* A counter tells for how long datagrams had to wait while the worker read other sockets. */
static void a_wait_between_two_reads_is_told(void **state)
{
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    (void)state;

    for (int i = 0; i < 4 * BATCH_BUFFERS; i++)
        udp_send(world->sender, "a:1|c");
    assert_int_equal(counter_read(&world->ledger.longest_gap_us), 0);
    world_start(world, -1);
    world_wait(world, 4 * BATCH_BUFFERS);
    world_drain(world);
    world_join(world);
    assert_true(counter_read(&world->ledger.longest_gap_us) > 0);
    world_take(world);
    world_free(world);
}

/* More than a turn takes, bursts, single ones, and pauses in which a nap brings nothing:
 * whether the worker naps, polls or waits, the next datagram is read. */
static void a_nap_leaves_nothing_unread(void **state)
{
    static const int pause_ms[] = { 0, 1, 0, 12, 0, 0, 25 };
    struct world *world = world_open(0, (char *[]){ SETS, "heeler_nap=true" }, 4);
    int bytes = 0;
    uint64_t sent = 0;

    (void)state;
    assert_int_equal(getsockopt(world_socket(world)->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
                                &(socklen_t){ sizeof bytes }),
                     0);
    uint64_t room = (uint64_t)bytes / 2304; /* the queue holds so many, surely */
    for (; sent < 4000 && sent < room; sent++)
        udp_send(world->sender, "n:1|c");
    world_start(world, -1);
    for (uint64_t round = 0; round < 100; round++) {
        uint64_t goal = sent + 1 + round * round % 90;
        world_wait_counter(&world_socket(world)->datagrams, goal > room ? goal - room : 0);
        for (; sent < goal; sent++)
            udp_send(world->sender, "n:1|c");
        poll(NULL, 0, pause_ms[round % 7]);
        if (round % 5 == 0)
            world_wait(world, sent);
    }
    world_wait(world, sent);
    world_drain(world);
    world_join(world);
    assert_float_equal(world_take(world).value, (double)sent, 0);
    world_free(world);
}

static void datagrams_are_forwarded_and_counted(void **state)
{
    int port, to = udp_receiver(&port);
    char name[32], got[64];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int forward = udp_sender(name);
    struct world *world = WORLD_NEW(forward, 0, "heeler_interval=60");
    udp_send(world->sender, "a:1|c");
    assert_int_equal(recv(to, got, sizeof got, 0), 5);
    world_drain(world);
    world_join(world);
    assert_int_equal(counter_read(&world->ledger.forwarded), 1);
    world_take(world);
    close(to);
    close(forward);
    world_free(world);
}

/* ---- a socket that cannot be read -------------------------------------- */

static _Atomic(bool) cannot_be_read;
static struct counter vain_reads;

/* Stands before the library's. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout)
{
    if (!atomic_load(&cannot_be_read))
        return (int)syscall(SYS_recvmmsg, fd, messages, n, flags, timeout);
    counter_add(&vain_reads, 1);
    errno = EIO;
    return -1;
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* It stays readable, so each turn of the loop tries again: the log tells the first times, and
 * then how often there were more. When it can be read again, it is. */
static void a_socket_that_cannot_be_read_does_not_fill_the_log(void **state)
{
    enum { TRIES = 5000, LINES_AT_ONCE = 10 };
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    char path[TEMP_PATH_SIZE];
    (void)state;

    temp_file_write(path, "", 0);
    assert_true(log_open(LOG_LEVEL_WARN, path, false, false));
    atomic_store(&cannot_be_read, true);
    world_start(world, -1);
    udp_send(world->sender, "a:1|c");
    world_wait_counter(&vain_reads, TRIES);
    atomic_store(&cannot_be_read, false);
    world_wait(world, 1);
    world_drain(world);
    world_join(world);
    log_close();
    log_set_level(LOG_LEVEL_OFF);
    char *text = temp_file_read(path);
    int lines = count(text, " cannot be read: Input/output error; ");
    assert_in_range(lines, LINES_AT_ONCE, LINES_AT_ONCE + WORLD_WAIT_NS / 1000000000);
    assert_non_null(strstr(text, "WARN worker 0: udp 127.0.0.1:"));
    free(text);
    unlink(path);
    assert_float_equal(world_take(world).value, 1, 0);
    world_free(world);
}

/* ---- coalesced --------------------------------------------------------- */

static void send_segments(const struct world *world, const char *text, int segment)
{
    udp_send_segments(world->sender, text, strlen(text), segment);
}

/* Counted, cut and sent on one by one, as if they had come so. */
static void coalesced_datagrams_are_single_ones_in_the_books(void **state)
{
    static const char *const expected[] = { "a:1|c", "b:2|c\nb:2|c\n",    "b:2|c\nb:2|c\n",
                                            "b:7|c", "a:1|c\nb.longer.n", "a:1|c\nb.longer.n",
                                            "a:1",   "a:1|c\nb.longer.n" };
    udp_need_coalescing();
    int port, to = udp_receiver(&port);
    char name[32], got[64];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int forward = udp_sender(name);
    struct world *world =
        WORLD_NEW(forward, 0, "dogstatsd_buffer_size=16", "heeler_udp_gro=true");
    udp_send(world->sender, "a:1|c");
    send_segments(world, "b:2|c\nb:2|c\nb:2|c\nb:2|c\nb:7|c", 12);
    send_segments(world, "a:1|c\nb.longer.name:1|ca:1|c\nb.longer.name:1|ca:1", 23);
    udp_send(world->sender, "a:1|c\nb.longer.name:1|c");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ssize_t n = recv(to, got, sizeof got - 1, 0);
        assert_true(n >= 0);
        got[n] = '\0';
        assert_string_equal(got, expected[i]);
    }
    world_wait(world, 8);
    world_drain(world);
    world_join(world);
    assert_int_equal(counter_read(&world->ledger.forwarded), 8);
    assert_int_equal(counter_read(&world_socket(world)->truncated), 3);
    assert_int_equal(counter_read(&world_socket(world)->bytes),
                     5 + 12 + 12 + 5 + 16 + 16 + 3 + 16);
    assert_int_equal(listener_drops(world_socket(world)), 0);
    assert_float_equal(world_take(world).value, 1 + 8 + 7 + 3, 0);
    close(to);
    close(forward);
    world_free(world);
}

/* They are read together, and each ends its last line. */
static void a_line_of_a_coalesced_datagram_ends_with_it(void **state)
{
    udp_need_coalescing();
    struct world *world = world_open(0, (char *[]){ SETS, "heeler_udp_gro=true" }, 4);
    (void)state;

    world_start(world, -1);
    send_segments(world, "n:1|cn:2|c\nn:|cn:4|cn:1", 5);
    world_wait(world, 5);
    world_drain(world);
    world_join(world);
    assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), 5);
    assert_int_equal(counter_read(&world->ledger.accepted), 3);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_NO_VALUE]), 1);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_NO_TYPE]), 1);
    assert_float_equal(world_take(world).value, 7, 0);
    world_free(world);
}

/* What was accepted before a stop is read, however many datagrams the buffers hold. */
static void a_stop_reads_all_that_was_coalesced(void **state)
{
    char text[5 * 40 + 1] = "";
    udp_need_coalescing();
    struct world *world = world_open(0, (char *[]){ SETS, "heeler_udp_gro=true" }, 4);
    (void)state;

    for (int i = 0; i < 40; i++)
        strcat(text, "n:1|c");
    for (int i = 0; i < 20; i++) {
        send_segments(world, text, 5);
        udp_send(world->sender, "n:1|c");
    }
    assert_true(listener_gate(&world->listeners.at[0]));
    world_start(world, -1);
    world_end(world);
    world_join(world);
    assert_int_equal(counter_read(&world_socket(world)->datagrams), 20 * 41);
    assert_int_equal(listener_drops(world_socket(world)), 0);
    assert_float_equal(world_take(world).value, 20 * 41, 0);
    world_free(world);
}

/* The same world in a successor that has these settings: it inherits the socket. */
static void succeed(struct world *world, char **sets, size_t n)
{
    struct inherited_sockets inherited = { 0 };
    struct inherited_socket socket = { .fd = dup(world_socket(world)->fd) };
    char problem[256];

    assert_true(inherited_add(&inherited, socket));
    listeners_close(&world->listeners);
    settings_free(&world->settings);
    assert_true(with_settings(&world->settings, sets, n));
    assert_true(listeners_open(&world->listeners, &world->settings, 1, &inherited, problem,
                               sizeof problem));
    assert_int_equal(inherited_close(&inherited), 0);
    inherited_free(&inherited);
}

static void an_inherited_socket_coalesces_as_the_setting_says(void **state)
{
    udp_need_coalescing();
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    (void)state;

    assert_false(gro_is_asked(world_socket(world)->fd));
    udp_send(world->sender, "n:1|c");
    send_segments(world, "n:1|cn:1|cn:1|c", 5);
    succeed(world, (char *[]){ SETS, "heeler_udp_gro=true" }, 4);
    assert_true(gro_is_asked(world_socket(world)->fd));
    send_segments(world, "n:1|cn:1|cn:1|c", 5);

    /* What waits was coalesced and is read as such, before the option is cleared. */
    succeed(world, (char *[]){ SETS, "heeler_udp_gro=false" }, 4);
    assert_true(gro_is_asked(world_socket(world)->fd));
    world_start(world, -1);
    world_wait(world, 7);
    int64_t until_ns = clock_monotonic_ns() + WORLD_WAIT_NS;
    while (gro_is_asked(world_socket(world)->fd) && clock_monotonic_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_false(gro_is_asked(world_socket(world)->fd));
    send_segments(world, "n:1|cn:1|cn:1|c", 5);
    world_drain(world);
    world_join(world);
    assert_int_equal(counter_read(&world_socket(world)->datagrams), 10);
    assert_float_equal(world_take(world).value, 10, 0);
    world_free(world);
}

/* Of a predecessor that had more workers, and the option on. */
static void what_an_extra_socket_coalesced_is_cut_too(void **state)
{
    udp_need_coalescing();
    int port, extra = udp_receiver(&port);
    char name[32];
    struct world *world = world_open(0, (char *[]){ SETS }, 3);
    struct listener *listener = &world->listeners.at[0];
    (void)state;

    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int sender = udp_sender(name);
    assert_true(gro_ask(extra));
    udp_send_segments(sender, "n:1|cn:1|cn:1|c", 15, 5);
    listener->extra = malloc(sizeof *listener->extra);
    assert_non_null(listener->extra);
    listener->extra[listener->n_extra++] = extra;
    world_start(world, -1);
    world_wait(world, 3);
    world_drain(world);
    world_join(world);
    assert_float_equal(world_take(world).value, 3, 0);
    close(sender);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_cut_is_counted),
        cmocka_unit_test(a_wait_between_two_reads_is_told),
        cmocka_unit_test(a_nap_leaves_nothing_unread),
        cmocka_unit_test(datagrams_are_forwarded_and_counted),
        cmocka_unit_test(a_socket_that_cannot_be_read_does_not_fill_the_log),
        cmocka_unit_test(coalesced_datagrams_are_single_ones_in_the_books),
        cmocka_unit_test(a_line_of_a_coalesced_datagram_ends_with_it),
        cmocka_unit_test(a_stop_reads_all_that_was_coalesced),
        cmocka_unit_test(an_inherited_socket_coalesces_as_the_setting_says),
        cmocka_unit_test(what_an_extra_socket_coalesced_is_cut_too),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
