#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/commands/lint.h"
#include "server/commands/lint_seen.h"
#include "tests/support/guard.h"
#include "tests/support/with_settings.h"

/* ---- what is told ------------------------------------------------------ */

struct told {
    char text[4096]; /* "word@byte word@byte ..."; an end has no byte */
    char what[512];  /* of the last one */
    size_t n;
};

static void note(void *argument, const struct lint_finding *finding)
{
    struct told *told = argument;
    size_t len = strlen(told->text);

    assert_true(finding->at <= finding->line.len);
    assert_true(finding->number > 0);
    snprintf(told->text + len, sizeof told->text - len, "%s%s", len > 0 ? " " : "",
             lint_word(finding->id));
    len = strlen(told->text);
    if (finding->line.len > 0)
        snprintf(told->text + len, sizeof told->text - len, "@%zu", finding->at);
    snprintf(told->what, sizeof told->what, "%.*s", (int)finding->what.len, finding->what.at);
    told->n++;
}

static struct settings settings;

static int load(void **state)
{
    (void)state;
    return WITH_SETTINGS(&settings, "dogstatsd_buffer_size=200", "metric_filterlist=noisy")
               ? 0
               : -1;
}

static int unload(void **state)
{
    (void)state;
    settings_free(&settings);
    return 0;
}

static struct lint *lint_of(struct told *told, bool all)
{
    struct lint_config config = {
        .settings = &settings, .all = all, .tell = note, .argument = told
    };
    char problem[512];
    struct lint *lint = lint_new(&config, problem, sizeof problem);

    *told = (struct told){ .n = 0 };
    if (lint == NULL)
        fail_msg("%s", problem);
    return lint;
}

/* Lines of text, each behind a guard page; what is told at the end, too. */
static void take_all(struct lint *lint, const char *text)
{
    struct slice rest = slice_of(text);

    for (uint64_t number = 1; rest.len > 0; number++) {
        struct slice line = slice_cut(&rest, '\n');

        lint_take(lint, guarded(line.at, line.len), (struct lint_place){ number, 0 });
    }
    lint_end(lint);
}

/* ---- cases ------------------------------------------------------------- */

