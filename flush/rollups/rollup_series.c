/* Which series are known: how they get a number, are found by identity, and are forgotten. */
#include "flush/rollups/rollup_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/memory/pages.h"

/* ---- finding and making ------------------------------------------------ */

static uint32_t hash_of(struct identity id, uint8_t kind)
{
    uint32_t words[4] = { id.name, id.host, id.tags, kind };

    return (uint32_t)XXH3_64bits(words, sizeof words);
}

static bool is_series(const struct rollup_series *entry, struct identity id, uint8_t kind)
{
    return entry->live && entry->id.name == id.name && entry->id.host == id.host &&
           entry->id.tags == id.tags && entry->kind == kind;
}

static uint32_t find_series(const struct rollup *rollup, struct identity id, uint8_t kind)
{
    struct index_probe probe = index_begin(&rollup->index, hash_of(id, kind));
    uint32_t number;

    while ((number = index_next(&rollup->index, &probe)) != INDEX_NONE)
        if (is_series(&rollup->entries[number], id, kind))
            break;
    return number;
}

static bool lay_out_index(struct rollup *rollup)
{
    if (!index_clear(&rollup->index, rollup->live + 1))
        return false;
    for (uint32_t number = 0; number < rollup->end; number++) {
        const struct rollup_series *entry = &rollup->entries[number];
        if (entry->live)
            index_put(&rollup->index, hash_of(entry->id, entry->kind), number);
    }
    return true;
}

static uint32_t take_number(struct rollup *rollup)
{
    while (rollup->lowest_free < rollup->end && rollup->entries[rollup->lowest_free].live)
        rollup->lowest_free++;
    if (rollup->lowest_free < rollup->end)
        return rollup->lowest_free;
    return rollup->end < rollup->max_ids ? rollup->end++ : ROLLUP_NO_SERIES;
}

/* Series may take half of the memory; the other half is for what they did. */
static bool may_add_series(struct rollup *rollup, size_t more)
{
    size_t most = rollup->config.max_bytes / 2;

    if (rollup_series_bytes(rollup) + more > most && !rollup->swept)
        rollup_sweep_all(rollup);
    return rollup_series_bytes(rollup) + more <= most;
}

static bool has_room_for_series(struct rollup *rollup)
{
    size_t more = rollup_series_size(rollup);

    if (!may_add_series(rollup, more))
        return false;

    if (index_is_full(&rollup->index) &&
        (!rollup_make_room(rollup, more + index_bytes(&rollup->index)) ||
         !lay_out_index(rollup)))
        return false;
    return rollup_make_room(rollup, more);
}

static uint32_t add_held(struct rollup *rollup, struct identity given, uint8_t kind)
{
    size_t share = identities_share(rollup->identities, given);
    uint32_t number = rollup_make_room(rollup, share + rollup_series_size(rollup))
                          ? take_number(rollup)
                          : ROLLUP_NO_SERIES;

    if (number == ROLLUP_NO_SERIES) {
        identities_release(rollup->identities, given);
        return ROLLUP_NO_SERIES;
    }
    rollup->entries[number] = (struct rollup_series){
        .id = given,
        .last_s = (uint32_t)rollup->now_s,
        .share = (uint32_t)share,
        .kind = kind,
        .live = true,
    };
    index_put(&rollup->index, hash_of(given, kind), number);
    matched_bear(&rollup->matched, number);
    rollup->strings += share;
    rollup->live++;
    return number;
}

/* name: another than that of the identity, or empty. */
static uint32_t add_series(struct rollup *rollup, struct identity id, struct slice name,
                           uint8_t kind)
{
    if (!has_room_for_series(rollup))
        return ROLLUP_NO_SERIES;
    if (name.len == 0)
        identities_hold(rollup->identities, id);
    else if (!identities_hold_named(rollup->identities, id, name, &id))
        return ROLLUP_NO_SERIES;
    return add_held(rollup, id, kind);
}

uint32_t rollup_number_held(struct rollup *rollup, struct identity given, uint8_t kind)
{
    uint32_t number = find_series(rollup, given, kind);

    if (number != ROLLUP_NO_SERIES || !has_room_for_series(rollup))
        identities_release(rollup->identities, given);
    else
        number = add_held(rollup, given, kind);
    if (number != ROLLUP_NO_SERIES)
        rollup->entries[number].last_s = (uint32_t)rollup->now_s;
    return number;
}

uint32_t rollup_number_recalled(struct rollup *rollup, struct identity given, uint8_t kind)
{
    uint32_t number = find_series(rollup, given, kind);

    if (number != ROLLUP_NO_SERIES || !has_room_for_series(rollup)) {
        identities_release(rollup->identities, given);
        return number;
    }
    number = add_held(rollup, given, kind);
    if (number != ROLLUP_NO_SERIES)
        rollup->entries[number].last_s = 0; /* no window names it */
    return number;
}

