/* server/monitors/evaluator.h: each minute every monitor is looked at, and who is to be told
 * is.
 *
 *   the minute ──► each monitor that is due ── inquiry ──► flusher, in slices
 *                  group_state_step() of each group ◄── value of each group
 *                  transition ── silenced, or a downtime holds: muted
 *                             ── template, receivers ──► notification
 *                             ── kept first, where there is a path ──► notifier
 *
 * EVALUATOR_WAIT_S behind the full minute the window that ended there is complete: the rollups
 * have the interval that it ends in. Who is muted must be known, too: what recurs is asked for
 * first, as after a start. All monitors of a minute look at the same moment, however long it
 * takes to get to them. What is missed (a stop, a machine that slept) is not made up: the next
 * minute is evaluated.
 *
 * What is defined is in the definitions and in files (server/monitors/monitors.h). With
 * heeler_state_path each change of a state and each notification that waits is written down
 * before it is sent; a successor gets all of it in STATE_MONITORS. On the desk's thread, in
 * slices of a few milliseconds; time is an argument of all but the timer. Nothing is allocated,
 * asked or fetched until the first monitor exists. */
#ifndef SERVER_MONITORS_EVALUATOR_H
#define SERVER_MONITORS_EVALUATOR_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/memory/state.h"
#include "flush/notify/hourly.h"
#include "flush/notify/notification.h"
#include "flush/rollups/inquiry.h"
#include "server/monitors/monitor_ledger.h"
#include "server/monitors/monitors.h"

struct downtime;
struct evaluator;
struct notify_ledger;
struct occurrences;
struct receivers;

enum { EVALUATOR_WAIT_S = 2, EVALUATOR_ASKED_MAX = 2, EVALUATOR_TOLD_MAX = 1000 };

/* What it needs of others, each a function and whose it is; time never. */
struct evaluator_needs {
    /* Asks the flusher; tell is called later, or before it returns, with the status and the
     * JSON of the answer. */
    void (*ask)(void *self, const struct inquiry *inquiry,
                void (*tell)(void *argument, int status, struct slice json), void *argument);

    /* Draws the definition of a chart; told with an empty picture where none can be had. */
    void (*paint)(void *self, struct slice definition,
                  void (*tell)(void *argument, struct bytes *picture), void *argument);

    /* Asks heeler-calendar; told with an empty answer and a sentence where it cannot say. */
    void (*recur)(void *self, struct slice lines,
                  void (*tell)(void *argument, struct slice answer, const char *sentence),
                  void *argument);

    /* Writes that down under a kind and a name, an empty text: forget it; kept, if any, is
     * called when it is on the disk, or at once where there is no path. */
    void (*keep)(void *self, const char *kind, struct slice name, struct slice text,
                 void (*kept)(void *argument), void *argument);

    /* What that receiver got within the hour, by the clock of the wall, and when a digest (0:
     * never), from processes before this one: told before anything is sent. */
    void (*recall)(void *self, struct slice receiver, const struct hourly *sent,
                   int64_t digest_s);

    /* Sends it. */
    void (*send)(void *self, struct notification *given);

    /* A minute is evaluated, in time. */
    void (*beat)(void *self);

    /* Up to which second all is in the rollups; when values were lost or shed last. */
    int64_t (*flushed_s)(void *self);
    int64_t (*lost_s)(void *self);

    /* The address of that host, a view until the next is asked for; empty: it is not known. */
    struct slice (*address)(void *self, struct slice host);
    void *self;
    int64_t start_s; /* when the process started, or one before it that handed over */
    const struct receivers *receivers; /* outlive it */
    struct notify_ledger *ledger;
    const char *link;         /* to the page, without a slash at its end; empty: none */
    size_t waiting_bytes_max; /* of what is raised and has not ended; 0: 64 MiB */
};

/* One line of the history of notifications. Views. */
struct told_line {
    int64_t raised_s, at_s; /* at_s: when this became of it */
    struct slice id, monitor_name, group, receiver, title;
    const char *answer; /* the receiver's, or why not */
    int64_t monitor;
    enum monitor_state to;
    enum notification_end end;
    uint32_t attempts;
};

