/* Reading order: what is asked; a list; one trace; the loop. */
#include "server/api/kept_traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocol/number.h"
#include "server/api/api.h"
#include "server/api/api_job.h"
#include "server/http/server_view.h"
#include "server/traces/trace_box.h"

struct kept_traces {
    struct trace_box *box;
    struct event *answered;
};

/* ---- what is asked ----------------------------------------------------- */

/* NULL: it was refused. */
static struct trace_question *begin(struct desk_job *job, const struct server_view *view)
{
    struct trace_question *question = NULL;

    if (view->kept_traces == NULL)
        api_refuse(job, 404, "no traces are taken here: set apm_config.enabled");
    else if ((question = trace_question_new(job)) == NULL)
        api_refuse(job, 503, "there is no memory for this question");
    return question;
}

static void ask(const struct server_view *view, struct trace_question *given)
{
    mailbox_push(&view->kept_traces->box->asked, &given->letter);
}

/* A parameter that is not there is empty. */
static struct slice parameter(const struct http_request *request, const char *name,
                              struct trace_question *question)
{
    char room[HTTP_HEAD_MAX];
    struct slice value, kept;

    if (http_parameter(request->query, name, room, &value) &&
        trace_question_keep(question, value, &kept))
        return kept;
    return SLICE("");
}

/* False: it was refused. */
static bool read_words(struct desk_job *job, const struct http_request *request,
                       struct trace_question *question)
{
    struct slice order = parameter(request, "order", question);
    struct slice errors = parameter(request, "errors", question);

    question->search.latest = slice_equal(order, SLICE("latest"));
    question->search.errors =
        slice_equal(errors, SLICE("1")) || slice_equal(errors, SLICE("true"));
    if (order.len > 0 && !question->search.latest && !slice_equal(order, SLICE("slowest")))
        api_refuse(job, 400, "order: expected slowest or latest");
    else if (errors.len > 0 && !question->search.errors && !slice_equal(errors, SLICE("0")) &&
             !slice_equal(errors, SLICE("false")))
        api_refuse(job, 400, "errors: expected 1 or 0");
    else
        return true;
    return false;
}

void traces_list(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    struct trace_question *question = begin(given, view);
    int64_t limit = KEPT_TRACES_LIMIT;

    if (question == NULL)
        return;
    question->search.service = parameter(request, "service", question);
    question->search.name = parameter(request, "name", question);
    question->search.resource = parameter(request, "resource", question);
    if (!read_words(given, request, question) ||
        !api_read_number(given, request, "limit", 1, TRACE_RING_FOUND_MAX, &limit)) {
        trace_question_free(question);
        return;
    }
    question->search.limit = (uint32_t)limit;
    ask(view, question);
}

static bool read_hex(struct slice text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digits = "0123456789abcdef";
        const char *found =
            strchr(digits, text.at[i] >= 'A' && text.at[i] <= 'F' ? text.at[i] - 'A' + 'a'
                                                                  : text.at[i]);

        if (text.at[i] == '\0' || found == NULL)
            return false;
        *out = *out << 4 | (uint64_t)(found - digits);
    }
    return true;
}

/* As libraries log it: a decimal number, or 32 hexadecimal digits, of which the last 16 are
 * what spans carry. */
static bool read_id(struct slice text, uint64_t *out)
{
    *out = 0;
    if (text.len == 32)
        return read_hex(slice_skip(text, 16), out);
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.at[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, digit, out))
            return false;
    }
    return text.len > 0;
}

void traces_get(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    char room[API_NAME_MAX];
    struct slice id = api_path_name(request, room);
    struct trace_question *question = begin(given, view);

    if (question == NULL)
        return;
    question->search.by_id = true;
    question->search.limit = TRACE_RING_FOUND_MAX;
    if (read_id(id, &question->search.trace_id)) {
        ask(view, question);
        return;
    }
    trace_question_free(question);
    api_refuse(given, 400, "a trace id is a decimal number, or 32 hexadecimal digits");
}

/* ---- spans ------------------------------------------------------------- */

/* A script has no numbers of 64 bits. */
static void write_id(struct json_out *out, const char *name, uint64_t id)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, id);
    json_out_text(out, name, text);
}

/* The members that a list has of it. */
static void write_brief(struct json_out *out, const struct trace_copy *copy,
                        const struct copied_span *span)
{
    json_out_slice(out, "service", trace_copy_text(copy, span->service));
    json_out_slice(out, "name", trace_copy_text(copy, span->name));
    json_out_slice(out, "resource", trace_copy_text(copy, span->resource));
    json_out_signed(out, "duration_ns", span->duration_ns);
    json_out_bool(out, "error", span->error != 0);
}

static double milliseconds(int64_t ns)
{
    return (double)(ns / 1000) / 1000;
}

/* ---- a list ------------------------------------------------------------ */

static void write_found(struct json_out *out, const struct trace_found *found)
{
    const struct trace_copy *copy = found->copy;

    json_out_begin(out, NULL, '{');
    write_id(out, "trace_id", copy->trace_id);
    json_out_exact(out, "start_ms", milliseconds(copy->root.start_ns));
    json_out_bool(out, "failed", copy->has_failed);
    json_out_number(out, "n_spans", copy->n_spans_sent);
    json_out_begin(out, "root", '{');
    write_brief(out, copy, &copy->root);
    json_out_end(out, '}');
    json_out_begin(out, "span", '{');
    write_brief(out, copy, found->span);
    json_out_end(out, '}');
    json_out_end(out, '}');
}

