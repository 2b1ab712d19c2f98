/* tests/support/chart_program.h: the heeler-chart and the heeler-calendar that were built
 * beside the tests, or what starts them where the kernel cannot. */
#ifndef TESTS_SUPPORT_CHART_PROGRAM_H
#define TESTS_SUPPORT_CHART_PROGRAM_H

enum { CHART_PROGRAM_SIZE = 512 };

/* Each fails the test when there is none. */
void chart_program_find(char path[CHART_PROGRAM_SIZE]);
void calendar_program_find(char path[CHART_PROGRAM_SIZE]);

#endif
