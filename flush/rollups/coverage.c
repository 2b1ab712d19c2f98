#include "flush/rollups/coverage.h"

#include <math.h>
#include <stdlib.h>

struct named_coverage {
    char *text; /* owned */
    uint32_t len, hash;
    struct coverage coverage;
};

/* ---- one group --------------------------------------------------------- */

/* A step may be longer than a part. */
void coverage_add_point(struct coverage *coverage, const struct coverage_window *window,
                        int64_t begin_s, int64_t end_s)
{
    begin_s = begin_s > window->from_s ? begin_s : window->from_s;
    end_s = end_s < window->to_s ? end_s : window->to_s;
    if (begin_s >= end_s)
        return;
    int64_t last = (end_s - 1 - window->from_s) / window->part_s;

    for (int64_t part = (begin_s - window->from_s) / window->part_s;
         part <= last && part < COVERAGE_PARTS_MAX; part++)
        coverage->parts[part / 64] |= UINT64_C(1) << (part % 64);
    coverage->points++;
    if (end_s > coverage->last_s)
        coverage->last_s = end_s;
}

void coverage_add_row(struct coverage *coverage, const struct coverage_window *window,
                      const struct grid *grid, const double *row)
{
    for (uint32_t i = grid->lead; i < grid->steps; i++) {
        int64_t begin_s = grid->first_s + i * grid->step_s;

        if (!isnan(row[i]))
            coverage_add_point(coverage, window, begin_s, begin_s + grid->step_s);
    }
}

static void add(struct coverage *coverage, const struct coverage *more)
{
    for (size_t i = 0; i < COVERAGE_WORDS; i++)
        coverage->parts[i] |= more->parts[i];
    if (more->points > coverage->points)
        coverage->points = more->points;
    if (more->last_s > coverage->last_s)
        coverage->last_s = more->last_s;
}

uint32_t coverage_count_parts(const struct coverage *coverage)
{
    int n = 0;

    for (size_t i = 0; i < COVERAGE_WORDS; i++)
        n += __builtin_popcountll(coverage->parts[i]);
    return (uint32_t)n;
}

bool coverage_has_first(const struct coverage *coverage)
{
    return (coverage->parts[0] & 1) != 0;
}

/* ---- by the text of groups --------------------------------------------- */

void coverages_free(struct coverages *given)
{
    for (uint32_t i = 0; i < given->n; i++)
        free(given->at[i].text);
    free(given->at);
    free(given->slots);
    *given = (struct coverages){ 0 };
}

/* Where the group is, or would be put. */
static uint32_t *slot_of(const struct coverages *coverages, const struct grid_group *group)
{
    uint32_t mask = coverages->n_slots - 1, at = group->hash & mask;

    for (; coverages->slots[at] != 0; at = (at + 1) & mask) {
        const struct named_coverage *named = &coverages->at[coverages->slots[at] - 1];

        if (named->hash == group->hash && named->len == group->len &&
            memcmp(named->text, group->text, group->len) == 0)
            break;
    }
    return &coverages->slots[at];
}

static bool grow(struct coverages *coverages)
{
    uint32_t room = coverages->room * 2 + 64, n_slots = 64;
    struct named_coverage *at;

    while (n_slots < 2 * room)
        n_slots *= 2;
    uint32_t *slots = calloc(n_slots, sizeof *slots);

    at = realloc(coverages->at, room * sizeof *at);
    if (at != NULL)
        coverages->at = at;
    if (at == NULL || slots == NULL) {
        free(slots);
        return false;
    }
    for (uint32_t i = 0; i < coverages->n; i++) {
        uint32_t slot = at[i].hash & (n_slots - 1);

        while (slots[slot] != 0)
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    free(coverages->slots);
    coverages->slots = slots;
    coverages->n_slots = n_slots;
    coverages->room = room;
    return true;
}

/* NULL without memory. */
static struct coverage *need(struct coverages *coverages, const struct grid_group *group)
{
    if (coverages->n == coverages->room && !grow(coverages))
        return NULL;
    uint32_t *slot = slot_of(coverages, group);

    if (*slot == 0) {
        char *text = malloc(group->len + 1u);

        if (text == NULL)
            return NULL;
        memcpy(text, group->text, group->len);
        coverages->at[coverages->n++] =
            (struct named_coverage){ .text = text, .len = group->len, .hash = group->hash };
        *slot = coverages->n;
    }
    return &coverages->at[*slot - 1].coverage;
}

bool coverages_add(struct coverages *coverages, const struct coverage_window *window,
                   const struct grid *grid, uint32_t group)
{
    struct coverage *coverage = need(coverages, &grid->groups[group]), more = { { 0 }, 0, 0 };

    if (coverage == NULL)
        return false;
    coverage_add_row(&more, window, grid, grid_row(grid, group, 0));
    add(coverage, &more);
    add(&coverages->all, &more);
    return true;
}

const struct coverage *coverages_find(const struct coverages *coverages,
                                      const struct grid_group *group)
{
    uint32_t slot = coverages->n > 0 ? *slot_of(coverages, group) : 0;

    return slot > 0 ? &coverages->at[slot - 1].coverage : &coverages->all;
}
