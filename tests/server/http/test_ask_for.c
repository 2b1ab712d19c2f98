#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "flush/rollups/question_box.h"
#include "server/http/ask.h"

/* So long that no test meets its end. */
enum { INTERVAL_S = 1 << 30 };

/* The test is the flusher, and one of us on main's loop. */
struct fixture {
    struct event_base *base;
    struct question_box questions;
    struct counter flushed_s;
    struct ask *ask;
};

static const struct inquiry m = {
    .kind = INQUIRY_QUERY, .text = { "m", 1 }, .from_s = 1, .to_s = 2
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){ .base = event_base_new() };
    assert_true(question_box_open(&f->questions));
    f->ask = ask_new(f->base, &f->questions, &f->flushed_s, INTERVAL_S);
    assert_non_null(f->ask);
}

static void close_fixture(struct fixture *f)
{
    ask_free(f->ask);
    question_box_close(&f->questions);
    event_base_free(f->base);
}

static void settle(struct fixture *f)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static struct asked_question *take_asked(struct fixture *f)
{
    settle(f);
    return question_box_take_asked(&f->questions);
}

static void answer(struct fixture *f, struct asked_question *given, const char *text)
{
    given->status = 200;
    bytes_add(&given->answer, text, strlen(text));
    question_box_answer(&f->questions, given);
    settle(f);
}

/* ---- what is told ------------------------------------------------------ */

struct told {
    int n, status;
    char json[128];
    struct ask *asks; /* again, when it is told the first time; NULL: not */
};

static void tell(void *argument, int status, struct slice json)
{
    struct told *told = argument;

    told->n++;
    told->status = status;
    snprintf(told->json, sizeof told->json, "%.*s", (int)json.len, json.at);
    if (told->n == 1 && told->asks != NULL)
        (void)ask_for(told->asks, &m, tell, told);
}

static void a_question_is_asked_and_told(void **state)
{
    struct told told = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    assert_non_null(ask_for(f.ask, &m, tell, &told));
    struct asked_question *asked = take_asked(&f);
    assert_true(slice_equal(asked->inquiry.text, SLICE("m")));
    assert_int_equal(told.n, 0);
    answer(&f, asked, "{}");
    assert_int_equal(told.n, 1);
    assert_int_equal(told.status, 200);
    assert_string_equal(told.json, "{}");
    assert_null(ask_for(f.ask, &m, tell, &told)); /* the same answer, which is kept */
    assert_int_equal(told.n, 2);
    assert_string_equal(told.json, "{}");
    close_fixture(&f);
}

static void equal_questions_are_asked_once(void **state)
{
    struct told one = { 0 }, two = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    assert_non_null(ask_for(f.ask, &m, tell, &one));
    assert_non_null(ask_for(f.ask, &m, tell, &two));
    struct asked_question *asked = take_asked(&f);
    assert_null(asked->next);
    answer(&f, asked, "{}");
    assert_true(one.n == 1 && two.n == 1);
    close_fixture(&f);
}

static void a_refusal_is_told(void **state)
{
    struct told told = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    assert_non_null(ask_for(f.ask, &m, tell, &told));
    struct asked_question *asked = take_asked(&f);
    asked_question_refuse(asked, 400, "no");
    question_box_answer(&f.questions, asked);
    settle(&f);
    assert_int_equal(told.status, 400);
    assert_string_equal(told.json,
                        "{\"status\":\"error\",\"error\":\"no\",\"errors\":[\"no\"]}\n");
    close_fixture(&f);
}

static void who_is_told_may_ask_again(void **state)
{
    struct told told = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    told.asks = f.ask;
    assert_non_null(ask_for(f.ask, &m, tell, &told));
    struct asked_question *asked = take_asked(&f);
    asked_question_refuse(asked, 400, "no"); /* which is not kept */
    question_box_answer(&f.questions, asked);
    asked = take_asked(&f);
    assert_int_equal(told.n, 1);
    answer(&f, asked, "{}");
    assert_int_equal(told.n, 2);
    assert_int_equal(told.status, 200);
    close_fixture(&f);
}

static void who_forgets_is_not_told(void **state)
{
    struct told told = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    ask_forget(ask_for(f.ask, &m, tell, &told)); /* before the flusher has it */
    assert_null(take_asked(&f));
    struct ask_waiter *waiter = ask_for(f.ask, &m, tell, &told);
    struct asked_question *asked = take_asked(&f);
    ask_forget(waiter);
    assert_true(atomic_load(&asked->cancelled));
    answer(&f, asked, "{}");
    assert_int_equal(told.n, 0);
    close_fixture(&f);
}

static void the_end_forgets_all(void **state)
{
    struct told told = { 0 };
    struct fixture f;
    (void)state;

    open_fixture(&f);
    assert_non_null(ask_for(f.ask, &m, tell, &told));
    asked_question_free(take_asked(&f)); /* the flusher ended with it */
    close_fixture(&f);
    assert_int_equal(told.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_asked_and_told),
        cmocka_unit_test(equal_questions_are_asked_once),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(who_is_told_may_ask_again),
        cmocka_unit_test(who_forgets_is_not_told),
        cmocka_unit_test(the_end_forgets_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
