/* Traces as blocks: what is in them, and that nothing makes one larger than it may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/traces/trace_copy.h"
#include "tests/support/spans.h"

enum { SIZE_MAX_OF_ONE = 64 << 10, SECRET = 42 };

static struct arena_budget budget;

static void begin(void)
{
    arena_budget_init(&budget, 64 << 20);
    spans_begin();
}

static struct trace_copy *make(const struct trace *trace, size_t size_max)
{
    struct trace_copy *copy = trace_copy_make(trace, size_max, SECRET, &budget);

    assert_int_equal(atomic_load(&budget.left), budget.all);
    if (copy != NULL)
        assert_true(copy->size <= size_max);
    return copy;
}

static void expect(const struct trace_copy *copy, uint32_t text, const char *wanted)
{
    struct slice said = trace_copy_text(copy, text);

    assert_int_equal(said.len, strlen(wanted));
    assert_memory_equal(said.at, wanted, said.len);
}

static void all_of_a_trace_is_there(void **state)
{
    struct span *span;
    (void)state;

    begin();
    span = spans_add(1, 0, "shop", "web.request", "GET /cart", 1000, 250);
    spans_meta(span, "http.method", "GET");
    spans_meta(span, "shop", "");
    spans_metric(span, "process_id", 4711);
    span->is_top_level = true;
    span = spans_add(2, 1, "db", "sql.query", "SELECT 1", 1100, 100);
    span->error = 1;
    spans_meta(span, "http.method", "GET");
    struct trace_copy *copy = make(spans_trace(), SIZE_MAX_OF_ONE);

    assert_int_equal(copy->n_spans, 2);
    assert_int_equal(copy->n_spans_sent, 2);
    assert_int_equal(copy->trace_id, 7);
    assert_false(copy->has_failed);
    expect(copy, copy->root.resource, "GET /cart");
    expect(copy, copy->spans[0].service, "shop");
    expect(copy, copy->spans[0].name, "web.request");
    expect(copy, copy->spans[0].type, "");
    expect(copy, copy->spans[1].service, "db");
    assert_int_equal(copy->spans[1].parent_id, 1);
    assert_int_equal(copy->spans[1].start_ns, 1100000000);
    assert_int_equal(copy->spans[1].duration_ns, 100000000);
    assert_int_equal(copy->spans[1].error, 1);
    assert_int_equal(copy->spans[0].n_meta, 2);
    expect(copy, copy->meta[0].key, "http.method");
    expect(copy, copy->meta[0].value, "GET");
    /* One text, wherever it stands. */
    assert_int_equal(copy->meta[1].key, copy->spans[0].service);
    assert_int_equal(copy->spans[1].first_meta, 2);
    assert_int_equal(copy->meta[2].key, copy->meta[0].key);
    assert_true(copy->metrics[copy->spans[0].first_metric].value == 4711);
    assert_false(copy->spans[0].is_cut || copy->spans[1].is_cut);
    trace_copy_drop(copy);
}

/* The error of a call that was caught is none of the service. */
static void only_an_error_at_the_top_fails_a_trace(void **state)
{
    struct span *root, *inner;
    (void)state;

    begin();
    root = spans_add(1, 0, "shop", "web.request", "GET /", 1000, 250);
    inner = spans_add(2, 1, "shop", "sql.query", "SELECT 1", 1000, 250);
    root->is_top_level = true;
    inner->error = 1;
    struct trace_copy *fine = make(spans_trace(), SIZE_MAX_OF_ONE);

    root->error = 1;
    struct trace_copy *failed = make(spans_trace(), SIZE_MAX_OF_ONE);

    assert_false(fine->has_failed);
    assert_true(failed->has_failed);
    trace_copy_drop(fine);
    trace_copy_drop(failed);
}

static void long_texts_are_cut_between_characters(void **state)
{
    static char text[4001];
    struct span *span;
    (void)state;

    begin();
    for (size_t i = 0; i < 4000; i += 2)
        memcpy(&text[i], "\xc3\xa4", 2);
    memmove(text + 1, text, 3999);
    text[0] = 'x'; /* a character begins at 1999 */
    span = spans_add(1, 0, "shop", "web.request", "GET /", 1000, 250);
    spans_meta(span, "long", text);
    struct trace_copy *copy = make(spans_trace(), SIZE_MAX_OF_ONE);

    assert_int_equal(trace_copy_text(copy, copy->meta[0].value).len, TRACE_COPY_TEXT_MAX - 1);
    assert_true(copy->spans[0].is_cut);
    trace_copy_drop(copy);
}

