/* What was before the windows in memory: who has it, and how far it reaches. */
#include "flush/rollups/rollup_internal.h"

void rollup_use_past(struct rollup *rollup, const struct past *past)
{
    rollup->past = past;
}

const struct past *rollup_past(const struct rollup *rollup)
{
    return rollup->past;
}

int64_t rollup_memory_from(const struct rollup *rollup, size_t level)
{
    const struct rollup_level *of = &rollup->levels[level];

    if (of->n > 0)
        return of->closed[0]->first_s;
    return of->open_s != ROLLUP_NO_START ? of->first_s : INT64_MAX;
}

static int64_t oldest_kept(const struct rollup *rollup, size_t level)
{
    return rollup->past->ops->oldest_s(rollup->past->self, rollup->levels[level].step_s);
}

/* When the past began, as far as any level knows; INT64_MAX: it has nothing. */
static int64_t past_began(const struct rollup *rollup)
{
    int64_t began_s = INT64_MAX;

    for (size_t i = 0; i < rollup->n_levels; i++) {
        int64_t oldest_s = oldest_kept(rollup, i);

        if (oldest_s > 0 && oldest_s < began_s)
            began_s = oldest_s;
    }
    return began_s;
}

bool rollup_reaches(const struct rollup *rollup, size_t level, int64_t from_s)
{
    bool in_memory = rollup_covers(rollup, level, from_s);
    int64_t began_s = rollup->past != NULL ? past_began(rollup) : INT64_MAX;

    if (began_s == INT64_MAX || (in_memory && rollup_memory_from(rollup, level) <= from_s))
        return in_memory;
    int64_t oldest_s = oldest_kept(rollup, level);

    return oldest_s > 0 && (oldest_s <= from_s || oldest_s <= began_s);
}

bool rollup_recall(struct rollup *rollup, const struct rollup_outside *outside, uint8_t unit,
                   uint32_t *number)
{
    struct identity id;

    if (!identities_intern(rollup->identities, outside->name, outside->host, outside->tags,
                           outside->n_tags, &id))
        return false;
    *number = rollup_number_recalled(rollup, id, (uint8_t)outside->kind);
    if (*number == ROLLUP_NO_SERIES)
        return false;
    if (rollup->entries[*number].unit == 0)
        rollup->entries[*number].unit = unit;
    return true;
}
