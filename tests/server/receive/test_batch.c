#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/receive/batch.h"
#include "server/receive/gro.h"
#include "tests/support/udp.h"

enum { SIZE = 64 };

struct pair {
    int from, to;
    struct batch *batch;
};

static struct pair open_pair(void)
{
    struct pair pair;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    pair.from = fds[0];
    pair.to = fds[1];
    pair.batch = batch_new(SIZE);
    assert_non_null(pair.batch);
    return pair;
}

static void close_pair(struct pair *pair)
{
    close(pair->from);
    close(pair->to);
    batch_free(pair->batch);
}

static void put(const struct pair *pair, const char *text)
{
    assert_int_equal(send(pair->from, text, strlen(text), 0), strlen(text));
}

/* The next datagram is this, and whole. */
static bool shows(struct batch *batch, const char *text)
{
    struct slice datagram;
    bool truncated;

    return batch_next(batch, &datagram, &truncated) && !truncated &&
           slice_equal(datagram, slice_of(text));
}

/* The next datagram is as long as one may be; was it cut? */
static bool shows_cut(struct batch *batch)
{
    struct slice datagram;
    bool truncated;

    assert_true(batch_next(batch, &datagram, &truncated));
    assert_int_equal(datagram.len, SIZE);
    return truncated;
}

static bool is_over(struct batch *batch)
{
    struct slice datagram;
    bool truncated;

    return !batch_next(batch, &datagram, &truncated);
}

static void only_what_came_is_a_datagram(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    assert_int_equal(batch_receive(pair.batch, pair.to), 0);
    put(&pair, "first");
    put(&pair, "second one");
    put(&pair, "3");
    assert_int_equal(batch_receive(pair.batch, pair.to), 3);
    assert_true(shows(pair.batch, "first"));
    assert_true(shows(pair.batch, "second one"));
    assert_true(shows(pair.batch, "3"));
    assert_true(is_over(pair.batch));

    /* The second receive is shorter in number and in bytes. */
    put(&pair, "x");
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    assert_true(shows(pair.batch, "x"));
    assert_true(is_over(pair.batch));
    assert_int_equal(batch_receive(pair.batch, pair.to), 0);
    assert_true(is_over(pair.batch));
    close_pair(&pair);
}

static void an_empty_datagram_is_one_too(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    put(&pair, "");
    put(&pair, "y");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(shows(pair.batch, ""));
    assert_true(shows(pair.batch, "y"));
    close_pair(&pair);
}

static void a_longer_datagram_is_cut_and_marked(void **state)
{
    struct pair pair = open_pair();
    char longer[SIZE + 2];
    (void)state;

    memset(longer, 'a', sizeof longer);
    longer[SIZE] = '\0';
    put(&pair, longer); /* exactly as long as the buffer */
    longer[SIZE] = 'a';
    assert_int_equal(send(pair.from, longer, SIZE + 1, 0), SIZE + 1);
    put(&pair, "short");
    assert_int_equal(batch_receive(pair.batch, pair.to), 3);
    assert_false(shows_cut(pair.batch));
    assert_true(shows_cut(pair.batch));
    assert_true(shows(pair.batch, "short"));

    put(&pair, "again"); /* the mark of a slot is not kept */
    put(&pair, "again");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(shows(pair.batch, "again"));
    assert_true(shows(pair.batch, "again"));
    close_pair(&pair);
}

