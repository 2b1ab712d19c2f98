#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart/definition.h"

static bool reads(const char *json, struct chart *chart, char problem[256])
{
    problem[0] = '\0';
    return definition_read(chart, slice_of(json), problem, 256);
}

#define SERIES(points)                                                        \
    "{\"scope\":\"host:a\",\"expression\":\"avg:m{host:a}\",\"interval\":10," \
    "\"pointlist\":" points "}"
#define WITH(members)     "{\"from\":1700000000,\"to\":1700000600," members "}"
#define WITH_SERIES(list) WITH("\"requests\":[{\"answer\":{\"series\":[" list "]}}]")

static void a_definition_becomes_a_chart(void **state)
{
    struct chart chart;
    char problem[256];
    (void)state;

    assert_true(reads(
        WITH("\"width\":600,\"height\":200,\"theme\":\"dark\",\"title\":\"load\",\"min\":0,"
             "\"requests\":[{\"type\":\"area\",\"answer\":{\"message\":\"no band\",\"series\":["
             "{\"scope\":\"host:a\",\"interval\":10,\"unit\":[{\"name\":\"byte\"},{\"name\":"
             "\"second\"}],\"attributes\":{},\"pointlist\":[[1700000000000.0,1],"
             "[1700000010000,null],[1700000020000,2.5]]},"
             "{\"scope\":\"host:b\",\"interval\":10,\"pointlist\":[]}]}}],"
             "\"markers\":[{\"value\":800,\"type\":\"warning bold\",\"label\":\"high\"},"
             "{\"value\":\"0 < y < 10\"},{\"value\":\"y = -3\",\"type\":\"ok solid\"}]"),
        &chart, problem));
    assert_int_equal(chart.width, 600);
    assert_int_equal(chart.height, 200);
    assert_true(chart.dark && chart.has_min && !chart.has_max && chart.min == 0);
    assert_string_equal(chart.title, "load");
    assert_string_equal(chart.message, "no band");
    assert_string_equal(chart.unit.name, "per second");
    assert_int_equal(chart.n_lines, 2);
    assert_string_equal(chart.lines[0].name, "host:a");
    assert_int_equal(chart.lines[0].style, CHART_AREA);
    assert_int_equal(chart.lines[0].points.n, 2); /* null is no point */
    assert_true(chart.lines[0].points.at[1].time_s == 1700000020);
    assert_true(chart.lines[0].points.at[1].value == 2.5);
    assert_int_equal(chart.n_markers, 3);
    assert_true(chart.markers[0].low == 800 && chart.markers[0].high == 800);
    assert_true(chart.markers[0].level == CHART_WARNING && chart.markers[0].bold);
    assert_true(chart.markers[1].low == 0 && chart.markers[1].high == 10);
    assert_true(chart.markers[1].level == CHART_ERROR && chart.markers[1].dashed);
    assert_true(chart.markers[2].low == -3 && chart.markers[2].level == CHART_OK);
    definition_free(&chart);
}

static void bounds_belong_to_the_series_before_them(void **state)
{
    struct chart chart;
    char problem[256];
    (void)state;

    assert_true(reads(
        WITH_SERIES(
            "{\"scope\":\"a\",\"expression\":\"one\",\"interval\":10,\"attributes\":{"
            "\"role\":\"value\"},\"pointlist\":[[1,1]]},"
            "{\"interval\":10,\"attributes\":{\"role\":\"lower\"},\"pointlist\":[[1,0]]},"
            "{\"interval\":10,\"attributes\":{\"role\":\"upper\"},\"pointlist\":[[1,2]]}"),
        &chart, problem));
    assert_int_equal(chart.n_lines, 1);
    assert_string_equal(chart.lines[0].name, "one"); /* the only one, whatever its bounds */
    assert_true(chart.lines[0].lower.at[0].value == 0 && chart.lines[0].upper.at[0].value == 2);
    definition_free(&chart);
}

static void series_of_several_queries_are_called_by_these(void **state)
{
    struct chart chart;
    char problem[256];
    (void)state;

    assert_true(reads(
        WITH_SERIES("{\"scope\":\"a\",\"expression\":\"one\",\"query_index\":0,\"interval\":10,"
                    "\"pointlist\":[[1,1]]},"
                    "{\"scope\":\"a\",\"expression\":\"two\",\"query_index\":1,\"interval\":10,"
                    "\"pointlist\":[[1,1]]}"),
        &chart, problem));
    assert_string_equal(chart.lines[0].name, "one");
    assert_string_equal(chart.lines[1].name, "two");
    definition_free(&chart);
}

