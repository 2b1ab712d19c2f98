/* server/monitors/monitor_ledger.h: the account of evaluations, and what they found.
 *
 * Written by the evaluator on the desk's thread, read by any. What is of now is of the end of
 * the last round, and 0 while no monitor is defined. */
#ifndef SERVER_MONITORS_MONITOR_LEDGER_H
#define SERVER_MONITORS_MONITOR_LEDGER_H

#include "flush/monitors/monitor_state.h"
#include "flush/parcels/ledger.h"

enum { EVALUATION_LATE_S = 60 };

struct monitor_ledger {
    struct counter evaluations; /* of one monitor each */
    struct counter late;        /* of these, more than EVALUATION_LATE_S behind their minute */

    /* of now */
    struct counter states[MONITOR_STATE_COUNT]; /* monitors, by the worst of their groups */
    struct counter groups;
    struct counter problems;          /* monitors that could not be evaluated */
    struct counter unknown_downtimes; /* that recur, nobody knows when */
    struct counter evaluated_s; /* the minute of the last round, or when there was the first
                                   monitor; 0: there is none */
};

#endif