/* ---- hostile sizes ----------------------------------------------------- */

enum { MANY = 100000 };

/* A trace of n spans that are the same but for their id, as they may stand in a body: pairs and
 * texts are shared. */
static struct trace *many_spans(uint32_t n, const struct span_meta *meta, uint32_t n_meta)
{
    static struct span spans[MANY];
    static struct trace trace;

    for (uint32_t i = 0; i < n; i++)
        spans[i] = (struct span){ .service = SLICE("shop"),
                                  .name = SLICE("web.request"),
                                  .resource = SLICE("GET /"),
                                  .trace_id = 7,
                                  .span_id = i + 1,
                                  .parent_id = i,
                                  .duration_ns = 5,
                                  .meta = meta,
                                  .n_meta = n_meta };
    trace = (struct trace){ .spans = spans, .n_spans = n, .root = n - 1 };
    return &trace;
}

static void of_a_large_trace_the_first_spans_are_there(void **state)
{
    (void)state;

    begin();
    struct trace_copy *copy = make(many_spans(MANY, NULL, 0), SIZE_MAX_OF_ONE);

    assert_int_equal(copy->n_spans_sent, MANY);
    assert_in_range(copy->n_spans, 300, 600);
    assert_int_equal(copy->spans[copy->n_spans - 1].span_id, copy->n_spans);
    assert_int_equal(copy->root.span_id, MANY); /* though it is not among them */
    trace_copy_drop(copy);
}

/* As in v0.5: a million bytes that each span names. */
static void a_long_text_of_all_is_there_once(void **state)
{
    static char text[1000000];
    struct span_meta meta = { SLICE("key"), { text, sizeof text } };
    struct trace *trace;
    (void)state;

    begin();
    memset(text, 'x', sizeof text);
    trace = many_spans(200, &meta, 1);
    for (uint32_t i = 0; i < 200; i++)
        trace->spans[i].resource = meta.value;
    struct trace_copy *copy = make(trace, SIZE_MAX_OF_ONE);

    assert_int_equal(copy->n_texts, 6); /* service, name, resource, type, key, value */
    assert_int_equal(trace_copy_text(copy, copy->root.resource).len, TRACE_COPY_RESOURCE_MAX);
    trace_copy_drop(copy);
}

/* Each text another, more than can be there; what fits is there, and the rest is said to be
 * cut. */
static void meta_is_there_as_far_as_it_fits(void **state)
{
    static char texts[MANY][8];
    static struct span_meta meta[MANY];
    (void)state;

    begin();
    for (size_t i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "%zu", i);
        meta[i] = (struct span_meta){ slice_of(texts[i]), slice_of(texts[i]) };
    }
    struct trace_copy *copy = make(many_spans(3, meta, MANY), SIZE_MAX_OF_ONE);

    assert_int_equal(copy->n_spans, 3);
    assert_in_range(copy->spans[0].n_meta, 1000, SIZE_MAX_OF_ONE / 8);
    expect(copy, copy->meta[999].value, "999");
    assert_true(copy->spans[0].is_cut && copy->spans[2].is_cut);
    assert_int_equal(copy->spans[2].n_meta, 0);
    trace_copy_drop(copy);
}

static void without_room_or_memory_there_is_no_copy(void **state)
{
    (void)state;

    begin();
    for (size_t size_max = 0; size_max < 1024; size_max++)
        trace_copy_drop(make(many_spans(3, NULL, 0), size_max));
    assert_null(make(many_spans(3, NULL, 0), 300));
    arena_budget_init(&budget, 1000);
    assert_null(make(many_spans(3, NULL, 0), SIZE_MAX_OF_ONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_trace_is_there),
        cmocka_unit_test(only_an_error_at_the_top_fails_a_trace),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(of_a_large_trace_the_first_spans_are_there),
        cmocka_unit_test(a_long_text_of_all_is_there_once),
        cmocka_unit_test(meta_is_there_as_far_as_it_fits),
        cmocka_unit_test(without_room_or_memory_there_is_no_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
