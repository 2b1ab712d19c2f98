#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/zone.h"

static void a_zone_is_a_file_of_the_system(void **state)
{
    (void)state;
    assert_true(zone_has_any());
    assert_true(zone_exists("Europe/Paris"));
    assert_true(zone_exists("UTC"));
}

/* Folders, lists, rules of POSIX and ways out of the folder are none. */
static void anything_else_is_none(void **state)
{
    static const char *const names[] = {
        "",          "Europe",      "tzdata.zi",        "CET-1CEST",    "Europe/Paris ",
        "Mars/Base", "/etc/passwd", "../../etc/passwd", "Europe/../UTC"
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (zone_exists(names[i]))
            fail_msg("%s", names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_is_a_file_of_the_system),
        cmocka_unit_test(anything_else_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
