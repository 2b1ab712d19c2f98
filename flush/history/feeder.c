#include "flush/history/feeder.h"

#include <stdlib.h>

#include "flush/history/told.h"

/* What a step looks at, which takes some milliseconds at most. */
enum { BLOCKS_A_STEP = 1024, TOLD_A_STEP = 2048 };

_Static_assert((int)ROLLUP_LEVELS_MAX <= (int)HISTORY_LEVELS_MAX, "the ledger has each level");

struct feeder {
    struct history *history;
    struct rollup *rollup;
    bool kept[ROLLUP_LEVELS_MAX];
    int64_t next_s[ROLLUP_LEVELS_MAX]; /* by level: windows that start before were given */
    int64_t newest_s;                  /* of the rollups, as of the last look */
    uint32_t epoch;                    /* of what was given; 0: history was closed */
    struct history_parcel *filling;    /* the next one; the rollups are pinned meanwhile */
    uint32_t next_block;               /* of its window */
    bool changed;                      /* it is not the next one of its level */
    bool again;                        /* the clock was set back, and history is not told yet */
    bool ending;                       /* nobody waits for room any more */
    bool gave_open;                    /* the open windows, as the rollups will begin anew */
};

/* ---- how far each level is --------------------------------------------- */

static void set_next(struct feeder *feeder, size_t level, int64_t start_s)
{
    feeder->next_s[level] = start_s;
    rollup_give_from(feeder->rollup, level, start_s);
}

/* Back to what is on the disk. */
static void rewind_all(struct feeder *feeder)
{
    const struct history_ledger *ledger = history_ledger(feeder->history);

    for (size_t level = 0; level < rollup_levels(feeder->rollup); level++)
        if (feeder->kept[level])
            set_next(feeder, level, (int64_t)counter_read(&ledger->written_until_s[level]));
}

/* Whether the clock was set back, so that the rollups have begun anew. */
static bool has_gone_back(struct feeder *feeder)
{
    int64_t before_s = feeder->newest_s;

    feeder->newest_s = rollup_newest(feeder->rollup);
    return feeder->newest_s < before_s;
}

/* To where the rollups are, if they are behind. */
static void rewind_behind(struct feeder *feeder)
{
    for (size_t level = 0; level < rollup_levels(feeder->rollup); level++) {
        int64_t open_s = rollup_open_start(feeder->rollup, level);

        if (feeder->kept[level] && open_s >= 0 && open_s < feeder->next_s[level])
            set_next(feeder, level, 0);
    }
}

/* ---- a window, and who is in it ---------------------------------------- */

static void drop_filling(struct feeder *feeder)
{
    if (feeder->filling == NULL)
        return;
    history_parcel_free(feeder->filling);
    feeder->filling = NULL;
    rollup_unpin(feeder->rollup);
}

/* False without memory. */
static bool begin(struct feeder *feeder, size_t level, struct window *window)
{
    feeder->filling = history_parcel_new(feeder->epoch, (uint32_t)level,
                                         rollup_step(feeder->rollup, level), window);
    feeder->next_block = 0;
    feeder->changed = false;
    if (feeder->filling == NULL)
        return false;
    rollup_pin(feeder->rollup);
    return true;
}

static void tell(struct feeder *feeder, uint32_t number)
{
    const struct identities *identities = rollup_identities(feeder->rollup);
    const struct rollup_series *entry = rollup_entry(feeder->rollup, number);
    struct store_series series = {
        .name = identities_text(identities, entry->id.name),
        .host = identities_text(identities, entry->id.host),
        .kind = entry->kind,
        .unit = entry->unit,
    };

    series.tags = identities_tags(identities, entry->id.tags, &series.n_tags);
    told_put(&feeder->filling->told, number, &series);
}

/* Tells of those in a block of whom history does not know; returns how many they are. */
static int tell_block(struct feeder *feeder, uint32_t block)
{
    uint64_t mask = window_mask(feeder->filling->window, block);
    int n = 0;

    for (; mask != 0; mask &= mask - 1) {
        uint32_t number = block * COLUMN_VALUES + (uint32_t)__builtin_ctzll(mask);

        if (!rollup_tell(feeder->rollup, number, feeder->epoch))
            continue;
        tell(feeder, number);
        n++;
    }
    return n;
}

/* True: all who are in the window are told of. */
static bool tell_some(struct feeder *feeder)
{
    const struct window *window = feeder->filling->window;
    int told = 0;

    for (int i = 0; i < BLOCKS_A_STEP && told < TOLD_A_STEP; i++) {
        if (feeder->next_block == window->n_blocks)
            return true;
        told += tell_block(feeder, feeder->next_block++);
    }
    return feeder->next_block == window->n_blocks;
}

/* There was no memory for who is in it: they count as told of in no epoch. */
static void untell(struct feeder *feeder)
{
    for (uint32_t block = 0; block < feeder->next_block; block++)
        for (uint64_t mask = window_mask(feeder->filling->window, block); mask != 0;
             mask &= mask - 1)
            (void)rollup_tell(feeder->rollup,
                              block * COLUMN_VALUES + (uint32_t)__builtin_ctzll(mask), 0);
}

