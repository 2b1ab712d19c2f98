#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/mapper.h"
#include "tests/support/guard.h"

static struct mapper *mapper_of(const char *profiles, size_t cache_size)
{
    char problem[512] = "";
    json_t *json = json_loads(profiles, 0, NULL);

    assert_non_null(json);
    struct mapper *mapper = mapper_new(json, cache_size, problem, sizeof problem);

    json_decref(json);
    if (mapper == NULL)
        fail_msg("%s: %s", profiles, problem);
    return mapper;
}

/* A mapper of one profile with one mapping. */
static struct mapper *mapper_of_rule(const char *type, const char *match, const char *name,
                                     const char *tag_value)
{
    json_t *json = json_pack("[{s:s, s:s, s:[{s:s, s:s, s:s, s:{s:s}}]}]", "name", "p",
                             "prefix", "*", "mappings", "match", match, "match_type", type,
                             "name", name, "tags", "t", tag_value);
    char *text = json_dumps(json, 0);
    struct mapper *mapper = mapper_of(text, 0);

    free(text);
    json_decref(json);
    return mapper;
}

/* "name,tag,tag", or "-" when nothing matches; static. */
static const char *mapped(struct mapper *mapper, struct slice name)
{
    static char text[2 * MAPPER_TAGS_MAX];
    struct mapping mapping;

    if (!mapper_map(mapper, name, &mapping))
        return "-";
    int n = snprintf(text, sizeof text, "%.*s", (int)mapping.name.len, mapping.name.at);

    for (size_t i = 0; i < mapping.n_tags; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, ",%.*s", (int)mapping.tags[i].len,
                      mapping.tags[i].at);
    return text;
}

static void wildcards_and_regexes_find_their_groups(void **state)
{
    static const struct {
        const char *type, *match, *name, *outcome;
    } cases[] = {
        { "wildcard", "a.*.c", "a.b.c", "n,t:b" },
        { "wildcard", "a.*.c", "a..c", "n,t:" }, /* a star may be empty */
        { "wildcard", "a.*.c", "a.b.b.c", "-" }, /* and holds no dot */
        { "wildcard", "a.*", "xa.b", "-" },      /* the whole name */
        { "wildcard", "a.*", "a.b.", "-" },
        { "wildcard", "a.*", "a", "-" },
        { "wildcard", "a.*_x", "a.b_x_x", "n,t:b_x" }, /* as long as it can be */
        { "wildcard", "*-*", "a-b-c", "n,t:a-b" },
        { "wildcard", "*-x-*", "-x-x-", "n,t:-x" }, /* the last place that fits */
        { "wildcard", "ab*b", "ab", "-" },          /* no byte counts twice */
        { "wildcard", "*", "", "n,t:" },
        { "wildcard", "*", "\xff\xfe", "n,t:\xff\xfe" },
        { "wildcard", "a.b", "a.b", "n,t:" },
        { "wildcard", "a.b", "axb", "-" }, /* a dot is a dot */
        { "regex", "a\\.(.*)", "a.b.c", "n,t:b.c" },
        { "regex", "a", "ab", "-" },        /* anchored */
        { "regex", "a|(b)", "ax", "n,t:" }, /* but each branch on one side only */
        { "regex", "a|(b)", "xb", "n,t:b" },
        { "regex", "a|(b)", "xa", "-" },
        { "regex", "(a|ab)(c|bcd)(d*)", "abcd", "n,t:a" }, /* leftmost first */
        { "regex", "(?:x)?(?P<k>a+)", "aa", "n,t:aa" },
        { "regex", "(?i)A(.)", "ab", "n,t:b" },
        { "regex", "[[:alpha:](?=]+(.)", "ab(", "n,t:(" }, /* nothing foreign in a class */
        { "regex", "\\Q(?=\\E(.)", "(?=x", "n,t:x" },      /* nor in a quotation */
        { "regex", "a*?(b*)", "aab", "n,t:b" },
        { "regex", "\\(?=(.)", "(=x", "n,t:x" }, /* an escaped bracket opens nothing */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapper *mapper = mapper_of_rule(cases[i].type, cases[i].match, "n", "$1");
        const char *outcome = mapped(mapper, guarded_text(cases[i].name));

        if (strcmp(outcome, cases[i].outcome) != 0)
            fail_msg("\"%s\" on \"%s\": %s", cases[i].match, cases[i].name, outcome);
        mapper_free(mapper);
    }
}

