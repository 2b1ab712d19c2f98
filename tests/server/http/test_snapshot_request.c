#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_out.h"
#include "server/http/snapshot_request.h"

#define TIMES "start=1700000000&end=1700003600"

/* Reads "GET QUERY" or "POST BODY". */
static bool reads(const char *text, struct snapshot_request *out, char *problem)
{
    bool post = strncmp(text, "POST ", 5) == 0;
    struct http_request request = { .method = post ? HTTP_POST : HTTP_GET };

    if (post)
        request.body = slice_of(text + 5);
    else
        request.query = slice_of(text + 4);
    problem[0] = '\0';
    return snapshot_request_read(out, &request, problem);
}

static void must_read(const char *text, struct snapshot_request *out)
{
    char problem[SNAPSHOT_PROBLEM_SIZE];

    if (!reads(text, out, problem))
        fail_msg("%s: %s", text, problem);
}

static void assert_echo(const struct snapshot_request *request, const char *expected)
{
    struct json_out out = { 0 };

    json_out_begin(&out, NULL, '{');
    snapshot_request_echo(request, &out);
    json_out_end(&out, '}');
    bytes_add(&out.bytes, "", 1);
    assert_string_equal((char *)out.bytes.at, expected);
    bytes_free(&out.bytes);
}

static void a_metric_query_is_a_graph_of_one_request(void **state)
{
    struct snapshot_request request;
    (void)state;

    must_read("GET metric_query=avg%3Aload%7B%2A%7D&start=1700000000&end=1700003600.5"
              "&title=a+b&width=600&height=&nothing=of+ours",
              &request);
    assert_int_equal(request.picture.n_requests, 1);
    assert_string_equal(request.queries[0], "avg:load{*}");
    assert_int_equal(request.picture.from_s, 1700000000);
    assert_int_equal(request.picture.to_s, 1700003600);
    assert_string_equal(request.picture.title, "a b");
    assert_true(request.picture.width == 600 && request.picture.height == 0);
    assert_echo(&request,
                "{\"graph_def\":\"{\\\"requests\\\": [{\\\"q\\\": \\\"avg:load{*}\\\"}]}\","
                "\"metric_query\":\"avg:load{*}\"}");
    snapshot_request_free(&request);
}

static void a_graph_def_may_have_all_that_a_picture_shows(void **state)
{
    struct snapshot_request request;
    (void)state;

    must_read(
        "POST {\"start\":1700000000,\"end\":\"1700003600\",\"theme\":\"dark\",\"graph_def\":"
        "{\"viz\":\"timeseries\",\"requests\":[{\"q\":\"a{*}\",\"type\":\"area\",\"style\":{"
        "\"palette\":\"cool\"}},{\"queries\":[{\"data_source\":\"metrics\",\"name\":\"x\","
        "\"query\":"
        "\"b{*}\"}],\"formulas\":[{\"formula\":\"x\"}],\"display_type\":\"overlay\"},{\"q\":"
        "\"c{*}\"}],"
        "\"markers\":[{\"value\":\"y = 8\",\"display_type\":\"error dashed\",\"label\":\"l\","
        "\"time\":1}],\"yaxis\":{\"min\":\"0\",\"max\":\"auto\",\"scale\":\"linear\"}}}",
        &request);
    assert_int_equal(request.picture.n_requests, 3);
    assert_string_equal(request.queries[1], "b{*}");
    assert_string_equal(request.picture.requests[0].type, "area");
    assert_string_equal(request.picture.requests[1].type, "line");
    assert_null(request.picture.requests[2].type);
    assert_string_equal(request.markers,
                        "[{\"value\":\"y = 8\",\"type\":\"error dashed\",\"label\":\"l\"}]");
    assert_non_null(request.picture.min);
    assert_true(*request.picture.min == 0);
    assert_null(request.picture.max);
    assert_string_equal(request.picture.theme, "dark");
    snapshot_request_free(&request);
}

/* As a widget has it; who asks for another gets that. */
static void a_graph_def_may_have_a_title(void **state)
{
    struct snapshot_request request;
    (void)state;

    must_read(
        "POST {\"start\":1,\"end\":9,\"graph_def\":{\"title\":\"its\",\"requests\":[{\"q\":"
        "\"m{*}\"}]}}",
        &request);
    assert_string_equal(request.picture.title, "its");
    snapshot_request_free(&request);
    must_read("POST {\"start\":1,\"end\":9,\"title\":\"mine\",\"graph_def\":{\"title\":\"its\","
              "\"requests\":[{\"q\":\"m{*}\"}]}}",
              &request);
    assert_string_equal(request.picture.title, "mine");
    snapshot_request_free(&request);
}

