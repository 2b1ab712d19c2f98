#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/log.h"
#include "server/losses.h"
#include "server/receive/gro.h"
#include "tests/support/temp_file.h"
#include "tests/support/udp.h"

enum { WORKERS = 2, SINKS = 2 };

/* A server without sockets, and its log. */
struct rig {
    struct worker_ledger workers[WORKERS];
    struct flusher_ledger flusher;
    struct delivery_ledger sinks[SINKS];
    struct listeners listeners;
    struct server_view view;
    struct losses losses;
    char path[TEMP_PATH_SIZE];
};

static int set_up(void **state)
{
    struct rig *rig = own_lines(sizeof *rig);

    *state = rig;
    if (rig == NULL)
        return -1;
    rig->view = (struct server_view){ .workers = WORKERS, .n_sinks = SINKS };
    rig->view.listeners = &rig->listeners;
    rig->view.worker_ledgers = rig->workers;
    rig->view.flusher_ledger = &rig->flusher;
    rig->view.delivery_ledger = rig->sinks;
    temp_file_write(rig->path, "", 0);
    return log_open(LOG_LEVEL_DEBUG, rig->path, false, false) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    log_close();
    unlink(rig->path);
    free(rig);
    return 0;
}

/* How many lines there are, and the last of them is about that (NULL: anything). */
static void assert_log(const struct rig *rig, int lines, const char *last)
{
    log_flush();
    char *text = temp_file_read(rig->path);
    int n = 0;

    for (const char *c = text; *c != '\0'; c++)
        n += *c == '\n';
    if (n != lines || (last != NULL && strstr(text, last) == NULL))
        fail_msg("%d lines: %s", n, text);
    free(text);
}

static void what_is_lost_is_said_at_once_and_then_once_a_minute(void **state)
{
    struct rig *rig = *state;

    losses_look(&rig->losses, &rig->view, 5000);
    assert_log(rig, 0, NULL);
    counter_set(&rig->workers[0].shed[SHED_CONTEXTS_FULL], 150);
    counter_set(&rig->workers[1].shed[SHED_CONTEXTS_FULL], 50);
    losses_look(&rig->losses, &rig->view, 6000);
    assert_log(rig, 1,
               "WARN server: 200 values were shed (contexts_full): a new context beyond "
               "heeler_max_contexts\n");
    counter_set(&rig->workers[1].shed[SHED_CONTEXTS_FULL], 60);
    counter_set(&rig->flusher.shed[SHED_CONTEXTS_FULL], 1);
    losses_look(&rig->losses, &rig->view, 6000 + LOSS_SILENCE_MS - 1);
    assert_log(rig, 1, NULL);
    losses_look(&rig->losses, &rig->view, 6000 + LOSS_SILENCE_MS);
    assert_log(rig, 2, "WARN server: 11 values were shed (contexts_full)");
    losses_look(&rig->losses, &rig->view, 6000 + 10 * LOSS_SILENCE_MS);
    assert_log(rig, 2, NULL);
}

static void reasons_do_not_wait_for_each_other(void **state)
{
    struct rig *rig = *state;

    counter_set(&rig->workers[0].shed[SHED_BEHIND], 1);
    losses_look(&rig->losses, &rig->view, 1000);
    counter_set(&rig->workers[0].shed[SHED_MEMORY], 2);
    losses_look(&rig->losses, &rig->view, 2000);
    assert_log(rig, 2, "2 values were shed (memory): heeler_max_memory");
}

/* Each reason of each ledger, but for what the operator asked for. */
static void every_reason_is_said(void **state)
{
    struct rig *rig = *state;
    int lines = 0;

    for (int i = SHED_NOTHING + 1; i < SHED_REASON_COUNT; i++) {
        char named[80];

        counter_set(&rig->flusher.shed[i], 1);
        losses_look(&rig->losses, &rig->view, 1000);
        lines += i != SHED_FILTERED && i != SHED_DISABLED;
        snprintf(named, sizeof named, "1 values were shed (%s)",
                 shed_reason_label((enum shed_reason)i));
        assert_log(rig, lines, i != SHED_FILTERED && i != SHED_DISABLED ? named : NULL);
    }
    for (int i = 0; i < POINT_DROP_COUNT; i++) {
        counter_set(&rig->flusher.dropped[i], 1);
        losses_look(&rig->losses, &rig->view, 1000);
        lines += i != POINT_FILTERED && i != POINT_DISABLED;
        assert_log(rig, lines, NULL);
    }
    for (int i = 0; i < UNSENT_COUNT; i++) {
        rig->sinks[1].shed[i].points = 1;
        losses_look(&rig->losses, &rig->view, 1000);
        lines += i != UNSENT_STOPPED;
        assert_log(rig, lines, NULL);
    }
    counter_set(&rig->workers[1].records_shed, 7);
    counter_set(&rig->flusher.rollup_refused, 8);
    losses_look(&rig->losses, &rig->view, 1000);
    assert_log(rig, lines + 2, "7 events and service checks were shed (flusher_behind)");
}

/* The kernel counts a buffer that it dropped, and not the datagrams in it. */
static void of_a_socket_that_coalesces_it_is_the_least_number(void **state)
{
    struct rig *rig = *state;
    struct listener_socket sock = { .fd = -1 };
    struct listener listener = { .n_sockets = 1, .sockets = &sock };
    char name[32], expected[64];
    int port;

    udp_need_coalescing();
    sock.fd = udp_receiver(&port);
    rig->listeners = (struct listeners){ .at = &listener, .n = 1 };
    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    int fd = udp_sender(name);
    assert_int_equal(setsockopt(sock.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 0 }, sizeof(int)), 0);
    for (int i = 0; i < 1000; i++)
        udp_send(fd, "a:1|c");
    snprintf(expected, sizeof expected, "server: %d datagrams were dropped (kernel)",
             (int)listener_drops(&sock));
    losses_look(&rig->losses, &rig->view, 1000);
    assert_log(rig, 1, expected);

    assert_true(gro_ask(sock.fd));
    for (int i = 0; i < 1000; i++)
        udp_send(fd, "a:1|c");
    losses_look(&rig->losses, &rig->view, 1000 + LOSS_SILENCE_MS);
    assert_log(rig, 2, "server: at least 1000 datagrams were dropped (kernel)");
    close(fd);
    close(sock.fd);
}

static void the_end_says_the_rest(void **state)
{
    struct rig *rig = *state;

    counter_set(&rig->workers[0].shed[SHED_MEMORY], 2);
    losses_look(&rig->losses, &rig->view, 1000);
    counter_set(&rig->workers[0].shed[SHED_MEMORY], 5);
    losses_look(&rig->losses, &rig->view, 2000);
    assert_log(rig, 1, NULL);
    losses_finish(&rig->losses, &rig->view);
    assert_log(rig, 2, "3 values were shed (memory)");
    losses_finish(&rig->losses, &rig->view);
    assert_log(rig, 2, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_lost_is_said_at_once_and_then_once_a_minute,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(reasons_do_not_wait_for_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_reason_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_socket_that_coalesces_it_is_the_least_number,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_says_the_rest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
