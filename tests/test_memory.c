/* How much memory the process takes for itself: from the settings, else from files
 * as a cgroup has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "server/memory.h"
#include "tests/support/with_settings.h"

static void the_cgroups_limit_is_read_in_both_versions(void **state)
{
    static const struct {
        const char *file, *text;
        int64_t limit;
    } cases[] = {
        { "memory.max", "268435456\n", 268435456 },
        { "memory.max", "max\n", 0 },
        { "memory/memory.limit_in_bytes", "1048576\n", 1048576 },
        { "memory/memory.limit_in_bytes", "9223372036854771712\n", 0 }, /* v1: none */
        { "memory.max", "junk", 0 },
        { "other", "1", 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char root[] = "/tmp/heeler-test-XXXXXX", path[128];
        assert_non_null(mkdtemp(root));
        snprintf(path, sizeof path, "%s/memory", root);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/%s", root, cases[i].file);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(cases[i].text, file);
        fclose(file);
        assert_int_equal(memory_cgroup_limit(root), cases[i].limit);
        remove(path);
        snprintf(path, sizeof path, "%s/memory", root);
        remove(path);
        remove(root);
    }
}

static void a_setting_bounds_every_part(void **state)
{
    struct settings settings;
    (void)state;

    WITH_SETTINGS(&settings, "heeler_max_memory=134217728");
    assert_int_equal(memory_limit(&settings), 134217728);
    assert_int_equal(memory_for_buckets(&settings), 33554432);
    assert_int_equal(memory_for_parcels(&settings), 4194304);
    settings_free(&settings);
    WITH_SETTINGS(&settings, "heeler_max_memory=1", "heeler_workers=4");
    assert_true(memory_for_buckets(&settings) >= 8 * 1024 * 1024);
    assert_true(memory_for_parcels(&settings) >= 2 * 1024 * 1024);
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cgroups_limit_is_read_in_both_versions),
        cmocka_unit_test(a_setting_bounds_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
