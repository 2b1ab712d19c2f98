#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/commands/lint_line.h"
#include "server/commands/lint_source.h"

/* "1:line 2:line", of so many bytes. */
static char *read_all(const char *bytes, size_t n)
{
    struct lint_source *source = lint_source_new(fmemopen((void *)(uintptr_t)bytes, n, "r"));
    struct slice line;
    uint64_t number;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(source);
    while (lint_source_next(source, &line, &number))
        fprintf(out, "%s%d:%.*s", number > 1 ? " " : "", (int)number, (int)line.len, line.at);
    assert_null(lint_source_problem(source));
    lint_source_free(source);
    fclose(out);
    return text;
}

static void lines_end_in_newlines_or_with_the_file(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "a\n", "1:a" },
        { "a", "1:a" },
        { "a\r\nb\r\n", "1:a 2:b" },
        { "a\n\nb", "1:a 2: 3:b" }, /* an empty one has its number */
        { "\n", "1:" },
        { "a\rb\n", "1:a\rb" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = read_all(cases[i].text, strlen(cases[i].text));

        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void a_line_without_end_is_cut(void **state)
{
    size_t n = 3 * LINT_LINE_MAX;
    char *bytes = malloc(n);
    (void)state;

    memset(bytes, 'x', n);
    bytes[n - 2] = '\n';
    char *got = read_all(bytes, n);

    assert_int_equal(strlen(got), 2 + LINT_LINE_MAX + 4);
    assert_string_equal(got + 2 + LINT_LINE_MAX, " 2:x");
    free(got);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_newlines_or_with_the_file),
        cmocka_unit_test(a_line_without_end_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