static void what_is_more_than_a_batch_waits_for_the_next(void **state)
{
    struct pair pair = open_pair();
    int sent = 0, got = 0, n, first = 0;
    char text[16];
    (void)state;

    /* As many as the socket takes, some ten; several rounds fill a batch. */
    while (sent < 3 * BATCH_BUFFERS) {
        snprintf(text, sizeof text, "%d", sent);
        if (send(pair.from, text, strlen(text), 0) >= 0) {
            sent++;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        n = batch_receive(pair.batch, pair.to);
        assert_true(n > 0 && n <= BATCH_BUFFERS);
        snprintf(text, sizeof text, "%d", first);
        assert_true(shows(pair.batch, text));
        first += n;
        got += n;
    }
    while ((n = batch_receive(pair.batch, pair.to)) > 0)
        got += n;
    assert_int_equal(got, sent);
    close_pair(&pair);
}

static void an_error_is_not_an_empty_socket(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    assert_int_equal(batch_receive(pair.batch, -1), -1);
    assert_int_equal(errno, EBADF);
    close_pair(&pair);
}

static void datagrams_are_forwarded_byte_for_byte(void **state)
{
    struct pair in = open_pair(), out = open_pair();
    (void)state;

    put(&in, "one:1|c\n\n");
    put(&in, "");
    put(&in, "two");
    assert_int_equal(batch_receive(in.batch, in.to), 3);
    assert_int_equal(batch_forward(in.batch, out.from), 3);
    assert_int_equal(batch_receive(out.batch, out.to), 3);
    assert_true(shows(out.batch, "one:1|c\n\n"));
    assert_true(shows(out.batch, ""));
    assert_true(shows(out.batch, "two"));

    /* The buffers are as large as before. */
    put(&in, "a longer text than all of those before it");
    assert_int_equal(batch_receive(in.batch, in.to), 1);
    assert_true(shows(in.batch, "a longer text than all of those before it"));
    close_pair(&in);
    close_pair(&out);
}

static void a_full_or_absent_reader_takes_fewer(void **state)
{
    struct pair in = open_pair(), out = open_pair();
    (void)state;

    while (send(out.from, "full", 4, 0) == 4)
        ;
    put(&in, "one");
    assert_int_equal(batch_receive(in.batch, in.to), 1);
    assert_int_equal(batch_forward(in.batch, out.from), 0);
    close(out.to);
    out.to = -1;
    assert_int_equal(batch_forward(in.batch, out.from), 0); /* and no SIGPIPE */
    close_pair(&in);
    close_pair(&out);
}

/* ---- coalesced --------------------------------------------------------- */

static size_t kernel_room; /* 0: as much as a buffer has */

/* Stands before the library's, so that the kernel can be made to cut a buffer. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout)
{
    size_t size = messages[0].msg_hdr.msg_iov->iov_len;

    for (unsigned i = 0; i < n && kernel_room > 0; i++)
        messages[i].msg_hdr.msg_iov->iov_len = kernel_room;
    int got = (int)syscall(SYS_recvmmsg, fd, messages, n, flags, timeout);
    for (unsigned i = 0; i < n; i++)
        messages[i].msg_hdr.msg_iov->iov_len = size;
    return got;
}

/* Over UDP, to a socket that coalesces. */
static struct pair open_coalesced(void)
{
    struct pair pair;
    char name[32];
    int port;

    pair.to = udp_receiver(&port);
    assert_true(gro_ask(pair.to));
    snprintf(name, sizeof name, "udp 127.0.0.1:%d", port);
    pair.from = udp_sender(name);
    pair.batch = batch_new_coalesced(SIZE);
    assert_non_null(pair.batch);
    return pair;
}

static void put_segments(const struct pair *pair, const char *text, int segment)
{
    udp_send_segments(pair->from, text, strlen(text), segment);
}

static void what_the_kernel_coalesced_is_cut_into_its_datagrams(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    (void)state;

    put(&pair, "alone");
    put_segments(&pair, "first:1|cother:2|clast:3", 9);
    put(&pair, "");
    put_segments(&pair, "abcdef", 3); /* the last is as long as the others */
    put_segments(&pair, "short", 9);  /* it is the only one */
    assert_int_equal(batch_receive(pair.batch, pair.to), 4);
    assert_true(shows(pair.batch, "alone"));
    assert_true(shows(pair.batch, "first:1|c"));
    assert_true(shows(pair.batch, "other:2|c"));
    assert_true(shows(pair.batch, "last:3"));
    assert_true(shows(pair.batch, ""));
    assert_true(shows(pair.batch, "abc"));
    assert_true(shows(pair.batch, "def"));
    assert_true(is_over(pair.batch));
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    assert_true(shows(pair.batch, "short"));
    assert_true(is_over(pair.batch));

    put(&pair, "abcdef"); /* the length of a slot is not kept */
    put(&pair, "abcdef");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(shows(pair.batch, "abcdef"));
    assert_true(shows(pair.batch, "abcdef"));
    close_pair(&pair);
}

static void each_datagram_that_is_too_long_is_cut_and_marked(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    char text[3 * (SIZE + 1)];
    (void)state;

    memset(text, 'a', sizeof text);
    udp_send_segments(pair.from, text, 2 * SIZE + 1, SIZE);
    udp_send_segments(pair.from, text, 2 * (SIZE + 1) + 1, SIZE + 1);
    udp_send_segments(pair.from, text, 3 * (SIZE + 1), SIZE + 1);
    assert_int_equal(send(pair.from, text, SIZE + 1, 0), SIZE + 1);
    assert_int_equal(batch_receive(pair.batch, pair.to), 4);
    assert_false(shows_cut(pair.batch));
    assert_false(shows_cut(pair.batch));
    assert_true(shows(pair.batch, "a"));
    assert_true(shows_cut(pair.batch));
    assert_true(shows_cut(pair.batch));
    assert_true(shows(pair.batch, "a"));
    for (int i = 0; i < 4; i++)
        assert_true(shows_cut(pair.batch));
    assert_true(is_over(pair.batch));
    close_pair(&pair);
}

/* So many datagrams of that length, which are this, and whole. */
static bool shows_many(struct batch *batch, const char *text, size_t each, size_t n)
{
    struct datagrams many;
    bool truncated;

    return batch_next_many(batch, &many, &truncated) && !truncated && many.each == each &&
           many.n == n && slice_equal(many.bytes, slice_of(text));
}

static void datagrams_of_a_buffer_are_shown_together_as_far_as_one_may_be_long(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    char text[3 * SIZE];
    (void)state;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    put(&pair, "alone");
    put_segments(&pair, "aabbc", 2);
    put_segments(&pair, "aabb", 2);
    put_segments(&pair, text, 20); /* three of 20 fit into 64 bytes */
    assert_int_equal(batch_receive(pair.batch, pair.to), 4);
    assert_true(shows_many(pair.batch, "alone", 5, 1));
    assert_true(shows_many(pair.batch, "aabbc", 2, 3));
    assert_true(shows_many(pair.batch, "aabb", 2, 2));
    for (int i = 0; i < 3; i++)
        assert_true(shows_many(pair.batch, text + sizeof text - 1 - 60, 20, 3));
    assert_true(shows_many(pair.batch, text + sizeof text - 1 - 11, 11, 1));
    assert_true(is_over(pair.batch));

    put_segments(&pair, "aabbccd", 2); /* in turns with single ones */
    put(&pair, "");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(shows(pair.batch, "aa"));
    assert_true(shows_many(pair.batch, "bbccd", 2, 3));
    assert_true(shows_many(pair.batch, "", 0, 1));
    assert_true(is_over(pair.batch));
    close_pair(&pair);
}

static void a_datagram_that_is_cut_is_shown_alone(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    char text[2 * SIZE + 3];
    struct datagrams many;
    bool truncated;
    (void)state;

    memset(text, 'a', sizeof text);
    udp_send_segments(pair.from, text, sizeof text, SIZE + 1);
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    for (int i = 0; i < 2; i++) {
        assert_true(batch_next_many(pair.batch, &many, &truncated));
        assert_true(truncated);
        assert_int_equal(many.n, 1);
        assert_int_equal(many.bytes.len, SIZE);
    }
    assert_true(shows_many(pair.batch, "a", 1, 1));

    put_segments(&pair, "aaaaabbbbbccccc", 5);
    kernel_room = 12;
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    kernel_room = 0;
    assert_true(shows_many(pair.batch, "aaaaa", 5, 1));
    assert_true(shows_many(pair.batch, "bbbbb", 5, 1));
    assert_true(batch_next_many(pair.batch, &many, &truncated));
    assert_true(truncated);
    assert_true(slice_equal(many.bytes, SLICE("cc")));
    close_pair(&pair);
}

/* It cannot with 64 KiB, but if it could, only the last datagram would not be whole. */
static void where_the_kernel_cuts_a_buffer_the_last_datagram_is_marked(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    struct slice datagram;
    bool truncated;
    (void)state;

    put_segments(&pair, "aaaaabbbbbccccc", 5);
    kernel_room = 12;
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    kernel_room = 0;
    assert_true(shows(pair.batch, "aaaaa"));
    assert_true(shows(pair.batch, "bbbbb"));
    assert_true(batch_next(pair.batch, &datagram, &truncated));
    assert_true(truncated);
    assert_true(slice_equal(datagram, SLICE("cc")));
    assert_true(is_over(pair.batch));
    close_pair(&pair);
}

/* As one from systemd may be: the length of a datagram is not the first that the kernel says.
 */
static void a_socket_that_is_asked_for_times_too_is_cut_as_well(void **state)
{
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    (void)state;

    assert_int_equal(setsockopt(pair.to, SOL_SOCKET, SO_TIMESTAMPNS, &(int){ 1 }, sizeof(int)),
                     0);
    assert_int_equal(setsockopt(pair.to, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int)), 0);
    put_segments(&pair, "aaabbbc", 3);
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    assert_true(shows(pair.batch, "aaa"));
    assert_true(shows(pair.batch, "bbb"));
    assert_true(shows(pair.batch, "c"));
    close_pair(&pair);
}

