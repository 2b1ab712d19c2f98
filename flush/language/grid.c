#include "flush/language/grid.h"

#include <stdlib.h>

static void free_groups(struct grid *grid)
{
    for (uint32_t i = 0; i < grid->n_groups; i++)
        free(grid->groups[i].text);
    free(grid->groups);
}

void grid_free(struct grid *given)
{
    free_groups(given);
    free(given->values);
    *given = (struct grid){ 0 };
}

uint64_t grid_text_bytes(const struct grid *grid)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < grid->n_groups; i++)
        bytes += grid->groups[i].len;
    return bytes;
}

struct slice grid_part(const struct grid_group *group, size_t key)
{
    size_t begin = key == 0 ? 0 : group->ends[key - 1] + 1u; /* behind the comma */
    size_t end = group->ends[key];

    begin = begin < end ? begin : end; /* in a text that was cut there may be nothing */
    return (struct slice){ group->text + begin, end - begin };
}

size_t grid_find_key(const struct grid *grid, struct slice key)
{
    size_t i = 0;

    while (i < grid->n_by && !slice_equal(grid->by[i], key))
        i++;
    return i;
}

void grid_move(struct grid *grid, uint32_t from, uint32_t to)
{
    if (to == from)
        return;
    free(grid->groups[to].text);
    grid->groups[to] = grid->groups[from];
    grid->groups[from].text = NULL;
    memcpy(grid_row(grid, to, 0), grid_row(grid, from, 0),
           (size_t)grid->rows * grid->steps * sizeof(double));
}

void grid_cut(struct grid *grid, uint32_t n)
{
    for (uint32_t i = n; i < grid->n_groups; i++)
        free(grid->groups[i].text);
    grid->n_groups = n;
}

bool grid_make_one(struct grid *grid, double *given)
{
    struct grid_group *groups = calloc(1, sizeof *groups);
    char *text = calloc(1, 1);

    if (groups == NULL || text == NULL) {
        free(groups);
        free(text);
        return false;
    }
    free_groups(grid);
    free(grid->values);
    groups[0].text = text;
    grid->groups = groups;
    grid->n_groups = 1;
    grid->n_by = 0;
    grid->values = given;
    return true;
}

bool grid_keep(struct grid *grid, const uint32_t *order, uint32_t n)
{
    size_t row = (size_t)grid->rows * grid->steps;
    struct grid_group *groups = calloc(n + 1u, sizeof *groups);
    double *values = malloc((n * row + 1) * sizeof *values);

    if (groups == NULL || values == NULL) {
        free(groups);
        free(values);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = grid->groups[order[i]];
        grid->groups[order[i]].text = NULL;
        memcpy(values + i * row, grid->values + order[i] * row, row * sizeof *values);
    }
    free_groups(grid);
    free(grid->values);
    grid->groups = groups;
    grid->n_groups = n;
    grid->values = values;
    return true;
}
