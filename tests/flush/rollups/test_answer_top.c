#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "flush/rollups/answers.h"
#include "tests/support/pipeline.h"

enum { INTERVAL_S = 10 };

struct rig {
    struct pipeline *pipeline;
    struct question_box questions;
    struct answers answers;
};

static int set_up(void **state)
{
    static struct rig rig;

    rig = (struct rig){ .pipeline = PIPELINE(1, 1000, "heeler_rollup_max_bytes=1048576") };
    if (!question_box_open(&rig.questions))
        return -1;
    answers_init(&rig.answers, &rig.questions,
                 &(struct answer_source){ .rollup = flusher_rollup(rig.pipeline->flusher) },
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

static json_t *ask(struct rig *rig, enum inquiry_order order, uint32_t limit)
{
    struct inquiry inquiry = { .kind = INQUIRY_TOP, .order = order, .limit = limit };
    struct asked_question *asked = asked_question_new(&inquiry, NULL);

    assert_non_null(asked);
    question_box_ask(&rig->questions, asked);
    while (answers_step(&rig->answers, 1010, 1020))
        ;
    assert_ptr_equal(question_box_take_answered(&rig->questions), asked);
    assert_int_equal(asked->status, 200);
    json_t *answer = json_loadb((const char *)asked->answer.at, asked->answer.len, 0, NULL);

    asked_question_free(asked);
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "by")), "metric");
    return answer;
}

static void assert_row(json_t *answer, size_t i, const char *what, double values, int series)
{
    json_t *row = json_array_get(json_object_get(answer, "rows"), i);

    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "what")), what);
    assert_float_equal(json_number_value(json_object_get(row, "values")), values, 1e-6);
    assert_int_equal(json_integer_value(json_object_get(row, "series")), series);
    assert_true(json_is_null(json_object_get(row, "lines")));
}

static size_t n_rows(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "rows"));
}

static void nothing_is_there_at_first(void **state)
{
    json_t *answer = ask(*state, ORDER_VALUES, 10);

    assert_int_equal(n_rows(answer), 0);
    assert_int_equal(json_integer_value(json_object_get(answer, "seen_s")), 0);
    json_decref(answer);
}

static void metrics_stand_in_the_order_of_their_values_or_series(void **state)
{
    struct rig *rig = *state;

    pipeline_line(rig->pipeline, 0, 1001, "few:1|c|#a:1");
    pipeline_line(rig->pipeline, 0, 1001, "few:1|c|#a:2");
    pipeline_line(rig->pipeline, 0, 1001, "few:1|g");
    pipeline_line(rig->pipeline, 0, 1001, "many:1:2:3:4:5|d");
    pipeline_line(rig->pipeline, 0, 1001, "one:1|c");
    pipeline_flush(rig->pipeline, 1010);

    json_t *answer = ask(rig, ORDER_VALUES, 10);
    assert_int_equal(n_rows(answer), 3);
    assert_row(answer, 0, "many", 5.0 / INTERVAL_S, 1);
    assert_row(answer, 1, "few", 3.0 / INTERVAL_S, 3);
    assert_row(answer, 2, "one", 1.0 / INTERVAL_S, 1);
    assert_int_equal(json_integer_value(json_object_get(answer, "seen_s")), INTERVAL_S);
    json_decref(answer);

    answer = ask(rig, ORDER_SERIES, 1);
    assert_int_equal(n_rows(answer), 1);
    assert_row(answer, 0, "few", 3.0 / INTERVAL_S, 3);
    json_decref(answer);
}

static void what_was_silent_in_the_newest_interval_has_no_values(void **state)
{
    struct rig *rig = *state;

    pipeline_line(rig->pipeline, 0, 1001, "before:1|c");
    pipeline_flush(rig->pipeline, 1010);
    pipeline_line(rig->pipeline, 0, 1011, "after:1|c");
    pipeline_flush(rig->pipeline, 1020);
    json_t *answer = ask(rig, ORDER_VALUES, 10);

    assert_row(answer, 0, "after", 1.0 / INTERVAL_S, 1);
    assert_row(answer, 1, "before", 0, 1);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(nothing_is_there_at_first),
        CASE(metrics_stand_in_the_order_of_their_values_or_series),
        CASE(what_was_silent_in_the_newest_interval_has_no_values),
#undef CASE
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
