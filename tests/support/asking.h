/* tests/support/asking.h: a running server's API, asked as its clients do; a wrong answer fails
 * the test with what came. */
#ifndef TESTS_SUPPORT_ASKING_H
#define TESTS_SUPPORT_ASKING_H

#include <jansson.h>

#include "tests/support/running.h"

/* The answer as JSON, owned; NULL: it is empty. Whoever is told that the disk is still being
 * read asks again. */
json_t *asking_json(struct running *running, const char *method, const char *path,
                    const char *json, int status);

/* The answer is an error with that sentence; one that ends in a space: which begins so. */
void asking_error(struct running *running, const char *method, const char *path,
                  const char *json, int status, const char *sentence);

/* A member that is text, or "(none)"; and one that is a whole number, or -1. */
const char *asking_text(const json_t *object, const char *name);
json_int_t asking_number(const json_t *object, const char *name);

#endif
