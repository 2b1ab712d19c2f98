/* server/receive/submitter.h: what others than workers submit, on its way to the flusher.
 *
 *   submitter_begin   [ submitter_add, submitter_add_line ... ]   submitter_end
 *
 * It is to the flusher as one more worker that has records alone: in the books as these are,
 * bounded as these are. What was begun is pushed as a whole when it ends.
 *
 * One thread submits, which may wait for a lock; the server gates it before the flusher takes
 * its last parcels, so that nothing comes behind them. */
#ifndef SERVER_RECEIVE_SUBMITTER_H
#define SERVER_RECEIVE_SUBMITTER_H

#include "config/must_check.h"
#include "flush/parcels/ledger.h"
#include "flush/parcels/submitted.h"

struct submitter;

/* What may be on its way: whoever submits more has to wait. */
enum { SUBMITTER_BYTES_MAX = 16 << 20 };

struct submitter_config {
    struct inbox *inbox;
    struct worker_account *account; /* its own */
    struct worker_ledger *ledger;   /* its own */
    uint32_t index; /* the number of workers, and the lane (enum submitted_lane) */
};

/* What the configuration points to outlives it. NULL without memory. */
struct submitter *submitter_new(const struct submitter_config *config);
void submitter_free(struct submitter *given); /* NULL is fine */

enum submitter_state { SUBMITTER_READY, SUBMITTER_BEHIND, SUBMITTER_CLOSED };

/* SUBMITTER_READY: others wait until submitter_end(). Otherwise nothing was begun: the flusher
 * is behind, or the server stops. */
MUST_CHECK enum submitter_state submitter_begin(struct submitter *submitter);
void submitter_end(struct submitter *submitter);

/* Adds values, counted as shed if there is no memory. */
void submitter_add(struct submitter *submitter, const struct submitted *submitted);

/* Counts values as shed that there was no memory to add. */
void submitter_shed(struct submitter *submitter, enum metric_type type, uint64_t values);

/* Adds an event or a check. */
void submitter_add_line(struct submitter *submitter, enum line_kind kind, struct slice line,
                        int64_t now_s);

/* Nothing more begins. Any thread; waits for what is begun. */
void submitter_gate(struct submitter *submitter);

#endif
