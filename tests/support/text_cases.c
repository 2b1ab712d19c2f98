#include "tests/support/text_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void text_cases_check(const struct text_case *cases, size_t n,
                      const char *(*said)(const char *text))
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(said(cases[i].text), cases[i].expected) != 0)
            fail_msg("\"%s\": %s", cases[i].text, said(cases[i].text));
}
