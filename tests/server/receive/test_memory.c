/* How much memory the process takes for itself: from the settings, else from files
 * as a cgroup has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/receive/memory.h"
#include "tests/support/temp_file.h"
#include "tests/support/with_settings.h"

/* A file system and what /proc tells of it, made of "F" for the temporary folder. */
struct tree {
    const char *groups, *mounts;
    struct {
        const char *file, *text;
    } files[4];
    int64_t limit;
    const char *from; /* "": none */
};

static char root[TEMP_PATH_SIZE];

static void put_text(const char *name, const char *text)
{
    char path[TEMP_PATH_SIZE + 200];

    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (; *text != '\0'; text++)
        if (*text == 'F')
            fputs(root, file);
        else
            fputc(*text, file);
    fclose(file);
}

static int remove_root(void **state)
{
    (void)state;
    if (root[0] != '\0')
        temp_folder_remove(root);
    root[0] = '\0';
    return 0;
}

#define V1 "35 31 0:32 / F/v1 rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define V2 "30 23 0:26 / F/v2 rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"

static const struct tree trees[] = {
    /* systemd's MemoryMax of the unit, and a smaller one of its slice */
    { "0::/system.slice/h.service\n",
      V2,
      { { "v2/system.slice/h.service/memory.max", "268435456\n" },
        { "v2/system.slice/memory.max", "max\n" } },
      268435456,
      "v2/system.slice/h.service/memory.max" },
    { "0::/a/b/c\n",
      V2,
      { { "v2/a/b/c/memory.max", "300\n" },
        { "v2/a/memory.max", "200\n" },
        { "v2/a/b/memory.high", "250\n" } },
      200,
      "v2/a/memory.max" },
    { "0::/a\n", V2, { { "v2/a/memory.max", "max\n" } }, 0, "" },
    { "0::/a\n", V2, { { "v2/a/memory.max", "junk" } }, 0, "" },
    { "0::/a\n",
      V2,
      { { "v2/a/memory.max", "900" }, { "v2/a/memory.high", "800" } },
      800,
      "v2/a/memory.high" },
    /* a container with a name space of its own: it is at the root of what it sees */
    { "0::/\n", V2, { { "v2/memory.max", "1048576\n" } }, 1048576, "v2/memory.max" },
    /* one in the host's name space, whose mount begins at its own group */
    { "0::/docker/1234\n",
      "30 23 0:26 /docker/1234 F/v2 ro - cgroup2 cgroup2 rw\n",
      { { "v2/memory.max", "5000" }, { "v2/docker/1234/memory.max", "1" } },
      5000,
      "v2/memory.max" },
    /* and one whose mount is of another place altogether */
    { "0::/../../a\n",
      "30 23 0:26 /../.. F/v2 ro - cgroup2 cgroup2 rw\n",
      { { "v2/memory.max", "6000" } },
      6000,
      "v2/memory.max" },
    /* version 1; the root says a number near 2^63 */
    { "9:cpu,cpuacct:/x\n4:memory:/a/b\n",
      V1,
      { { "v1/a/b/memory.limit_in_bytes", "9223372036854771712\n" },
        { "v1/a/memory.limit_in_bytes", "700\n" },
        { "v1/memory.limit_in_bytes", "9223372036854771712\n" } },
      700,
      "v1/a/memory.limit_in_bytes" },
    { "4:cpu,memory:/k8s/pod\n",
      "35 31 0:32 /k8s/pod F/v1 ro - cgroup cgroup ro,cpu,memory\n",
      { { "v1/memory.limit_in_bytes", "9000\n" },
        { "v1/memory.stat", "cache 1\nhierarchical_memory_limit 4000\nrss 2\n" } },
      4000,
      "v1/memory.stat" },
    { "4:memory_other:/a\n", V1, { { "v1/a/memory.limit_in_bytes", "1\n" } }, 0, "" },
    /* both: version 2 beside it without a controller of memory */
    { "4:memory:/a\n0::/a\n",
      V1 V2,
      { { "v1/a/memory.limit_in_bytes", "77\n" } },
      77,
      "v1/a/memory.limit_in_bytes" },
    /* a blank in the path of the mount */
    { "0::/a\n",
      "30 23 0:26 / F/v\\0402 rw - cgroup2 cgroup2 rw\n",
      { { "v 2/a/memory.max", "55\n" } },
      55,
      "v 2/a/memory.max" },
    { "", V1 V2, { { "v1/memory.limit_in_bytes", "1" } }, 0, "" },
    { "0::/a\nnonsense\n",
      "nonsense\n- cgroup2\n30 1 - cgroup2 a b\n",
      { { "x", "" } },
      0,
      "" },
};

