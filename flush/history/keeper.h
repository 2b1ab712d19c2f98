/* flush/history/keeper.h: the store while it is there, and what to do while it is not.
 *
 *   closed ── open ──► open ── damaged: set aside, and begun anew
 *      ▲                │ ──── full: the oldest and finest give way
 *      └── a minute ────┘      otherwise, or if that fails: closed
 *
 * Also closed are a store that another process owns, as in a rolling update, and one that a
 * newer program wrote. It is tried again each minute; each change is logged once.
 *
 * Whenever the keeper has forgotten what it was told its epoch is another number: whoever gives
 * windows tells of all series anew then, and may give again what it still has, for to put the
 * same twice changes nothing. What is given while it is closed is lost, and counted.
 *
 * Time is an argument. One thread, which may wait for the disk. */
#ifndef FLUSH_HISTORY_KEEPER_H
#define FLUSH_HISTORY_KEEPER_H

#include "flush/history/retention.h"
#include "flush/history/scribe.h"

enum { KEEPER_RETRY_S = 60 };

struct note;

struct keeper_config {
    const char *folder;             /* outlives the keeper */
    struct retention_bounds bounds; /* as does what it points to */

    /* Told of each definition that was kept before, on the thread of the store; NULL: nobody
     * is. */
    void (*recalled)(void *argument, const struct note *note);
    void *recalled_argument;
};

struct keeper {
    struct keeper_config config;
    struct store store;
    struct scribe scribe;
    struct retention_losses losses;
    int64_t writer;   /* who we are (flush/history/store.h) */
    uint64_t shed;    /* cells that came while it was closed */
    uint64_t damaged; /* files set aside */
    bool open;
    bool made_up; /* coarser windows of those before us, who may not have lived to seal them */
    bool crowded; /* there is more to drop */
    enum database_state said; /* last in the log; DATABASE_OPEN at first */
    int64_t due_s;            /* when it is opened, or looked through, next */
    uint32_t epoch;           /* 0: it was never open */
};

/* Opens nothing yet. */
void keeper_init(struct keeper *keeper, const struct keeper_config *config);
void keeper_close(struct keeper *given);

/* Opens what is due, and at the step after that makes up for what those before us did not live
 * to write; drops a bounded piece of what is too old or too much. True: there is more to do at
 * once. */
bool keeper_step(struct keeper *keeper, int64_t now_s);

/* Whether windows may be given: it is open, and what was before is made up. */
bool keeper_is_ready(const struct keeper *keeper);

/* Returns when the disk has answered; while it is closed at once. */
void keeper_touch(const struct keeper *keeper);

/* To be called when something else that was asked of its store failed. */
void keeper_fail(struct keeper *keeper, int result, int64_t now_s);

/* The clock was set back, so the same time comes once more: what is written from now on
 * replaces nothing that we have written. */
void keeper_begin_again(struct keeper *keeper);

/* Writes a window of that step, and what is told with it. False: it is not written. */
bool keeper_write(struct keeper *keeper, int64_t step_s, const struct window *window,
                  struct slice told, int64_t now_s);

/* The same of what came late: another writer's part, so that it replaces none of ours, and that
 * no question takes for what is in memory, too. Once a window. */
bool keeper_write_beside(struct keeper *keeper, int64_t step_s, const struct window *window,
                         struct slice told, int64_t now_s);

#endif
