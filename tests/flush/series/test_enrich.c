#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/enrich.h"
#include "tests/support/guard.h"
#include "tests/support/with_settings.h"

/* An enricher and what it stands on. */
struct fixture {
    struct settings settings;
    struct enricher *enricher;
};

#define OPEN(fixture, ...)                            \
    open_enricher(fixture, (char *[]){ __VA_ARGS__ }, \
                  sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void open_enricher(struct fixture *fixture, char **sets, size_t n_sets)
{
    char problem[256] = "";

    assert_true(with_settings(&fixture->settings, sets, n_sets));
    fixture->enricher = enrich_new(&fixture->settings, "here", problem, sizeof problem);
    if (fixture->enricher == NULL)
        fail_msg("%s", problem);
}

static void close_enricher(struct fixture *fixture)
{
    enrich_free(fixture->enricher);
    settings_free(&fixture->settings);
}

/* "name@host|tag,tag", or why it is shed; static. */
static const char *text_of(const struct enriched *enriched)
{
    static char text[1 << 16];
    int n = snprintf(text, sizeof text, "%.*s@%.*s", (int)enriched->name.len, enriched->name.at,
                     (int)enriched->host.len, enriched->host.at);

    for (size_t i = 0; i < enriched->n_tags; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%c%.*s", i == 0 ? '|' : ',',
                      (int)enriched->tags[i].len, enriched->tags[i].at);
    return text;
}

static const char *metric(struct fixture *fixture, struct slice name, struct slice tags,
                          enum cell_kind kind)
{
    struct enriched enriched;
    enum shed_reason why = enrich_metric(fixture->enricher, name, tags, kind, &enriched);

    return why == SHED_NOTHING ? text_of(&enriched) : shed_reason_label(why);
}

static const char *gauge(struct fixture *fixture, const char *name, const char *tags)
{
    return metric(fixture, guarded_text(name), guarded_text(tags), CELL_GAUGE);
}

static void tags_become_a_sorted_set(void **state)
{
    static const struct {
        const char *tags, *outcome;
    } cases[] = {
        { "", "n@here" },
        { "b,a,b", "n@here|a,b" },
        { "b,B", "n@here|B,b" },
        { "a,,b", "n@here|,a,b" }, /* an empty tag is a tag, as in the Agent */
        { "a:2,a:10,a", "n@here|a,a:10,a:2" },
        { "host:x,a,host:y", "n@y|a" },
        { "host:", "n@" },
        { "device:x,dd.internal.resource:a:b", "n@here|dd.internal.resource:a:b,device:x" },
        { "dd.internal.jmx_check_name:x,dd.internal.entity_id:y", "n@here" },
    };
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "env=");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(gauge(&fixture, "n", cases[i].tags), cases[i].outcome);
    close_enricher(&fixture);
}

static void the_sender_is_read_from_internal_tags(void **state)
{
    struct enriched enriched;
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "env=");
    assert_true(enrich_record(fixture.enricher,
                              guarded_text("dd.internal.card:,dd.internal.card:low,"
                                           "dd.internal.card:high,dd.internal.entity_id:a,"
                                           "dd.internal.entity_id:b"),
                              SLICE(""), &enriched));
    assert_true(slice_equal(enriched.cardinality, SLICE("low"))); /* the first one set */
    assert_true(slice_equal(enriched.pod_uid, SLICE("b")));       /* the last one */
    assert_string_equal(text_of(&enriched), "@here|dd.internal.card:high");
    close_enricher(&fixture);
}

static void extra_tags_are_added_last_and_never_read(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "dogstatsd_tags=host:zzz z", "tags=b,z", "extra_tags=a", "env=prod");
    assert_string_equal(gauge(&fixture, "n", "c"), "n@here|a,b,c,env:prod,host:zzz,z");
    assert_string_equal(gauge(&fixture, "n", ""), "n@here|a,b,env:prod,host:zzz,z");
    close_enricher(&fixture);
}

