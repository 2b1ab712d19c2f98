#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "flush/rollups/answers.h"
#include "tests/support/pipeline.h"

/* Answers from the rollups of a flusher that nobody asks otherwise. */
struct rig {
    struct pipeline *pipeline;
    struct rollup *rollup;
    struct question_box questions;
    struct answers answers;
};

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){ .pipeline = PIPELINE(1, 1000, "heeler_rollup_max_bytes=1048576") };
    rig.rollup = flusher_rollup(rig.pipeline->flusher);
    pipeline_line(rig.pipeline, 0, 1001, "m:7|g");
    pipeline_flush(rig.pipeline, 1010);
    if (rig.rollup == NULL || !question_box_open(&rig.questions))
        return -1;
    answers_init(&rig.answers, &rig.questions, &(struct answer_source){ .rollup = rig.rollup },
                 &rig.pipeline->ledger);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    answers_free(&rig->answers);
    question_box_close(&rig->questions);
    pipeline_free(rig->pipeline);
    return 0;
}

static struct asked_question *ask(struct rig *rig, const char *text)
{
    struct inquiry inquiry = { .text = slice_of(text), .from_s = 1000, .to_s = 1010 };
    struct asked_question *asked = asked_question_new(&inquiry, NULL);

    assert_non_null(asked);
    question_box_ask(&rig->questions, asked);
    return asked;
}

static bool step(struct rig *rig)
{
    return answers_step(&rig->answers, 1010, 1020);
}

/* The next answer must be the one to that question; a view until the next call. */
static void assert_answered(struct rig *rig, const struct asked_question *asked, int status)
{
    struct asked_question *answered = question_box_take_answered(&rig->questions);

    assert_ptr_equal(answered, asked);
    assert_null(answered->next);
    assert_int_equal(answered->status, status);
    asked_question_free(answered);
}

static void without_questions_there_is_nothing_to_do(void **state)
{
    struct rig *rig = *state;
    struct answers nobody;

    assert_false(step(rig));
    answers_init(&nobody, NULL, &(struct answer_source){ .rollup = rig->rollup },
                 &rig->pipeline->ledger);
    assert_false(answers_step(&nobody, 1010, 1020));
    answers_free(&nobody);
}

static void questions_are_answered_one_at_a_time_in_the_order_they_came(void **state)
{
    struct rig *rig = *state;
    struct asked_question *first = ask(rig, "avg:m{*}"), *second = ask(rig, "avg:nothing{*}");

    while (rig->answers.asked != second)
        assert_true(step(rig));
    assert_answered(rig, first, 200);
    while (step(rig))
        ;
    assert_answered(rig, second, 200);
    assert_int_equal(counter_read(&rig->pipeline->ledger.questions), 2);
}

static void what_cannot_be_read_is_refused(void **state)
{
    struct rig *rig = *state;
    struct asked_question *wrong = ask(rig, "no question");

    while (step(rig))
        ;
    assert_answered(rig, wrong, 400);
}

static void without_rollups_every_question_is_refused(void **state)
{
    struct rig *rig = *state;
    struct asked_question *asked = ask(rig, "avg:m{*}");

    rig->answers.source.rollup = NULL;
    assert_false(step(rig));
    assert_answered(rig, asked, 503);
}

static void one_that_is_cancelled_comes_back_without_an_answer(void **state)
{
    struct rig *rig = *state;
    struct asked_question *asked = ask(rig, "avg:m{*}");

    assert_true(step(rig)); /* begun */
    atomic_store(&asked->cancelled, true);
    assert_false(step(rig));
    assert_answered(rig, asked, 0);
    assert_null(rig->answers.begun);
}

static void questions_wait_while_a_snapshot_goes_into_the_rollups(void **state)
{
    struct rig *rig = *state;
    struct asked_question *asked = ask(rig, "avg:m{*}");

    while (!rollup_open(rig->rollup, 1010))
        ;
    for (int i = 0; i < 10; i++)
        assert_true(step(rig));
    assert_null(rig->answers.begun);
    rollup_close(rig->rollup);
    while (step(rig))
        ;
    assert_answered(rig, asked, 200);
}

static bool starting;

static bool is_starting(const void *self)
{
    (void)self;
    return starting;
}

static int64_t has_none(const void *self, int64_t step_s)
{
    (void)self, (void)step_s;
    return 0;
}

static bool takes_nothing(void *self)
{
    (void)self;
    return false;
}

/* It would be answered as if there had been nothing before. */
static void a_question_waits_until_it_is_known_what_was_before(void **state)
{
    static const struct past_ops ops = { .is_starting = is_starting,
                                         .oldest_s = has_none,
                                         .take = takes_nothing };
    static const struct past past = { &ops, NULL };
    struct rig *rig = *state;

    rollup_use_past(rig->rollup, &past);
    starting = true;
    struct asked_question *asked = ask(rig, "avg:m{*}");

    for (int i = 0; i < 3; i++) {
        while (step(rig))
            ;
        assert_null(question_box_take_answered(&rig->questions));
        answers_tick(&rig->answers);
    }
    starting = false;
    while (step(rig))
        ;
    assert_answered(rig, asked, 200);
}

static void what_is_left_at_the_end_is_freed(void **state)
{
    static struct mailbox own;
    struct rig *rig = *state;

    for (int i = 0; i < 2; i++) {
        struct asked_question *asked = ask(rig, "avg:m{*}");

        asked->back = &own;
        asked->argument = malloc(1);
        assert_non_null(asked->argument);
    }
    assert_true(step(rig));
    assert_non_null(rig->answers.begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_questions_there_is_nothing_to_do, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            questions_are_answered_one_at_a_time_in_the_order_they_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_rollups_every_question_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_cancelled_comes_back_without_an_answer,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(questions_wait_while_a_snapshot_goes_into_the_rollups,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_question_waits_until_it_is_known_what_was_before,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_left_at_the_end_is_freed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