static const struct {
    const char *lines, *want;
} cases[] = {
    { "hits:1|c|#env:dev", "" },
    { "hits:1|c|@0.5|#env:dev,region:eu-west-1|c:abc|e:x|card:low|T1700000000",
      "rate-ignored@10" }, /* a counter with a timestamp */
    { "_e{5,4}:title|text|d:1|h:a|k:b|p:low|s:c|t:info|#a:b", "" },
    { "_sc|db|0|d:1|h:a|#a:b|m:fine", "" },

    { "hits", "refused@4" },
    { "hits:one|c", "refused@5" },
    { "hits:1|x|#env:dev", "refused@7" },
    { "_sc|db|9", "refused@7" },
    { "_e{5}:title", "refused@3" },

    { "noisy:1|c", "unsent@0" }, /* the filter list names it */
    { "hits:1|h|T1700000000", "unsent@10" },
    { "hits:1:nan|c", "unsent@5" },
    { "hits:1|g|T1700000000", "" },

    { "t:1|g|@0.5", "rate-ignored@7" },
    { "t:a|s|@0.5", "rate-ignored@7" },
    { "t:1|g|@1", "rate-ignored@7" }, /* it has no effect either */
    { "t:1|c|@2", "rate-range@7" },
    { "t:1|c|@0", "rate-range@7" },
    { "t:1|c|@nan", "rate-range@7" },
    { "t:1|c|zz:1|y", "unknown-field@6 unknown-field@11" },
    { "t:1|c||#a:b", "" }, /* an empty field is none */
    { "_e{1,1}:a|b|z:1", "unknown-field@12" },

    { "t:1|c|#\"a\":b", "quote@7" },
    { "t:1|c|#a:it's", "quote@11" },
    { "t:1|c|#a:\xe2\x80\x9c"
      "b",
      "quote@9" },
    { "t:1|c|#a :b", "space@8" },
    { "t:1|c|#a: b", "space@9" },
    { "t:1|c|#a:b, c:d", "space@11" },
    { "t:1|c|#a:b ", "space@10" },
    { "t :1|c", "space@1" },
    { "t:1|c|#a:b\xe2\x80\x8b", "invisible@10" }, /* zero width */
    { "t:1|c|#\xef\xbb\xbf"
      "a:b",
      "invisible@7" }, /* a byte order mark */
    { "t:1|c|#a:\xc2\xa0"
      "b",
      "invisible@9" }, /* a space that does not break */
    { "\xe2\x80\x8bt:1|c", "invisible@0" },
    { "t:1|c|#a:\xff", "not-utf8@9" },
    { "t:1|c|#a:\xc3\xa9", "" }, /* a letter of another script */
    { "t:1|c|#a,,b", "empty-tag@9" },
    { "t:1|c|#a,", "empty-tag@9" },
    { "t:1|c|#a:b,c,a:b", "repeated-tag@13" },

    { "my-name:1|c", "name-rewritten@0" },
    { "9lives:1|c", "name-rewritten@0" },
    { "a__b:1|c", "name-rewritten@0" },
    { "%:1|c", "unsent@0" }, /* and not rewritten to nothing, too */
    { "a.b_c.d1:1|c", "" },
    { "t:1|c|#Env:dev", "tag-rewritten@7" },
    { "t:1|c|#a:b c", "tag-rewritten@7" },
    { "t:1|c|#a:b_", "tag-rewritten@7" },
    { "t:1|c|#1a:b", "tag-rewritten@7" },
    { "t:1|c|#host:WEB_1,dd.internal.card:LOW", "" }, /* no tags of the series */

    { "t:1|c\nt:1|g", "mixed-types@4" },
    { "t:1|h\nt:1|ms\nt:1|h", "mixed-types@4" },
    { "t:1|c|#id:123456789", "identifier" },
    { "t:1|c|#host:i-0123456789abcdef0", "" },
    { "t:1|ms|#a:b\nt:2|ms|#a:b", "packable" },
    { "t:1|ms|#a:b\nt:2|ms|#a:c", "" },
    { "t:1|g\nt:2|g", "" }, /* only the last counts */
    { "t:a|s\nt:b|s", "" },
};

static void each_line_gets_its_findings(void **state)
{
    struct told told;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lint *lint = lint_of(&told, false);

        take_all(lint, cases[i].lines);
        if (strcmp(told.text, cases[i].want) != 0)
            fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].lines, told.text, cases[i].want);
        lint_free(lint);
    }
}

static void each_row_has_a_case(void **state)
{
    (void)state;

    for (int id = 0; id < LINT_COUNT; id++) {
        enum lint_id found;
        bool there = id == LINT_TOO_LONG; /* below */

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            there = there || strstr(cases[i].want, lint_word((enum lint_id)id)) != NULL;
        if (!there)
            fail_msg("no case of %s", lint_word((enum lint_id)id));
        assert_true(lint_find(lint_word((enum lint_id)id), &found));
        assert_int_equal(found, id);
    }
}

static void a_line_longer_than_the_buffer_is_cut_there(void **state)
{
    struct told told;
    struct lint *lint = lint_of(&told, false);
    char line[250];
    (void)state;

    memset(line, '1', sizeof line - 1);
    memcpy(line, "t:", 2);
    line[sizeof line - 1] = '\0';
    take_all(lint, line);
    assert_string_equal(told.text, "too-long@200 refused@200");
    lint_free(lint);
}

static void what_is_found_of_a_name_again_is_counted(void **state)
{
    static const char lines[] = "t:1|g|@0.5\nt:2|g|@0.5\nu:1|g|@0.5\nbad\nbad";
    struct told told;
    struct lint_sums sums;
    (void)state;

    for (int all = 0; all <= 1; all++) {
        struct lint *lint = lint_of(&told, all);

        take_all(lint, lines);
        assert_int_equal(told.n, all ? 5 : 4);
        lint_sum(lint, &sums);
        assert_int_equal(sums.lines, 5);
        assert_int_equal(sums.findings, 5);
        assert_int_equal(sums.found[LINT_RATE_IGNORED], 3);
        assert_int_equal(sums.found[LINT_REFUSED], 2);
        assert_false(sums.full);
        lint_free(lint);
    }
}