static void a_mapping_comes_before_everything_else(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "statsd_metric_namespace=ns", "metric_filterlist=ns.bad",
         "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"m.\",\"mappings\":["
         "{\"match\":\"m.*.*\",\"name\":\"$1\",\"tags\":{\"host\":\"$2\",\"k\":\"$2\"}}]}]");
    assert_string_equal(gauge(&fixture, "m.a.b", "host:x,y"), "ns.a@b|k:b,y");
    assert_string_equal(gauge(&fixture, "m.bad.b", ""), "filtered");
    assert_string_equal(gauge(&fixture, "jvm.a", ""), "jvm.a@here");
    assert_string_equal(gauge(&fixture, "m.jvm.b", ""), "jvm@b|k:b"); /* the mapped name */
    assert_string_equal(gauge(&fixture, "m.1.b", ""), "ns.1@b|k:b");
    close_enricher(&fixture);
}

static void copies_have_their_prefix_and_are_filtered_as_the_histogram(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "statsd_metric_namespace=ns", "histogram_copy_to_distribution_prefix=d.",
         "metric_filterlist=ns.a d.ns.b", "metric_tag_filterlist_adp_only=false",
         "metric_tag_filterlist=[{\"metric_name\":\"d.ns.c\",\"tags\":[\"x\"]}]");
    assert_string_equal(metric(&fixture, SLICE("a"), SLICE(""), CELL_DISTRIBUTION_COPY),
                        "filtered");
    assert_string_equal(metric(&fixture, SLICE("b"), SLICE(""), CELL_DISTRIBUTION_COPY),
                        "d.ns.b@here");
    assert_string_equal(metric(&fixture, SLICE("c"), SLICE("x:1"), CELL_DISTRIBUTION_COPY),
                        "d.ns.c@here");
    assert_string_equal(metric(&fixture, SLICE("c"), SLICE("x:1"), CELL_HISTOGRAM),
                        "ns.c@here|x:1");
    close_enricher(&fixture);
}

static void tag_filters_strip_counters_and_distributions_of_all_but_host_tags(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "metric_tag_filterlist_adp_only=false", "dogstatsd_tags=b:1", "env=prod",
         "tags=a:1",
         "metric_tag_filterlist=[{\"metric_name\":\"n\",\"action\":\"include\","
         "\"tags\":[\"c\"]}]");
    assert_string_equal(metric(&fixture, SLICE("n"), SLICE("a:1,a:2,c:1"), CELL_COUNT),
                        "n@here|a:1,c:1,env:prod");
    assert_string_equal(metric(&fixture, SLICE("n"), SLICE("a:2"), CELL_DISTRIBUTION),
                        "n@here|a:1,env:prod");
    assert_string_equal(metric(&fixture, SLICE("n"), SLICE("a:2"), CELL_GAUGE),
                        "n@here|a:1,a:2,b:1,env:prod");
    assert_string_equal(metric(&fixture, SLICE("m"), SLICE("a:2"), CELL_COUNT),
                        "m@here|a:1,a:2,b:1,env:prod");
    close_enricher(&fixture);
}

static void records_have_no_name_and_their_host_field_goes_first(void **state)
{
    struct enriched enriched;
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "dogstatsd_tags=z", "metric_filterlist=*", "statsd_metric_namespace=ns");
    assert_true(enrich_record(fixture.enricher, SLICE("b,a,host:x"), SLICE("y"), &enriched));
    assert_string_equal(text_of(&enriched), "@y|a,b,z");
    assert_true(enrich_record(fixture.enricher, SLICE("host:x"), SLICE(""), &enriched));
    assert_string_equal(text_of(&enriched), "@x|z");
    assert_true(enrich_record(fixture.enricher, SLICE(""), SLICE(""), &enriched));
    assert_string_equal(text_of(&enriched), "@here|z");
    close_enricher(&fixture);
}

#define BAD "\xef\xbf\xbd"

