/* tests/support/chart_program.h: the heeler-chart that was built beside the tests, or what
 * starts it where the kernel cannot. */
#ifndef TESTS_SUPPORT_CHART_PROGRAM_H
#define TESTS_SUPPORT_CHART_PROGRAM_H

enum { CHART_PROGRAM_SIZE = 512 };

/* Fails the test when there is none. */
void chart_program_find(char path[CHART_PROGRAM_SIZE]);

#endif
