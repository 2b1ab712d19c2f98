#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/receive/recent.h"

enum { LONGEST = 64 * 1024, RING = 2 << 20, LEN = 1000 };

/* A datagram of that time, all of whose bytes follow from it. */
static void put(struct recents *recents, uint32_t worker, int64_t time_ns, size_t len)
{
    static _Thread_local char text[LONGEST];
    struct recent_head head = { .time_ns = time_ns, .pid = (int32_t)worker };

    memset(text, 'a' + (int)(time_ns % 26), len);
    recent_keep(recents, &recents->at[worker], (struct slice){ text, len }, &head);
    recent_publish(&recents->at[worker]);
}

/* What was read. */
struct sum {
    uint64_t n, missed;
    int64_t first_ns, last_ns;
    bool in_order, whole;
};

static struct sum read_all(struct recall *recall)
{
    struct sum sum = { .in_order = true, .whole = true };
    struct recent_head head;
    struct slice datagram;

    while (recall_next(recall, &head, &datagram)) {
        sum.first_ns = sum.n++ == 0 ? head.time_ns : sum.first_ns;
        sum.in_order = sum.in_order && head.time_ns >= sum.last_ns;
        sum.last_ns = head.time_ns;
        sum.missed += head.missed;
        for (size_t i = 0; i < datagram.len; i++)
            sum.whole = sum.whole && datagram.at[i] == (char)('a' + head.time_ns % 26);
    }
    return sum;
}

static struct sum recall_since(struct recents *recents, int64_t since_ns)
{
    struct recall *recall = recall_new(recents, since_ns);

    assert_non_null(recall);
    struct sum sum = read_all(recall);
    recall_free(recall);
    return sum;
}

static void what_was_kept_comes_back_in_the_order_of_time(void **state)
{
    struct recents recents;
    (void)state;

    assert_true(recents_init(&recents, 3, RING));
    assert_int_equal(recall_since(&recents, 0).n, 0);
    for (int64_t i = 1; i <= 300; i++)
        put(&recents, (uint32_t)(i * 7 % 3), i, (size_t)i);
    put(&recents, 0, 301, 0);
    struct sum sum = recall_since(&recents, 0);
    assert_int_equal(sum.n, 301);
    assert_true(sum.in_order && sum.whole);
    assert_int_equal(sum.last_ns, 301);
    assert_int_equal(recall_since(&recents, 201).n, 101);
    assert_int_equal(recall_since(&recents, 302).n, 0);
    recents_free(&recents);
}

/* The newest stay, of fifteen sixteenths of the memory at least less the open segment. */
static void the_oldest_give_way(void **state)
{
    struct recents recents;
    (void)state;

    assert_true(recents_init(&recents, 1, RING));
    for (int64_t i = 1; i <= 20000; i++)
        put(&recents, 0, i, LEN);
    struct recall *recall = recall_new(&recents, 0);
    int64_t complete_ns = recall_complete_ns(recall);
    struct sum sum = read_all(recall);
    recall_free(recall);
    assert_true(sum.in_order && sum.whole);
    assert_int_equal(sum.last_ns, 20000);
    assert_int_equal(sum.n, 20000 - sum.first_ns + 1);
    assert_int_equal(complete_ns, sum.first_ns);
    assert_true(sum.n * (LEN + sizeof(struct recent_head)) > RING / 16 * 13);
    recall = recall_new(&recents, sum.first_ns + 1); /* all of what is asked for is there */
    assert_int_equal(recall_complete_ns(recall), 0);
    assert_int_equal(read_all(recall).n, sum.n - 1);
    recall_free(recall);
    recents_free(&recents);
}

/* A reader that stops keeps what it has not read yet; then nothing new is kept, and that is
 * told. */
static void what_is_read_is_not_overwritten(void **state)
{
    struct recents recents;
    struct recent_head head;
    struct slice datagram;
    (void)state;

    assert_true(recents_init(&recents, 1, RING));
    for (int64_t i = 1; i <= 5000; i++)
        put(&recents, 0, i, LEN);
    struct recall *recall = recall_new(&recents, 0);
    assert_true(recall_next(recall, &head, &datagram));
    for (int64_t i = 5001; i <= 15000; i++)
        put(&recents, 0, i, LEN);
    struct sum sum = read_all(recall);
    assert_true(sum.in_order && sum.whole);
    assert_int_equal(sum.last_ns, 5000);
    assert_int_equal(sum.n, 5000 - head.time_ns);
    recall_free(recall);
    put(&recents, 0, 15001, LEN);
    sum = recall_since(&recents, 5001);
    assert_int_equal(sum.last_ns, 15001);
    assert_true(sum.missed > 0);
    assert_int_equal(sum.n + sum.missed, 10001);
    recents_free(&recents);
}

static void two_may_read_at_a_time(void **state)
{
    struct recents recents;
    (void)state;

    assert_true(recents_init(&recents, 1, RING));
    for (int64_t i = 1; i <= 1000; i++)
        put(&recents, 0, i, LEN);
    struct recall *one = recall_new(&recents, 0), *other = recall_new(&recents, 500);
    assert_int_equal(read_all(one).n, 1000);
    assert_int_equal(read_all(other).n, 501);
    recall_free(one);
    recall_free(other);
    for (int64_t i = 1001; i <= 9000; i++) /* nobody holds anything any more */
        put(&recents, 0, i, LEN);
    assert_int_equal(recall_since(&recents, 1).missed, 0);
    recents_free(&recents);
}

static void the_longest_has_room(void **state)
{
    struct recents recents;
    (void)state;

    assert_true(recents_init(&recents, 4, 1));
    for (int64_t i = 1; i <= 100; i++)
        put(&recents, 2, i, LONGEST);
    struct sum sum = recall_since(&recents, 0);
    assert_true(sum.n >= 13 && sum.whole && sum.missed == 0);
    recents_free(&recents);
}

enum { MANY = 200000 };

struct writing {
    struct recents recents;
    _Atomic(bool) ended;
};

static void *write_many(void *argument)
{
    struct writing *writing = argument;

    for (int64_t i = 1; i <= MANY; i++)
        put(&writing->recents, 0, i, (size_t)(i * 37 % LEN));
    writing->ended = true;
    return NULL;
}

/* Under ThreadSanitizer: the worker goes on while it is read. It may come to its end while the
 * reader has no turn; then nothing of that was kept. */
static void it_is_read_while_it_is_written(void **state)
{
    struct writing writing = { .ended = false };
    pthread_t writer;
    int64_t last_ns = 0;
    (void)state;

    assert_true(recents_init(&writing.recents, 1, RING));
    assert_int_equal(pthread_create(&writer, NULL, write_many, &writing), 0);
    while (last_ns < MANY / 2 && !writing.ended) {
        struct sum sum = recall_since(&writing.recents, 0);
        assert_true(sum.in_order && sum.whole);
        assert_true(sum.last_ns >= last_ns);
        last_ns = sum.last_ns;
    }
    pthread_join(writer, NULL);
    put(&writing.recents, 0, MANY + 1, LEN);
    assert_int_equal(recall_since(&writing.recents, 0).last_ns, MANY + 1);
    recents_free(&writing.recents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_comes_back_in_the_order_of_time),
        cmocka_unit_test(the_oldest_give_way),
        cmocka_unit_test(what_is_read_is_not_overwritten),
        cmocka_unit_test(two_may_read_at_a_time),
        cmocka_unit_test(the_longest_has_room),
        cmocka_unit_test(it_is_read_while_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
