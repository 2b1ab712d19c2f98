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

static json_t *ask(struct pipeline *p, const struct answer_ops *ops, const char *text,
                   uint32_t limit, uint32_t offset)
{
    return inquire_of(
        p, ops, (struct inquiry){ .text = slice_of(text), .limit = limit, .offset = offset });
}

static struct pipeline *with_some(void)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");

    pipeline_line(p, 0, START + 1,
                  "a:1|g|#host:web-1,env:x,role:web\nb:1|g|#host:web-1,role:web\n"
                  "a:1|g|#host:web-2,env:x\na:1|g|#host:,env:x");
    pipeline_flush(p, START + 11);
    for (int i = 1; i <= 40; i++)
        pipeline_line(p, 0, START + 1 + 10 * i, "a:1|g|#host:web-2,env:x");
    pipeline_flush(p, START + 411);
    return p;
}

static void a_page_of_hosts(void **state)
{
    struct pipeline *p = with_some();
    json_t *answer = ask(p, &answer_hosts, "", 100, 0);
    json_t *list = json_object_get(answer, "host_list"), *first = json_array_get(list, 0);
    (void)state;

    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_integer_value(json_object_get(answer, "total_matching")), 2);
    assert_int_equal(json_integer_value(json_object_get(answer, "total_returned")), 2);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "web-1");
    assert_true(json_is_integer(json_object_get(first, "id")));
    assert_true(json_is_false(json_object_get(first, "up"))); /* silent for over five minutes */
    assert_int_equal(json_integer_value(json_object_get(first, "last_reported_time")), START);
    assert_true(json_is_true(json_object_get(json_array_get(list, 1), "up")));
    assert_answer(json_incref(json_object_get(first, "tags_by_source")),
                  "{\"Datadog\":[\"role:web\"]}"); /* what all of its series have */
    json_decref(answer);
    answer = ask(p, &answer_hosts, "WEB", 1, 1);
    list = json_object_get(answer, "host_list");
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")),
                        "web-2");
    json_decref(answer);
    answer = ask(p, &answer_hosts, "role:w", 100, 0); /* a tag that all of its series have */
    assert_int_equal(json_integer_value(json_object_get(answer, "total_matching")), 1);
    json_decref(answer);
    answer = ask(p, &answer_hosts, "host:web-2", 100, 0); /* which is a tag in questions */
    assert_int_equal(json_integer_value(json_object_get(answer, "total_matching")), 1);
    json_decref(answer);
    answer = ask(p, &answer_hosts, "", 1, 7);
    assert_int_equal(json_array_size(json_object_get(answer, "host_list")), 0);
    assert_int_equal(json_integer_value(json_object_get(answer, "total_returned")), 0);
    json_decref(answer);
    pipeline_free(p);
}

static void totals_and_tags(void **state)
{
    struct pipeline *p = with_some();
    (void)state;

    assert_answer(ask(p, &answer_host_totals, "", 0, 0), "{\"total_up\":1,\"total_active\":2}");
    assert_answer(ask(p, &answer_all_host_tags, "", 0, 0),
                  "{\"tags\":{\"role:web\":[\"web-1\"],\"env:x\":[\"web-2\"]}}");
    assert_answer(ask(p, &answer_host_tags, "web-2", 0, 0), "{\"tags\":[\"env:x\"]}");
    assert_answer(ask(p, &answer_host_tags, "a", 0, 0), /* a metric */
                  "{\"error\":\"no series of that host is known\",\"status\":404}");
    assert_answer(ask(p, &answer_host_tags, "web", 0, 0),
                  "{\"error\":\"no series of that host is known\",\"status\":404}");
    pipeline_free(p);
}

static void of_those_heard_of_since_a_time(void **state)
{
    struct pipeline *p = with_some();
    json_t *answer =
        inquire_of(p, &answer_hosts,
                   (struct inquiry){ .text = SLICE(""), .from_s = START + 1, .limit = 100 });
    (void)state;

    assert_int_equal(json_integer_value(json_object_get(answer, "total_matching")), 1);
    json_decref(answer);
    assert_answer(inquire_of(p, &answer_host_totals,
                             (struct inquiry){ .text = SLICE(""), .from_s = START + 1 }),
                  "{\"total_up\":1,\"total_active\":1}");
    pipeline_free(p);
}

static void nobody_has_a_host(void **state)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");
    (void)state;

    assert_answer(ask(p, &answer_all_host_tags, "", 0, 0), "{\"tags\":{}}");
    assert_answer(ask(p, &answer_host_totals, "", 0, 0), "{\"total_up\":0,\"total_active\":0}");
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_hosts),
        cmocka_unit_test(totals_and_tags),
        cmocka_unit_test(of_those_heard_of_since_a_time),
        cmocka_unit_test(nobody_has_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
