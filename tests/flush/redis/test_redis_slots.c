#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "flush/redis/redis_slots.h"

static const struct redis_place asked = { "10.0.0.9", 7000 };

static void the_slot_is_that_of_the_published_check_value(void **state)
{
    static const struct {
        const char *key;
        unsigned slot;
    } cases[] = {
        { "123456789", 0x31c3 },
        { "foo", 12182 },
        { "bar{foo}x", 12182 },  /* the tag alone */
        { "{foo}{bar}", 12182 }, /* the first one */
        { "", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(redis_key_slot(slice_of(cases[i].key)), cases[i].slot);
    /* no tag: empty, or without its end */
    assert_int_not_equal(redis_key_slot(SLICE("{}foo")), redis_key_slot(SLICE("foo")));
    assert_int_not_equal(redis_key_slot(SLICE("{foo")), redis_key_slot(SLICE("foo")));
}

static const char *read_text(struct redis_slots *slots, const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    redisReaderFeed(reader, text, strlen(text));
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    const char *problem = redis_slots_read(slots, reply, &asked);

    freeReplyObject(reply);
    redisReaderFree(reader);
    return problem;
}

static void the_picture_names_the_master_of_each_slot(void **state)
{
    struct redis_slots *slots = malloc(sizeof *slots);
    (void)state;

    assert_null(read_text(slots, "*3\r\n"
                                 "*3\r\n:0\r\n:99\r\n*3\r\n$0\r\n\r\n:7001\r\n$1\r\nx\r\n"
                                 "*3\r\n:100\r\n:16382\r\n*2\r\n$3\r\n::1\r\n:7002\r\n"
                                 "*3\r\n:16383\r\n:16383\r\n*2\r\n$-1\r\n:7001\r\n"));
    assert_int_equal(slots->n, 2);
    assert_string_equal(slots->masters[slots->owner[0]].host, "10.0.0.9");
    assert_int_equal(slots->masters[slots->owner[99]].port, 7001);
    assert_string_equal(slots->masters[slots->owner[100]].host, "::1");
    assert_int_equal(slots->owner[16383], slots->owner[0]);
    free(slots);
}

static void a_picture_that_is_none_is_refused(void **state)
{
    static const char *const cases[] = {
        "+OK\r\n",
        "*0\r\n", /* not joined yet */
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:16383\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:16383\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:9\r\n:8\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16382\r\n*2\r\n$1\r\na\r\n:1\r\n", /* one slot short */
        "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\n?\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n*1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:0\r\n:16383\r\n:5\r\n",
    };
    struct redis_slots *slots = malloc(sizeof *slots);
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (read_text(slots, cases[i]) == NULL)
            fail_msg("%zu is accepted", i);
    free(slots);
}

static void a_redirection_names_a_place(void **state)
{
    static const struct {
        const char *error, *host;
        int port; /* 0: it names none */
    } cases[] = {
        { "MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381 },
        { "ASK 1 ::1:6381", "::1", 6381 },
        { "MOVED 3999 :6381", "10.0.0.9", 6381 },
        { "MOVED 3999", NULL, 0 },
        { "MOVED", NULL, 0 },
        { "MOVED 1 a:0", NULL, 0 },
        { "MOVED 1 a:99999", NULL, 0 },
        { "MOVED 1 a:1x", NULL, 0 },
        { "MOVED 1 a b:1", NULL, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct redis_place place;

        assert_int_equal(redis_slots_redirect(cases[i].error, &asked, &place),
                         cases[i].port != 0);
        if (cases[i].port != 0) {
            assert_string_equal(place.host, cases[i].host);
            assert_int_equal(place.port, cases[i].port);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slot_is_that_of_the_published_check_value),
        cmocka_unit_test(the_picture_names_the_master_of_each_slot),
        cmocka_unit_test(a_picture_that_is_none_is_refused),
        cmocka_unit_test(a_redirection_names_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