/* As it came, byte by byte. */
static void a_graph_def_that_is_a_text_comes_back(void **state)
{
    struct snapshot_request request;
    (void)state;

    must_read("GET " TIMES
              "&graph_def=%7B%22requests%22%3A%20%5B%7B%22q%22%3A%20%22m%7B*%7D%22%7D%5D"
              "%2C%22events%22%3A%5B%5D%7D",
              &request);
    assert_echo(&request, "{\"graph_def\":\"{\\\"requests\\\": [{\\\"q\\\": \\\"m{*}\\\"}],"
                          "\\\"events\\\":[]}\"}");
    snapshot_request_free(&request);
}

static void what_no_picture_shows_is_refused(void **state)
{
#define GRAPH(json) "POST {\"start\":1,\"end\":9,\"graph_def\":" json "}"
    static const struct {
        const char *text, *problem;
    } cases[] = {
        { "GET metric_query=m{*}", "start and end: expected seconds" },
        { "GET metric_query=m{*}&start=x&end=5", "start: expected a number" },
        { "GET metric_query=m{*}&start=inf&end=inf", "start: expected a number" },
        { "GET metric_query=m{*}&start=9&end=9", "start and end: expected seconds" },
        { "GET metric_query=m{*}&start=-9&end=9", "start and end: expected seconds" },
        { "GET metric_query=m{*}&start=1&end=1e300", "start and end: expected seconds" },
        { "GET " TIMES, "metric_query and graph_def: expected one of them" },
        { "GET " TIMES "&metric_query=m{*}&graph_def={}", "metric_query and graph_def: expec" },
        { "GET " TIMES "&metric_query=%ff", "the parameters: expected UTF-8" },
        { "GET " TIMES "&metric_query=m{*}%00", "the parameters: expected UTF-8" },
        { "GET " TIMES "&graph_def=%7B", "graph_def: expected a JSON object" },
        { "GET " TIMES "&graph_def=[]", "graph_def: expected a JSON object" },
        { "GET " TIMES "&metric_query=m{*}&event_query=x", "event_query: pictures do not" },
        { "GET " TIMES "&metric_query=m{*}&width=wide", "width: expected a number" },
        { "POST ", "the body: expected a JSON object" },
        { "POST []", "the body: expected a JSON object" },
        { "POST {\"start\":1,\"end\":9,\"metric_query\":7}", "requests: each needs a \"q\"" },
        { "POST {\"start\":1,\"end\":9,\"metric_query\":\"m{*}\",\"title\":7}",
          "title: expected a text" },
        { GRAPH("{}"), "requests: expected a list of 1 to 16" },
        { GRAPH("{\"requests\":[]}"), "requests: expected a list of 1 to 16" },
        { GRAPH("{\"requests\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"), "requests: expected" },
        { GRAPH("{\"requests\":[0]}"), "requests: each needs a \"q\"" },
        { GRAPH("{\"viz\":\"toplist\",\"requests\":[{\"q\":\"m{*}\"}]}"), "graph_def: only a" },
        { GRAPH("{\"type\":\"query_value\",\"requests\":[]}"), "graph_def: only a timeseries" },
        { GRAPH("{\"requests\":[{\"q\":\"m{*}\"}],\"events\":[{\"q\":\"*\"}]}"),
          "events: pict" },
        { GRAPH("{\"requests\":[{\"q\":\"m{*}\",\"on_right_yaxis\":true}]}"),
          "on_right_yaxis:" },
        { GRAPH("{\"requests\":[{\"q\":\"m{*}\"}],\"yaxis\":{\"scale\":\"log\"}}"),
          "yaxis: pi" },
        { GRAPH("{\"requests\":[{\"q\":\"m{*}\"}],\"yaxis\":{\"min\":\"low\"}}"),
          "min: expect" },
        { GRAPH("{\"requests\":[{\"queries\":[{\"data_source\":\"logs\",\"query\":\"x\"}]}]}"),
          "requests: each needs a \"q\"" },
        { GRAPH("{\"requests\":[{\"queries\":[{\"data_source\":\"metrics\",\"name\":\"a\","
                "\"query\":"
                "\"m{*}\"}],\"formulas\":[{\"formula\":\"a * 2\"}]}]}"),
          "requests: each needs a \"q\"" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snapshot_request request;
        char problem[SNAPSHOT_PROBLEM_SIZE];
        if (reads(cases[i].text, &request, problem) ||
            strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0)
            fail_msg("%s: \"%s\"", cases[i].text, problem);
        snapshot_request_free(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_query_is_a_graph_of_one_request),
        cmocka_unit_test(a_graph_def_may_have_all_that_a_picture_shows),
        cmocka_unit_test(a_graph_def_may_have_a_title),
        cmocka_unit_test(a_graph_def_that_is_a_text_comes_back),
        cmocka_unit_test(what_no_picture_shows_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
