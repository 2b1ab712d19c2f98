#include "flush/language/join.h"

#include <math.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

double join_numbers(char sign, double left, double right)
{
    switch (sign) {
    case '+':
        return left + right;
    case '-':
        return left - right;
    case '*':
        return left * right;
    case JOIN_PERCENT:
        return (left - right) / right * 100;
    default:
        return left / right;
    }
}

/* ---- groups by the keys of the coarse one ------------------------------ */

/* What the group has of a key of the coarse grid. */
static struct slice part_of(const struct join *join, const struct grid *grid,
                            const struct grid_group *group, size_t key)
{
    return grid_part(group, grid_find_key(grid, join->coarse.by[key]));
}

static uint32_t hash_of(const struct join *join, const struct grid *grid,
                        const struct grid_group *group)
{
    uint64_t hash = 0;

    for (size_t key = 0; key < join->coarse.n_by; key++) {
        struct slice part = part_of(join, grid, group, key);
        hash = XXH3_64bits_withSeed(part.at, part.len, hash);
    }
    return (uint32_t)hash;
}

static bool meets(const struct join *join, const struct grid_group *fine,
                  const struct grid_group *coarse)
{
    for (size_t key = 0; key < join->coarse.n_by; key++)
        if (!slice_equal(part_of(join, &join->fine, fine, key),
                         part_of(join, &join->coarse, coarse, key)))
            return false;
    return true;
}

static bool index_coarse(struct join *join)
{
    join->n_slots = 16;
    while (join->n_slots < join->coarse.n_groups * 2)
        join->n_slots *= 2;
    join->slots = calloc(join->n_slots, sizeof *join->slots);
    for (uint32_t i = 0; join->slots != NULL && i < join->coarse.n_groups; i++) {
        uint32_t at = hash_of(join, &join->coarse, &join->coarse.groups[i]);
        while (join->slots[at & (join->n_slots - 1)] != 0)
            at++;
        join->slots[at & (join->n_slots - 1)] = i + 1;
    }
    return join->slots != NULL;
}

/* The row of the coarse grid that the group meets, or NULL. */
static const double *row_met(const struct join *join, const struct grid_group *group)
{
    uint32_t at = hash_of(join, &join->fine, group), found;

    for (; (found = join->slots[at & (join->n_slots - 1)]) != 0; at++)
        if (meets(join, group, &join->coarse.groups[found - 1]))
            return grid_row(&join->coarse, found - 1, 0);
    return NULL;
}

/* ---- beginning --------------------------------------------------------- */

static bool has_keys_of(const struct grid *grid, const struct grid *other)
{
    for (size_t i = 0; i < other->n_by; i++)
        if (grid_find_key(grid, other->by[i]) == grid->n_by)
            return false;
    return true;
}

static bool has_longer_steps(const struct join *join)
{
    return join->coarse.is_number || join->fine.step_s >= join->coarse.step_s;
}

static bool make_values(struct join *join)
{
    size_t n = (size_t)join->fine.n_groups * join->coarse.steps;

    join->values = malloc((n + 1) * sizeof *join->values);
    return join->values != NULL;
}

enum join_result join_begin(struct join *join, char sign, struct grid *left, struct grid *right)
{
    bool swapped = left->is_number || (!right->is_number && !has_keys_of(left, right));

    *join = (struct join){
        .sign = sign,
        .swapped = swapped,
        .fine = swapped ? *right : *left,
        .coarse = swapped ? *left : *right,
    };
    *left = (struct grid){ 0 };
    *right = (struct grid){ 0 };
    if (join->coarse.is_number)
        return JOIN_FINE;
    if (!has_keys_of(&join->fine, &join->coarse))
        return JOIN_NO_KEYS;
    return index_coarse(join) && (has_longer_steps(join) || make_values(join)) ? JOIN_FINE
                                                                               : JOIN_NO_MEMORY;
}

void join_free(struct join *given)
{
    grid_free(&given->fine);
    grid_free(&given->coarse);
    free(given->slots);
    free(given->values);
    *given = (struct join){ .sign = 0 };
}

/* ---- points ------------------------------------------------------------ */

static double apply(const struct join *join, double fine, double coarse)
{
    double value = join->swapped ? join_numbers(join->sign, coarse, fine)
                                 : join_numbers(join->sign, fine, coarse);

    return isfinite(value) ? value : (double)NAN;
}

/* The value of a row of that grid at that time. */
static double value_at(const struct grid *grid, const double *row, int64_t time_s)
{
    int64_t behind_s = time_s - grid->first_s;

    if (behind_s < 0 || behind_s % grid->step_s != 0 || behind_s / grid->step_s >= grid->steps)
        return (double)NAN;
    return row[behind_s / grid->step_s];
}

/* In place. other: NULL where there is a number. */
static void join_row(const struct join *join, double *row, const double *other)
{
    const struct grid *fine = &join->fine, *coarse = &join->coarse;

    for (uint32_t i = 0; i < fine->steps; i++)
        row[i] =
            apply(join, row[i],
                  other == NULL ? coarse->number
                                : value_at(coarse, other, fine->first_s + i * fine->step_s));
}

/* At the times of the coarse grid, into the new values. */
static void join_longer(const struct join *join, const double *row, const double *other)
{
    const struct grid *coarse = &join->coarse;
    double *out = join->values + (size_t)join->kept * coarse->steps;

    for (uint32_t i = 0; i < coarse->steps; i++)
        out[i] = apply(join, value_at(&join->fine, row, coarse->first_s + i * coarse->step_s),
                       other[i]);
}

bool join_step(struct join *join, uint32_t points)
{
    uint32_t done = 0;

    for (; join->next < join->fine.n_groups && done < points; join->next++) {
        const double *other = NULL;
        if (!join->coarse.is_number)
            other = row_met(join, &join->fine.groups[join->next]);
        done += join->fine.steps + 16;
        if (other == NULL && !join->coarse.is_number)
            continue;
        if (join->values != NULL)
            join_longer(join, grid_row(&join->fine, join->next, 0), other);
        else
            join_row(join, grid_row(&join->fine, join->next, 0), other);
        grid_move(&join->fine, join->next, join->kept++); /* one that meets none goes */
    }
    return join->next < join->fine.n_groups;
}

struct grid join_take(struct join *join)
{
    struct grid result = join->fine;

    grid_cut(&result, join->kept);
    if (join->values != NULL) {
        free(result.values);
        result.values = join->values;
        result.first_s = join->coarse.first_s;
        result.step_s = join->coarse.step_s;
        result.steps = join->coarse.steps;
        result.lead = join->coarse.lead;
        join->values = NULL;
    }
    join->fine = (struct grid){ 0 };
    return result;
}