/* Few while they are long, many while they are short. */
static void so_many_buffers_are_asked_for_as_fit_the_cache(void **state)
{
    static char text[60000];
    udp_need_coalescing();
    struct pair pair = open_coalesced();
    (void)state;

    for (int i = 0; i < 100; i++)
        put(&pair, "single");
    assert_int_equal(batch_receive(pair.batch, pair.to), 4);
    assert_true(batch_is_full(pair.batch));
    assert_int_equal(batch_receive(pair.batch, pair.to), 64);
    assert_true(batch_is_full(pair.batch));
    assert_int_equal(batch_receive(pair.batch, pair.to), 32);
    assert_false(batch_is_full(pair.batch));
    udp_send_segments(pair.from, text, sizeof text, 1000);
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    assert_false(batch_is_full(pair.batch));
    assert_int_equal(batch_receive(pair.batch, pair.to), 0); /* teaches nothing */
    for (int i = 0; i < 10; i++)
        put(&pair, "single");
    assert_int_equal(batch_receive(pair.batch, pair.to), 4);
    assert_true(batch_is_full(pair.batch));
    close_pair(&pair);
}

static void coalesced_datagrams_are_forwarded_one_by_one(void **state)
{
    char text[2 * 50 + 1];
    udp_need_coalescing();
    struct pair in = open_coalesced(), out = open_coalesced();
    (void)state;

    put(&in, "one");
    memset(text, 'a', sizeof text); /* both together more than go in one call */
    text[sizeof text - 1] = '\0';
    put_segments(&in, text, 2);
    put_segments(&in, text, 2);
    put_segments(&in, "xxyyz", 2);
    assert_int_equal(batch_receive(in.batch, in.to), 4);
    int n = 1 + 2 * 50 + 3;
    assert_int_equal(batch_forward(in.batch, out.from), n);
    assert_int_equal(batch_forward(in.batch, -1), 0);
    assert_true(shows(in.batch, "one")); /* it is no matter what was shown before */

    batch_free(out.batch);
    out.batch = batch_new(SIZE); /* would show whole buffers, if there were such */
    for (int got, i = 0; i < n; i += got) {
        got = batch_receive(out.batch, out.to);
        assert_true(got > 0);
        for (int j = i; j < i + got; j++)
            assert_true(shows(out.batch, j == 0       ? "one"
                                         : j == n - 3 ? "xx"
                                         : j == n - 2 ? "yy"
                                         : j == n - 1 ? "z"
                                                      : "aa"));
    }
    close_pair(&in);
    close_pair(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_came_is_a_datagram),
        cmocka_unit_test(an_empty_datagram_is_one_too),
        cmocka_unit_test(a_longer_datagram_is_cut_and_marked),
        cmocka_unit_test(what_is_more_than_a_batch_waits_for_the_next),
        cmocka_unit_test(an_error_is_not_an_empty_socket),
        cmocka_unit_test(datagrams_are_forwarded_byte_for_byte),
        cmocka_unit_test(a_full_or_absent_reader_takes_fewer),
        cmocka_unit_test(what_the_kernel_coalesced_is_cut_into_its_datagrams),
        cmocka_unit_test(each_datagram_that_is_too_long_is_cut_and_marked),
        cmocka_unit_test(datagrams_of_a_buffer_are_shown_together_as_far_as_one_may_be_long),
        cmocka_unit_test(a_datagram_that_is_cut_is_shown_alone),
        cmocka_unit_test(where_the_kernel_cuts_a_buffer_the_last_datagram_is_marked),
        cmocka_unit_test(a_socket_that_is_asked_for_times_too_is_cut_as_well),
        cmocka_unit_test(so_many_buffers_are_asked_for_as_fit_the_cache),
        cmocka_unit_test(coalesced_datagrams_are_forwarded_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