bool rollup_number_restored(struct rollup *rollup, const struct rollup_outside *outside,
                            uint32_t number, uint32_t last_s)
{
    struct identity id;

    if (!has_room_for_series(rollup) ||
        !identities_intern(rollup->identities, outside->name, outside->host, outside->tags,
                           outside->n_tags, &id))
        return false;
    if (find_series(rollup, id, (uint8_t)outside->kind) != ROLLUP_NO_SERIES) {
        identities_release(rollup->identities, id);
        return false;
    }
    rollup->end = rollup->lowest_free = number;
    number = add_held(rollup, id, (uint8_t)outside->kind);
    if (number == ROLLUP_NO_SERIES)
        return false;
    rollup->entries[number].last_s = last_s;
    rollup->lowest_free = 0;
    return true;
}

/* Two series of the catalogue may be one of ours: their values add up. */
static void note_values(struct rollup *rollup, struct rollup_series *entry, uint32_t values)
{
    /* so that it is not forgotten before it has a value */
    entry->last_s = (uint32_t)rollup->now_s;
    if (values == 0)
        return;
    if (entry->heard_s != (uint32_t)rollup->now_s)
        entry->values = 0;
    entry->heard_s = (uint32_t)rollup->now_s;
    entry->values += values;
}

uint32_t rollup_number(struct rollup *rollup, const struct snapshot_series *series,
                       struct slice name, uint8_t kind)
{
    struct identity id = series->id;
    uint32_t *mapped = &rollup->map[series->number];
    uint32_t number = ROLLUP_NO_SERIES;

    if (name.len > 0)
        id.name = identities_find_text(rollup->identities, name);
    if (name.len == 0 && *mapped != 0 && is_series(&rollup->entries[*mapped - 1], id, kind))
        number = *mapped - 1;
    else if (id.name != STRINGS_NONE)
        number = find_series(rollup, id, kind);
    if (number == ROLLUP_NO_SERIES)
        number = add_series(rollup, id, name, kind);
    if (number == ROLLUP_NO_SERIES)
        return ROLLUP_NO_SERIES;
    note_values(rollup, &rollup->entries[number], series->values);
    if (name.len == 0) {
        *mapped = number + 1;
        rollup->map_end =
            series->number >= rollup->map_end ? series->number + 1 : rollup->map_end;
    }
    return number;
}

/* ---- forgetting series ------------------------------------------------- */

static int64_t oldest_kept(const struct rollup *rollup, size_t index)
{
    const struct rollup_level *level = &rollup->levels[index];
    int64_t late_s = rollup_oldest_late(rollup, index);
    int64_t kept_s = level->n > 0                       ? level->closed[0]->start_s
                     : level->open_s != ROLLUP_NO_START ? level->open_s
                                                        : INT64_MAX;

    return late_s < kept_s ? late_s : kept_s;
}

static bool is_named(const struct rollup *rollup, const struct rollup_series *entry)
{
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (rollup_start(entry->last_s, rollup->levels[i].step_s) >= oldest_kept(rollup, i))
            return true;
    return false;
}

void rollup_forget(struct rollup *rollup, uint32_t number)
{
    struct rollup_series *entry = &rollup->entries[number];

    rollup_take_extra(rollup, number);
    rollup_unwatch(rollup, number);
    index_remove(&rollup->index, hash_of(entry->id, entry->kind), number);
    rollup->strings -= entry->share;
    rollup->live--;
    identities_release(rollup->identities, entry->id);
    *entry = (struct rollup_series){ 0 };
    if (number < rollup->lowest_free)
        rollup->lowest_free = number;
}

void rollup_trim(struct rollup *rollup)
{
    uint32_t before = rollup->end;

    while (rollup->end > 0 && !rollup->entries[rollup->end - 1].live)
        rollup->end--;
    if (rollup->end == before)
        return;
    pages_forget(rollup->entries, rollup->end * sizeof *rollup->entries,
                 before * sizeof *rollup->entries);
    if (rollup->newest_ms != NULL)
        pages_forget(rollup->newest_ms, rollup->end * sizeof *rollup->newest_ms,
                     before * sizeof *rollup->newest_ms);
    for (size_t i = 0; i < rollup->n_levels; i++)
        pages_forget(rollup->levels[i].open, rollup->end * sizeof(struct window_cell),
                     before * sizeof(struct window_cell));
    if (index_is_sparse(&rollup->index))
        (void)lay_out_index(rollup); /* without memory the index stays large */
}

void rollup_sweep(struct rollup *rollup, uint32_t n)
{
    if (rollup->pins > 0)
        return;
    for (; n > 0 && rollup->sweep_next < rollup->end; n--, rollup->sweep_next++) {
        const struct rollup_series *entry = &rollup->entries[rollup->sweep_next];
        if (entry->live && !is_named(rollup, entry))
            rollup_forget(rollup, rollup->sweep_next);
    }
    if (rollup->sweep_next < rollup->end)
        return;
    rollup->sweep_next = 0;
    rollup_trim(rollup);
}

void rollup_sweep_all(struct rollup *rollup)
{
    rollup->swept = true;
    rollup->sweep_next = 0;
    rollup_sweep(rollup, rollup->end);
}