static void series_beyond_the_most_are_counted(void **state)
{
    struct chart chart;
    char problem[256], *json = malloc(CHART_DEFINITION_MAX);
    size_t len =
        (size_t)sprintf(json, "{\"from\":1,\"to\":9,\"requests\":[{\"answer\":{\"series\":[");
    (void)state;

    for (int i = 0; i < CHART_LINES_MAX + 7; i++)
        len += (size_t)sprintf(json + len, "%s" SERIES("[[1,1]]"), i > 0 ? "," : "");
    strcpy(json + len, "]}}]}");
    assert_true(reads(json, &chart, problem));
    assert_int_equal(chart.n_lines, CHART_LINES_MAX);
    assert_int_equal(chart.n_left_out, 7);
    definition_free(&chart);
    free(json);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *json, *problem;
    } cases[] = {
        { "", "the definition is no JSON: line 1, column 0" },
        { "[]", "the definition: expected an object" },
        { "{\"from\":1,\"from\":1}", "the definition is no JSON: line 1" },
        { "{\"requests\":[]}", "from and to: expected two times" },
        { "{\"from\":2,\"to\":1,\"requests\":[]}", "from and to: expected two times" },
        { "{\"from\":-1,\"to\":1,\"requests\":[]}", "from: expected a number from 0" },
        { "{\"from\":\"1\",\"to\":2,\"requests\":[]}", "from: expected a number" },
        { WITH("\"requests\":{}"), "requests: expected a list" },
        { WITH("\"wide\":1"), "wide: there is no such member" },
        { WITH("\"wi\\u001bd\":1"), "wi\xef\xbf\xbd"
                                    "d: there is no such member" },
        { WITH("\"width\":100"), "width: expected a number from 120 to 1600" },
        { WITH("\"height\":1e9"), "height: expected a number from 80 to 1000" },
        { WITH("\"theme\":\"grey\""), "theme: expected light or dark" },
        { WITH("\"title\":7"), "title: expected a text" },
        { WITH("\"min\":5,\"max\":5"), "min and max: the former must be less" },
        { WITH("\"max\":1e999"), "the definition is no JSON" },
        { WITH("\"requests\":[7]"), "requests[0]: expected an object" },
        { WITH("\"requests\":[{}]"), "requests[0]: its \"answer\" needs a list \"series\"" },
        { WITH("\"requests\":[{\"q\":\"m{*}\"}]"), "q: there is no such member" },
        { WITH("\"requests\":[{\"answer\":{\"series\":[]},\"type\":\"pie\"}]"),
          "type: expected line, area or bars" },
        { WITH_SERIES("7"), "requests[0]: a series needs an \"interval\"" },
        { WITH_SERIES("{\"interval\":0,\"pointlist\":[]}"),
          "requests[0]: a series needs an \"interval\"" },
        { WITH_SERIES("{\"interval\":1}"), "requests[0]: a series needs a list \"pointlist\"" },
        { WITH_SERIES(SERIES("[[1]]")), "requests[0]: points are" },
        { WITH_SERIES(SERIES("[[1,\"2\"]]")), "requests[0]: points are" },
        { WITH_SERIES(SERIES("[[1,2,3]]")), "requests[0]: points are" },
        { WITH_SERIES(SERIES("[[null,2]]")), "requests[0]: points are" },
        { WITH_SERIES(SERIES("[[2000,1],[1000,1]]")), "requests[0]: points are" },
        { WITH_SERIES(SERIES("[[2000,1],[2000,1]]")), "requests[0]: points are" },
        { WITH_SERIES("{\"attributes\":{\"role\":\"upper\"},\"pointlist\":[]}"),
          "requests[0]: a band stands behind its series" },
        { WITH_SERIES(
              SERIES("[]") ",{\"attributes\":{\"role\":\"upper\"},\"pointlist\":[[1,1]]}"
                           ",{\"attributes\":{\"role\":\"upper\"},\"pointlist\":[]}"),
          "requests[0]: a series has two bands" },
        { WITH("\"requests\":[],\"markers\":[{}]"), "markers[0]: expected a \"value\"" },
        { WITH("\"requests\":[],\"markers\":[{\"value\":\"x = 3\"}]"), "markers[0]: expected" },
        { WITH("\"requests\":[],\"markers\":[{\"value\":\"3 < y < 2\"}]"), "markers[0]: expe" },
        { WITH("\"requests\":[],\"markers\":[{\"value\":\"1 < y < 2 < 3\"}]"),
          "markers[0]: ex" },
        { WITH("\"requests\":[],\"markers\":[{\"value\":\"nan\"}]"), "markers[0]: expected" },
        { WITH("\"requests\":[],\"markers\":[{\"value\":1,\"type\":\"pink\"}]"),
          "type: expect" },
        { WITH("\"requests\":[],\"markers\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"),
          "markers: expected a list of at most 16" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chart chart;
        char problem[256];
        if (reads(cases[i].json, &chart, problem) ||
            strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0)
            fail_msg("%s: \"%s\"", cases[i].json, problem);
        definition_free(&chart);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_becomes_a_chart),
        cmocka_unit_test(bounds_belong_to_the_series_before_them),
        cmocka_unit_test(series_of_several_queries_are_called_by_these),
        cmocka_unit_test(series_beyond_the_most_are_counted),
        cmocka_unit_test(what_is_wrong_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