static void templates_expand_as_go_does(void **state)
{
    static const struct {
        const char *template, *value;
    } cases[] = {
        { "$1.$2", "one.two" },
        { "${1}x", "onex" },
        { "$1x", "" }, /* the group named 1x */
        { "$0", "one-two" },
        { "$3", "" },
        { "$01", "" }, /* not a number to Go */
        { "$99999999999999999999", "" },
        { "$second", "two" },
        { "${second}2", "two2" },
        { "$$1", "$1" },
        { "$", "$" },
        { "a$-$1", "a$-one" },
        { "${1", "${1" }, /* no brace that ends it: the dollar is itself */
        { "${}$1", "${}one" },
        { "", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapper *mapper =
            mapper_of_rule("regex", "(.*)-(?P<second>.*)", "n.$1", cases[i].template);
        char expected[64];

        snprintf(expected, sizeof expected, "n.one,t:%s", cases[i].value);
        const char *outcome = mapped(mapper, guarded_text("one-two"));
        if (strcmp(outcome, expected) != 0)
            fail_msg("\"%s\": %s", cases[i].template, outcome);
        mapper_free(mapper);
    }
}

static void only_the_first_profile_that_fits_is_tried(void **state)
{
    static const char profiles[] =
        "[{\"name\":\"one\",\"prefix\":\"a.\",\"mappings\":["
        "  {\"match\":\"a.x.*\",\"name\":\"first\",\"tags\":{\"k\":\"$1\",\"l\":\"2\"}},"
        "  {\"match\":\"a.*.*\",\"name\":\"second\"}]},"
        " {\"name\":\"none\",\"prefix\":\"b.\"},"
        " {\"name\":\"all\",\"prefix\":\"*\",\"mappings\":["
        "  {\"match\":\"*.*\",\"name\":\"any.$2\",\"tags\":null}]}]";
    static const struct {
        const char *name, *outcome;
    } cases[] = {
        { "a.x.y", "first,k:y,l:2" }, /* mappings in order */
        { "a.y.z", "second" },
        { "a.y", "-" }, /* the profile fits, so the last one is not asked */
        { "b.y", "-" },
        { "c.y", "any.y" },
    };
    (void)state;

    for (size_t cache = 0; cache < 4; cache++) {
        struct mapper *mapper = mapper_of(profiles, cache);

        for (int again = 0; again < 3; again++)
            for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                assert_string_equal(mapped(mapper, guarded_text(cases[i].name)),
                                    cases[i].outcome);
        mapper_free(mapper);
    }
}

static void a_comma_in_a_name_stays_in_its_tag(void **state)
{
    struct mapper *mapper = mapper_of_rule("wildcard", "a.*", "n", "$1");
    struct mapping mapping;
    (void)state;

    assert_true(mapper_map(mapper, guarded_text("a.b,host:c"), &mapping));
    assert_int_equal(mapping.n_tags, 1);
    assert_true(slice_equal(mapping.tags[0], SLICE("t:b,host:c")));
    mapper_free(mapper);
}

/* The next bytes of a sequence that is the same in every run, out of choice. */
static void fill(char *text, size_t n, const char *choice)
{
    static uint32_t random = 1;

    for (size_t i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = choice[(random >> 16) % strlen(choice)];
        if (i > 0 && text[i] == '*' && text[i - 1] == '*')
            text[i] = 'a';
    }
    text[n] = '\0';
}

/* Our wildcards against the regex that the Agent makes of them. */
static void wildcards_are_what_their_regex_would_be(void **state)
{
    struct mapper *ours = NULL, *theirs = NULL;
    (void)state;

    for (size_t round = 0; round < 24000; round++) {
        char pattern[9], regex[80] = "", name[9], expected[80];

        if (round % 60 == 0) {
            mapper_free(ours);
            mapper_free(theirs);
            fill(pattern, 1 + round / 60 % 8, "ab.*");
            for (const char *at = pattern; *at != '\0'; at++) {
                const char one[2] = { *at, '\0' };

                strcat(regex, *at == '*' ? "([^.]*)" : *at == '.' ? "\\." : one);
            }
            ours = mapper_of_rule("wildcard", pattern, "n", "$1|$2|$3|$4");
            theirs = mapper_of_rule("regex", regex, "n", "$1|$2|$3|$4");
        }
        fill(name, round % 8, "ab.");
        snprintf(expected, sizeof expected, "%s", mapped(theirs, guarded_text(name)));
        assert_string_equal(mapped(ours, guarded_text(name)), expected);
    }
    mapper_free(ours);
    mapper_free(theirs);
}

static void a_pattern_that_runs_away_is_stopped_and_counted(void **state)
{
    static const struct {
        const char *match;
        size_t length; /* of the name */
    } cases[] = {
        { "(a+)+$", 100 },
        { "(a|aa)+$", 2000 },
        { "x|(.*)(.*)(.*)!", 300 }, /* few steps, but from each byte on */
        { "b", 60000 },             /* a name that is not even looked at */
    };
    static char name[65000];
    (void)state;

    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapper *mapper = mapper_of_rule("regex", cases[i].match, "n", "$1");

        name[cases[i].length - 1] = '?';
        assert_string_equal(mapped(mapper, (struct slice){ name, cases[i].length }), "-");
        if (mapper_limited(mapper) != 1)
            fail_msg("\"%s\" was not stopped", cases[i].match);
        mapper_free(mapper);
        name[cases[i].length - 1] = 'a';
    }
}

