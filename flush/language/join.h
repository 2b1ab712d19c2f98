/* flush/language/join.h: two parts of a question and + - * / or JOIN_PERCENT between them.
 *
 *   grid and number   point by point
 *   grid and grid     groups with the same tags, at the times that both have
 *
 * When one side is grouped by fewer keys, and the other by all of these too, each group of the
 * other meets the group that has its tags; without any keys the one that there is. The result
 * has the times of the side with the longer steps. A point that one side lacks, or a division
 * by 0, gives no point.
 *
 *   begin -> step, step, ... -> take */
#ifndef FLUSH_LANGUAGE_JOIN_H
#define FLUSH_LANGUAGE_JOIN_H

#include "flush/language/grid.h"

enum { JOIN_PERCENT = '%' }; /* by how many percent of the right one the left one is more */

struct join {
    char sign;
    bool swapped; /* the finer grid, which gives the groups, stood on the right */
    struct grid fine, coarse;
    uint32_t *slots; /* group of the coarse + 1, by the hash of its tags; n_slots of them */
    uint32_t n_slots;
    double *values; /* of the result; NULL: the fine grid's own, as it has the longer steps */
    uint32_t next, kept; /* groups of the fine */
};

enum join_result { JOIN_FINE, JOIN_NO_KEYS, JOIN_NO_MEMORY };

/* Takes both, which are empty then. JOIN_NO_KEYS: neither has all keys of the other. Whatever
 * it is, join_free() ends it. */
enum join_result join_begin(struct join *join, char sign, struct grid *left,
                            struct grid *right);
void join_free(struct join *given);

/* Does about so many points; false when there is no more to do. */
bool join_step(struct join *join, uint32_t points);

/* The result, owned. */
struct grid join_take(struct join *join);

/* Of two numbers. */
double join_numbers(char sign, double left, double right);

#endif
