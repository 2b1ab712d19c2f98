#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/scan.h"
#include "server/receive/code_paths.h"
#include "server/receive/fingerprint.h"

static size_t best_of(const struct cpu_step *step)
{
    size_t best = 0;

    while (!cpu_has(step->paths[best].needs))
        best++;
    return best;
}

static void expect_chosen(const char *words, size_t scan, size_t hash)
{
    char problem[512];

    assert_true(code_paths_choose(words, problem, sizeof problem));
    assert_int_equal(scan_step.used, scan);
    assert_int_equal(hash_step.used, hash);
}

static void the_best_is_taken_where_nothing_is_said(void **state)
{
    (void)state;
    expect_chosen(NULL, best_of(&scan_step), best_of(&hash_step));
    expect_chosen("", best_of(&scan_step), best_of(&hash_step));
}

static void any_path_can_run_that_the_processor_has(void **state)
{
    char words[64];
    (void)state;

    for (size_t scan = 0; scan < scan_step.n; scan++)
        for (size_t hash = 0; hash < hash_step.n; hash++) {
            if (!cpu_has(scan_step.paths[scan].needs | hash_step.paths[hash].needs))
                continue;
            expect_chosen(scan_step.paths[scan].word, scan, best_of(&hash_step));
            expect_chosen(hash_step.paths[hash].word, best_of(&scan_step), hash);
            snprintf(words, sizeof words, "%s,%s", scan_step.paths[scan].word,
                     hash_step.paths[hash].word);
            expect_chosen(words, scan, hash);
        }
}

static void the_last_path_of_a_step_needs_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < CODE_STEPS; i++)
        assert_int_equal(code_steps[i]->paths[code_steps[i]->n - 1].needs, CPU_ANY);
    assert_string_equal(scan_step.paths[scan_step.n - 1].word, "plain");
    assert_string_equal(hash_step.paths[hash_step.n - 1].word, "xxh3");
}

static void other_words_are_refused_with_a_sentence(void **state)
{
    static const char *const wrong[] = {
        "avx9",       ",",           "plain,",
        ",xxh3",      "plain,plain", "plain,xxh3,xxh3",
        "plain xxh3", "PLAIN",       "plai",
        "plainly",    "xxh3,xxh3",   /* and what no processor has: */ "neon,avx2",
    };
    char problem[512];
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (code_paths_choose(wrong[i], problem, sizeof problem))
            fail_msg("\"%s\" is taken", wrong[i]);
        assert_non_null(strstr(problem, wrong[i]));
        assert_non_null(strstr(problem, "plain and the hash "));
        assert_int_equal(scan_step.used, best_of(&scan_step));
        assert_int_equal(hash_step.used, best_of(&hash_step));
    }
}

static void a_path_that_the_processor_lacks_is_refused(void **state)
{
    char problem[512];
    (void)state;

    for (int i = 0; i < CODE_STEPS; i++)
        for (size_t path = 0; path < code_steps[i]->n; path++)
            assert_int_equal(
                code_paths_choose(code_steps[i]->paths[path].word, problem, sizeof problem),
                cpu_has(code_steps[i]->paths[path].needs));
    assert_false(cpu_has(CPU_SSE2 | CPU_NEON));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_taken_where_nothing_is_said),
        cmocka_unit_test(any_path_can_run_that_the_processor_has),
        cmocka_unit_test(the_last_path_of_a_step_needs_nothing),
        cmocka_unit_test(other_words_are_refused_with_a_sentence),
        cmocka_unit_test(a_path_that_the_processor_lacks_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
