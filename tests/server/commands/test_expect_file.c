#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/expect_file.h"

static bool read_text(struct expect_file *out, const char *text, struct problems *problems)
{
    return expect_file_read(out, "f.yaml", (const unsigned char *)text, strlen(text), problems);
}

static void a_file_says_what_is_expected(void **state)
{
    static const char text[] =
        "# A comment.\n"
        "series:\n"
        "  - name: shop.orders\n"
        "    tags: [env:test, 'a: b']\n"
        "    value: at least 3\n"
        "    type: count\n"
        "  - &again { name: x, tags_exactly: [], p95: 1..2, count: 3 }\n"
        "  - *again\n"
        "  - { name: shop.errors, absent: yes }\n"
        "events: [{ title: T, text: \"a\\nb\", alert: error, count: 2 }]\n"
        "checks: [{ name: c, status: ok, message: m }]\n"
        "only: true\n"
        "ignore: [jvm.*]\n"
        "refused: 0\n";
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file;
    (void)state;

    assert_true(read_text(&file, text, &problems));
    assert_int_equal(file.n, 6);
    assert_int_equal(file.at[0].line, 3);
    assert_int_equal(file.at[0].n_tags, 2);
    assert_true(slice_equal(file.at[0].tags[1], SLICE("a: b")));
    assert_true(slice_equal(file.at[0].fields[FIELD_WORD], SLICE("count")));
    assert_false(file.at[0].exactly);
    assert_true(file.at[1].exactly);
    assert_int_equal(file.at[1].numbers[0].percent, 95);
    assert_true(slice_equal(file.at[2].fields[FIELD_NAME], SLICE("x")));
    assert_true(file.at[3].absent);
    assert_int_equal(file.at[4].kind, EXPECT_EVENT);
    assert_true(slice_equal(file.at[4].fields[FIELD_TEXT], SLICE("a\nb")));
    assert_int_equal(file.at[5].kind, EXPECT_CHECK);
    assert_true(file.only && file.has_refused && file.n_ignore == 1);
    expect_file_free(&file);
    problems_free(&problems);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        { "", "f.yaml:1: here are no lines such as \"series:\"" },
        { "- a\n", "f.yaml:1: here are no lines" },
        { "serie: []\n", "f.yaml:1: \"serie\": known are series, events, checks" },
        { "only: maybe\n", "f.yaml:1: \"only\": it is true or false" },
        { "only:\n", "\"only\": nothing stands behind it" },
        { "only: true\nonly: true\n", "f.yaml:2: \"only\": it stands here twice" },
        { "series: a\n", "\"series\": a list is expected" },
        { "series:\n  - a\n", "f.yaml:2: \"series\": a map is expected" },
        { "series:\n  - value: 3\n", "f.yaml:2: \"name\": it is missing here" },
        { "events:\n  - text: a\n", "\"title\": it is missing here" },
        { "series:\n  - name: a\n    vaule: 3\n", "f.yaml:3: \"vaule\": known are name, type" },
        { "series:\n  - name: a\n    value: some\n", "f.yaml:3: \"some\": it is 3, 3..5" },
        { "series:\n  - name: a\n    value: 5..3\n", "\"5..3\": it is 3" },
        { "series:\n  - name: a\n    value: inf\n", "\"inf\": it is 3" },
        { "series:\n  - name: a\n    value: >= 3\n", "f.yaml:3: not YAML" },
        { "series:\n  - name: a\n    type: counter\n",
          "\"counter\": type is one of count gauge" },
        { "series:\n  - name: a\n    tags: a:b\n", "\"tags\": a list is expected" },
        { "series:\n  - { name: a, tags: [a], tags_exactly: [b] }\n",
          "one of both is too much" },
        { "series:\n  - name: a\n    tags: [a: b]\n", "a tag has no blank behind its colon" },
        { "series:\n  - name: [a]\n", "\"name\": here is a list" },
        { "series:\n  - { name: a, absent: true, value: 3 }\n", "one of both is too much" },
        { "series:\n  - { name: a, type: histogram, value: 3 }\n", "have count, sum, min" },
        { "series:\n  - { name: a, type: gauge, p95: 3 }\n", "a gauge and a set have a value" },
        { "series:\n  - { name: a, p100: 3 }\n", "\"p100\": known are" },
        { "series:\n  - { name: a, p0: 3 }\n", "\"p0\": known are" },
        { "checks:\n  - { name: a, status: fine }\n", "status is one of ok warning" },
        { "checks:\n  - { name: a, sum: 3 }\n", "\"sum\": known are name, status" },
        { "series: [", "f.yaml:2: not YAML" },
        { "series:\n  - name: \"a\\x1b[2J\"\n    x: 1\n", "f.yaml:3: \"x\"" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problems problems = { .n_unlisted = 0 };
        struct expect_file file;

        assert_false(read_text(&file, cases[i].text, &problems));
        if (problems.errors.n == 0 || strstr(problems.errors.at[0], cases[i].sentence) == NULL)
            fail_msg("no \"%s\" in \"%s\"", cases[i].sentence,
                     problems.errors.n > 0 ? problems.errors.at[0] : "");
        expect_file_free(&file);
        problems_free(&problems);
    }
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file;
    (void)state;

    assert_false(read_text(&file,
                           "series:\n  - { name: a, value: x }\n  - { value: 3 }\n"
                           "events:\n  - { title: b, alert: y }\n",
                           &problems));
    assert_int_equal(problems.errors.n, 3);
    expect_file_free(&file);
    problems_free(&problems);
}