/* False without memory: the window is given another time. */
static bool give(struct feeder *feeder)
{
    struct history_parcel *parcel = feeder->filling;

    if (parcel->told.failed) {
        untell(feeder);
        drop_filling(feeder);
        return false;
    }
    if (feeder->changed)
        rollup_note_given(feeder->rollup, parcel->level, parcel->window);
    else
        set_next(feeder, parcel->level, parcel->window->start_s + parcel->step_s);
    parcel->again = feeder->again;
    feeder->again = false;
    feeder->filling = NULL;
    rollup_unpin(feeder->rollup);
    history_give(feeder->history, parcel);
    return true;
}

/* ---- one after the other ----------------------------------------------- */

/* Whether anything may be given now. */
static bool follow(struct feeder *feeder)
{
    const struct history_ledger *ledger = history_ledger(feeder->history);
    bool open = history_is_open(ledger) && !history_is_left(feeder->history);
    uint32_t epoch = open ? (uint32_t)counter_read(&ledger->epoch) : 0;

    feeder->again = has_gone_back(feeder) || feeder->again;
    if (epoch != feeder->epoch) {
        drop_filling(feeder);
        feeder->epoch = epoch;
        rewind_all(feeder);
    }
    rewind_behind(feeder); /* of what is on the disk, too, if history was not told yet */
    return epoch != 0 && (feeder->ending || history_has_room(feeder->history));
}

/* The next window of the finest level that has one. */
static bool begin_next(struct feeder *feeder)
{
    for (size_t level = 0; level < rollup_levels(feeder->rollup); level++) {
        int64_t start_s = feeder->next_s[level];
        struct rollup_span span;

        if (feeder->kept[level] && rollup_find(feeder->rollup, level, &start_s, &span) &&
            span.window != NULL)
            return begin(feeder, level,
                         (struct window *)(uintptr_t)span.window); /* only to hold it */
    }
    return false;
}

/* One that came late, or that something came late for. */
static bool begin_changed(struct feeder *feeder)
{
    size_t level;
    bool loose;
    struct window *window = rollup_next_changed(feeder->rollup, &level, &loose);

    if (window == NULL || !begin(feeder, level, window))
        return false;
    feeder->changed = true;
    feeder->filling->beside = loose;
    return true;
}

static bool step(void *observer, int64_t now_s)
{
    struct feeder *feeder = observer;

    (void)now_s;
    if (!follow(feeder) ||
        (feeder->filling == NULL && !begin_next(feeder) && !begin_changed(feeder)))
        return false;
    return !tell_some(feeder) || give(feeder);
}

/* ---- the end ----------------------------------------------------------- */

static void give_open(struct feeder *feeder, size_t level)
{
    struct window *window = rollup_copy_open(feeder->rollup, level);

    if (window != NULL && begin(feeder, level, window)) {
        feeder->changed = true;
        while (!tell_some(feeder))
            ;
        (void)give(feeder);
    }
    window_free(window);
}

static void finish(void *observer, int64_t now_s)
{
    struct feeder *feeder = observer;

    feeder->ending = true;
    while (step(feeder, now_s))
        ;
    for (size_t level = 0; level < rollup_levels(feeder->rollup); level++)
        if (feeder->kept[level] && feeder->epoch != 0)
            give_open(feeder, level);
}

/* If the rollups are about to begin anew, it is as if this were the end; once, however often
 * another observer lets the snapshot wait. */
static bool see_stamp(void *observer, int64_t stamp_s, int64_t now_s)
{
    struct feeder *feeder = observer;

    if (stamp_s < rollup_newest(feeder->rollup))
        drop_filling(feeder); /* what is pinned does not begin anew */
    bool back = rollup_goes_back(feeder->rollup, stamp_s);

    if (back && !feeder->gave_open) {
        finish(feeder, now_s);
        feeder->ending = false;
    }
    feeder->gave_open = back;
    return true;
}

/* ---- the outside ------------------------------------------------------- */

struct feeder *feeder_new(struct history *history, const struct retention *retention,
                          struct rollup *rollup)
{
    struct feeder *feeder = calloc(1, sizeof *feeder);

    if (feeder == NULL)
        return NULL;
    feeder->history = history;
    feeder->rollup = rollup;
    feeder->newest_s = rollup_newest(rollup);
    for (size_t level = 0; level < rollup_levels(rollup); level++)
        feeder->kept[level] = retention_keeps(retention, rollup_step(rollup, level));
    rewind_all(feeder);
    return feeder;
}

static void free_feeder(void *given)
{
    drop_filling(given);
    free(given);
}

struct observer feeder_observer(struct feeder *given)
{
    static const struct observer_ops ops = {
        .may_begin = see_stamp,
        .step = step,
        .finish = finish,
        .free = free_feeder,
    };
    return (struct observer){ &ops, given };
}
