#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/series/filter.h"
#include "tests/support/guard.h"
#include "tests/support/with_settings.h"

/* A filter and what it stands on. */
struct fixture {
    struct settings settings;
    struct filter *filter;
};

#define OPEN(fixture, ...)                          \
    open_filter(fixture, (char *[]){ __VA_ARGS__ }, \
                sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void open_filter(struct fixture *fixture, char **sets, size_t n_sets)
{
    char problem[256] = "";

    assert_true(with_settings(&fixture->settings, sets, n_sets));
    fixture->filter = filter_new(&fixture->settings, problem, sizeof problem);
    if (fixture->filter == NULL)
        fail_msg("%s", problem);
}

static void close_filter(struct fixture *fixture)
{
    filter_free(fixture->filter);
    settings_free(&fixture->settings);
}

static void names_on_the_list_are_dropped(void **state)
{
    static const struct {
        const char *list, *prefix, *name;
        bool dropped;
    } cases[] = {
        { "[\"b\",\"a.b\",\"c\"]", "false", "a.b", true },
        { "[\"b\",\"a.b\",\"c\"]", "false", "a", false },
        { "[\"b\",\"a.b\",\"c\"]", "false", "a.bc", false },
        { "[\"b\",\"a.b\",\"c\"]", "false", "A.b", false },
        { "[\"b\",\"a.b\",\"c\"]", "true", "a.bc", true },
        { "[\"b\",\"a.b\",\"c\"]", "true", "a", false },
        { "[\"a\",\"a.b\",\"a.b.c\"]", "true", "a.z", true }, /* shorter one covers longer */
        { "[\"a.b\",\"a.b.c\"]", "true", "a.b.d", true },
        { "[\"a.*\",\"b\"]", "false", "a.x", true }, /* a star makes a prefix */
        { "[\"a.*\",\"b\"]", "false", "b", true },
        { "[\"a.*\",\"b\"]", "false", "bx", false },
        { "[\"a.*\",\"b\"]", "false", "a", false },
        { "[\"*\"]", "false", "anything", true },
        { "[\"a*b\"]", "false", "axb", false }, /* only at the end */
        { "[]", "true", "a", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        char list[128], prefix[64];

        snprintf(list, sizeof list, "metric_filterlist=%s", cases[i].list);
        snprintf(prefix, sizeof prefix, "metric_filterlist_match_prefix=%s", cases[i].prefix);
        OPEN(&fixture, list, prefix);
        if (filter_drops(fixture.filter, guarded_text(cases[i].name)) != cases[i].dropped)
            fail_msg("%s %s on \"%s\"", cases[i].list, cases[i].prefix, cases[i].name);
        close_filter(&fixture);
    }
}

static void the_older_list_counts_only_without_the_newer(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "metric_filterlist=new", "statsd_metric_blocklist=old",
         "statsd_metric_blocklist_match_prefix=true");
    assert_true(filter_drops(fixture.filter, SLICE("new")));
    assert_false(filter_drops(fixture.filter, SLICE("newer"))); /* with its own matching */
    assert_false(filter_drops(fixture.filter, SLICE("old")));
    close_filter(&fixture);

    OPEN(&fixture, "statsd_metric_blocklist=old", "statsd_metric_blocklist_match_prefix=true",
         "metric_filterlist_match_prefix=false");
    assert_true(filter_drops(fixture.filter, SLICE("older")));
    close_filter(&fixture);
}

static void series_of_histograms_are_tested_under_their_own_name(void **state)
{
    static char name[600];
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "metric_filterlist=h.max g");
    assert_true(filter_drops_suffix(fixture.filter, SLICE("h"), SLICE(".max")));
    assert_false(filter_drops_suffix(fixture.filter, SLICE("h"), SLICE(".median")));
    assert_false(filter_drops_suffix(fixture.filter, SLICE("g"), SLICE(".max")));
    memset(name, 'a', sizeof name);
    assert_false(filter_drops_suffix(fixture.filter, (struct slice){ name, sizeof name },
                                     SLICE(".max")));
    close_filter(&fixture);

    OPEN(&fixture, "metric_filterlist=h.m", "metric_filterlist_match_prefix=true");
    assert_true(filter_drops_suffix(fixture.filter, SLICE("h"), SLICE(".max")));
    assert_true(filter_drops_suffix(fixture.filter, SLICE("h"), SLICE(".median")));
    assert_false(filter_drops_suffix(fixture.filter, SLICE("h"), SLICE(".avg")));
    close_filter(&fixture);
}

