#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/receive/code_paths.h"
#include "tests/support/vectors.h"

/* Takes the path of that number; false: the step has none, or the processor does not have it.
 */
static bool use(struct cpu_step *step, size_t path)
{
    bool there = path < step->n && cpu_has(step->paths[path].needs);

    if (there)
        step->used = path;
    return there;
}

static void every_vector_is_answered_as_it_says(void **state)
{
    (void)state;
    struct vector_counts counts = vectors_run("tests/data", stdout);

    assert_int_equal(counts.failed, 0);
    assert_int_equal(counts.files, 4);
}

static void every_code_path_answers_alike(void **state)
{
    bool scan, hash;
    (void)state;

    for (size_t path = 0; path < code_steps[0]->n || path < code_steps[1]->n; path++) {
        scan = use(code_steps[0], path);
        hash = use(code_steps[1], path);
        if (scan || hash)
            assert_int_equal(vectors_run("tests/data", stdout).failed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_as_it_says),
        cmocka_unit_test(every_code_path_answers_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
