#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/traces/normalise.h"
#include "tests/support/spans.h"

#define NOW_NS INT64_C(1700000000000000000)

static struct arena_budget budget;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    spans_begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void assert_text(struct slice got, const char *wanted, const char *what)
{
    if (!slice_equal(got, slice_of(wanted)))
        fail_msg("%s: \"%.*s\", not \"%s\"", what, (int)got.len, got.at, wanted);
}

/* ---- texts ------------------------------------------------------------- */

static const char *repeat(char *out, const char *text, int n)
{
    size_t len = strlen(text);

    for (int i = 0; i < n; i++)
        memcpy(out + (size_t)i * len, text, len);
    out[(size_t)n * len] = '\0';
    return out;
}

static void values_of_tags_follow_the_rule(void **state)
{
    static const struct {
        const char *value, *wanted;
    } cases[] = {
        { "", "" },
        { "shop", "shop" },
        { "Shop", "shop" },
        { "a:b.c/d-e9", "a:b.c/d-e9" },
        { "GET /api", "get_/api" },
        { "a  ,b", "a_b" }, /* a run is one */
        { "a__b_", "a_b" }, /* '_' is of a run, too; none at the end */
        { "_a", "_a" },     /* but at the beginning */
        { "9a", "9a" },
        { "!!a", "_a" },
        { "!!!", "" },
        { "\xc3\x84pfel", "\xc3\xa4pfel" }, /* as wide in lower case */
        { "\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97" },
        { "\xd9\xa3x", "\xd9\xa3x" }, /* a digit of another script */
        { "\xe2\x82\xac"
          "5",
          "_5" }, /* no letter */
        { "a\xff"
          "b",
          "a_b" }, /* no character */
        { "\xd0\x90\xd4\x90\xe1\xb8\x90\xe2\x80\x90"
          "\xd0\x90\xd4\x90\xe1\xb8\x90\xe2\x80\x90",
          "\xd0\xb0\xd4\x91\xe1\xb8\x91\x5f"
          "\xd0\xb0\xd4\x91\xe1\xb8\x91" }, /* whose numbers end alike */
        { "\xc4\xb0", "\xc4\xb0" },         /* its lower case is not as wide */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(normalise_tag_value(slice_of(cases[i].value), &arena), cases[i].wanted,
                    cases[i].value);
}

static void values_of_tags_end_after_200_characters(void **state)
{
    char value[2000], wanted[2000];
    (void)state;

    repeat(value, "a", 300);
    assert_text(normalise_tag_value(slice_of(value), &arena), repeat(wanted, "a", 200), "a");
    repeat(value, "\xc3\xa4", 300); /* 400 bytes */
    assert_text(normalise_tag_value(slice_of(value), &arena), repeat(wanted, "\xc3\xa4", 200),
                "two bytes");
    repeat(value, "\xe6\xbc\xa2", 300); /* 133 times three */
    assert_text(normalise_tag_value(slice_of(value), &arena),
                repeat(wanted, "\xe6\xbc\xa2", 133), "three bytes");
    repeat(value, "a", 199);
    strcat(value, "!!b");
    assert_text(normalise_tag_value(slice_of(value), &arena), repeat(wanted, "a", 199),
                "a gap at the end");
}

static void names_follow_the_rule(void **state)
{
    static const struct {
        const char *name, *wanted;
    } cases[] = {
        { "flask.request", "flask.request" },
        { "", "unnamed_operation" },
        { "123", "unnamed_operation" },
        { "9web.Request", "web.Request" },
        { "a b", "a_b" },
        { "a__b", "a_b" },
        { "a_.b", "a.b" },
        { "a._b", "a.b" },
        { "a b.c!", "a_b.c" },
        { "a..b", "a..b" },
        { "\xc3\xa4"
          "b",
          "b" },
    };
    char value[2000], wanted[2000];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(normalise_name(slice_of(cases[i].name), &arena), cases[i].wanted,
                    cases[i].name);
    assert_text(normalise_name(slice_of(repeat(value, "a", 101)), &arena),
                repeat(wanted, "a", 100), "long");
}

static void a_service_without_a_name_is_called_by_its_language(void **state)
{
    static const struct {
        const char *service, *language, *wanted;
    } cases[] = {
        { "Shop", "python", "shop" },
        { "", "", "unnamed-service" },
        { "", "python", "unnamed-python-service" },
        { "!!!", "go", "unnamed-go-service" },
        { "", "C++", "unnamed-c_-service" },
    };
    char value[2000], wanted[2000];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(
            normalise_service(slice_of(cases[i].service), slice_of(cases[i].language), &arena),
            cases[i].wanted, cases[i].service);
    /* 100 bytes, and no half character */
    repeat(value, "a", 99);
    strcat(value, "\xc3\xa4");
    assert_text(normalise_service(slice_of(value), SLICE(""), &arena), repeat(wanted, "a", 99),
                "cut");
}

/* ---- spans ------------------------------------------------------------- */

static enum trace_refusal normalise(void)
{
    static const struct trace_source source = { .language = { "ruby", 4 } };

    return normalise_trace(spans_trace(), &source, &arena, NOW_NS);
}

static void a_span_is_put_right(void **state)
{
    struct span *span = spans_add(7, 7, "", "", "", 0, 5);
    static char long_value[25002], long_key[202];
    (void)state;

    spans_meta(span, "http.status_code", "abc");
    spans_meta(span, "env", "Prod Uction");
    spans_meta(span, repeat(long_key, "k", 201), repeat(long_value, "v", 25001));
    spans_meta(span, "_dd.a.json", long_value);
    assert_int_equal(normalise(), TRACE_TAKEN);
    assert_text(span->service, "unnamed-ruby-service", "service");
    assert_text(span->name, "unnamed_operation", "name");
    assert_text(span->resource, "unnamed_operation", "resource");
    assert_int_equal(span->parent_id, 0); /* its own parent */
    assert_int_equal(span->start_ns, NOW_NS - 5000000);
    assert_int_equal(span->n_meta, 3); /* without the status */
    assert_text(span_meta(span, SLICE("env")), "prod_uction", "env");
    assert_int_equal(span->meta[1].key.len, 203);
    assert_int_equal(span->meta[1].value.len, 25003);
    assert_memory_equal(span->meta[1].value.at + 25000, "...", 3);
    assert_int_equal(span_meta(span, SLICE("_dd.a.json")).len, 25001);
}

/* Two bytes of a body can name a value of which each character takes a while. */
static void of_several_values_the_one_that_counts_is_put_right(void **state)
{
    struct span *span = spans_add(7, 0, "a", "b", "c", 0, 5);
    (void)state;

    spans_meta(span, "env", "One");
    spans_meta(span, "peer.service", "My Db");
    spans_meta(span, "env", "Two");
    spans_meta(span, "http.route", "A B");
    assert_int_equal(normalise(), TRACE_TAKEN);
    assert_text(span->meta[0].value, "One", "the first");
    assert_text(span_meta(span, SLICE("env")), "two", "env");
    assert_text(span_meta(span, SLICE("peer.service")), "my_db", "peer.service");
    assert_text(span_meta(span, SLICE("http.route")), "A B", "a route");
}

static void no_duration_is_negative_or_ends_beyond_time(void **state)
{
    struct span *negative = spans_add(1, 0, "a", "b", "c", 1700000000000, -5);
    struct span *endless = spans_add(2, 1, "a", "b", "c", 1700000000000, 0);
    (void)state;

    endless->duration_ns = INT64_MAX;
    assert_int_equal(normalise(), TRACE_TAKEN);
    assert_int_equal(negative->duration_ns, 0);
    assert_int_equal(endless->duration_ns, 0);
}

static void statuses_are_of_three_digits(void **state)
{
    static const struct {
        const char *text;
        bool kept;
    } cases[] = { { "200", true }, { "599", true },   { "600", false }, { "099", false },
                  { "20", false }, { "2000", false }, { "", false },    { "2x0", false } };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spans_begin();
        struct span *span = spans_add(1, 0, "a", "b", "c", 1700000000000, 1);

        spans_meta(span, "http.status_code", cases[i].text);
        assert_int_equal(normalise(), TRACE_TAKEN);
        assert_int_equal(span->n_meta, cases[i].kept);
    }
}

