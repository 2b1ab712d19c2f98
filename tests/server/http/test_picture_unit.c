#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/picture_unit.h"

static void know(struct definitions *definitions, const char *name, const char *body)
{
    struct definition definition = { .kind = DEFINITION_METRIC,
                                     .name = slice_of(name),
                                     .body = slice_of(body) },
                      *made;

    assert_int_equal(definitions_put(definitions, &definition, &made), DEFINITION_DONE);
}

#define PICTURE(expression)                                                                    \
    "{\"from\":1,\"requests\":[{\"type\":\"line\",\"answer\":{\"status\":\"ok\",\"series\":[{" \
    "\"metric\":\"m\",\"expression\":\"" expression "\"},{\"metric\":\"n\"}]}}]}"

static void the_unit_of_the_first_metric_is_said(void **state)
{
    static const struct {
        const char *definition;
        bool has_unit;
    } cases[] = {
        { PICTURE("m{*}"), true },
        { PICTURE("avg:m{a:b(c)}.rollup(sum, 60)"), true },
        { PICTURE("anomalies(avg:m{*}, 'basic', 2)"), true },
        { PICTURE("count:m{*}"), false }, /* how many there are */
        { PICTURE("log2(avg:m{*})"), false },
        { "{\"requests\":[]}", false },
        { "{\"requests\":[{\"answer\":{\"series\":[]}}]}", false },
        { "{\"requests\":[{\"answer\":{\"series\":[{\"metric\":\"n\"}]}}]}", false },
        { "{}", false },
        { "", false },
    };
    static const char unit[] = "{\"unit\":\"byte\",\"per_unit\":\"second\",";
    struct definitions definitions = { 0 };
    (void)state;

    know(&definitions, "m",
         "{\"unit\":\"byte\",\"description\":\"d\",\"per_unit\":\"second\"}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes out = { 0 };
        picture_unit_add(&definitions, slice_of(cases[i].definition), &out);
        size_t head = cases[i].has_unit ? strlen(unit) - 1 : 0;
        assert_int_equal(out.len, strlen(cases[i].definition) + head);
        if (cases[i].has_unit)
            assert_memory_equal(out.at, unit, strlen(unit));
        assert_memory_equal(out.at + head + (head > 0), cases[i].definition + (head > 0),
                            strlen(cases[i].definition) - (head > 0));
        bytes_free(&out);
    }
    definitions_free(&definitions);
}

static void one_that_nobody_wrote_about_has_none(void **state)
{
    struct definitions definitions = { 0 };
    struct bytes out = { 0 };
    (void)state;

    picture_unit_add(&definitions, SLICE(PICTURE("m{*}")), &out);
    assert_memory_equal(out.at, PICTURE("m{*}"), out.len);
    bytes_clear(&out);
    know(&definitions, "m", "{\"description\":\"d\",\"unit\":7}");
    picture_unit_add(&definitions, SLICE(PICTURE("m{*}")), &out);
    assert_memory_equal(out.at, PICTURE("m{*}"), out.len);
    bytes_free(&out);
    definitions_free(&definitions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unit_of_the_first_metric_is_said),
        cmocka_unit_test(one_that_nobody_wrote_about_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
