/* tests/support/undo.h: what a test began is ended, also when the test fails.
 *
 * cmocka leaves a failed test by longjmp: its stack is gone, while a thread or a timer
 * that it started goes on and looks at what stood there. So whatever starts one says
 * how it ends, and does not stand on the stack; the teardown of each test ends what is
 * left, newest first. Every test of a file that includes this has that teardown. */
#ifndef TESTS_SUPPORT_UNDO_H
#define TESTS_SUPPORT_UNDO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef void undo_function(void *what);

/* If the test does not get to undo_forget(what), undo(what) is called behind it. Fails
 * the test at once when `what` stands on the stack. */
void undo_later(undo_function *undo, void *what);

/* The test has ended it itself; nothing happens when it is not known. */
void undo_forget(const void *what);

/* What was begun so far is not the test's but the group's, which ends it. */
void undo_forget_all(void);

/* The teardown; a file with one of its own calls it there, first. */
int undo_all(void **state);

#undef cmocka_unit_test
#define cmocka_unit_test(name) cmocka_unit_test_teardown(name, undo_all)

#endif
