#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/check.h"
#include "tests/support/guard.h"

#define ASSERT_SLICE(slice, text) assert_true(slice_equal(slice, SLICE(text)))

static void accepted(const char *line, struct check *out)
{
    enum parse_result result = check_parse(guarded_text(line), out);

    if (result != PARSE_OK)
        fail_msg("\"%s\": %s", line, parse_result_label(result));
}

static void reads_every_field(void **state)
{
    struct check check;
    (void)state;

    accepted("_sc|db.up|2|d:21|h:web|#a,b|m:down\\n|c:id", &check);
    ASSERT_SLICE(check.name, "db.up");
    ASSERT_SLICE(check.host, "web");
    ASSERT_SLICE(check.tags, "a,b");
    ASSERT_SLICE(check.message, "down\\n");
    ASSERT_SLICE(check.fields, "d:21|h:web|#a,b|m:down\\n|c:id");
    assert_int_equal(check.status, 2);
    assert_int_equal(check.time_s, 21);
}

static void ignores_bad_and_unknown_fields(void **state)
{
    struct check check;
    (void)state;

    accepted("_sc|a|0|d:5|d:x||z:1|m:one|m:two|#t|", &check);
    assert_int_equal(check.time_s, 5);
    ASSERT_SLICE(check.message, "two");
    ASSERT_SLICE(check.tags, "t");
    accepted("_scX1|0|", &check); /* the fourth byte may be any */
    ASSERT_SLICE(check.name, "1");
    accepted("_sc|a|3", &check);
    assert_int_equal(check.fields.len, 0);
}

static void refuses_what_lacks_name_or_status(void **state)
{
    static const struct {
        const char *line;
        enum parse_result why;
    } cases[] = {
        { "_sc", PARSE_CHECK_FORMAT },
        { "_sc|", PARSE_CHECK_FORMAT },
        { "_sc|a", PARSE_CHECK_FORMAT },
        { "_sc_total:1|c", PARSE_CHECK_FORMAT }, /* one pipe only */
        { "_sc||0", PARSE_CHECK_FORMAT },
        { "_sc||", PARSE_CHECK_FORMAT },
        { "_sc|a|", PARSE_CHECK_STATUS },
        { "_sc|a|4", PARSE_CHECK_STATUS },
        { "_sc|a|00", PARSE_CHECK_STATUS },
        { "_sc|a|-1", PARSE_CHECK_STATUS },
        { "_sc|a| 0", PARSE_CHECK_STATUS },
        { "_sc|a|ok", PARSE_CHECK_STATUS },
    };
    struct check check;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (check_parse(guarded_text(cases[i].line), &check) != cases[i].why)
            fail_msg("\"%s\"", cases[i].line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(ignores_bad_and_unknown_fields),
        cmocka_unit_test(refuses_what_lacks_name_or_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
