/* tests/support/assert_json.h: what came as JSON against what was expected, written as text.
 *
 * Each fails the test, and shows what came. */
#ifndef TESTS_SUPPORT_ASSERT_JSON_H
#define TESTS_SUPPORT_ASSERT_JSON_H

#include <jansson.h>

void assert_json(const json_t *json, const char *expected);

/* The same, of an answer that nobody else looks at. */
void assert_answer(json_t *given, const char *expected);

/* It has these members, among others. */
void assert_members(const json_t *json, const char *expected);

#endif
