/* Who is known: numbers, found by identity, and forgotten. */
#include "flush/rollup_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flush/pages.h"

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
    uint32_t hash = hash_of(id, kind), mask = rollup->n_slots - 1;

    for (uint32_t at = hash & mask; rollup->slots[at].series_plus_one != 0;
         at = (at + 1) & mask)
        if (rollup->slots[at].hash == hash &&
            is_series(&rollup->entries[rollup->slots[at].series_plus_one - 1], id, kind))
            return rollup->slots[at].series_plus_one - 1;
    return ROLLUP_NO_SERIES;
}

static void insert_slot(struct rollup_slot *slots, uint32_t n_slots, uint32_t hash,
                        uint32_t series)
{
    uint32_t at = hash & (n_slots - 1);

    while (slots[at].series_plus_one != 0)
        at = (at + 1) & (n_slots - 1);
    slots[at] = (struct rollup_slot){ hash, series + 1 };
}

static void remove_slot(struct rollup *rollup, uint32_t hash, uint32_t series)
{
    uint32_t mask = rollup->n_slots - 1, hole = hash & mask;
    struct rollup_slot *slots = rollup->slots;

    while (slots[hole].series_plus_one != series + 1)
        hole = (hole + 1) & mask;
    for (uint32_t at = (hole + 1) & mask; slots[at].series_plus_one != 0;
         at = (at + 1) & mask) {
        if (((at - slots[at].hash) & mask) >= ((at - hole) & mask)) {
            slots[hole] = slots[at];
            hole = at;
        }
    }
    slots[hole] = (struct rollup_slot){ 0 };
}

static bool resize_slots(struct rollup *rollup, uint32_t n_slots)
{
    struct rollup_slot *slots = calloc(n_slots, sizeof *slots);

    if (slots == NULL)
        return false;
    for (uint32_t series = 0; series < rollup->end; series++)
        if (rollup->entries[series].live)
            insert_slot(slots, n_slots, rollup->entries[series].hash, series);
    free(rollup->slots);
    rollup->slots = slots;
    rollup->n_slots = n_slots;
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

    if (rollup->live >= rollup->n_slots / 4 * 3) {
        if (!rollup_make_room(rollup, more + rollup->n_slots * sizeof *rollup->slots) ||
            !resize_slots(rollup, rollup->n_slots * 2))
            return false;
    }
    return rollup_make_room(rollup, more);
}

static uint32_t add_series(struct rollup *rollup, uint32_t series, struct slice name,
                           uint8_t kind)
{
    struct identity id;
    uint32_t number;

    if (!has_room_for_series(rollup) || !catalogue_hold(rollup->catalogue, series, name, &id))
        return ROLLUP_NO_SERIES;
    size_t share = catalogue_share(rollup->catalogue, id);
    number = rollup_make_room(rollup, share + rollup_series_size(rollup)) ? take_number(rollup)
                                                                          : ROLLUP_NO_SERIES;
    if (number == ROLLUP_NO_SERIES) {
        catalogue_release(rollup->catalogue, id);
        return ROLLUP_NO_SERIES;
    }
    uint32_t hash = hash_of(id, kind);
    rollup->entries[number] = (struct rollup_series){
        .id = id,
        .last_s = (uint32_t)rollup->now_s,
        .hash = hash,
        .share = (uint32_t)share,
        .kind = kind,
        .live = true,
    };
    insert_slot(rollup->slots, rollup->n_slots, hash, number);
    rollup->strings += share;
    rollup->live++;
    return number;
}

uint32_t rollup_number(struct rollup *rollup, uint32_t series, struct slice name, uint8_t kind)
{
    struct identity id = catalogue_identity(rollup->catalogue, series, name);
    uint32_t *mapped = &rollup->map[series];
    uint32_t number = ROLLUP_NO_SERIES;

    if (name.len == 0 && *mapped != 0 && is_series(&rollup->entries[*mapped - 1], id, kind))
        number = *mapped - 1;
    else if (id.name != STRINGS_NONE)
        number = find_series(rollup, id, kind);
    if (number == ROLLUP_NO_SERIES)
        number = add_series(rollup, series, name, kind);
    if (number == ROLLUP_NO_SERIES)
        return ROLLUP_NO_SERIES;
    rollup->entries[number].last_s = (uint32_t)rollup->now_s; /* or it might be forgotten */
    if (name.len == 0) {
        *mapped = number + 1;
        rollup->map_end = series >= rollup->map_end ? series + 1 : rollup->map_end;
    }
    return number;
}

/* ---- forgetting series ------------------------------------------------- */

static int64_t oldest_kept(const struct rollup_level *level)
{
    return level->n > 0                       ? level->sealed[0]->start_s
           : level->open_s != ROLLUP_NO_START ? level->open_s
                                              : INT64_MAX;
}

static bool is_named(const struct rollup *rollup, const struct rollup_series *entry)
{
    for (size_t i = 0; i < rollup->n_levels; i++)
        if (rollup_start(entry->last_s, rollup->levels[i].step_s) >=
            oldest_kept(&rollup->levels[i]))
            return true;
    return false;
}

void rollup_forget(struct rollup *rollup, uint32_t number)
{
    struct rollup_series *entry = &rollup->entries[number];

    rollup_take_extra(rollup, number);
    remove_slot(rollup, entry->hash, number);
    rollup->strings -= entry->share;
    rollup->live--;
    catalogue_release(rollup->catalogue, entry->id);
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
    for (size_t i = 0; i < rollup->n_levels; i++)
        pages_forget(rollup->levels[i].open, rollup->end * sizeof(struct window_cell),
                     before * sizeof(struct window_cell));
    if (rollup->n_slots > ROLLUP_SLOTS_MIN && rollup->live < rollup->n_slots / 8)
        (void)resize_slots(rollup, rollup->n_slots / 2); /* without memory: stay large */
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
