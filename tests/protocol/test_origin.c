#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/origin.h"
#include "protocol/parse.h"
#include "tests/support/guard.h"

static void expect_slice(const char *fields, struct slice slice, const char *text)
{
    if (!slice_equal(slice, slice_of(text)))
        fail_msg("\"%s\": \"%.*s\" is not \"%s\"", fields, (int)slice.len, slice.at, text);
}

static void reads_container_and_inode(void **state)
{
    static const struct {
        const char *fields, *container;
        uint64_t inode;
    } cases[] = {
        { "", "", 0 },
        { "c:", "", 0 },
        { "c:abc", "abc", 0 },
        { "c:ci-abc", "abc", 0 },
        { "c:cid-abc", "abc", 0 }, /* older clients */
        { "c:in-42", "", 42 },
        { "c:ci-abc,in-42", "abc", 42 },
        { "c:in-42,ci-abc,", "abc", 42 },
        { "c:cid-abc,in-7", "", 7 }, /* not known inside a list */
        { "c:abc,def", "", 0 },
        { "c:ci-a,ci-b", "b", 0 },
        { "c:in-x", "", 0 },
        { "c:in-", "", 0 },
        { "c:in-+1", "", 0 },     /* unsigned has no sign */
        { "c:in-5,in-x", "", 0 }, /* a bad one resets a good one */
        { "c:in-18446744073709551615", "", UINT64_MAX },
        { "c:in-18446744073709551616", "", UINT64_MAX },
        { "c:in-99999999999999999999x", "", UINT64_MAX }, /* overflow comes first */
        { "c:one|c:two", "two", 0 },
        { "c:ci-one,in-5|c:two", "two", 0 }, /* the last field replaces all */
        { "C:abc|x|#c:tag|@1", "", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct origin origin;

        origin_parse(guarded_text(cases[i].fields), &origin);
        expect_slice(cases[i].fields, origin.container_id, cases[i].container);
        if (origin.inode != cases[i].inode)
            fail_msg("\"%s\"", cases[i].fields);
    }
}

static void reads_external_data(void **state)
{
    static const struct {
        const char *fields, *container, *pod;
        bool init;
    } cases[] = {
        { "e:it-true,cn-nginx,pu-123", "nginx", "123", true },
        { "e:it-T", "", "", true },
        { "e:it-1,it-maybe", "", "", false }, /* a bad one resets a good one */
        { "e:it-tRUE", "", "", false },
        { "e:cn-a,zz-b,,cn-c", "c", "", false },
        { "e:cn-a|e:pu-b", "", "b", false },
        { "e:", "", "", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct origin origin;

        origin_parse(guarded_text(cases[i].fields), &origin);
        expect_slice(cases[i].fields, origin.external.container_name, cases[i].container);
        expect_slice(cases[i].fields, origin.external.pod_uid, cases[i].pod);
        assert_int_equal(origin.external.init, cases[i].init);
    }
}

static void keeps_raw_words_and_finds_them_behind_a_metric(void **state)
{
    struct slice line = guarded_text("a:1|c|#x|card:low|e:cn-a|card:bogus");
    struct origin origin;
    (void)state;

    origin_parse(parse_fields(line), &origin);
    expect_slice("card", origin.cardinality, "bogus");
    expect_slice("e", origin.external_data, "cn-a");
    origin_parse(parse_fields(guarded_text("a:1|c")), &origin);
    assert_int_equal(origin.cardinality.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_container_and_inode),
        cmocka_unit_test(reads_external_data),
        cmocka_unit_test(keeps_raw_words_and_finds_them_behind_a_metric),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
