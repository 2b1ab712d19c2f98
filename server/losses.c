#include "server/losses.h"

#include <inttypes.h>

#include "config/log.h"
#include "flush/delivery/mirror_ledger.h"
#include "server/http/totals.h"
#include "server/receive/listeners.h"

/* ---- the counters ------------------------------------------------------ */

static uint64_t read_shed(const struct server_view *view, int reason)
{
    bool asked_for = reason == SHED_FILTERED || reason == SHED_DISABLED;

    return asked_for ? 0 : totals_shed(view, (enum shed_reason)reason);
}

static uint64_t read_records(const struct server_view *view, int ignored)
{
    (void)ignored;
    return totals_records_shed(view);
}

static uint64_t read_dropped(const struct server_view *view, int reason)
{
    return reason == POINT_FILTERED || reason == POINT_DISABLED
               ? 0
               : counter_read(&view->flusher_ledger->dropped[reason]);
}

static uint64_t read_unkept(const struct server_view *view, int ignored)
{
    (void)ignored;
    const struct flusher_ledger *flusher = view->flusher_ledger;

    return counter_read(&flusher->rollup_refused) + counter_read(&flusher->timed[TIMED_FULL]);
}

static uint64_t points_of(const struct delivery_count *count)
{
    return atomic_load_explicit(&count->points, memory_order_relaxed);
}

/* Payloads that a stop leaves unsent do not count here: each endpoint logs its own. */
static uint64_t read_unsent(const struct server_view *view, int reason)
{
    return reason == UNSENT_STOPPED ? 0 : totals_unsent(view, (enum delivery_shed)reason);
}

static uint64_t read_unmirrored(const struct server_view *view, int reason)
{
    return view->mirror != NULL ? points_of(&view->mirror->points.shed[reason]) : 0;
}

static uint64_t read_truncated(const struct server_view *view, int ignored)
{
    (void)ignored;
    return listeners_sum(view->listeners, listener_truncated);
}

static uint64_t read_kernel(const struct server_view *view, int ignored)
{
    (void)ignored;
    return listeners_sum(view->listeners, listener_drops);
}

/* ---- the table --------------------------------------------------------- */

#define SHED_ROW(id, label, why)   { "values were shed", label, why, read_shed, id },
#define POINT_ROW(id, label, why)  { "points were dropped", label, why, read_dropped, id },
#define UNSENT_ROW(id, label, why) { "points were given up", label, why, read_unsent, id },

/* The row of kernel drops stands first. Once the gate is closed its counter also counts what
 * the gate refuses. */
enum { KERNEL_ROW };

static const struct row {
    const char *what;
    const char *reason; /* its label in /metrics */
    const char *why;
    uint64_t (*read)(const struct server_view *view, int which);
    int which;
} rows[] = {
    { "datagrams were dropped", "kernel",
      "the receive buffer was full; dogstatsd_so_rcvbuf and net.core.rmem_max bound it",
      read_kernel, 0 },
    { "datagrams were cut", "truncated", "they are longer than dogstatsd_buffer_size",
      read_truncated, 0 },
    SHED_REASONS(SHED_ROW) //
    { "events and service checks were shed", "flusher_behind", "the flusher is behind",
      read_records, 0 },
    POINT_DROPS(POINT_ROW) //
    { "points were not kept for questions", "rollup",
      "no room within heeler_rollup_max_bytes; the intake gets them, but for those of traces",
      read_unkept, 0 },
    DELIVERY_SHEDS(UNSENT_ROW) //
    { "values of windows were given up", "redis", "heeler_redis_queue_max_bytes is used up",
      read_unmirrored, UNSENT_QUEUE_FULL },
};

enum { KINDS = sizeof rows / sizeof rows[0] };
_Static_assert((int)KINDS <= (int)LOSS_KINDS_MAX, "struct losses has room for all");

/* ---- saying it --------------------------------------------------------- */

/* The kernel counts a dropped buffer once, however many datagrams it has put together in it. */
static void say(struct losses *losses, const struct server_view *view, size_t i, uint64_t now)
{
    uint64_t n = now - losses->said[i];
    bool buffers = i == KERNEL_ROW && listeners_coalesce(view->listeners);

    losses->said[i] = now;
    log_warn("server: %s%" PRIu64 " %s (%s): %s", buffers ? "at least " : "", n, rows[i].what,
             rows[i].reason, rows[i].why);
}

void losses_look(struct losses *losses, const struct server_view *view, int64_t now_ms)
{
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t now = rows[i].read(view, rows[i].which);

        if (now <= losses->said[i] || now_ms < losses->silent_until_ms[i])
            continue;
        losses->silent_until_ms[i] = now_ms + LOSS_SILENCE_MS;
        say(losses, view, i, now);
    }
}

void losses_finish(struct losses *losses, const struct server_view *view)
{
    for (size_t i = KERNEL_ROW + 1; i < KINDS; i++) {
        uint64_t now = rows[i].read(view, rows[i].which);

        if (now > losses->said[i])
            say(losses, view, i, now);
    }
}
