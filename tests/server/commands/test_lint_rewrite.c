#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/commands/lint_rewrite.h"
#include "tests/support/guard.h"

static void names_are_as_the_intake_has_them(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "shop.hits", "shop.hits" },
        { "Shop.Hits", "Shop.Hits" }, /* names keep their case */
        { "shop-hits", "shop_hits" },
        { "shop  hits", "shop_hits" },
        { "shop_.hits", "shop.hits" },
        { "shop._hits", "shop.hits" }, /* none behind a dot */
        { "9lives", "lives" },
        { "_x", "x" },
        { "hits_", "hits" },
        { "caf\xc3\xa9", "caf" },
        { "123", "" },
        { "", "" },
    };
    char room[LINT_REWRITTEN_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice got = lint_rewrite_name(guarded_text(cases[i].name), room);

        if (!slice_equal(got, slice_of(cases[i].want)))
            fail_msg("\"%s\" becomes \"%.*s\"", cases[i].name, (int)got.len, got.at);
    }
}

static void tags_are_as_the_intake_has_them(void **state)
{
    static const struct {
        const char *tag, *want;
    } cases[] = {
        { "env:dev", "env:dev" },
        { "Env:Dev", "env:dev" },
        { "a:b/c-d.e:f_g", "a:b/c-d.e:f_g" },
        { "a:b c", "a:b_c" },
        { "a:b (c)", "a:b_c" }, /* two become one, and none is at the end */
        { "1a", "a" },
        { "r\xc3\xa9gion:\xc3\xa9", "r\xc3\xa9gion:\xc3\xa9" },
        { "a:b=c", "a:b_c" },
        { "a:b\xff", "a:b" }, /* what is no character is told otherwise */
        { "", "" },
    };
    char room[LINT_REWRITTEN_MAX], longer[1000];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice got = lint_rewrite_tag(guarded_text(cases[i].tag), room);

        if (!slice_equal(got, slice_of(cases[i].want)))
            fail_msg("\"%s\" becomes \"%.*s\"", cases[i].tag, (int)got.len, got.at);
    }
    memset(longer, 'a', sizeof longer);
    assert_int_equal(lint_rewrite_tag((struct slice){ longer, sizeof longer }, room).len, 200);
    assert_int_equal(lint_rewrite_name((struct slice){ longer, sizeof longer }, room).len, 200);
    for (size_t i = 0; i < sizeof longer; i += 4)
        memcpy(longer + i, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(lint_rewrite_tag((struct slice){ longer, sizeof longer }, room).len,
                     LINT_REWRITTEN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_as_the_intake_has_them),
        cmocka_unit_test(tags_are_as_the_intake_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
