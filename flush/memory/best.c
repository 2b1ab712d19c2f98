#include "flush/memory/best.h"

#include <stdlib.h>

bool best_init(struct best *best, uint32_t most,
               bool (*is_before)(const void *argument, uint32_t a, uint32_t b),
               const void *argument)
{
    *best = (struct best){ .most = most, .is_before = is_before, .argument = argument };
    best->at = malloc((most + 1u) * sizeof *best->at);
    return best->at != NULL;
}

void best_free(struct best *given)
{
    free(given->at);
    *given = (struct best){ .at = NULL };
}

static bool is_worse(const struct best *best, uint32_t a, uint32_t b)
{
    return best->is_before(best->argument, best->at[b], best->at[a]);
}

static void swap(struct best *best, uint32_t a, uint32_t b)
{
    uint32_t item = best->at[a];

    best->at[a] = best->at[b];
    best->at[b] = item;
}

static void sift_up(struct best *best, uint32_t at)
{
    for (; at > 0 && is_worse(best, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(best, at, (at - 1) / 2);
}

/* The heap is the first n. */
static void sift_down(struct best *best, uint32_t n)
{
    for (uint32_t at = 0, child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_worse(best, child + 1, child))
            child++;
        if (!is_worse(best, child, at))
            return;
        swap(best, at, child);
    }
}

void best_offer(struct best *best, uint32_t item)
{
    if (best->n < best->most) {
        best->at[best->n] = item;
        sift_up(best, best->n++);
    } else if (best->n > 0 && best->is_before(best->argument, item, best->at[0])) {
        best->at[0] = item;
        sift_down(best, best->n);
    }
}

bool best_sort(struct best *best, uint32_t items)
{
    if (!best->sorting)
        best->left = best->n;
    best->sorting = true;
    for (; items > 0 && best->left > 1; items--) {
        swap(best, 0, --best->left);
        sift_down(best, best->left);
    }
    return best->left <= 1;
}