static void the_namespace_goes_before_all_but_excluded_names(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "statsd_metric_namespace=ns", "statsd_metric_namespace_blacklist=jvm x.y");
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("a")), SLICE("ns.")));
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("x.")), SLICE("ns.")));
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("jvmish")), SLICE("")));
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("x.y")), SLICE("")));
    close_filter(&fixture);

    OPEN(&fixture, "statsd_metric_namespace=ns.");
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("a")), SLICE("ns.")));
    close_filter(&fixture);

    OPEN(&fixture, "env=");
    assert_true(slice_equal(filter_namespace(fixture.filter, SLICE("a")), SLICE("")));
    close_filter(&fixture);
}

static void tag_rows_of_one_metric_merge_and_exclude_wins(void **state)
{
    static const struct {
        const char *metric, *tag;
        bool kept;
    } cases[] = {
        { "ex", "a:1", false },    { "ex", "a", false },      { "ex", "ab:1", true },
        { "ex", "b:1", false },    { "ex", "c:1", true },     { "in", "a:1", true },
        { "in", "b:1", true },     { "in", "c:1", false },    { "mixed", "a:1", true },
        { "mixed", "b:1", false }, { "mixed", "c:1", false }, { "plain", "a", false },
        { "none", "a", false },    { "all", "a", true },
    };
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "metric_tag_filterlist_adp_only=false",
         "metric_tag_filterlist=["
         "{\"metric_name\":\"ex\",\"action\":\"exclude\",\"tags\":[\"b\"]},"
         "{\"metric_name\":\"in\",\"action\":\"include\",\"tags\":[\"b\"]},"
         "{\"metric_name\":\"ex\",\"action\":\"exclude\",\"tags\":[\"a\"]},"
         "{\"metric_name\":\"in\",\"action\":\"include\",\"tags\":[\"a\"]},"
         "{\"metric_name\":\"mixed\",\"action\":\"include\",\"tags\":[\"a\"]},"
         "{\"metric_name\":\"mixed\",\"action\":\"exclude\",\"tags\":[\"b\",\"c\"]},"
         "{\"metric_name\":\"mixed\",\"action\":\"include\",\"tags\":[\"d\"]},"
         "{\"metric_name\":\"plain\",\"tags\":[\"a\"]}," /* no action excludes */
         "{\"metric_name\":\"none\",\"action\":\"include\"},"
         "{\"metric_name\":\"all\",\"action\":\"exclude\",\"tags\":[]}]");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct tag_filter *tags =
            filter_tags(fixture.filter, guarded_text(cases[i].metric));

        assert_non_null(tags);
        if (filter_keeps_tag(tags, guarded_text(cases[i].tag)) != cases[i].kept)
            fail_msg("%s %s", cases[i].metric, cases[i].tag);
    }
    assert_null(filter_tags(fixture.filter, SLICE("other")));
    close_filter(&fixture);
}

static void tag_rows_are_for_the_data_plane_unless_asked_for(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "metric_tag_filterlist=[{\"metric_name\":\"a\",\"tags\":[\"b\"]}]");
    assert_null(filter_tags(fixture.filter, SLICE("a")));
    close_filter(&fixture);
}

static void wrong_tag_rows_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *list, *part;
    } cases[] = {
        { "[1]", "entry 1 has no metric_name" },
        { "[{\"metric_name\":\"a\"},{\"tags\":[]}]", "entry 2 has no metric_name" },
        { "[{\"metric_name\":\"\"}]", "no metric_name" },
        { "[{\"metric_name\":\"a\",\"action\":\"drop\"}]", "neither include nor exclude" },
        { "[{\"metric_name\":\"a\",\"action\":1}]", "neither include nor exclude" },
        { "[{\"metric_name\":\"a\",\"tags\":\"b\"}]", "not a list" },
        { "[{\"metric_name\":\"a\"},{\"metric_name\":\"a\",\"tags\":[1]}]", "not a text" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings;
        char list[128], problem[256] = "";

        snprintf(list, sizeof list, "metric_tag_filterlist=%s", cases[i].list);
        assert_true(WITH_SETTINGS(&settings, "metric_tag_filterlist_adp_only=false", list));
        struct filter *filter = filter_new(&settings, problem, sizeof problem);

        if (filter != NULL || strstr(problem, cases[i].part) == NULL)
            fail_msg("%s: \"%s\"", cases[i].list, problem);
        settings_free(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_on_the_list_are_dropped),
        cmocka_unit_test(the_older_list_counts_only_without_the_newer),
        cmocka_unit_test(series_of_histograms_are_tested_under_their_own_name),
        cmocka_unit_test(the_namespace_goes_before_all_but_excluded_names),
        cmocka_unit_test(tag_rows_of_one_metric_merge_and_exclude_wins),
        cmocka_unit_test(tag_rows_are_for_the_data_plane_unless_asked_for),
        cmocka_unit_test(wrong_tag_rows_are_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
