/* tests/support/text_cases.h: tables of texts, and what a reader of them says. */
#ifndef TESTS_SUPPORT_TEXT_CASES_H
#define TESTS_SUPPORT_TEXT_CASES_H

#include <stddef.h>

struct text_case {
    const char *text, *expected;
};

/* Fails the test at the first text of which something else is said. */
void text_cases_check(const struct text_case *cases, size_t n,
                      const char *(*said)(const char *text));

#define TEXT_CASES_CHECK(cases, said) \
    text_cases_check(cases, sizeof(cases) / sizeof((cases)[0]), said)

#endif
