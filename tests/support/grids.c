#include "tests/support/grids.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t read_rows(const char *rows, double *values, uint32_t *n_groups)
{
    size_t n = 0;

    *n_groups = 1;
    for (struct slice rest = slice_of(rows); rest.len > 0;) {
        struct slice word = slice_cut(&rest, ' ');
        if (slice_equal(word, SLICE("|")))
            ++*n_groups;
        else
            values[n++] = slice_equal(word, SLICE("_")) ? (double)NAN : strtod(word.at, NULL);
    }
    return n;
}

static void name_group(struct grid *grid, struct grid_group *group, struct slice name)
{
    struct slice rest = name;

    group->text = calloc(1, name.len + 1);
    memcpy(group->text, name.at, name.len);
    group->len = (uint32_t)name.len;
    for (size_t key = 0; rest.len > 0; key++) {
        struct slice part = slice_cut(&rest, ',');
        group->ends[key] = (uint16_t)(part.at + part.len - name.at);
        grid->by[key] = slice_cut(&part, ':');
        grid->n_by = key + 1;
    }
}

struct grid grids_make(const char *names, const char *rows)
{
    struct grid grid = { .step_s = GRIDS_STEP_S, .rows = 1 };
    struct slice rest = slice_of(names);
    double values[GRIDS_VALUES_MAX];
    size_t n = read_rows(rows, values, &grid.n_groups);

    grid.steps = (uint32_t)n / grid.n_groups;
    grid.groups = calloc(grid.n_groups, sizeof *grid.groups);
    grid.values = malloc(n * sizeof *values);
    memcpy(grid.values, values, n * sizeof *values);
    for (uint32_t i = 0; i < grid.n_groups; i++) {
        struct slice name = slice_cut(&rest, ' ');
        name_group(&grid, &grid.groups[i],
                   slice_equal(name, SLICE("-")) ? (struct slice){ name.at, 0 } : name);
    }
    return grid;
}

const char *grids_show(const struct grid *grid)
{
    static char out[4096];
    int n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < grid->n_groups * grid->steps; i++) {
        n += snprintf(out + n, sizeof out - (size_t)n, "%s%s", i > 0 ? " " : "",
                      i > 0 && i % grid->steps == 0 ? "| " : "");
        n += isnan(grid->values[i])
                 ? snprintf(out + n, sizeof out - (size_t)n, "_")
                 : snprintf(out + n, sizeof out - (size_t)n, "%.6g", grid->values[i]);
    }
    return out;
}

const char *grids_names(const struct grid *grid)
{
    static char out[4096];
    int n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < grid->n_groups; i++)
        n += snprintf(out + n, sizeof out - (size_t)n, "%s%s", i > 0 ? " " : "",
                      grid->groups[i].len > 0 ? grid->groups[i].text : "-");
    return out;
}
