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
                   int64_t from_s, uint32_t limit)
{
    return inquire_of(
        p, ops, (struct inquiry){ .text = slice_of(text), .from_s = from_s, .limit = limit });
}

static struct pipeline *with_some(void)
{
    struct pipeline *p = PIPELINE(1, START, "heeler_rollup_max_bytes=1048576");

    pipeline_line(p, 0, START + 1, "old:1|g|#host:web-1\nhttp.b:1|c\nhttp.a:1|c|#env:x");
    pipeline_flush(p, START + 11);
    for (int i = 1; i <= 40; i++)
        pipeline_line(p, 0, START + 1 + 10 * i, "http.a:1|c|#env:x\nhttp.a:2|g|#host:web-2");
    pipeline_flush(p, START + 411);
    return p;
}

static void metrics_that_were_heard_since_then(void **state)
{
    struct pipeline *p = with_some();
    (void)state;

    assert_answer(ask(p, &answer_active, "", START, 100),
                  "{\"from\":\"1700006400\",\"metrics\":[\"http.a\",\"http.b\",\"old\"]}");
    assert_answer(ask(p, &answer_active, "", START, 2),
                  "{\"from\":\"1700006400\",\"metrics\":[\"http.a\",\"http.b\"]}");
    assert_answer(ask(p, &answer_active, "web-2", START, 100),
                  "{\"from\":\"1700006400\",\"metrics\":[\"http.a\"]}");
    assert_answer(ask(p, &answer_active, "nobody", START, 100),
                  "{\"from\":\"1700006400\",\"metrics\":[]}");
    assert_answer(ask(p, &answer_active, "", START + 1000, 100),
                  "{\"from\":\"1700007400\",\"metrics\":[]}");
    pipeline_free(p);
}

static void a_search_finds_metrics_and_hosts(void **state)
{
    struct pipeline *p = with_some();
    (void)state;

    assert_answer(ask(p, &answer_search, "", 0, 100),
                  "{\"results\":{\"metrics\":[\"http.a\",\"http.b\",\"old\"],"
                  "\"hosts\":[\"h\",\"web-1\",\"web-2\"]}}");
    assert_answer(ask(p, &answer_search, "b", 0, 100),
                  "{\"results\":{\"metrics\":[\"http.b\"],\"hosts\":[\"web-1\",\"web-2\"]}}");
    assert_answer(ask(p, &answer_search, "metrics:HTTP", 0, 100),
                  "{\"results\":{\"metrics\":[\"http.a\",\"http.b\"],\"hosts\":[]}}");
    assert_answer(ask(p, &answer_search, "hosts:web-?", 0, 1),
                  "{\"results\":{\"metrics\":[],\"hosts\":[\"web-1\"]}}");
    assert_answer(ask(p, &answer_search, "env:x", 0, 100),
                  "{\"results\":{\"metrics\":[],\"hosts\":[]}}");
    pipeline_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_that_were_heard_since_then),
        cmocka_unit_test(a_search_finds_metrics_and_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