static void write_list(struct json_out *out, const struct trace_results *results)
{
    json_out_begin(out, NULL, '{');
    json_out_number(out, "total", results->n_fitting);
    json_out_number(out, "kept", results->n_kept);
    json_out_number(out, "kept_bytes", results->kept_bytes);
    json_out_number(out, "kept_s", TRACE_RING_KEPT_S);
    json_out_begin(out, "traces", '[');
    for (uint32_t i = 0; i < results->n; i++)
        write_found(out, &results->at[i]);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* ---- one trace --------------------------------------------------------- */

/* A text is there once, but named by any number of spans: an answer has its own bound. */
static bool is_full(const struct json_out *out)
{
    return out->bytes.len > KEPT_TRACES_ANSWER_MAX;
}

/* Returns how many there was room for. */
static uint32_t write_meta(struct json_out *out, const struct trace_copy *copy,
                           const struct copied_span *span)
{
    uint32_t i;

    json_out_begin(out, "meta", '{');
    for (i = 0; i < span->n_meta && !is_full(out); i++) {
        const struct copied_meta *meta = &copy->meta[span->first_meta + i];

        json_out_slice_named(out, trace_copy_text(copy, meta->key),
                             trace_copy_text(copy, meta->value));
    }
    json_out_end(out, '}');
    return i;
}

static uint32_t write_metrics(struct json_out *out, const struct trace_copy *copy,
                              const struct copied_span *span)
{
    uint32_t i;

    json_out_begin(out, "metrics", '{');
    for (i = 0; i < span->n_metrics && !is_full(out); i++) {
        const struct copied_metric *metric = &copy->metrics[span->first_metric + i];
        char text[NUMBER_TEXT_MAX];
        struct slice json = SLICE("null");

        if (__builtin_isfinite(metric->value))
            json = (struct slice){ text, number_format(metric->value, text) };
        json_out_raw_named(out, trace_copy_text(copy, metric->key), json);
    }
    json_out_end(out, '}');
    return i;
}

/* Clocks that are far apart are as far apart as can be said. */
static int64_t since(int64_t first_ns, int64_t ns)
{
    int64_t apart;

    return __builtin_sub_overflow(ns, first_ns, &apart) ? INT64_MAX : apart;
}

static void write_span(struct json_out *out, const struct trace_copy *copy,
                       const struct copied_span *span, int64_t first_ns)
{
    uint32_t n_meta, n_metrics;

    json_out_begin(out, NULL, '{');
    write_id(out, "span_id", span->span_id);
    write_id(out, "parent_id", span->parent_id);
    write_brief(out, copy, span);
    json_out_slice(out, "type", trace_copy_text(copy, span->type));
    json_out_signed(out, "offset_ns", since(first_ns, span->start_ns));
    json_out_bool(out, "top_level", span->is_top_level);
    n_meta = write_meta(out, copy, span);
    n_metrics = write_metrics(out, copy, span);
    json_out_bool(out, "is_cut",
                  span->is_cut || n_meta < span->n_meta || n_metrics < span->n_metrics);
    json_out_end(out, '}');
}

static void write_trace(struct json_out *out, const struct trace_results *results)
{
    int64_t first_ns = INT64_MAX;
    uint64_t n_sent = 0;

    for (uint32_t i = 0; i < results->n; i++) {
        const struct trace_copy *copy = results->at[i].copy;

        n_sent += copy->n_spans_sent;
        for (uint32_t j = 0; j < copy->n_spans; j++)
            if (copy->spans[j].start_ns < first_ns)
                first_ns = copy->spans[j].start_ns;
    }
    json_out_begin(out, NULL, '{');
    write_id(out, "trace_id", results->at[0].copy->trace_id);
    json_out_exact(out, "start_ms", milliseconds(first_ns));
    json_out_number(out, "n_spans", n_sent);
    json_out_begin(out, "spans", '[');
    for (uint32_t i = 0; i < results->n; i++)
        for (uint32_t j = 0; j < results->at[i].copy->n_spans; j++)
            write_span(out, results->at[i].copy, &results->at[i].copy->spans[j], first_ns);
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* ---- the loop ---------------------------------------------------------- */

static void answer(struct trace_question *question)
{
    const struct trace_results *results = &question->results;
    struct json_out out = { .comma = false };

    if (question->search.by_id && results->n == 0) {
        api_refuse(question->argument, 404,
                   "no trace of that id is kept: only the slowest and the last that failed of "
                   "each resource are, for %d minutes",
                   TRACE_RING_KEPT_S / 60);
        return;
    }
    if (question->search.by_id)
        write_trace(&out, results);
    else
        write_list(&out, results);
    api_reply(question->argument, 200, &out);
}

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    struct kept_traces *traces = argument;

    (void)fd, (void)what;
    struct trace_question *question = trace_box_take(&traces->box->answered);

    while (question != NULL) {
        struct trace_question *next = question->next;

        answer(question);
        trace_question_free(question);
        question = next;
    }
}

struct kept_traces *kept_traces_new(struct event_base *desk_base, struct trace_box *box)
{
    struct kept_traces *traces = calloc(1, sizeof *traces);

    if (traces == NULL)
        return NULL;
    traces->box = box;
    traces->answered =
        event_new(desk_base, box->answered.wake_fd, EV_READ | EV_PERSIST, on_answered, traces);
    if (traces->answered != NULL && event_add(traces->answered, NULL) == 0)
        return traces;
    kept_traces_free(traces);
    return NULL;
}

void kept_traces_free(struct kept_traces *given)
{
    if (given == NULL)
        return;
    if (given->answered != NULL)
        event_free(given->answered);
    free(given);
}