static void a_kept_outcome_is_not_looked_for_again(void **state)
{
    static const char profiles[] =
        "[{\"name\":\"p\",\"prefix\":\"*\",\"mappings\":[{\"match\":\"(a+)+$\","
        "\"match_type\":\"regex\",\"name\":\"n\"}]}]";
    struct slice name = SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    struct mapper *keeping = mapper_of(profiles, 10), *forgetting = mapper_of(profiles, 0);
    (void)state;

    for (int i = 0; i < 3; i++) {
        mapped(keeping, name);
        mapped(forgetting, name);
    }
    assert_int_equal(mapper_limited(keeping), 1);
    assert_int_equal(mapper_limited(forgetting), 3);
    mapper_free(keeping);
    mapper_free(forgetting);
}

static void long_results_are_cut_beyond_what_the_intake_takes(void **state)
{
    static char name[65000];
    struct mapper *mapper = mapper_of_rule("wildcard", "*", "$1$1", "$1$1$1$1");
    struct mapping mapping;
    (void)state;

    memset(name, 'a', sizeof name);
    assert_true(mapper_map(mapper, (struct slice){ name, sizeof name }, &mapping));
    assert_int_equal(mapping.name.len, MAPPER_NAME_MAX);
    assert_int_equal(mapping.tags[0].len, MAPPER_TAGS_MAX);
    mapper_free(mapper);
}

#define PROFILE(mapping) "[{\"name\":\"p\",\"prefix\":\"a.\",\"mappings\":[" mapping "]}]"
#define REGEX(match) \
    PROFILE("{\"match_type\":\"regex\",\"name\":\"n\",\"match\":\"" match "\"}")

