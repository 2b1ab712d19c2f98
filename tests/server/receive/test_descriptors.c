#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/receive/descriptors.h"

static struct rlimit before;

static int note_limit(void **state)
{
    (void)state;
    return getrlimit(RLIMIT_NOFILE, &before);
}

static int restore_limit(void **state)
{
    (void)state;
    return setrlimit(RLIMIT_NOFILE, &before);
}

/* So that this many are free, wherever those stand that were open before. */
static void leave_free(int n)
{
    struct rlimit limit = before;

    limit.rlim_cur = 0;
    for (int found = 0; found < n; limit.rlim_cur++)
        found += fcntl((int)limit.rlim_cur, F_GETFD) < 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int take_all(enum descriptor_use use)
{
    int n = 0;

    while (descriptors_take(use))
        n++;
    descriptors_give_back(use);
    return n;
}

static void give_back(enum descriptor_use use, int n)
{
    while (n-- > 0)
        descriptors_give_back(use);
}

static void connections_never_get_the_last_ones(void **state)
{
    static const struct {
        int left, streams, http; /* http: what it gets when streams have taken all of theirs */
    } cases[] = {
        { 12, 3, 3 },   /* six are kept back */
        { 40, 10, 10 }, /* twenty */
        { 400, 272, 64 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        leave_free(cases[i].left);
        descriptors_divide();
        int streams = take_all(DESCRIPTOR_STREAM);
        assert_true(descriptors_are_left(DESCRIPTOR_HTTP));
        int http = take_all(DESCRIPTOR_HTTP);
        assert_false(descriptors_are_left(DESCRIPTOR_HTTP));
        give_back(DESCRIPTOR_HTTP, http);
        give_back(DESCRIPTOR_STREAM, streams);
        if (streams != cases[i].streams || http != cases[i].http)
            fail_msg("of %d: %d and %d", cases[i].left, streams, http);
        /* Without streams HTTP has the rest too, and streams find less. */
        http = take_all(DESCRIPTOR_HTTP);
        assert_int_equal(http, cases[i].streams + cases[i].http);
        assert_false(descriptors_are_left(DESCRIPTOR_STREAM));
        give_back(DESCRIPTOR_HTTP, http);
    }
}

/* A server that takes over has connections when it divides: they are not its own. */
static void connections_that_are_there_do_not_count_as_own(void **state)
{
    int fds[4];
    (void)state;

    for (int i = 0; i < 4; i++) {
        fds[i] = dup(0);
        (void)descriptors_take(DESCRIPTOR_STREAM);
    }
    leave_free(36);
    descriptors_divide();
    assert_int_equal(take_all(DESCRIPTOR_STREAM), 6);
    give_back(DESCRIPTOR_STREAM, 10);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void standard_descriptors_are_opened_where_they_are_closed(void **state)
{
    int kept = fcntl(0, F_DUPFD, 10);
    (void)state;

    close(0);
    assert_true(descriptors_hold_standard());
    assert_true(fcntl(0, F_GETFD) >= 0);
    assert_int_equal(write(0, "x", 1), 1); /* to nowhere */
    assert_int_equal(dup2(kept, 0), 0);
    close(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connections_never_get_the_last_ones, note_limit,
                                        restore_limit),
        cmocka_unit_test_setup_teardown(connections_that_are_there_do_not_count_as_own,
                                        note_limit, restore_limit),
        cmocka_unit_test(standard_descriptors_are_opened_where_they_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