static void the_smallest_limit_on_the_way_up_counts(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        const struct tree *tree = &trees[i];
        char groups[128], mounts[128], from[256] = "";
        struct cgroup_limit limit;

        temp_folder_make(root);
        put_text("cgroup", tree->groups);
        put_text("mountinfo", tree->mounts);
        for (size_t j = 0; j < 4 && tree->files[j].file != NULL; j++)
            put_text(tree->files[j].file, tree->files[j].text);
        snprintf(groups, sizeof groups, "%s/cgroup", root);
        snprintf(mounts, sizeof mounts, "%s/mountinfo", root);
        cgroup_limit_find(&limit, groups, mounts);
        if (tree->from[0] != '\0')
            snprintf(from, sizeof from, "%s/%s", root, tree->from);
        if (limit.bytes != tree->limit || strcmp(limit.from, from) != 0)
            fail_msg("%zu: %lld of %s", i, (long long)limit.bytes, limit.from);
        remove_root(NULL);
    }
}

static void without_proc_there_is_no_limit(void **state)
{
    struct cgroup_limit limit;
    (void)state;

    cgroup_limit_find(&limit, "/nonexistent", "/nonexistent");
    assert_int_equal(limit.bytes, 0);
}

static void the_bound_says_why(void **state)
{
    struct settings settings;
    struct memory_bound bound;
    struct cgroup_limit limit = { 1000, "/the/file" };
    (void)state;

    WITH_SETTINGS(&settings, "env=");
    memory_bound_find(&bound, &settings, &limit);
    assert_int_equal(bound.bytes, 500);
    assert_string_equal(bound.why, "half of /the/file");
    limit.bytes = 0;
    memory_bound_find(&bound, &settings, &limit);
    assert_true(bound.bytes > 0 && bound.bytes <= 1 << 30);
    settings_free(&settings);
    WITH_SETTINGS(&settings, "heeler_max_memory=7");
    memory_bound_find(&bound, &settings, &limit);
    assert_int_equal(bound.bytes, 7);
    assert_string_equal(bound.why, "heeler_max_memory");
    settings_free(&settings);
}

static void rollups_that_leave_nothing_are_told(void **state)
{
    struct settings settings;
    char problem[2048];
    (void)state;

    WITH_SETTINGS(&settings, "heeler_max_memory=67108864", "heeler_rollup_max_bytes=67108864");
    assert_false(memory_is_fit(&settings, problem, sizeof problem));
    assert_string_equal(problem,
                        "--set: heeler_rollup_max_bytes is 67108864: of 67108864 bytes "
                        "(heeler_max_memory) that leaves room for some thousands of "
                        "contexts only; further ones are shed.");
    settings_free(&settings);
    WITH_SETTINGS(&settings, "heeler_max_memory=67108864", "heeler_rollup_max_bytes=0",
                  "heeler_ring_bytes=50331648");
    assert_false(memory_is_fit(&settings, problem, sizeof problem));
    assert_string_equal(problem, "--set: heeler_ring_bytes is 50331648: of 67108864 bytes "
                                 "(heeler_max_memory) that leaves room for some thousands of "
                                 "contexts only; further ones are shed.");
    settings_free(&settings);
    WITH_SETTINGS(&settings, "heeler_max_memory=67108864");
    assert_true(memory_is_fit(&settings, problem, sizeof problem));
    settings_free(&settings);
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
        cmocka_unit_test_teardown(the_smallest_limit_on_the_way_up_counts, remove_root),
        cmocka_unit_test(without_proc_there_is_no_limit),
        cmocka_unit_test(the_bound_says_why),
        cmocka_unit_test(rollups_that_leave_nothing_are_told),
        cmocka_unit_test(a_setting_bounds_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
