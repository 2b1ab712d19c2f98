#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/http/ask_answer.h"

static const struct ask_moment now = { 1, 10 };

static void keep(struct ask_shelf *shelf, int64_t from_s, size_t len, int status)
{
    struct bytes body = { 0 };
    struct inquiry inquiry = { .text = { strdup("m"), 1 }, .from_s = from_s, .to_s = 2 };

    if (len > 0)
        memset(bytes_room(&body, len), 'x', len);
    body.len = len;
    struct ask_answer *answer = ask_answer_new(status, &body);
    assert_non_null(answer);
    ask_shelf_keep(shelf, now, inquiry, answer);
    ask_answer_release(answer);
}

static struct ask_answer *find(struct ask_shelf *shelf, struct ask_moment moment,
                               int64_t from_s)
{
    struct inquiry inquiry = { .text = SLICE("m"), .from_s = from_s, .to_s = 2 };

    return ask_shelf_find(shelf, moment, &inquiry);
}

/* Whatever is asked differently is another question. */
static void assert_others_are_not_found(struct ask_shelf *shelf)
{
    static const struct inquiry others[] = {
        { .text = { "n", 1 }, .from_s = 1, .to_s = 2 },
        { .text = { "m", 1 }, .from_s = 1, .to_s = 3 },
        { .text = { "m", 1 }, .from_s = 1, .to_s = 2, .kind = INQUIRY_METRIC },
        { .text = { "m", 1 }, .from_s = 1, .to_s = 2, .limit = 1 },
        { .text = { "m", 1 }, .from_s = 1, .to_s = 2, .offset = 1 },
        { .text = { "m", 1 }, .from_s = 1, .to_s = 2, .order = ORDER_SERIES },
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(ask_shelf_find(shelf, now, &others[i]));
}

static void an_answer_is_good_for_its_moment(void **state)
{
    static const struct ask_moment others[] = { { 1, 20 }, { 2, 10 } };
    static struct ask_shelf shelf;
    (void)state;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(find(&shelf, now, 1));
        keep(&shelf, 1, 5, 200);
        assert_non_null(find(&shelf, now, 1));
        assert_null(find(&shelf, now, 3));
        assert_others_are_not_found(&shelf);
        assert_null(find(&shelf, others[i], 1));
        keep(&shelf, 1, 5, 200); /* it was asked for in the moment before */
        assert_null(find(&shelf, others[i], 1));
    }
    ask_shelf_clear(&shelf);
}

static void only_good_answers_of_some_size_are_kept(void **state)
{
    static struct ask_shelf shelf;
    (void)state;

    assert_null(find(&shelf, now, 0));
    keep(&shelf, 1, 5, 400);
    keep(&shelf, 2, ASK_SHELF_BYTES / 4 + 1, 200);
    keep(&shelf, 3, ASK_SHELF_BYTES / 4, 200);
    keep(&shelf, 4, 0, 200);
    assert_null(find(&shelf, now, 1));
    assert_null(find(&shelf, now, 2));
    assert_non_null(find(&shelf, now, 3));
    assert_non_null(find(&shelf, now, 4));
    ask_shelf_clear(&shelf);
    assert_int_equal(shelf.bytes, 0);
}

static void the_oldest_make_room(void **state)
{
    static struct ask_shelf shelf;
    (void)state;

    assert_null(find(&shelf, now, 0));
    for (int i = 0; i < 6; i++)
        keep(&shelf, i, ASK_SHELF_BYTES / 4, 200);
    assert_true(shelf.bytes <= ASK_SHELF_BYTES);
    assert_null(find(&shelf, now, 1));
    assert_non_null(find(&shelf, now, 2));
    assert_non_null(find(&shelf, now, 5));
    for (int i = 0; i <= ASK_SHELF_PLACES; i++)
        keep(&shelf, 100 + i, 1, 200);
    assert_null(find(&shelf, now, 100));
    assert_non_null(find(&shelf, now, 101));
    assert_int_equal(shelf.bytes, ASK_SHELF_PLACES);
    ask_shelf_clear(&shelf);
}

/* A reply may still be written when the shelf has forgotten it. */
static void a_reply_holds_its_answer(void **state)
{
    static struct ask_shelf shelf;
    char text[5];
    (void)state;

    assert_null(find(&shelf, now, 0));
    keep(&shelf, 1, sizeof text, 200);
    struct evbuffer *body = ask_answer_body(find(&shelf, now, 1));
    ask_shelf_clear(&shelf);
    assert_int_equal(evbuffer_copyout(body, text, sizeof text), sizeof text);
    assert_memory_equal(text, "xxxxx", sizeof text);
    evbuffer_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_good_for_its_moment),
        cmocka_unit_test(only_good_answers_of_some_size_are_kept),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(a_reply_holds_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
