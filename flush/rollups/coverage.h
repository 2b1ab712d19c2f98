/* flush/rollups/coverage.h: in which parts of a monitor's window points of a group came.
 *
 *   window   [from ............................ to)
 *   parts    |  60 s  |  60 s  |  60 s  |  60 s  |     how wide: flush/monitors/condition.h
 *   points     x  x            x
 *   -> points 3, parts 2, the first one too, the last point ended 110 s before the end
 *
 * Pure. Where a value is made of several queries, what came is looked at in each of them, by
 * the name of the group, and is put together. */
#ifndef FLUSH_ROLLUPS_COVERAGE_H
#define FLUSH_ROLLUPS_COVERAGE_H

#include "config/must_check.h"
#include "flush/language/grid.h"

enum { COVERAGE_WORDS = 4, COVERAGE_PARTS_MAX = 64 * COVERAGE_WORDS };

struct coverage_window {
    int64_t from_s, to_s;
    int64_t part_s; /* COVERAGE_PARTS_MAX are told apart; a week of hours has 168 */
};

/* { 0 } is one without points. */
struct coverage {
    uint64_t parts[COVERAGE_WORDS]; /* a bit for each with points */
    uint32_t points;
    int64_t last_s; /* end of the step of the last one, within the window */
};

/* Adds a point, as far as its step is in the window. */
void coverage_add_point(struct coverage *coverage, const struct coverage_window *window,
                        int64_t begin_s, int64_t end_s);

/* Adds what a row of the grid has in the window. */
void coverage_add_row(struct coverage *coverage, const struct coverage_window *window,
                      const struct grid *grid, const double *row);

uint32_t coverage_count_parts(const struct coverage *coverage);
bool coverage_has_first(const struct coverage *coverage);

/* ---- by the text of groups --------------------------------------------- */

struct named_coverage;

/* { 0 } is empty. */
struct coverages {
    struct named_coverage *at; /* n of them; owned */
    uint32_t n, room;
    uint32_t *slots; /* place + 1, by hash; n_slots, a power of two */
    uint32_t n_slots;
    struct coverage all; /* of all of them together */
};

void coverages_free(struct coverages *given);

/* Adds what that group of the grid has. False without memory. */
MUST_CHECK bool coverages_add(struct coverages *coverages, const struct coverage_window *window,
                              const struct grid *grid, uint32_t group);

/* What is known of that group; of one that none of the grids had, what is known of all. */
const struct coverage *coverages_find(const struct coverages *coverages,
                                      const struct grid_group *group);

#endif
