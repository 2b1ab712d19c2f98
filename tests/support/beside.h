/* tests/support/beside.h: tests that wait more than they do, run beside each other.
 *
 * Each has a process of its own, so the file takes as long as its longest test and not as all
 * of them. They share nothing: what one leaves behind no other sees. */
#ifndef TESTS_SUPPORT_BESIDE_H
#define TESTS_SUPPORT_BESIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* How many failed. In place of cmocka_run_group_tests(), before any thread is started. */
int beside_run(const struct CMUnitTest *tests, size_t n);
#define BESIDE_RUN(tests) beside_run(tests, sizeof(tests) / sizeof(tests)[0])

#endif