static void wrong_profiles_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *profiles, *part;
    } cases[] = {
        { "{}", "dogstatsd_mapper_profiles: not a list" },
        { "[1]", "profile 1 has no name" },
        { "[{\"name\":\"p\",\"prefix\":\"a\"},{\"prefix\":\"a\"}]", "profile 2 has no name" },
        { "[{\"name\":\"p\"}]", "profile \"p\": the prefix is missing" },
        { "[{\"name\":\"p\",\"prefix\":\"a\",\"mappings\":{}}]", "mappings is not a list" },
        { PROFILE("1"), "profile \"p\", mapping 1: the mapping is not a map" },
        { PROFILE("{\"match\":\"a\",\"name\":\"n\"},{\"match\":\"a\"}"),
          "mapping 2: the name is missing" },
        { PROFILE("{\"name\":\"n\"}"), "the match is missing" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a\",\"match_type\":\"glob\"}"), "\"glob\"" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a\",\"match_type\":1}"), "match_type" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a\",\"tags\":[]}"), "tags is not a map" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a\",\"tags\":{\"k\":1}}"), "\"k\"" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a b\"}"), "\"a b\" may hold only" },
        { PROFILE("{\"name\":\"n\",\"match\":\"a.**\"}"), "two stars" },
        { REGEX("(a"), "not valid" },
        { REGEX("\\\\x{100}"), "not valid" },
        { REGEX("(a)\\\\1"), "not RE2 syntax at \"\\1\"" },
        { REGEX("(?=a)"), "not RE2 syntax at \"(?=a)\"" },
        { REGEX("x(?!a)"), "not RE2" },
        { REGEX("x(?<=a)"), "not RE2" },
        { REGEX("x(?<!a)"), "not RE2" },
        { REGEX("(?>a)"), "not RE2" },
        { REGEX("(?|a)"), "not RE2" },
        { REGEX("(?R)"), "not RE2" },
        { REGEX("(?1)(a)"), "not RE2" },
        { REGEX("(?P=k)"), "not RE2" },
        { REGEX("(?P>k)"), "not RE2" },
        { REGEX("(*COMMIT)a"), "not RE2" },
        { REGEX("a++"), "not RE2" },
        { REGEX("a\\\\K"), "not RE2" },
        { REGEX("\\\\"), "not RE2" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char problem[512] = "";
        json_t *json = json_loads(cases[i].profiles, 0, NULL);
        struct mapper *mapper = mapper_new(json, 10, problem, sizeof problem);

        json_decref(json);
        if (mapper != NULL || strstr(problem, cases[i].part) == NULL)
            fail_msg("%s: \"%s\"", cases[i].profiles, problem);
    }
}

static void who_explains_is_told_which_mapping_it_was(void **state)
{
    struct mapper *mapper = mapper_of(
        "[{\"name\": \"jobs\", \"prefix\": \"job.\", \"mappings\": ["
        "{\"match\": \"job.x\", \"name\": \"x\"},"
        "{\"match\": \"job\\\\.([a-z]+)\", \"match_type\": \"regex\", \"name\": \"j\"}]}]",
        10);
    struct mapper_rule rule;
    (void)state;

    assert_string_equal(mapped(mapper, SLICE("job.abc")), "j"); /* and is kept */
    assert_true(mapper_find(mapper, SLICE("job.abc"), &rule));
    assert_true(slice_equal(rule.profile, SLICE("jobs")));
    assert_true(slice_equal(rule.match, SLICE("job\\.([a-z]+)")));
    assert_int_equal(rule.number, 2);
    assert_true(rule.is_regex);
    assert_true(mapper_find(mapper, SLICE("job.x"), &rule));
    assert_int_equal(rule.number, 1);
    assert_false(rule.is_regex);
    assert_false(mapper_find(mapper, SLICE("job.1"), &rule));
    assert_false(mapper_find(mapper, SLICE("other"), &rule));
    mapper_free(mapper);
}

static void without_profiles_nothing_is_mapped(void **state)
{
    char problem[64];
    struct mapper *mapper = mapper_new(NULL, 10, problem, sizeof problem);
    (void)state;

    assert_non_null(mapper);
    assert_string_equal(mapped(mapper, SLICE("a")), "-");
    mapper_free(mapper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wildcards_and_regexes_find_their_groups),
        cmocka_unit_test(templates_expand_as_go_does),
        cmocka_unit_test(only_the_first_profile_that_fits_is_tried),
        cmocka_unit_test(a_comma_in_a_name_stays_in_its_tag),
        cmocka_unit_test(wildcards_are_what_their_regex_would_be),
        cmocka_unit_test(a_pattern_that_runs_away_is_stopped_and_counted),
        cmocka_unit_test(a_kept_outcome_is_not_looked_for_again),
        cmocka_unit_test(long_results_are_cut_beyond_what_the_intake_takes),
        cmocka_unit_test(wrong_profiles_are_refused_with_a_sentence),
        cmocka_unit_test(who_explains_is_told_which_mapping_it_was),
        cmocka_unit_test(without_profiles_nothing_is_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