static void a_trace_that_is_none_is_refused_as_a_whole(void **state)
{
    (void)state;

    assert_int_equal(normalise(), TRACE_REFUSED_EMPTY);
    spans_add(1, 0, "a", "b", "c", 1700000000000, 1);
    spans_add(0, 1, "a", "b", "c", 1700000000000, 1);
    assert_int_equal(normalise(), TRACE_REFUSED_SPAN_ID);
    spans_trace()->spans[1].span_id = 2;
    spans_trace()->spans[1].trace_id = 8;
    assert_int_equal(normalise(), TRACE_REFUSED_FOREIGN);
    spans_trace()->spans[1].trace_id = 0;
    assert_int_equal(normalise(), TRACE_REFUSED_TRACE_ID);
}

/* ---- what stands where ------------------------------------------------- */

static void the_top_is_where_a_service_begins(void **state)
{
    static const struct {
        uint64_t id, parent;
        const char *service;
        bool top;
    } spans[] = {
        { 3, 2, "web", false },                              /* its parent comes later */
        { 2, 1, "web", false },      { 1, 0, "web", true },  /* the root */
        { 4, 2, "database", true },                          /* another service */
        { 5, 4, "database", false }, { 6, 99, "web", true }, /* nobody knows its parent */
        { 4, 2, "database", true },                          /* twice the same id is no error */
    };
    struct trace *trace = spans_trace();
    (void)state;

    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        spans_add(spans[i].id, spans[i].parent, spans[i].service, "n", "r", 1700000000000, 1);
    assert_true(trace_shape(trace, false, &arena));
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        assert_int_equal(trace->spans[i].is_top_level, spans[i].top);
    assert_int_equal(trace->root, 2);
    /* or where the client says so */
    spans_metric(&trace->spans[0], "_dd.top_level", 1);
    spans_metric(&trace->spans[2], "_dd.top_level", 0);
    assert_true(trace_shape(trace, true, &arena));
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        assert_int_equal(trace->spans[i].is_top_level, i == 0);
}

