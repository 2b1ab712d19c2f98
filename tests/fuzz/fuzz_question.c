/* A question as any bytes, to the end: parsed, answered from filled rollups, written. The
 * first three bytes choose the range. An answer is JSON whose points ascend and are finite,
 * and a refusal says why. The same bytes are what to look for in the list of metrics, the name
 * of one, and what monitors of several forms look at. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/rollups/answer_ops.h"
#include "flush/rollups/evaluation.h"
#include "tests/support/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { START = 1700006400, HEAD = 3 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Ten minutes of each kind, with tags that answers have to escape. */
static struct rollup *fill(void)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollups=60 300");
    char lines[512];

    for (int i = 0; i < 60; i++) {
        snprintf(lines, sizeof lines,
                 "hits:%d|c|#env:dev,team:x\nhits:3|c|#env:\"\\\xc2\x9b,host:b\n"
                 "load:%d|g|#env:dev\nload:1.7e308|g|#env:prod\nload:-1.7e308|g|#env:test\n"
                 "users:u%d|s|#at:a\nusers:u0|s|#at:b\n"
                 "lat:%d|d|#at:a\nlat:%d:1e300|d|#at:b\n",
                 i, i, i, i + 1, i - 30);
        pipeline_line(p, 0, START + 10 * i + 1, lines);
    }
    pipeline_flush(p, START + 601);
    return flusher_rollup(p->flusher);
}

static void check_series(const json_t *series)
{
    const json_t *points = json_object_get(series, "pointlist");
    double before = -1;

    check(json_is_string(json_object_get(series, "scope")) && json_array_size(points) > 0);
    check(json_array_size(points) <= QUERY_POINTS_MAX);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        double time_ms = json_number_value(json_array_get(point, 0));
        check(json_array_size(point) == 2 && time_ms > before);
        check(json_is_number(json_array_get(point, 1)) &&
              isfinite(json_number_value(json_array_get(point, 1))));
        before = time_ms;
    }
}

static void check_answer(struct slice text)
{
    json_t *answer =
        json_loadb(text.at, text.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    const json_t *list = json_object_get(answer, "series");

    check(json_is_array(list));
    for (size_t i = 0; i < json_array_size(list); i++)
        check_series(json_array_get(list, i));
    json_decref(answer);
}

static void ask(struct rollup *rollup, struct slice text, int64_t from_s, int64_t to_s)
{
    char problem[256] = "";
    struct evaluation *evaluation =
        evaluation_new(rollup, text, from_s, to_s, problem, sizeof problem);
    enum query_state state;

    check(evaluation != NULL || problem[0] != '\0');
    if (evaluation == NULL)
        return;
    evaluation_tell_open(evaluation, START + 600, START + 610);
    while ((state = evaluation_step(evaluation)) == QUERY_MORE)
        ;
    if (state == QUERY_DONE)
        check_answer(evaluation_answer(evaluation));
    else
        check(evaluation_problem(evaluation)[0] != '\0');
    evaluation_free(evaluation);
}

static void inquire(const struct answer_ops *ops, struct rollup *rollup,
                    const struct inquiry *inquiry)
{
    struct answer_source source = { .rollup = rollup };
    struct answer_problem problem = { .status = 0 };
    struct bytes answer = { 0 };
    enum answer_state state;
    void *begun = ops->begin(&source, inquiry, &problem);

    check(begun != NULL);
    while ((state = ops->step(begun, &answer, &problem)) == ANSWER_MORE)
        ;
    if (state == ANSWER_DONE) {
        json_t *json = json_loadb((const char *)answer.at, answer.len, JSON_ALLOW_NUL, NULL);

        check(json_is_object(json));
        json_decref(json);
    } else {
        check(problem.status == 404 && problem.sentence[0] != '\0');
    }
    bytes_free(&answer);
    ops->free(begun);
}

static void check_group(const json_t *group)
{
    const json_t *value = json_object_get(group, "value");

    check(json_string_length(json_object_get(group, "group")) > 0);
    check(json_is_null(value) || isfinite(json_number_value(value)));
    check(json_integer_value(json_object_get(group, "points")) > 0);
}

static void evaluate(struct rollup *rollup, const struct inquiry *inquiry)
{
    struct answer_source source = { .rollup = rollup };
    struct answer_problem problem = { .status = 0 };
    struct bytes answer = { 0 };
    enum answer_state state = ANSWER_FAILED;
    void *begun = answer_monitor.begin(&source, inquiry, &problem);

    while (begun != NULL &&
           (state = answer_monitor.step(begun, &answer, &problem)) == ANSWER_MORE)
        ;
    if (state == ANSWER_DONE) {
        json_t *json = json_loadb((const char *)answer.at, answer.len, JSON_ALLOW_NUL, NULL);
        const json_t *groups = json_object_get(json, "groups");

        check(json_is_array(groups));
        for (size_t i = 0; i < json_array_size(groups); i++)
            check_group(json_array_get(groups, i));
        json_decref(json);
    } else {
        check(problem.status == 400 && problem.sentence[0] != '\0');
    }
    bytes_free(&answer);
    if (begun != NULL)
        answer_monitor.free(begun);
}

/* The question in each form of a monitor's query, and as one itself. */
static void evaluate_all(struct rollup *rollup, struct slice question, struct inquiry inquiry)
{
    static const char *const forms[] = { "", "avg(last_5m):", "sum(last_1h):",
                                         "change(min(last_5m),5m_ago):",
                                         "pct_change(max(last_10m),last_1h):" };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct bytes text = { 0 };

        bytes_add(&text, forms[i], strlen(forms[i]));
        bytes_add(&text, question.at, question.len);
        bytes_add(&text, " > 1", i == 0 ? 0 : 4);
        check(!text.failed);
        inquiry.text = (struct slice){ text.len > 0 ? (const char *)text.at : "", text.len };
        evaluate(rollup, &inquiry);
        bytes_free(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rollup *rollup; /* with its pipeline, to the end */

    if (rollup == NULL)
        rollup = fill();
    if (size < HEAD)
        return 0;
    int64_t from_s = START + 600 - ((int64_t)data[0] << data[1] % 20);
    char *text = malloc(size - HEAD + 1); /* not a byte more than is named */
    check(text != NULL);
    memcpy(text, data + HEAD, size - HEAD);
    ask(rollup, (struct slice){ text, size - HEAD }, from_s, from_s + ((int64_t)data[2] << 3));
    inquire(&answer_list, rollup,
            &(struct inquiry){ .text = { text, size - HEAD },
                               .limit = 1 + data[0] % 8,
                               .offset = data[1] % 4,
                               .order = (enum inquiry_order)(data[2] % 3) });
    inquire(&answer_metric, rollup,
            &(struct inquiry){ .text = { text, size - HEAD }, .limit = 1 + data[0] % 8 });
    inquire(&answer_host, rollup,
            &(struct inquiry){ .text = { text, size - HEAD }, .limit = 1 + data[0] % 8 });
    evaluate_all(rollup, (struct slice){ text, size - HEAD },
                 (struct inquiry){ .from_s = from_s,
                                   .to_s = from_s + ((int64_t)data[2] << 3),
                                   .limit = 60 * (data[1] % 4u) });
    free(text);
    return 0;
}
