/* Questions about kept traces, and what becomes of those that nobody takes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/traces/trace_box.h"
#include "tests/support/spans.h"

static struct arena_budget budget;
static struct traces_ledger ledger;

static struct trace_ring *ring_of_one(void)
{
    struct trace_ring_config config = { .budget = &budget,
                                        .ledger = &ledger,
                                        .bytes = 1 << 20 };
    struct trace_ring *ring;

    arena_budget_init(&budget, 16 << 20);
    ring = trace_ring_new(&config);
    spans_begin();
    spans_add(1, 0, "shop", "web.request", "GET /", 1000, 5)->is_top_level = true;
    trace_ring_offer(ring, spans_trace(), 1000);
    return ring;
}

static struct trace_question *ask(struct trace_box *box, struct slice service)
{
    struct trace_question *question = trace_question_new(box);

    assert_non_null(question);
    assert_true(trace_question_keep(question, service, &question->search.service));
    question->search.limit = 1;
    mailbox_push(&box->asked, &question->letter);
    return question;
}

static void each_question_comes_back_with_what_was_found(void **state)
{
    struct trace_ring *ring = ring_of_one();
    struct trace_box *box = trace_box_new();
    struct trace_question *one = ask(box, SLICE("shop")), *two = ask(box, SLICE("blog"));
    (void)state;

    assert_null(trace_box_take(&box->answered));
    trace_box_answer(box, ring);
    trace_ring_free(ring); /* what was found is held */
    assert_ptr_equal(trace_box_take(&box->answered), one);
    assert_ptr_equal(one->next, two);
    assert_int_equal(one->results.n, 1);
    assert_int_equal(one->results.at[0].copy->trace_id, 7);
    assert_int_equal(two->results.n, 0);
    trace_question_free(one);
    trace_question_free(two);
    trace_box_free(box);
}

/* The leak would be found. */
static void what_nobody_takes_back_goes_with_the_box(void **state)
{
    struct trace_ring *ring = ring_of_one();
    struct trace_box *box = trace_box_new();
    (void)state;

    ask(box, SLICE("shop"));
    trace_box_answer(box, ring);
    ask(box, SLICE("shop"));
    trace_ring_free(ring);
    trace_box_free(box);
    trace_box_free(NULL);
}

static void without_a_ring_nothing_is_found(void **state)
{
    struct trace_box *box = trace_box_new();
    struct trace_question *question = ask(box, SLICE("shop"));
    (void)state;

    trace_box_answer(box, NULL);
    assert_ptr_equal(trace_box_take(&box->answered), question);
    assert_int_equal(question->results.n_kept, 0);
    trace_question_free(question);
    trace_box_free(box);
}

static void a_question_has_room_for_its_texts(void **state)
{
    static char text[TRACE_QUESTION_TEXTS];
    struct trace_question *question = trace_question_new(NULL);
    struct slice kept;
    (void)state;

    assert_true(trace_question_keep(question, (struct slice){ text, sizeof text - 4 }, &kept));
    assert_true(trace_question_keep(question, SLICE("four"), &kept));
    assert_memory_equal(kept.at, "four", 4);
    assert_false(trace_question_keep(question, SLICE("x"), &kept));
    assert_true(trace_question_keep(question, SLICE(""), &kept));
    trace_question_free(question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_question_comes_back_with_what_was_found),
        cmocka_unit_test(what_nobody_takes_back_goes_with_the_box),
        cmocka_unit_test(without_a_ring_nothing_is_found),
        cmocka_unit_test(a_question_has_room_for_its_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
