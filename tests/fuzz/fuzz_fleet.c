/* What may stand in a Redis: a field and a value, or a member of the registry, as any
 * bytes. What is taken must merge. */
#include <stdlib.h>

#include "flush/fleet/fleet.h"

/* Three texts, each after the next NUL. */
static struct slice cut(struct slice *rest)
{
    return slice_cut(rest, '\0');
}

static void try_instance(struct slice json, struct slice field)
{
    struct fleet fleet = { 0 };
    struct fleet_windows windows = { 0 };

    (void)fleet_add(&fleet, json, 1700000000);
    if (fleet_seal(&fleet)) {
        struct fleet_window span = { fleet.all.steps_s[fleet.all.n_steps - 1], 0 };
        span.start_s = 1700000000 / span.step_s * span.step_s;
        if (fleet_split(&fleet, span, 1700000100, &windows))
            for (size_t i = 0; i < windows.n; i++)
                (void)fleet_takes(fleet_find(&fleet, field), span, 1700000100, windows.at[i]);
    }
    free(windows.at);
    fleet_free(&fleet);
}

static void try_field(struct slice text, struct slice value, bool own)
{
    struct arena_budget budget;
    struct fleet_cells cells, all;
    struct fleet_field field;
    uint32_t next = 0;
    struct fleet_cell *cell;

    if (!fleet_field_read(text, &field))
        return;
    arena_budget_init(&budget, 8 << 20);
    fleet_cells_init(&cells, &budget);
    fleet_cells_init(&all, &budget);
    for (int i = 0; i < 2; i++)
        (void)fleet_cells_add(&cells, &field, value, (struct fleet_manner){ own, 0.5 });
    (void)fleet_cells_fold(&all, &cells);
    (void)fleet_cells_fold(&all, &cells);
    while ((cell = fleet_cells_next(&all, &next)) != NULL) {
        struct slice host, tags[FLEET_TAGS_MAX];
        if (fleet_cell_tags(cell, &host, tags) > FLEET_TAGS_MAX)
            abort();
    }
    fleet_cells_free(&cells);
    fleet_cells_free(&all);
    if (atomic_load(&budget.left) != 8 << 20)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct slice rest = { (const char *)at, len };
    struct slice field = cut(&rest);

    try_field(field, rest, len % 2 == 0); /* a value may hold NULs */
    try_instance(rest, field);
    return 0;
}
