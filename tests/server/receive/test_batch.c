#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/receive/batch.h"

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

static bool holds(const struct batch *batch, int i, const char *text)
{
    bool truncated;

    return slice_equal(batch_datagram(batch, i, &truncated), slice_of(text)) && !truncated;
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
    assert_true(holds(pair.batch, 0, "first"));
    assert_true(holds(pair.batch, 1, "second one"));
    assert_true(holds(pair.batch, 2, "3"));

    /* The second receive is shorter in number and in bytes. */
    put(&pair, "x");
    assert_int_equal(batch_receive(pair.batch, pair.to), 1);
    assert_true(holds(pair.batch, 0, "x"));
    assert_int_equal(batch_receive(pair.batch, pair.to), 0);
    close_pair(&pair);
}

static void an_empty_datagram_is_one_too(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    put(&pair, "");
    put(&pair, "y");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(holds(pair.batch, 0, ""));
    assert_true(holds(pair.batch, 1, "y"));
    close_pair(&pair);
}

static void a_longer_datagram_is_cut_and_marked(void **state)
{
    struct pair pair = open_pair();
    char longer[SIZE + 2];
    bool truncated;
    (void)state;

    memset(longer, 'a', sizeof longer);
    longer[SIZE] = '\0';
    put(&pair, longer); /* exactly as long as the buffer */
    longer[SIZE] = 'a';
    assert_int_equal(send(pair.from, longer, SIZE + 1, 0), SIZE + 1);
    put(&pair, "short");
    assert_int_equal(batch_receive(pair.batch, pair.to), 3);
    assert_int_equal(batch_datagram(pair.batch, 0, &truncated).len, SIZE);
    assert_false(truncated);
    assert_int_equal(batch_datagram(pair.batch, 1, &truncated).len, SIZE);
    assert_true(truncated);
    assert_true(holds(pair.batch, 2, "short"));

    put(&pair, "again"); /* the mark of a slot is not kept */
    put(&pair, "again");
    assert_int_equal(batch_receive(pair.batch, pair.to), 2);
    assert_true(holds(pair.batch, 1, "again"));
    close_pair(&pair);
}

static void what_is_more_than_a_batch_waits_for_the_next(void **state)
{
    struct pair pair = open_pair();
    int sent = 0, got = 0, n, first = 0;
    char text[16];
    (void)state;

    /* As many as the socket takes, some ten; several rounds fill a batch. */
    while (sent < 3 * BATCH_DATAGRAMS) {
        snprintf(text, sizeof text, "%d", sent);
        if (send(pair.from, text, strlen(text), 0) >= 0) {
            sent++;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        n = batch_receive(pair.batch, pair.to);
        assert_true(n > 0 && n <= BATCH_DATAGRAMS);
        snprintf(text, sizeof text, "%d", first);
        assert_true(holds(pair.batch, 0, text));
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
    assert_int_equal(batch_forward(in.batch, 3, out.from), 3);
    assert_int_equal(batch_receive(out.batch, out.to), 3);
    assert_true(holds(out.batch, 0, "one:1|c\n\n"));
    assert_true(holds(out.batch, 1, ""));
    assert_true(holds(out.batch, 2, "two"));

    /* The buffers are as large as before. */
    put(&in, "a longer text than all of those before it");
    assert_int_equal(batch_receive(in.batch, in.to), 1);
    assert_true(holds(in.batch, 0, "a longer text than all of those before it"));
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
    assert_int_equal(batch_forward(in.batch, 1, out.from), 0);
    close(out.to);
    out.to = -1;
    assert_int_equal(batch_forward(in.batch, 1, out.from), 0); /* and no SIGPIPE */
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