/* rep-007: bytes that are no UTF-8, wherever they come from. */
static void what_is_no_utf8_is_repaired(void **state)
{
    static const struct {
        const char *name, *tags, *outcome;
    } cases[] = {
        { "n", "k:\xe6\x97", "n@here|k:" BAD BAD ",t:" BAD },
        { "n", "k:\xe6\x97\xa5", "n@here|k:\xe6\x97\xa5,t:" BAD },
        { "n\xff.x", "", "n" BAD ".x@here|t:" BAD },
        { "n", "host:h\xe4,device:\xff", "n@h" BAD "|device:" BAD ",t:" BAD },
        { "n", "a\xff,a\xfe,a" BAD, "n@here|a" BAD ",t:" BAD },     /* alike: one tag */
        { "n", "\xffz,\xf0", "n@here|t:" BAD "," BAD "," BAD "z" }, /* sorted afterwards */
        { "\xff\xfe", "", "refused_name" },
        /* A mapper's regex looks at bytes, and may take half of a letter. */
        { "cut.\xc3\xa9", "", "half@here|b:" BAD ",t:" BAD },
    };
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "dogstatsd_tags=t:\xff",
         "dogstatsd_mapper_profiles=[{\"name\":\"p\",\"prefix\":\"cut.\",\"mappings\":[{"
         "\"match\":\"cut\\\\.(.).\",\"match_type\":\"regex\",\"name\":\"half\","
         "\"tags\":{\"b\":\"$1\"}}]}]");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(gauge(&fixture, cases[i].name, cases[i].tags), cases[i].outcome);
    struct enriched enriched;
    assert_true(enrich_record(fixture.enricher, guarded_text("b\xff"), guarded_text("h\xff"),
                              &enriched));
    assert_string_equal(text_of(&enriched), "@h" BAD "|b" BAD ",t:" BAD);
    close_enricher(&fixture);
}

/* n times the byte, in one of a few static buffers. */
static struct slice run_of(char byte, size_t n)
{
    static char text[2][1 << 17];
    static unsigned next;
    char *at = text[next++ % 2];

    memset(at, byte, n);
    return (struct slice){ at, n };
}

static void names_that_the_intake_refuses_are_shed(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "statsd_metric_namespace=1", "histogram_copy_to_distribution_prefix=2.");
    assert_string_equal(gauge(&fixture, "123_", ""), "refused_name");
    assert_string_equal(gauge(&fixture, "\xc3\xa9", ""), "refused_name");
    assert_string_equal(gauge(&fixture, "12Z", ""), "1.12Z@here");
    assert_true(gauge(&fixture, "a", "")[0] == '1');

    struct slice most = run_of('a', ENRICH_NAME_MAX - 2); /* "1." goes before it */
    assert_string_not_equal(metric(&fixture, most, SLICE(""), CELL_GAUGE), "refused_name");
    assert_string_equal(metric(&fixture, most, SLICE(""), CELL_DISTRIBUTION_COPY),
                        "refused_name"); /* "2." does not fit any more */
    most.len++;
    assert_string_equal(metric(&fixture, most, SLICE(""), CELL_GAUGE), "refused_name");
    most.len = 65000;
    assert_string_equal(metric(&fixture, most, SLICE(""), CELL_GAUGE), "refused_name");
    close_enricher(&fixture);
}

static void tags_and_hosts_that_the_intake_refuses_are_shed(void **state)
{
    char tags[4096] = "", host[512];
    struct fixture fixture;
    size_t n = 0;
    (void)state;

    OPEN(&fixture, "tags=z");
    for (int i = 0; i < ENRICH_TAGS_MAX; i++)
        n += (size_t)sprintf(tags + n, "%s%d", i == 0 ? "" : ",", i);
    assert_string_equal(gauge(&fixture, "n", tags), "refused_tags"); /* with z, one too many */
    strcpy(strrchr(tags, ','), ",0,0,0,0");                          /* the same ones again */
    assert_string_not_equal(gauge(&fixture, "n", tags), "refused_tags");

    assert_string_equal(
        metric(&fixture, SLICE("n"), run_of('a', ENRICH_TAG_BYTES_MAX), CELL_GAUGE),
        "refused_tags");
    assert_string_not_equal(metric(&fixture, SLICE("n"), run_of('a', 60000), CELL_GAUGE),
                            "refused_tags");

    snprintf(host, sizeof host, "host:%0*d", ENRICH_HOST_MAX, 0);
    assert_string_not_equal(gauge(&fixture, "n", host), "refused_host");
    snprintf(host, sizeof host, "host:%0*d", ENRICH_HOST_MAX + 1, 0);
    assert_string_equal(gauge(&fixture, "n", host), "refused_host");
    close_enricher(&fixture);
}

