#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/rules.h"
#include "tests/support/with_settings.h"

static struct flusher_ledger ledger;

/* With settings of its own, so that a leak or a use afterwards is seen. */
static struct rules *make(char *set)
{
    char problem[256];
    struct settings *settings = calloc(1, sizeof *settings);

    assert_non_null(settings);
    assert_true(with_settings(settings, &set, 1));
    struct rules *rules = rules_new(settings, "h", &ledger, problem, sizeof problem);
    assert_non_null(rules);
    rules->owned = settings;
    return rules;
}

static void the_last_to_let_go_frees(void **state)
{
    struct rules *rules = make("tags=a:1");
    (void)state;

    assert_ptr_equal(rules_hold(rules), rules);
    rules_release(rules);
    assert_string_equal(rules->settings->tags.at[0], "a:1");
    rules_release(rules);
    rules_release(NULL);
}

static void the_box_has_the_newest_and_lets_the_others_go(void **state)
{
    struct rules_box box = { NULL };
    struct rules *second = make("tags=b:1");
    (void)state;

    assert_null(rules_take(&box));
    rules_put(&box, make("tags=a:1"));
    rules_put(&box, second);
    assert_ptr_equal(rules_take(&box), second);
    assert_null(rules_take(&box));
    rules_release(second);
}

static void a_wrong_setting_is_a_sentence(void **state)
{
    char problem[256] = "";
    struct settings settings;
    (void)state;

    assert_true(with_settings(&settings,
                              &(char *){ "dogstatsd_mapper_profiles=[{\"name\":\"a\"}]" }, 1));
    assert_null(rules_new(&settings, "h", &ledger, problem, sizeof problem));
    assert_non_null(strstr(problem, "dogstatsd_mapper_profiles"));
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_to_let_go_frees),
        cmocka_unit_test(the_box_has_the_newest_and_lets_the_others_go),
        cmocka_unit_test(a_wrong_setting_is_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
