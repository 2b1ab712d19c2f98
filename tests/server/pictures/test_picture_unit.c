#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/pictures/picture_unit.h"

#define PICTURE(expression)                                                                    \
    "{\"from\":1,\"requests\":[{\"type\":\"line\",\"answer\":{\"status\":\"ok\",\"series\":[{" \
    "\"metric\":\"m\",\"expression\":\"" expression "\"},{\"metric\":\"n\"}]}}]}"

static void the_metric_is_that_of_the_first_series(void **state)
{
    static const struct {
        const char *definition, *metric;
    } cases[] = {
        { PICTURE("m{*}"), "m" },
        { PICTURE("avg:m{a:b(c)}.rollup(sum, 60)"), "m" },
        { PICTURE("anomalies(avg:m{*}, 'basic', 2)"), "m" },
        { PICTURE("count:m{*}"), "" }, /* how many there are */
        { PICTURE("log2(avg:m{*})"), "" },
        { "{\"requests\":[]}", "" },
        { "{\"requests\":[{\"answer\":{\"series\":[]}}]}", "" },
        { "{\"requests\":[{\"answer\":{\"series\":[{\"metric\":7}]}}]}", "" },
        { "{}", "" },
        { "", "" },
    };
    char room[PICTURE_UNIT_ROOM];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice name = picture_unit_metric(slice_of(cases[i].definition), room);
        if (!slice_equal(name, slice_of(cases[i].metric)))
            fail_msg("%s: %.*s", cases[i].definition, (int)name.len, name.at);
    }
}

static void what_is_known_goes_before_the_rest(void **state)
{
    static const struct {
        const char *known, *definition, *expected;
    } cases[] = {
        { "{\"unit\":\"byte\",\"description\":\"d\",\"per_unit\":\"second\"}", "{\"from\":1}",
          "{\"unit\":\"byte\",\"per_unit\":\"second\",\"from\":1}" },
        { "{\"unit\":\"byte\",\"per_unit\":null}", "{\"from\":1}",
          "{\"unit\":\"byte\",\"from\":1}" },
        { "{\"unit\":7}", "{\"from\":1}", "{\"from\":1}" },
        { "", "{\"from\":1}", "{\"from\":1}" },
        { "{\"unit\":\"byte\"}", "", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes out = { 0 };
        picture_unit_add(slice_of(cases[i].known), slice_of(cases[i].definition), &out);
        bytes_add(&out, "", 1);
        assert_string_equal((char *)out.at, cases[i].expected);
        bytes_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_metric_is_that_of_the_first_series),
        cmocka_unit_test(what_is_known_goes_before_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
