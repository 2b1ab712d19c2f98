/* The answer of a question as JSON. */
#include "flush/rollups/query_internal.h"

#include <math.h>
#include <stdio.h>

#include "flush/memory/json.h"
#include "protocol/number.h"

static void put(struct bytes *out, const char *text)
{
    bytes_add(out, text, strlen(text));
}

static void put_int(struct bytes *out, int64_t value)
{
    char text[24];

    bytes_add(out, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

static void put_strings(struct bytes *out, const struct slice *strings, size_t n)
{
    put(out, "[");
    for (size_t i = 0; i < n; i++) {
        put(out, i > 0 ? "," : "");
        json_add_string(out, strings[i]);
    }
    put(out, "]");
}

static void put_open(struct query *query)
{
    if (query->open_from_s >= query->open_to_s || query->to_s <= query->open_from_s)
        return;
    put(&query->answer, ",\"open_from_date\":");
    put_int(&query->answer, query->open_from_s * 1000);
    put(&query->answer, ",\"open_to_date\":");
    put_int(&query->answer, query->open_to_s * 1000);
}

static void put_head(struct query *query)
{
    struct bytes *out = &query->answer;

    put(out, "{\"status\":\"ok\",\"res_type\":\"time_series\",\"resp_version\":1,\"query\":");
    json_add_string(out, query->question.text);
    put(out, ",\"from_date\":");
    put_int(out, query->from_s * 1000);
    put(out, ",\"to_date\":");
    put_int(out, query->to_s * 1000);
    put_open(query);
    put(out, ",\"message\":\"\",\"group_by\":");
    put_strings(out, query->question.by, query->question.n_by);
    put(out, ",\"series\":[");
}

/* "env:a,host:b,team:x": the group, then the scope; "*": neither. */
static size_t scope_text(const struct query *query, const struct query_group *group,
                         char text[QUERY_GROUP_TEXT_MAX + QUESTION_TEXT_MAX])
{
    struct slice scope = query->question.scope;
    size_t len = group->len;

    memcpy(text, group->text, len);
    if (len > 0 && slice_equal(scope, SLICE("*")))
        return len;
    if (len > 0)
        text[len++] = ',';
    memcpy(text + len, scope.at, scope.len);
    return len + scope.len;
}

static void put_expression(struct query *query, struct slice scope)
{
    const struct question *question = &query->question;
    struct bytes text = { 0 };

    if (question->aggregate_word.len > 0) {
        bytes_add(&text, question->aggregate_word.at, question->aggregate_word.len);
        put(&text, ":");
    }
    bytes_add(&text, question->metric.at, question->metric.len);
    put(&text, "{");
    bytes_add(&text, scope.at, scope.len);
    put(&text, "}");
    bytes_add(&text, question->functions.at, question->functions.len);
    json_add_string(&query->answer, (struct slice){ (const char *)text.at, text.len });
    query->answer.failed = query->answer.failed || text.failed;
    bytes_free(&text);
}

static void put_names(struct query *query, const struct query_group *group)
{
    struct bytes *out = &query->answer;
    char text[QUERY_GROUP_TEXT_MAX + QUESTION_TEXT_MAX];
    struct slice scope = { text, scope_text(query, group, text) };
    struct slice tags[QUESTION_BY_MAX], rest = { group->text, group->len };
    size_t n = 0;

    put(out, "{\"metric\":");
    json_add_string(out, query->question.metric);
    put(out, ",\"display_name\":");
    json_add_string(out, query->question.metric);
    put(out, ",\"expression\":");
    put_expression(query, scope);
    put(out, ",\"scope\":");
    json_add_string(out, scope);
    for (; rest.len > 0 && n < QUESTION_BY_MAX; n++)
        tags[n] = slice_cut(&rest, ',');
    put(out, ",\"tag_set\":");
    put_strings(out, tags, n);
    put(out, ",\"aggr\":");
    if (query->question.aggregate_word.len > 0)
        json_add_string(out, query->question.aggregate_word);
    else
        put(out, "null");
}

/* Returns how many points there are from *first on; *last: the step of the last one. */
static int64_t count_points(const struct query *query, const double *values, uint32_t *first,
                            uint32_t *last)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < query->steps; i++) {
        if (!isfinite(values[i]))
            continue;
        *first = n++ == 0 ? i : *first;
        *last = i;
    }
    return n;
}

static int64_t step_ms(const struct query *query, uint32_t step)
{
    return (query->first_s + step * query->step_s) * 1000;
}

static void put_points(struct query *query, const double *values)
{
    struct bytes *out = &query->answer;
    char text[NUMBER_TEXT_MAX];
    const char *separator = "[";

    for (uint32_t i = 0; i < query->steps; i++) {
        if (!isfinite(values[i]))
            continue;
        put(out, separator);
        put(out, "[");
        put_int(out, step_ms(query, i));
        put(out, ".0,");
        bytes_add(out, text, number_format(values[i], text));
        put(out, "]");
        separator = ",";
    }
    put(out, "]");
}

/* A group without points is left out, as Datadog does. */
static void put_group(struct query *query, uint32_t index)
{
    const double *values = &query->values[(size_t)index * query->steps];
    struct bytes *out = &query->answer;
    uint32_t first = 0, last = 0;
    int64_t n = count_points(query, values, &first, &last);

    if (n == 0)
        return;
    if (out->len > 0 && out->at[out->len - 1] == '}')
        put(out, ",");
    put_names(query, &query->groups[index]);
    put(out, ",\"interval\":");
    put_int(out, query->step_s);
    put(out, ",\"length\":");
    put_int(out, n);
    put(out, ",\"start\":");
    put_int(out, step_ms(query, first));
    put(out, ",\"end\":");
    put_int(out, step_ms(query, last) + (query->step_s - 1) * 1000);
    put(out, ",\"query_index\":0,\"unit\":null,\"attributes\":{},\"pointlist\":");
    put_points(query, values);
    put(out, "}");
}

enum query_state query_write(struct query *query)
{
    int64_t left = QUERY_UNITS;

    if (query->next == 0 && query->answer.len == 0)
        put_head(query);
    for (; left > 0 && query->next < query->n_groups; left -= 16 + 4 * (int64_t)query->steps)
        put_group(query, query->next++);
    if (query->answer.failed)
        return query_fail(query, "not enough memory for the answer");
    if (query->next < query->n_groups)
        return QUERY_MORE;
    put(&query->answer, "]}\n");
    return query->answer.failed ? query_fail(query, "not enough memory for the answer")
                                : QUERY_DONE;
}
