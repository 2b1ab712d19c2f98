#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "chart/definition.h"

#define SERIES(points)        "{\"interval\":10,\"pointlist\":" points "}"
#define REQUEST(type, series) "{\"type\":\"" type "\",\"answer\":{\"series\":[" series "]}}"
#define WITH(requests)        "{\"from\":1,\"to\":9,\"requests\":[" requests "]}"

/* Each line as its points "ground..top", lines with a | between; without a ground the top
 * alone. */
static const char *stacked(const char *json)
{
    static char text[512];
    struct chart chart;
    char problem[256];
    size_t len = 0;

    if (!definition_read(&chart, slice_of(json), problem, sizeof problem))
        fail_msg("%s", problem);
    text[0] = '\0';
    for (size_t i = 0; i < chart.n_lines; i++) {
        const struct chart_line *line = &chart.lines[i];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", i > 0 ? " |" : "");
        for (size_t at = 0; at < line->points.n; at++) {
            if (line->ground != NULL)
                len +=
                    (size_t)snprintf(text + len, sizeof text - len, " %g..", line->ground[at]);
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%g",
                                    line->ground != NULL ? "" : " ", line->points.at[at].value);
        }
    }
    definition_free(&chart);
    return text;
}

static void each_stands_on_what_is_there_at_its_time(void **state)
{
    static const struct {
        const char *json, *expected;
    } cases[] = {
        { WITH(REQUEST("area", SERIES("[[10,1],[20,2]]") "," SERIES("[[10,3],[20,4]]"))),
          " 0..1 0..2 | 1..4 2..6" },
        { WITH(REQUEST("bars", SERIES("[[10,1],[20,2]]") "," SERIES("[[10,3],[20,4]]"))),
          " 0..1 0..2 | 1..4 2..6" },
        /* over all requests, but areas and bars apart; lines stand for themselves */
        { WITH(REQUEST("area", SERIES("[[10,1]]")) "," REQUEST(
              "bars",
              SERIES("[[10,2]]")) "," REQUEST("line",
                                              SERIES("[[10,9]]")) "," REQUEST("area",
                                                                              SERIES(
                                                                                  "[[10,3]]"))),
          " 0..1 | 0..2 | 9 | 1..4" },
        /* what has no point there adds nothing, and is not in the way of those behind it */
        { WITH(REQUEST("area",
                       SERIES("[[10,1],[30,1]]") "," SERIES("[[20,2],[30,2]]") "," SERIES(
                           "[[10,4],[20,4],[30,4],[40,4]]"))),
          " 0..1 0..1 | 0..2 1..3 | 1..5 2..6 3..7 0..4" },
        /* what is below 0 hangs below it */
        { WITH(REQUEST("bars", SERIES("[[10,-1]]") "," SERIES("[[10,2]]") "," SERIES(
                                   "[[10,-3]]") "," SERIES("[[10,1]]"))),
          " 0..-1 | 0..2 | -1..-4 | 2..3" },
        { WITH(REQUEST("area", SERIES("[[10,1.5e308]]") "," SERIES("[[10,1.5e308]]"))),
          " 0..1.5e+308 | 1.5e+308..1.79769e+308" },
        { WITH(REQUEST("area", SERIES("[]") "," SERIES("[[10,null],[20,1]]"))), " | 0..1" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(stacked(cases[i].json), cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].json, stacked(cases[i].json));
}

static void what_has_a_band_is_not_stacked(void **state)
{
    (void)state;

    assert_string_equal(
        stacked(
            WITH(REQUEST("area", SERIES("[[10,1]]") "," SERIES(
                                     "[[10,5]]") ",{\"interval\":10,\"attributes\":{\"role\":"
                                                 "\"upper\"},\"pointlist\":[[10,7]]}"))),
        " 0..1 | 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stands_on_what_is_there_at_its_time),
        cmocka_unit_test(what_has_a_band_is_not_stacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
