/* tests/support/grids.h: grids written as text, and shown as it.
 *
 *   grids_make("h:a h:b", "1 _ 2 | 3 4 _")   two groups of three steps of 10 s; _ is no point
 */
#ifndef TESTS_SUPPORT_GRIDS_H
#define TESTS_SUPPORT_GRIDS_H

#include "flush/language/grid.h"

enum { GRIDS_STEP_S = 10, GRIDS_VALUES_MAX = 256 };

/* Owned, but for the names, which it views; there are as many as groups, or more. "-": one
 * group without keys. */
struct grid grids_make(const char *names, const char *rows);

/* The rows, in the same form; static, until the next call. */
const char *grids_show(const struct grid *grid);

/* The names. */
const char *grids_names(const struct grid *grid);

#endif