/* NULL without memory. */
struct evaluator *evaluator_new(const struct evaluator_needs *needs);
void evaluator_free(struct evaluator *given);

const struct monitors *evaluator_monitors(const struct evaluator *evaluator);

/* For any thread, as long as the evaluator lives. */
const struct monitor_ledger *evaluator_ledger(const struct evaluator *evaluator);

/* Who may be told from now on, which outlives it. */
void evaluator_follow(struct evaluator *evaluator, const struct receivers *receivers);

/* ---- what is defined changes ------------------------------------------- */

/* As monitors_define() and monitors_forget(). */
MUST_CHECK bool evaluator_define(struct evaluator *evaluator, int64_t number, struct slice body,
                                 char *problem, size_t problem_size);
void evaluator_forget(struct evaluator *evaluator, int64_t number);

/* A downtime, as v1 or v2 has it; an empty body: it is gone. made_s: the time that is meant
 * where it does not say one. */
MUST_CHECK bool evaluator_set_downtime(struct evaluator *evaluator, struct slice name,
                                       struct slice body, bool is_v2, int64_t made_s,
                                       char *problem, size_t problem_size);

/* Those that were set since the first are there, the others go. */
void evaluator_mark_downtimes(struct evaluator *evaluator);
void evaluator_sweep_downtimes(struct evaluator *evaluator);

enum downtime_hold {
    DOWNTIME_HOLD_UNKNOWN, /* it is being asked for */
    DOWNTIME_HOLD_NONE,    /* not in the week ahead, or nobody can say when */
    DOWNTIME_HOLD_KNOWN
};

/* When it holds next, or holds now. */
enum downtime_hold evaluator_downtime_holds(const struct evaluator *evaluator,
                                            struct slice name, int64_t now_s, int64_t *from_s,
                                            int64_t *until_s);

/* Tells, later or before it returns, when that one, which recurs, holds within that time: a
 * view, whose known_until_s may be earlier; NULL and a sentence where nobody can say. */
void evaluator_ask_occurrences(struct evaluator *evaluator, const struct downtime *downtime,
                               int64_t from_s, int64_t until_s,
                               void (*tell)(void *argument,
                                            const struct occurrences *occurrences,
                                            const char *sentence),
                               void *argument);

/* ---- rounds ------------------------------------------------------------ */

/* Begins what is due by then. */
void evaluator_tick(struct evaluator *evaluator, int64_t now_s);

/* Does a bounded piece of work. True: there is more to do at once. */
bool evaluator_step(struct evaluator *evaluator, int64_t now_s);

/* What became of a notification (flush/notify/notifier.h). given: NULL while it goes on. */
void evaluator_hear(struct evaluator *evaluator, struct notification *given, struct slice id,
                    struct slice receiver, enum notification_end end, uint32_t attempts,
                    const char *answer, int64_t now_s);

/* A receiver has got one more; to be told before what became of it. */
void evaluator_count(struct evaluator *evaluator, struct slice receiver, bool is_digest,
                     int64_t now_s);

/* Writes down what is new in the history of notifications; each tick does. */
void evaluator_write_told(struct evaluator *evaluator);

/* What waits for a picture or for the disk is not sent any more: a successor, or what is
 * written down, has it. */
void evaluator_give_up_waits(struct evaluator *evaluator);

/* Raises a notification of that monitor with the words of a test. False: there is none. */
bool evaluator_test(struct evaluator *evaluator, int64_t number, int64_t now_s);

/* The newest first, EVALUATOR_TOLD_MAX at most; NULL behind the last. Good until the next
 * transition. */
const struct told_line *evaluator_told(const struct evaluator *evaluator, size_t i);

/* ---- a successor, and what was kept ------------------------------------ */

/* Of what is defined: all states and what waits, as items of a kind and a name; an empty kind
 * ends them. */
void evaluator_hand_over(const struct evaluator *evaluator, struct state_writer *out);

/* One such item, or one that was kept. The monitor is defined. */
void evaluator_restore(struct evaluator *evaluator, struct slice kind, struct slice name,
                       struct slice text);

#endif