static void a_small_file_of_many_aliases_is_bounded(void **state)
{
    struct problems problems = { .n_unlisted = 0 };
    struct expect_file file;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;

    fputs("series:\n- &a { name: x }\n", out);
    for (int i = 0; i < EXPECTATIONS_MAX; i++)
        fputs("- *a\n", out);
    fclose(out);
    assert_false(read_text(&file, text, &problems));
    assert_non_null(strstr(problems.errors.at[0], "10000 expectations at most"));
    expect_file_free(&file);
    problems_free(&problems);
    free(text);
}

static void numbers_are_meant_as_they_are_written(void **state)
{
    static const struct {
        const char *text;
        double yes[2], no[2];
    } cases[] = {
        { "3", { 3, 3 }, { 2.999, 3.001 } },
        { "0.3", { 0.3, 0.1 + 0.2 }, { 0.29, NAN } },
        { "-2..2", { -2, 2 }, { -2.001, 2.001 } },
        { "3 .. 5", { 3, 5 }, { 2, 6 } },
        { "at least 3", { 3, 1e300 }, { 2.9, -INFINITY } },
        { "'>= 3'", { 3, 4 }, { 2.9, INFINITY } },
        { "at most 3", { 3, -5 }, { 3.1, 4 } },
        { "<=3", { 3, -5 }, { 3.1, 4 } },
        { "more than 3", { 3.1, 4 }, { 3, 2 } },
        { "less than 3", { 2.9, -4 }, { 3, 4 } },
        { "1e3", { 1000, 1e3 }, { 999, 1001 } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problems problems = { .n_unlisted = 0 };
        struct expect_file file;
        char text[128];

        snprintf(text, sizeof text, "series: [{ name: a, value: %s }]\n", cases[i].text);
        assert_true(read_text(&file, text, &problems));
        for (int j = 0; j < 2; j++) {
            assert_true(expect_number_fits(&file.at[0].numbers[0], cases[i].yes[j]));
            assert_false(expect_number_fits(&file.at[0].numbers[0], cases[i].no[j]));
        }
        expect_file_free(&file);
        problems_free(&problems);
    }
}

static void a_star_stands_for_any_bytes(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        { "", "", true },
        { "a", "a", true },
        { "a", "A", false },
        { "a", "ab", false },
        { "*", "", true },
        { "*", "abc", true },
        { "a*", "a", true },
        { "a*c", "abbc", true },
        { "a*c", "abcb", false },
        { "*.b.*", "a.b.c", true },
        { "a*b*c", "axbxbxc", true },
        { "a?", "ab", false },
        { "a**b", "ab", true },
        { "*a", "ba", true },
        { "*a", "ab", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (expect_pattern_fits(slice_of(cases[i].pattern), slice_of(cases[i].text)) !=
            cases[i].fits)
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_says_what_is_expected),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(all_that_is_wrong_is_told_at_once),
        cmocka_unit_test(a_small_file_of_many_aliases_is_bounded),
        cmocka_unit_test(numbers_are_meant_as_they_are_written),
        cmocka_unit_test(a_star_stands_for_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
