#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/http/ask_target.h"

static void reads_what_is_asked(void **state)
{
    static const struct {
        const char *query;
        struct inquiry wanted;
    } cases[] = {
        { "from=1&to=2.9&query=sum%3Am",
          { .kind = INQUIRY_QUERY, .text = { "sum:m", 5 }, .from_s = 1, .to_s = 2 } },
        { "", { .kind = INQUIRY_LIST, .limit = 200 } },
        { "match=a.*&sort=values&limit=5&offset=7",
          { INQUIRY_LIST, { "a.*", 3 }, .limit = 5, .offset = 7, .order = ORDER_VALUES } },
        { "sort=series&match=%00%ff",
          { INQUIRY_LIST, { "\0\xff", 2 }, .limit = 200, .order = ORDER_SERIES } },
        { "sort=name&offset=100000", { .kind = INQUIRY_LIST, .limit = 200, .offset = 100000 } },
        { "name=%3Cimg%3E", { INQUIRY_METRIC, { "<img>", 5 }, .limit = 500 } },
        { "name=a&limit=1000", { INQUIRY_METRIC, { "a", 1 }, .limit = 1000 } },
        { "name=web%2F1&sort=values&limit=5&offset=7",
          { INQUIRY_HOST, { "web/1", 5 }, .limit = 5, .offset = 7, .order = ORDER_VALUES } },
        { "name=h", { INQUIRY_HOST, { "h", 1 }, .limit = 200 } },
        { "anything=1", { .kind = INQUIRY_RECENT } },
        { "start=1&end=2.5",
          { .kind = INQUIRY_EVENTS, .from_s = 1, .to_s = 2, .limit = 1000 } },
        { "start=1&end=2&tags=a%3Ab,c&sources=my%20apps,d&priority=low&page=3&limit=20"
          "&unaggregated=true&exclude_aggregate=true",
          { .kind = INQUIRY_EVENTS,
            .text = { "a:b,c", 5 },
            .also = { "my apps,d", 9 },
            .from_s = 1,
            .to_s = 2,
            .limit = 20,
            .offset = 3,
            .priority = 2 } },
        { "name=77", { .kind = INQUIRY_EVENT, .from_s = 77 } },
    };
    static struct ask_target target;
    const char *sentence;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!ask_target_read(cases[i].wanted.kind, slice_of(cases[i].query), &target,
                             &sentence) ||
            !inquiry_equal(&target.inquiry, &cases[i].wanted))
            fail_msg("%s", cases[i].query);
}

static void refuses_what_makes_no_sense(void **state)
{
    static const struct {
        enum inquiry_kind kind;
        const char *query;
    } cases[] = {
        { INQUIRY_QUERY, "" },
        { INQUIRY_LIST, "limit=0" },
        { INQUIRY_LIST, "limit=1001" },
        { INQUIRY_LIST, "limit=x" },
        { INQUIRY_LIST, "offset=-1" },
        { INQUIRY_LIST, "offset=100001" },
        { INQUIRY_LIST, "sort=size" },
        { INQUIRY_METRIC, "" },
        { INQUIRY_METRIC, "name=a&limit=99999999999999999999" },
        { INQUIRY_HOST, "" },
        { INQUIRY_HOST, "name=h&limit=1001" },
        { INQUIRY_HOST, "name=h&sort=size" },
        { INQUIRY_EVENTS, "start=1" },
        { INQUIRY_EVENTS, "start=1&end=2&priority=high" },
        { INQUIRY_EVENTS, "start=1&end=2&page=-1" },
        { INQUIRY_EVENTS, "start=1&end=2&limit=1001" },
    };
    static struct ask_target target;
    static char longest[300] = "match=";
    const char *sentence;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (ask_target_read(cases[i].kind, slice_of(cases[i].query), &target, &sentence))
            fail_msg("%s", cases[i].query);
        assert_memory_equal(sentence, "expected ?", 10);
    }
    memset(longest + 6, 'a', 256);
    assert_true(ask_target_read(INQUIRY_LIST, slice_of(longest), &target, &sentence));
    memset(longest + 6, 'a', 257);
    assert_false(ask_target_read(INQUIRY_LIST, slice_of(longest), &target, &sentence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_asked),
        cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
