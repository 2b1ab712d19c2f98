/* flush/language/grid.h: what a part of a question is worth: a row of points for each group.
 *
 *   groups   n_groups of them, each a text such as "env:a,host:b" by the keys in by
 *   values   rows * steps doubles, those of a group one after the other; NAN: no point
 *   time     value i is that of first_s + i * step_s; those before `lead` were only fetched for
 *            functions that look back, and are not shown
 *
 * A row a group, or three in the answer of anomalies( ): the points, then the lower and the
 * upper bound. Or it is one number, and has no groups. The keys are views into the text of the
 * question; everything else is owned, and grid_free() ends it. { 0 } is an empty one. */
#ifndef FLUSH_LANGUAGE_GRID_H
#define FLUSH_LANGUAGE_GRID_H

#include "config/must_check.h"
#include "flush/language/question.h"

enum { GRID_BAND_ROWS = 3, GRID_GROUP_TEXT_MAX = 2048 };

struct grid_group {
    char *text; /* empty without keys */
    uint32_t len;
    uint32_t hash;                  /* of the text */
    uint16_t ends[QUESTION_BY_MAX]; /* of each "key:value" in the text, in the order of by */
};

struct grid {
    bool is_number;
    double number;
    int64_t first_s, step_s;
    uint32_t steps, lead;
    struct slice by[QUESTION_BY_MAX];
    size_t n_by;
    struct grid_group *groups;
    uint32_t n_groups;
    uint32_t rows;  /* a group */
    bool of_series; /* what stands around its query, .fill( ) or diff( ), was done of each
                       series already */
    double *values;
};

void grid_free(struct grid *given);

/* The row of that number of a group. */
static inline double *grid_row(const struct grid *grid, uint32_t group, uint32_t row)
{
    return grid->values + ((size_t)group * grid->rows + row) * grid->steps;
}

static inline uint64_t grid_values(const struct grid *grid)
{
    return (uint64_t)grid->n_groups * grid->rows * grid->steps;
}

/* Bytes of what its groups are called. */
uint64_t grid_text_bytes(const struct grid *grid);

/* "env:a": what the group has of the key of that number. A view. */
struct slice grid_part(const struct grid_group *group, size_t key);

/* Where by has the key; n_by: nowhere. */
size_t grid_find_key(const struct grid *grid, struct slice key);

/* Puts a group and its points into the place of an earlier one, which goes. */
void grid_move(struct grid *grid, uint32_t from, uint32_t to);

/* Keeps the first n groups. */
void grid_cut(struct grid *grid, uint32_t n);

/* Leaves one group, without keys, whose values are those. False without memory: all is as it
 * was. The values are given if it is true. */
MUST_CHECK bool grid_make_one(struct grid *grid, double *given);

/* Keeps the groups order[0 .. n), in that order, and frees the others; false without memory. */
MUST_CHECK bool grid_keep(struct grid *grid, const uint32_t *order, uint32_t n);

#endif