static void what_is_allowed_is_not_counted(void **state)
{
    struct told told = { .n = 0 };
    struct lint_config config = { .settings = &settings, .tell = note, .argument = &told };
    struct lint_sums sums;
    char problem[512];
    (void)state;

    config.allowed[LINT_QUOTE] = config.allowed[LINT_PACKABLE] = true;
    struct lint *lint = lint_new(&config, problem, sizeof problem);

    take_all(lint, "t:1|c|#a:\"\nt:2|c|#a:\"\nt:1|c|@9");
    assert_string_equal(told.text, "rate-range@7");
    lint_sum(lint, &sums);
    assert_int_equal(sums.findings, 1);
    lint_free(lint);
}

static void an_identifier_says_how_many_series_it_makes(void **state)
{
    struct told told;
    struct lint *lint = lint_of(&told, false);
    char line[128];
    (void)state;

    for (int i = 0; i < 3000; i++) { /* each user twice, in two environments */
        int len = snprintf(line, sizeof line, "shop.hits:1|c|#user:%d,env:%s", 1000000 + i / 2,
                           i % 2 ? "a" : "b");
        lint_take(lint, (struct slice){ line, (size_t)len },
                  (struct lint_place){ (uint64_t)i + 1, 0 });
    }
    lint_end(lint);
    assert_string_equal(told.text, "identifier");
    assert_non_null(strstr(told.what, "user of shop.hits: values look like numbers"));
    assert_non_null(strstr(told.what, "1500 of them"));
    lint_free(lint);
}

static void packing_says_how_many_bytes_it_saves(void **state)
{
    struct told told;
    struct lint *lint = lint_of(&told, false);
    (void)state;

    /* "lat:1:22|ms|#a:b" takes the place of both: 16 bytes for 13 + 1 + 14. */
    take_all(lint, "lat:1|ms|#a:b\nlat:22|ms|#a:b");
    assert_string_equal(told.what,
                        "lat: 1 lines could be values of the one before, 12 bytes less");
    lint_free(lint);
}

/* Those of one process alone: each has its own buffer. */
static void two_processes_pack_nothing_together(void **state)
{
    static const struct {
        int32_t senders[4];
        const char *want;
    } rows[] = {
        { { 7, 8, 7, 8 }, "" },
        { { 7, 7, 8, 8 }, "packable" },
        { { 0, 0, 0, 0 }, "packable" }, /* of a text, or not known */
    };
    struct told told;
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lint *lint = lint_of(&told, false);

        for (uint64_t line = 0; line < 4; line++)
            lint_take(lint, SLICE("hits:1|c"),
                      (struct lint_place){ line + 1, rows[i].senders[line] });
        lint_end(lint);
        assert_string_equal(told.text, rows[i].want);
        lint_free(lint);
    }
}

/* More names, keys and values than there is room for: lines are looked at all the same. */
static void memory_has_a_bound(void **state)
{
    struct told told;
    struct lint *lint = lint_of(&told, false);
    struct lint_sums sums;
    char line[128];
    (void)state;

    for (int i = 0; i < LINT_NAMES_MAX + 100; i++) {
        int len = snprintf(line, sizeof line, "n%d:1|c|#k%d:%d", i, i, 1000000 + i);
        lint_take(lint, (struct slice){ line, (size_t)len },
                  (struct lint_place){ (uint64_t)i + 1, 0 });
    }
    lint_sum(lint, &sums);
    assert_true(sums.full);
    assert_int_equal(sums.findings, 0);
    lint_take(lint, SLICE("n9999999:1|x"), (struct lint_place){ 1, 0 });
    assert_string_equal(told.text, "refused@11");
    lint_free(lint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_gets_its_findings),
        cmocka_unit_test(each_row_has_a_case),
        cmocka_unit_test(a_line_longer_than_the_buffer_is_cut_there),
        cmocka_unit_test(what_is_found_of_a_name_again_is_counted),
        cmocka_unit_test(what_is_allowed_is_not_counted),
        cmocka_unit_test(an_identifier_says_how_many_series_it_makes),
        cmocka_unit_test(packing_says_how_many_bytes_it_saves),
        cmocka_unit_test(two_processes_pack_nothing_together),
        cmocka_unit_test(memory_has_a_bound),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
