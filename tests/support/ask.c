#include "tests/support/ask.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

json_t *ask(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s)
{
    char problem[256];
    enum query_state state;
    struct evaluation *evaluation =
        evaluation_new(rollup, slice_of(text), from_s, to_s, problem, sizeof problem);

    if (evaluation == NULL)
        return json_pack("{ss}", "error", problem);
    while ((state = evaluation_step(evaluation)) == QUERY_MORE || state == QUERY_WAITS) {
        const struct past *past = rollup_past(rollup);

        if (state == QUERY_WAITS && !past->ops->take(past->self))
            poll(NULL, 0, 1); /* another thread reads */
    }
    struct slice answer = evaluation_answer(evaluation);
    json_t *json = state == QUERY_DONE
                       ? json_loadb(answer.at, answer.len, 0, NULL)
                       : json_pack("{ss}", "error", evaluation_problem(evaluation));
    if (json == NULL)
        fail_msg("no JSON: %.*s", (int)answer.len, answer.at);
    evaluation_free(evaluation);
    return json;
}

static double point_at(const json_t *series, int64_t time_s)
{
    const json_t *points = json_object_get(series, "pointlist");

    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        if (json_number_value(json_array_get(point, 0)) == (double)time_s * 1000)
            return json_number_value(json_array_get(point, 1));
    }
    return NAN;
}

double ask_point(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s,
                 const char *scope, int64_t time_s)
{
    json_t *answer = ask(rollup, text, from_s, to_s);
    const json_t *list = json_object_get(answer, "series");
    double value = NAN;

    if (list == NULL)
        fail_msg("%s: %s", text, json_string_value(json_object_get(answer, "error")));
    if (scope == NULL && json_array_size(list) > 1)
        fail_msg("%s: %zu series", text, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *series = json_array_get(list, i);
        if (scope == NULL ||
            strcmp(json_string_value(json_object_get(series, "scope")), scope) == 0)
            value = point_at(series, time_s);
    }
    json_decref(answer);
    return value;
}

void ask_cases(struct rollup *rollup, const struct ask_case *cases, size_t n, int64_t start_s,
               int64_t to_s)
{
    for (size_t i = 0; i < n; i++) {
        double value = ask_point(rollup, cases[i].text, start_s, to_s, cases[i].scope,
                                 start_s + cases[i].at);
        if (fabs(value - cases[i].value) > 1e-9 || isnan(value) != isnan(cases[i].value))
            fail_msg("%s at %lld: %.17g", cases[i].text, (long long)cases[i].at, value);
    }
}

void ask_refused(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s,
                 const char *sentence)
{
    json_t *answer = ask(rollup, text, from_s, to_s);
    const char *said = json_string_value(json_object_get(answer, "error"));

    if ((said == NULL) != (sentence == NULL) || (said != NULL && strcmp(said, sentence) != 0))
        fail_msg("%s: %s", text, said != NULL ? said : "accepted");
    json_decref(answer);
}