static void a_datagram_full_of_commas_is_one_empty_tag(void **state)
{
    struct fixture fixture;
    (void)state;

    OPEN(&fixture, "env=");
    for (int i = 0; i < 3; i++)
        assert_string_equal(metric(&fixture, SLICE("n"), run_of(',', 65535), CELL_GAUGE),
                            "n@here|");
    close_enricher(&fixture);
}

static void resources_are_taken_out_of_the_tags(void **state)
{
    static const struct slice tags[] = {
        { "a", 1 },
        { "dd.internal.resource:", 21 },
        { "dd.internal.resource::x", 23 },
        { "dd.internal.resource:db", 23 },
        { "dd.internal.resource:db:", 24 },
        { "dd.internal.resource:db:x:y", 27 },
        { "device:", 7 },
        { "device:eth0", 11 },
        { "device:eth1", 11 },
        { "devices:1", 9 },
    };
    enum { N = sizeof tags / sizeof tags[0] };
    struct slice plain[N];
    struct resource resources[N];
    size_t n_plain = 0;
    (void)state;

    assert_int_equal(enrich_resources(tags, N, plain, &n_plain, resources), 2);
    assert_int_equal(n_plain, 2);
    assert_true(slice_equal(plain[0], SLICE("a")) && slice_equal(plain[1], SLICE("devices:1")));
    assert_true(slice_equal(resources[0].type, SLICE("device")));
    assert_true(slice_equal(resources[0].name, SLICE("eth1"))); /* the last one */
    assert_true(slice_equal(resources[1].type, SLICE("db")));
    assert_true(slice_equal(resources[1].name, SLICE("x:y")));
    assert_int_equal(enrich_resources(tags, 0, plain, &n_plain, resources), 0);
    assert_int_equal(n_plain, 0);
}

static void wrong_settings_are_refused_with_a_sentence(void **state)
{
    static char *const sets[] = {
        "dogstatsd_mapper_profiles=[{}]",
        "metric_tag_filterlist=[{}]",
    };
    (void)state;

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct settings settings;
        char problem[256] = "";

        assert_true(WITH_SETTINGS(&settings, sets[i], "metric_tag_filterlist_adp_only=false"));
        assert_null(enrich_new(&settings, "here", problem, sizeof problem));
        assert_memory_equal(problem, sets[i], strcspn(sets[i], "="));
        settings_free(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_become_a_sorted_set),
        cmocka_unit_test(the_sender_is_read_from_internal_tags),
        cmocka_unit_test(extra_tags_are_added_last_and_never_read),
        cmocka_unit_test(a_mapping_comes_before_everything_else),
        cmocka_unit_test(copies_have_their_prefix_and_are_filtered_as_the_histogram),
        cmocka_unit_test(tag_filters_strip_counters_and_distributions_of_all_but_host_tags),
        cmocka_unit_test(records_have_no_name_and_their_host_field_goes_first),
        cmocka_unit_test(what_is_no_utf8_is_repaired),
        cmocka_unit_test(names_that_the_intake_refuses_are_shed),
        cmocka_unit_test(tags_and_hosts_that_the_intake_refuses_are_shed),
        cmocka_unit_test(a_datagram_full_of_commas_is_one_empty_tag),
        cmocka_unit_test(resources_are_taken_out_of_the_tags),
        cmocka_unit_test(wrong_settings_are_refused_with_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
