#include "flush/history/keeper.h"

#include <stdio.h>

#include "config/log.h"
#include "flush/history/remake.h"
#include "flush/history/sql.h"

enum { GIVES_WAY_PART = 8 };

void keeper_init(struct keeper *keeper, const struct keeper_config *config)
{
    *keeper = (struct keeper){ .config = *config, .said = DATABASE_OPEN };
    scribe_init(&keeper->scribe, &keeper->store);
}

void keeper_close(struct keeper *given)
{
    if (given->open)
        store_close(&given->store);
    given->open = false;
    scribe_free(&given->scribe);
}

/* ---- open and closed --------------------------------------------------- */

static void say(struct keeper *keeper, enum database_state state)
{
    const struct database *database = &keeper->store.database;

    if (database->aside[0] != '\0')
        log_error("history: what was kept could not be read; it is now %s", database->aside);
    if (state == keeper->said && state != DATABASE_OPEN)
        return;
    keeper->said = state;
    if (state == DATABASE_OPEN)
        log_info("history: kept in %s", database->path);
    else
        log_warn("history: %s: %s; only memory is kept, and it is tried again each minute",
                 keeper->config.folder, database->problem);
}

/* A bound of SQLite's own: whoever writes beyond it is told that the disk is full. */
static bool bound_file(struct keeper *keeper)
{
    sqlite3 *handle = keeper->store.database.handle;
    char text[64];
    int64_t page;

    if (sql_number(handle, "PRAGMA page_size", &page) != SQLITE_OK || page == 0)
        return false;
    snprintf(text, sizeof text, "PRAGMA max_page_count = %llu",
             (unsigned long long)(keeper->config.bounds.max_bytes / (uint64_t)page + 1));
    return sql_run(handle, text) == SQLITE_OK;
}

/* A number above all others, also where a clock was ahead of ours. What we wrote before, in
 * another epoch, stays ours. */
static void take_number(struct keeper *keeper)
{
    int64_t last;

    if (keeper->epoch == 0 && store_last_process(&keeper->store, &last) == SQLITE_OK &&
        last >= keeper->writer)
        keeper->writer = last + STORE_WRITERS;
    keeper->store.writer = keeper->writer;
}

/* The store was opened, begun anew or closed, and that is how it stands now. */
static void settle(struct keeper *keeper, enum database_state state, int64_t now_s)
{
    struct database *database = &keeper->store.database;

    if (state == DATABASE_OPEN && !bound_file(keeper)) {
        snprintf(database->problem, sizeof database->problem, "its size cannot be bounded");
        state = DATABASE_FAILED;
    }
    if (state == DATABASE_OPEN)
        take_number(keeper);
    say(keeper, state);
    keeper->damaged += database->aside[0] != '\0';
    database->aside[0] = '\0';
    keeper->open = keeper->crowded = state == DATABASE_OPEN;
    keeper->epoch += keeper->open;
    keeper->due_s = now_s + KEEPER_RETRY_S;
    if (!keeper->open)
        store_close(&keeper->store);
}

/* The oldest and finest windows, an eighth of all. False: there were none, or not even that can
 * be written. */
static bool give_way(struct keeper *keeper, int64_t now_s)
{
    struct retention_bounds less = keeper->config.bounds;
    uint64_t before = keeper->losses.crowded_out.rows, used, free;
    bool more = true;

    if (store_size(&keeper->store, &used, &free) != SQLITE_OK)
        return false;
    less.max_bytes = used - used / GIVES_WAY_PART;
    while (more)
        if (retention_step(&keeper->store, &less, now_s, &keeper->losses, &more) != SQLITE_OK)
            return false;
    return keeper->losses.crowded_out.rows > before;
}

/* What to do after a result that is not good. The scribe has forgotten what it was told. */
static void recover(struct keeper *keeper, int result, int64_t now_s)
{
    scribe_forget(&keeper->scribe);
    if (sql_is_damage(result)) {
        settle(keeper, store_begin_anew(&keeper->store), now_s);
        return;
    }
    if (sql_is_full(result) && give_way(keeper, now_s)) {
        keeper->epoch++;
        return;
    }
    snprintf(keeper->store.database.problem, sizeof keeper->store.database.problem, "%s",
             sqlite3_errstr(result));
    settle(keeper, DATABASE_FAILED, now_s);
}

/* Whoever wrote it last may not have lived to seal its coarser windows. Ours are in memory, and
 * are given when they are whole. */
static void make_up(struct keeper *keeper, int64_t now_s)
{
    int result = remake(&keeper->store, keeper->config.bounds.retention,
                        store_writer_for_others(keeper->writer));

    if (result == SQLITE_OK)
        keeper->made_up = true;
    else
        recover(keeper, result, now_s);
}

/* ---- the outside ------------------------------------------------------- */

bool keeper_step(struct keeper *keeper, int64_t now_s)
{
    bool due = now_s >= keeper->due_s;

    if (!keeper->open && due) {
        settle(keeper, store_open(&keeper->store, keeper->config.folder), now_s);
        return keeper->open;
    }
    if (keeper->open && !keeper->made_up) {
        make_up(keeper, now_s);
        return keeper->open;
    }
    if (!keeper->open || !(due || keeper->crowded))
        return false;
    int result = retention_step(&keeper->store, &keeper->config.bounds, now_s, &keeper->losses,
                                &keeper->crowded);

    keeper->due_s = now_s + KEEPER_RETRY_S;
    if (result != SQLITE_OK)
        recover(keeper, result, now_s);
    return keeper->crowded;
}

bool keeper_is_ready(const struct keeper *keeper)
{
    return keeper->open && keeper->made_up;
}

void keeper_touch(const struct keeper *keeper)
{
    if (keeper->open)
        database_touch(&keeper->store.database);
}

void keeper_fail(struct keeper *keeper, int result, int64_t now_s)
{
    recover(keeper, result, now_s);
}

void keeper_begin_again(struct keeper *keeper)
{
    keeper->writer += STORE_WRITERS;
    keeper->store.writer = keeper->writer;
}

bool keeper_write(struct keeper *keeper, int64_t step_s, const struct window *window,
                  struct slice told, int64_t now_s)
{
    int result;

    if (!keeper->open) {
        keeper->shed += window->n_cells;
        return false;
    }
    result = scribe_write(&keeper->scribe, step_s, window, told);
    if (result != SQLITE_OK)
        recover(keeper, result, now_s);
    return result == SQLITE_OK;
}

bool keeper_write_beside(struct keeper *keeper, int64_t step_s, const struct window *window,
                         struct slice told, int64_t now_s)
{
    keeper->store.writer = store_writer_for_late(keeper->writer);
    bool written = keeper_write(keeper, step_s, window, told, now_s);

    keeper->store.writer = keeper->writer;
    return written;
}
