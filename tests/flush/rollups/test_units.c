#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "flush/rollups/units.h"

static const char *written(struct units *units, const char *metric, enum metric_unit own)
{
    static char text[512];
    struct bytes out = { 0 };

    units_write(units, slice_of(metric), own, &out);
    snprintf(text, sizeof text, "%.*s", (int)out.len, out.at);
    bytes_free(&out);
    return text;
}

#define BYTE                                                                             \
    "{\"name\":\"byte\",\"family\":\"bytes\",\"plural\":\"bytes\",\"short_name\":\"B\"," \
    "\"scale_factor\":1}"
#define MILLISECOND                                                              \
    "{\"name\":\"millisecond\",\"family\":\"time\",\"plural\":\"milliseconds\"," \
    "\"short_name\":\"ms\",\"scale_factor\":0.001}"

static void a_unit_is_that_which_was_written(void **state)
{
    struct units *units = units_new();
    (void)state;

    assert_string_equal(written(NULL, "m", UNIT_NONE), "null");
    assert_string_equal(written(units, "m", UNIT_NONE), "null");
    units_set(units, SLICE("m"), SLICE("byte"), SLICE(""));
    assert_string_equal(written(units, "m", UNIT_NONE), "[" BYTE ",null]");
    units_set(units, SLICE("m"), SLICE("wid\"get"), SLICE("millisecond"));
    assert_string_equal(written(units, "m", UNIT_NONE),
                        "[{\"name\":\"wid\\\"get\"}," MILLISECOND "]");
    units_set(units, SLICE("m"), SLICE(""), SLICE("millisecond"));
    assert_string_equal(written(units, "m", UNIT_NONE), "[null," MILLISECOND "]");
    units_set(units, SLICE("m"), SLICE(""), SLICE(""));
    assert_string_equal(written(units, "m", UNIT_NONE), "null");
    units_free(units);
}

static void what_series_have_counts_where_nobody_wrote(void **state)
{
    struct units *units = units_new();
    (void)state;

    assert_string_equal(written(NULL, "m", UNIT_MILLISECOND), "[" MILLISECOND ",null]");
    units_set(units, SLICE("m"), SLICE("byte"), SLICE(""));
    assert_string_equal(written(units, "m", UNIT_MILLISECOND), "[" BYTE ",null]");
    assert_string_equal(written(units, "other", UNIT_MILLISECOND), "[" MILLISECOND ",null]");
    units_free(units);
}

static void what_was_before_changes_nothing_newer(void **state)
{
    struct units *units = units_new();
    (void)state;

    units_recall(units, SLICE("m"), SLICE("byte"), SLICE(""));
    assert_string_equal(written(units, "m", UNIT_NONE), "[" BYTE ",null]");
    units_set(units, SLICE("m"), SLICE(""), SLICE("")); /* it was taken away */
    units_recall(units, SLICE("m"), SLICE("byte"), SLICE(""));
    assert_string_equal(written(units, "m", UNIT_NONE), "null");
    units_free(units);
}

static void they_are_bounded(void **state)
{
    struct units *units = units_new();
    char name[32], word[UNIT_WORD_MAX + 1];
    (void)state;

    for (int i = 0; i <= UNITS_MAX; i++) {
        snprintf(name, sizeof name, "m%d", i);
        units_set(units, slice_of(name), SLICE("byte"), SLICE(""));
    }
    assert_string_equal(written(units, "m1999", UNIT_NONE), "[" BYTE ",null]");
    assert_string_equal(written(units, "m2000", UNIT_NONE), "null");
    memset(word, 'w', sizeof word);
    units_set(units, SLICE("m0"), (struct slice){ word, sizeof word }, SLICE(""));
    assert_string_equal(written(units, "m0", UNIT_NONE), "null");
    units_free(units);
}

static void *write_often(void *argument)
{
    char name[32];

    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "m%d", i % 50);
        units_set(argument, slice_of(name), i % 2 == 0 ? SLICE("byte") : SLICE("second"),
                  SLICE(""));
        units_recall(argument, slice_of(name), SLICE("hour"), SLICE(""));
    }
    return NULL;
}

static void one_thread_writes_while_another_answers(void **state)
{
    struct units *units = units_new();
    pthread_t writer;
    (void)state;

    assert_int_equal(pthread_create(&writer, NULL, write_often, units), 0);
    for (int i = 0; i < 2000; i++) {
        const char *text = written(units, "m7", UNIT_NONE);
        assert_true(strcmp(text, "null") == 0 || strstr(text, "byte") != NULL ||
                    strstr(text, "second") != NULL);
    }
    pthread_join(writer, NULL);
    units_free(units);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_that_which_was_written),
        cmocka_unit_test(what_series_have_counts_where_nobody_wrote),
        cmocka_unit_test(what_was_before_changes_nothing_newer),
        cmocka_unit_test(they_are_bounded),
        cmocka_unit_test(one_thread_writes_while_another_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
