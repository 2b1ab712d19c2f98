#include "server/succession/leaving.h"

#include <poll.h>

#include "config/clock.h"
#include "config/log.h"

enum { SECOND_NS = 1000000000, TURN_NS = 5000000 };

#define SIGN_NS       INT64_C(5000000000)
#define SIGN_LEAST_NS INT64_C(1000000000)

struct inheritance *leaving_begin(bool with_state, struct state_writer **out)
{
    struct inheritance *inheritance = inheritance_new();

    *out = with_state ? state_writer_new() : NULL;
    if (inheritance != NULL && (*out != NULL || !with_state))
        return inheritance;
    log_error("server: no memory to hand over");
    inheritance_free(inheritance);
    state_writer_free(*out);
    return NULL;
}

int64_t leaving_sign_by(int64_t now_ns, int64_t end_by_ns)
{
    int64_t half_ns = (end_by_ns - now_ns) / 2;

    return now_ns + (half_ns < SIGN_LEAST_NS ? SIGN_LEAST_NS
                     : half_ns > SIGN_NS     ? SIGN_NS
                                             : half_ns);
}

bool leaving_hold_delivery(struct delivery *delivery, struct event_base *base,
                           int64_t patience_s, int64_t end_by_ns)
{
    int64_t now_ns = clock_monotonic_ns(), silent_ns = leaving_sign_by(now_ns, end_by_ns);
    int64_t busy_ns = now_ns + patience_s * SECOND_NS;
    enum delivery_held held;

    delivery_hold(delivery);
    do {
        event_base_loop(base, EVLOOP_NONBLOCK); /* HTTP goes on */
        now_ns = clock_monotonic_ns();
        held = delivery_held(delivery, now_ns + TURN_NS);
    } while (held != DELIVERY_QUIET && now_ns < (held == DELIVERY_BUSY ? busy_ns : silent_ns));
    if (held == DELIVERY_BUSY && patience_s >= 0)
        log_warn("server: a request is still under way; its payload is sent again");
    if (held == DELIVERY_SILENT)
        log_error("server: delivery gives no sign of life, so it cannot hand over: a disk or a "
                  "name server hangs");
    return held != DELIVERY_SILENT;
}

bool leaving_hear_history(struct history *history, struct event_base *base, int64_t end_by_ns)
{
    int64_t until_ns = leaving_sign_by(clock_monotonic_ns(), end_by_ns);

    if (history == NULL || !history_is_open(history_ledger(history)))
        return true;
    history_ask_for_sign(history);
    while (!history_has_signed(history) && clock_monotonic_ns() < until_ns) {
        event_base_loop(base, EVLOOP_NONBLOCK); /* HTTP goes on */
        poll(NULL, 0, 1);
    }
    if (history_has_signed(history))
        return true;
    log_error("server: the disk of heeler_state_path does not answer, and what is on its way "
              "there could not be handed over");
    return false;
}

struct state_writer *leaving_end_flusher(struct flusher_loop *given, struct state_writer *out)
{
    if (out == NULL) {
        flusher_loop_stop(given);
    } else if (!flusher_loop_hand_over(given, out)) {
        log_error("server: no memory for the state: the open interval is flushed instead");
        state_writer_free(out);
        out = NULL;
    }
    return out;
}

void leaving_end_delivery(struct delivery *given, struct inheritance *inheritance,
                          struct state_writer *out, int64_t deadline_ns)
{
    enum delivery_end end = DELIVERY_ENDED;

    if (out != NULL)
        end = delivery_hand_over(given, deadline_ns, out);
    else if (!delivery_stop(given, deadline_ns))
        end = DELIVERY_LINGERS;
    inheritance->unfinished = end != DELIVERY_ENDED;
    inheritance->stuck = end == DELIVERY_STUCK;
    if (inheritance->stuck)
        log_error("server: delivery hangs, on a disk perhaps: what is unsent is handed over "
                  "by nobody");
}

void leaving_finish(struct inheritance *inheritance, struct state_writer *given,
                    struct flusher_ledger *ledger)
{
    struct counter *values = &ledger->handed_over;

    inheritance->last_stamp_s = (int64_t)counter_read(&ledger->last_stamp_s);
    if (given != NULL)
        inheritance->state_fd = state_writer_end(given);
    if (given != NULL && inheritance->state_fd < 0) {
        log_error("server: no memory for the end of the state: %llu values of the open "
                  "interval are lost",
                  (unsigned long long)counter_read(values));
        counter_set(values, 0);
    }
}
