#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/assert_json.h"
#include "tests/support/inquire.h"

enum { START = 1700006400 };

static json_t *metric(struct pipeline *p, const char *name, uint32_t limit)
{
    return inquire_of(p, &answer_metric,
                      (struct inquiry){ .text = slice_of(name), .limit = limit });
}

static void series_and_keys_of_one(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    pipeline_line(
        p, 0, START + 1,
        "m:1|c|#env:a,\x1b[2Jk:<b>\nm:2:3|c|#env:b,plain\nm:4|g|#env:a,host:x\nn:1|c");
    pipeline_flush(p, START + 11);
    json_t *answer = metric(p, "m", 500);
    assert_json(
        answer,
        "{\"name\":\"m\",\"type\":\"count\",\"unit\":\"\",\"per_unit\":\"\",\"interval_s\":10,"
        "\"series_total\":3,\"series\":["
        "{\"tags\":[\"env:b\",\"plain\"],\"host\":\"h\",\"type\":\"count\","
        "\"values\":2,\"last\":0.5,\"last_s\":1700006400},"
        "{\"tags\":[\"\\u001b[2Jk:<b>\",\"env:a\"],\"host\":\"h\",\"type\":\"count\","
        "\"values\":1,\"last\":0.1,\"last_s\":1700006400},"
        "{\"tags\":[\"env:a\"],\"host\":\"x\",\"type\":\"gauge\","
        "\"values\":1,\"last\":4,\"last_s\":1700006400}],"
        "\"keys\":[{\"key\":\"host\",\"values\":2,\"examples\":[\"h\",\"x\"]},"
        "{\"key\":\"\\u001b[2Jk\",\"values\":1,\"examples\":[\"<b>\"]},"
        "{\"key\":\"env\",\"values\":2,\"examples\":[\"a\",\"b\"]},"
        "{\"key\":\"\",\"values\":1,\"examples\":[\"plain\"]}]}");
    json_decref(answer);
    pipeline_free(p);
}

static void a_name_that_nobody_has_is_not_found(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    pipeline_line(p, 0, START + 1, "m:1|c");
    pipeline_flush(p, START + 11);
    const char *const names[] = { "", "h", "nothing", "M" }; /* "h" is a host */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *answer = metric(p, names[i], 500);
        assert_int_equal(json_integer_value(json_object_get(answer, "status")), 404);
        json_decref(answer);
    }
    pipeline_free(p);
}

/* A limit cuts the series, not what is said of them all; keys and examples are bounded. */
static void many_series_are_cut(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=8388608");
    char line[100];
    (void)state;

    for (int i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "m:1|g|#id:%d,k%d:1", i, i);
        pipeline_line(p, 0, START + 1, line);
    }
    pipeline_flush(p, START + 11);
    json_t *answer = metric(p, "m", 3), *keys = json_object_get(answer, "keys");
    assert_int_equal(json_integer_value(json_object_get(answer, "series_total")), 200);
    assert_int_equal(json_array_size(json_object_get(answer, "series")), 3);
    assert_int_equal(json_array_size(keys), 129); /* and the host */
    json_t *id = json_array_get(keys, 1);
    assert_string_equal(json_string_value(json_object_get(id, "key")), "id");
    assert_int_equal(json_integer_value(json_object_get(id, "values")), 200);
    assert_int_equal(json_array_size(json_object_get(id, "examples")), 20);
    json_decref(answer);
    pipeline_free(p);
}

/* A tag may be as long as a datagram, and its bytes six times as long in JSON. */
static void long_keys_and_values_are_bounded(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=8388608");
    char *line = malloc(8 * 1024), *tag = line + sizeof "m:1|g|#" - 1;
    (void)state;

    memset(line, '\1', 8 * 1024);
    memcpy(line, "m:1|g|#", sizeof "m:1|g|#" - 1);
    line[8 * 1024 - 1] = '\0';
    for (int key = 0; key < 20; key++)
        for (int value = 0; value < 20; value++) {
            memcpy(tag, (char[]){ 'k', (char)('a' + key), ':', (char)('a' + value) }, 4);
            pipeline_line(p, 0, START + 1, line);
        }
    for (int key = 0; key < 60; key++) {
        memcpy(tag, (char[]){ 'l', (char)('A' + key), '\1', '\1' }, 4);
        memcpy(line + 8 * 1024 - 3, ":x", 2);
        pipeline_line(p, 0, START + 1, line);
    }
    pipeline_flush(p, START + 11);
    json_t *answer = metric(p, "m", 1), *keys = json_object_get(answer, "keys");
    char *text = json_dumps(answer, JSON_ENSURE_ASCII);
    assert_int_equal(json_integer_value(json_object_get(answer, "series_total")), 460);
    assert_true(json_array_size(keys) > 10);
    assert_in_range(strlen(text), 1 << 20, (1 << 20) + (256 << 10));
    free(text);
    free(line);
    json_decref(answer);
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_and_keys_of_one),
        cmocka_unit_test(a_name_that_nobody_has_is_not_found),
        cmocka_unit_test(many_series_are_cut),
        cmocka_unit_test(long_keys_and_values_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