static void a_part_of_a_trace_has_a_root_too(void **state)
{
    struct trace *trace = spans_trace();
    (void)state;

    spans_add(2, 1, "web", "n", "r", 1700000000000, 1);
    spans_add(3, 2, "web", "n", "r", 1700000000000, 1);
    spans_add(4, 9, "web", "n", "r", 1700000000000, 1);
    spans_add(5, 4, "web", "n", "r", 1700000000000, 1);
    assert_true(trace_shape(trace, false, &arena));
    assert_int_equal(trace->root, 2); /* the last whose parent is not there */
    trace->spans[0].parent_id = 5;
    trace->spans[2].parent_id = 3; /* a ring */
    assert_true(trace_shape(trace, false, &arena));
    assert_int_equal(trace->root, 3);
}

static void without_memory_nothing_is_taken(void **state)
{
    (void)state;

    arena_budget_init(&budget, 0);
    spans_add(1, 0, "A", "b", "c", 1700000000000, 1);
    assert_int_equal(normalise(), TRACE_REFUSED_MEMORY);
    assert_false(trace_shape(spans_trace(), false, &arena));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_of_tags_follow_the_rule),
        TEST(values_of_tags_end_after_200_characters),
        TEST(names_follow_the_rule),
        TEST(a_service_without_a_name_is_called_by_its_language),
        TEST(a_span_is_put_right),
        TEST(of_several_values_the_one_that_counts_is_put_right),
        TEST(no_duration_is_negative_or_ends_beyond_time),
        TEST(statuses_are_of_three_digits),
        TEST(a_trace_that_is_none_is_refused_as_a_whole),
        TEST(the_top_is_where_a_service_begins),
        TEST(a_part_of_a_trace_has_a_root_too),
        TEST(without_memory_nothing_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
