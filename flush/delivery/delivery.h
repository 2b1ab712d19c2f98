/* flush/delivery/delivery.h: payloads to the intakes.
 *
 *   outbox -> accepted -> sinks, of which each endpoint:
 *                 [queue, newest first] -> requests in flight -> delivered
 *                   ^  |  |                    |         |
 *                   |  |  `-> shed (oldest)    |         `-> refused
 *              disk <--´                       |
 *                   `<---- retry, by back-off -´
 *
 * One thread with a loop of its own. A slow intake fills its queue and does no
 * other harm. What is queued and in flight is bounded in bytes; beyond the bound
 * the oldest is shed first, because after an outage the newest points are the ones
 * worth having. The thread owns a payload from when it accepts it to its end. */
#ifndef FLUSH_DELIVERY_DELIVERY_H
#define FLUSH_DELIVERY_DELIVERY_H

#include "flush/delivery/delivery_config.h"
#include "flush/delivery/delivery_ledger.h"
#include "flush/memory/state.h"
#include "flush/payloads/outbox.h"

struct delivery;

/* Starts the thread; the texts of config are copied, outbox and ledgers (zeroed
 * by the caller: one for the first endpoint and one for each of more) must
 * outlive it. NULL, with a log line, when a setting makes no sense or the machine
 * is out of something. Once per process at a time. */
struct delivery *delivery_start(const struct delivery_config *config, struct outbox *outbox,
                                struct delivery_ledger *ledgers);

/* Follows a config that has the same targets in the same order: their keys, the time limit, the
 * bound of the queues, the back-off and how often keys are validated. The texts are copied;
 * the thread follows soon. False: the targets are others, or there is no memory, and all stays
 * as it was. */
bool delivery_follow(struct delivery *delivery, const struct delivery_config *config);

/* When the loop last turned, in monotonic milliseconds; it may be a few seconds later than
 * this says. For health. */
int64_t delivery_alive_ms(const struct delivery *delivery);

/* Sends what is queued until the deadline (CLOCK_MONOTONIC). An endpoint that is blocked gets
 * one attempt at once; when no attempt would fall before the deadline, we do not wait for it.
 * What is left goes to disk, or is shed as stopped. Nothing may be pushed any more. False: the
 * thread did not end within a second behind the deadline and still uses outbox and ledgers, so
 * the process must not free them, only end. */
bool delivery_stop(struct delivery *given, int64_t deadline_monotonic_ns);

/* From now on no request begins and no disk is asked, so that what is unsent can be handed over
 * to a successor. What is pushed is kept. Call delivery_resume(), delivery_hand_over() or
 * delivery_stop() next. */
void delivery_hold(struct delivery *delivery);
void delivery_resume(struct delivery *delivery);

enum delivery_held {
    DELIVERY_SILENT, /* the thread has not answered: a disk or a name server hangs */
    DELIVERY_BUSY,   /* a request is still under way */
    DELIVERY_QUIET,
};

/* How far holding has come. Waits until delivery is quiet, or that time has come. */
enum delivery_held delivery_held(struct delivery *delivery, int64_t until_monotonic_ns);

enum delivery_end {
    DELIVERY_ENDED,
    DELIVERY_LINGERS, /* all was handed over, but the thread did not end, as with
                         delivery_stop() */
    DELIVERY_STUCK,   /* the thread did not end and has written nothing: nothing was handed over
                       */
};

/* To be called in place of delivery_stop(): writes what is left into the part STATE_PAYLOADS,
 * and completes the state. If that fails, what is left goes to disk or is shed as at a stop.
 * After DELIVERY_STUCK nobody writes to the state any more. */
enum delivery_end delivery_hand_over(struct delivery *given, int64_t deadline_monotonic_ns,
                                     struct state_writer *out);

#endif
