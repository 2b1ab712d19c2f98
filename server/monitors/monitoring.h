/* server/monitors/monitoring.h: the evaluator in the desk's loop, and whom it asks.
 *
 *   each second ── what is defined now ──► evaluator ── inquiry ──► flusher ──► answers
 *                                            ├── heeler-chart, heeler-calendar
 *                                            ├── what is written down ──► history, and back
 *                                            └── notification ──► notifier ──► results
 *
 * All in the desk's loop, under the mutex of the API, whose definitions it reads: main may then
 * write down all of it for a successor. Until a monitor is defined there is a timer, and
 * nothing else. */
#ifndef SERVER_MONITORS_MONITORING_H
#define SERVER_MONITORS_MONITORING_H

#include <event2/event.h>

#include "config/must_check.h"
#include "server/monitors/evaluator.h"

struct notify_ledger;
struct server_view;
struct settings;

/* Writes down what the evaluator says, somewhere that outlives the process; NULL: nowhere. */
struct state_keeper {
    /* With an argument, which is of malloc, a letter comes back when it is written or given up.
     * False: it cannot be given, and the argument is the caller's. */
    bool (*keep)(void *self, const char *kind, struct slice name, int64_t changed_s,
                 struct slice text, void *argument);

    /* Frees such a letter; what the argument was. */
    void *(*take)(struct letter *given);
    struct mailbox *returned; /* those letters; it outlives who takes them */
    void *self;
};

struct monitoring;

/* Of a view: settings, questions, the ledgers, the API. All outlive it. NULL without memory. */
struct monitoring *monitoring_new(const struct server_view *view, const char *hostname);
/* The desk has ended; NULL is fine. What a notifier that does not end looks at is left to the
 * end of the process. */
void monitoring_free(struct monitoring *given);

struct evaluator *monitoring_evaluator(struct monitoring *monitoring);

/* Their accounts, for any thread; NULL gives NULL. */
const struct notify_ledger *monitoring_ledger(const struct monitoring *monitoring);
const struct monitor_ledger *monitoring_counts(const struct monitoring *monitoring);

/* A reload, on main's thread: who may be told is read anew. False with a sentence; all stays as
 * it was. */
MUST_CHECK bool monitoring_follow(struct monitoring *monitoring,
                                  const struct settings *settings, char *problem,
                                  size_t problem_size);

/* Whether a program before this one left states: somebody has monitors. NULL is fine. */
bool monitoring_is_inherited(const struct monitoring *monitoring);

/* In the desk's loop before it runs. False without memory or descriptors. */
MUST_CHECK bool monitoring_furnish(struct monitoring *monitoring, struct event_base *base);

/* On main's thread: nothing is evaluated or sent any more, and what waits is written as the
 * part STATE_MONITORS, if there is any. */
void monitoring_hand_over(struct monitoring *monitoring, struct state_writer *out);

/* The same without a successor: what waits stays where it is kept. */
void monitoring_end(struct monitoring *monitoring);

#endif
