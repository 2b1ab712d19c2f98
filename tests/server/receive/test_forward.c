/* Who gets a copy of every datagram: found at once, found later, not found, or us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/receive/forward.h"
#include "tests/support/temp_file.h"

static struct event_base *base;
static struct forward *forward;
static int receiver = -1, port;
static char hosts[TEMP_PATH_SIZE], resolv_conf[TEMP_PATH_SIZE];
static struct lookup_files files = { resolv_conf, hosts };

/* A name server that knows no name. */
static int server = -1, questions;
static struct event *asked;

static void on_question(evutil_socket_t fd, short what, void *argument)
{
    enum { ANSWER = 0x84, NO_SUCH_NAME = 3 };
    unsigned char text[512];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t len = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &from_len);
    (void)what, (void)argument;

    assert_true(len > 12);
    questions++;
    text[2] = ANSWER;
    text[3] = NO_SUCH_NAME;
    assert_int_equal(sendto(fd, text, (size_t)len, 0, (struct sockaddr *)&from, from_len), len);
}

static int bound(int *at)
{
    struct sockaddr_in any = { .sin_family = AF_INET,
                               .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    *at = ntohs(any.sin_port);
    return fd;
}

static int begin(void **state)
{
    int server_port;
    char text[64];
    (void)state;

    base = event_base_new();
    receiver = bound(&port);
    server = bound(&server_port);
    questions = 0;
    asked = event_new(base, server, EV_READ | EV_PERSIST, on_question, NULL);
    event_add(asked, NULL);
    temp_file_write(hosts, "127.0.0.1 the.peer\n", 19);
    int len = snprintf(text, sizeof text, "nameserver 127.0.0.1:%d\n", server_port);
    temp_file_write(resolv_conf, text, (size_t)len);
    return 0;
}

static int end(void **state)
{
    (void)state;
    forward_free(forward);
    forward = NULL;
    event_free(asked);
    event_base_free(base);
    close(receiver);
    close(server);
    unlink(hosts);
    unlink(resolv_conf);
    return 0;
}

static void start(const char *host, const struct udp_targets *own)
{
    static const struct udp_targets none = { .n = 0 };
    struct forward_config config = { .base = base,
                                     .host = host,
                                     .port = port,
                                     .own = own != NULL ? own : &none,
                                     .files = &files,
                                     .retry_ms = 1 };
    char problem[256];

    forward = forward_start(&config, problem, sizeof problem);
}

static bool send_one(void)
{
    return send(forward_fd(forward), "a", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* Turns the loop until a copy can be sent. */
static void until_it_leads_somewhere(void)
{
    while (!send_one())
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void assert_received(void)
{
    char got[8];

    assert_int_equal(recv(receiver, got, sizeof got, 0), 1);
}

static void an_address_is_there_from_the_start(void **state)
{
    (void)state;

    start("127.0.0.1", NULL);
    assert_true(send_one());
    assert_received();
}

static void a_name_is_looked_up_without_waiting(void **state)
{
    (void)state;

    start("the.peer", NULL);
    int fd = forward_fd(forward);
    assert_true(fd >= 0);
    assert_false(send_one()); /* nobody was asked yet */
    until_it_leads_somewhere();
    assert_received();
    assert_int_equal(forward_fd(forward), fd); /* the workers' number */
}

/* rep-008 */
static void a_name_that_is_not_found_is_looked_up_again(void **state)
{
    FILE *file;
    (void)state;

    start("later.peer", NULL);
    while (questions < 3) { /* two families, and once more */
        event_base_loop(base, EVLOOP_ONCE);
        assert_false(send_one());
    }
    file = fopen(hosts, "ae");
    assert_non_null(file);
    fputs("127.0.0.1 later.peer\n", file);
    fclose(file);
    until_it_leads_somewhere();
    assert_received();
}

static struct udp_targets own(const char *host, int at)
{
    struct udp_targets targets = { .n = 1 };
    struct sockaddr_in *address = (struct sockaddr_in *)&targets.at[0].address;

    *address = (struct sockaddr_in){ .sin_family = AF_INET };
    if (strcmp(host, "all") != 0)
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    udp_target_set_port(&targets.at[0], at);
    return targets;
}

static void our_own_address_is_refused(void **state)
{
    struct udp_targets here = own("loopback", port), all = own("all", port),
                       other = own("all", port ^ 1);
    (void)state;

    start("127.0.0.1", &here);
    assert_null(forward);
    start("localhost", &all);
    assert_null(forward);
    start("0.0.0.0", &here);
    assert_null(forward);
    start("127.0.0.1", &other);
    assert_non_null(forward);
}

static void a_name_that_turns_out_to_be_us_is_never_sent_to(void **state)
{
    struct udp_targets here = own("loopback", port);
    (void)state;

    start("the.peer", &here);
    for (int i = 0; i < 10; i++) {
        event_base_loop(base, EVLOOP_ONCE);
        assert_false(send_one());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_is_there_from_the_start, begin, end),
        cmocka_unit_test_setup_teardown(a_name_is_looked_up_without_waiting, begin, end),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_found_is_looked_up_again, begin,
                                        end),
        cmocka_unit_test_setup_teardown(our_own_address_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_name_that_turns_out_to_be_us_is_never_sent_to, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
