#include "server/http/findings.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/log.h"
#include "server/http/findings_internal.h"
#include "server/http/totals.h"
#include "server/receive/listeners.h"

/* A counter that has not moved for so long is over. A clash of types is told when its series
 * are born, and goes on for as long as they live. */
enum { QUIET_MS = 60000, CONFLICT_QUIET_MS = 3600000 };

/* ---- the counters ------------------------------------------------------ */

static uint64_t read_drops(const struct server_view *view, int ignored)
{
    (void)ignored;
    return listeners_sum(view->listeners, listener_drops);
}

static uint64_t read_truncated(const struct server_view *view, int ignored)
{
    (void)ignored;
    return listeners_sum(view->listeners, listener_truncated);
}

static uint64_t read_records(const struct server_view *view, int ignored)
{
    (void)ignored;
    return totals_records_shed(view);
}

static uint64_t read_conflicts(const struct server_view *view, int ignored)
{
    (void)ignored;
    return counter_read(&view->flusher_ledger->type_conflicts);
}

static uint64_t read_rejected(const struct server_view *view, int reason)
{
    return totals_rejected(view, (enum parse_result)reason);
}

static uint64_t read_shed(const struct server_view *view, int reason)
{
    return totals_shed(view, (enum shed_reason)reason);
}

static uint64_t read_dropped(const struct server_view *view, int reason)
{
    return counter_read(&view->flusher_ledger->dropped[reason]);
}

static uint64_t read_unsent(const struct server_view *view, int reason)
{
    return totals_unsent(view, (enum delivery_shed)reason);
}

static uint64_t read_refused(const struct server_view *view, int ignored)
{
    uint64_t sum = 0;

    (void)ignored;
    for (size_t i = 0; i < view->n_sinks; i++)
        for (int reason = 0; reason < REFUSED_COUNT; reason++)
            sum += atomic_load_explicit(&view->delivery_ledger[i].refused[reason].payloads,
                                        memory_order_relaxed);
    return sum;
}

/* ---- the table --------------------------------------------------------- */

struct row {
    const char *label;
    enum finding_severity severity;
    bool said; /* another line of the log says it */

    /* Of a counter; a state has none of these. */
    uint64_t (*read)(const struct server_view *view, int which);
    int which;
    const char *many, *one;   /* behind the number: "lines were", "line was" */
    const char *what;         /* and behind those */
    const char *const *mends; /* by which */
    int quiet_ms;
};

static const char asked_for[] = "nothing, if that was meant: heeler check shows the lists";
static const char see_tail[] = "mend the client; heeler tail --bad shows such lines";

#define REJECTED_MEND(id, label, why) [id] = see_tail,
static const char *const rejected_mends[PARSE_RESULT_COUNT] = { PARSE_RESULTS(REJECTED_MEND) };

static const char *const shed_mends[SHED_REASON_COUNT] = {
    [SHED_NOT_FINITE] = "mend the client: a value divided by its rate is no number any more",
    [SHED_CONTEXTS_FULL] =
        "heeler top --by tag shows the tag keys with the most values; or raise "
        "heeler_max_contexts, and restart",
    [SHED_MEMORY] = "heeler status shows what takes the memory; or raise heeler_max_memory, "
                    "and restart",
    [SHED_BEHIND] =
        "top -H -p $(pidof heeler): the flusher needs a processor; fewer new contexts "
        "help too",
    [SHED_UNSUPPORTED_TIME] = "mend the client: only counts and gauges may bear a timestamp",
    [SHED_FILTERED] = asked_for,
    [SHED_DISABLED] = "set enable_payloads.series and .sketches to true",
    [SHED_REFUSED_NAME] = "mend the client: a name has a letter, and 350 bytes at most",
    [SHED_REFUSED_TAGS] = "mend the client: a sample has 100 tags and 100 KiB of them at most",
    [SHED_REFUSED_HOST] = "mend the client: the tag host: has 255 bytes at most",
    [SHED_REFUSED_TIME] = "timedatectl on the sender: its clock is ahead",
    [SHED_LAST_INTERVAL] = "raise heeler_stop_timeout",
};

static const char *const point_mends[POINT_DROP_COUNT] = {
    [POINT_NOT_FINITE] = "mend the client: its values add up beyond the range of a double",
    [POINT_TOO_LARGE] = "raise serializer_max_payload_size, or send fewer tags on one series",
    [POINT_NO_MEMORY] = "give the machine, or the control group, more memory",
    [POINT_FILTERED] = asked_for,
    [POINT_DISABLED] = "set enable_payloads.* to true",
    [POINT_INVALID] =
        "mend the client: the event or check has tags or a host beyond the bounds",
    [POINT_OUTBOX_FULL] = "heeler flare heeler.tar, then systemctl restart heeler",
    [POINT_EVENTS_FULL] = "send fewer events: metrics count what happens often",
};

static const char *const unsent_mends[UNSENT_COUNT] = {
    [UNSENT_QUEUE_FULL] = "raise forwarder_retry_queue_payloads_max_size, or give it a disk: "
                          "forwarder_storage_max_size_in_bytes",
    [UNSENT_STOPPED] = "raise heeler_stop_timeout, or give it a disk: "
                       "forwarder_storage_max_size_in_bytes",
    [UNSENT_SPOOL_FULL] = "raise forwarder_storage_max_size_in_bytes",
    [UNSENT_SPOOL_OUTDATED] = "raise forwarder_outdated_file_in_days",
    [UNSENT_SPOOL_DAMAGED] = "look at the disk of forwarder_storage_path: dmesg",
    [UNSENT_SPOOL_LOST] = "find out who removes files in forwarder_storage_path",
    [UNSENT_NO_MEMORY] = "give the machine, or the control group, more memory",
};

#define OWN_MEND(text)    \
    (const char *const[]) \
    {                     \
        text              \
    }

#define STATE(id, label_, severity_, said_) \
    [id] = { .label = label_, .severity = severity_, .said = said_ },
#define REJECTED(id, label, why)                                                             \
    [FINDING_OF_##id] = {                                                                    \
        "rejected_" label, FINDING_WARNING, true,           read_rejected, id, "lines were", \
        "line was",        "refused: " why, rejected_mends, QUIET_MS                         \
    },
#define SHED(id, label, why)                                                       \
    [FINDING_OF_##id] = { "shed_" label,                                           \
                          (int)(id) == SHED_FILTERED || (int)(id) == SHED_DISABLED \
                              ? FINDING_NOTICE                                     \
                              : FINDING_WARNING,                                   \
                          true,                                                    \
                          read_shed,                                               \
                          id,                                                      \
                          "values were",                                           \
                          "value was",                                             \
                          "shed: " why,                                            \
                          shed_mends,                                              \
                          QUIET_MS },
#define DROPPED(id, label, why)                                                      \
    [FINDING_OF_##id] = { "points_" label,                                           \
                          (int)(id) == POINT_FILTERED || (int)(id) == POINT_DISABLED \
                              ? FINDING_NOTICE                                       \
                              : FINDING_WARNING,                                     \
                          true,                                                      \
                          read_dropped,                                              \
                          id,                                                        \
                          "points were",                                             \
                          "point was",                                               \
                          "dropped: " why,                                           \
                          point_mends,                                               \
                          QUIET_MS },
#define UNSENT(id, label, why)                     \
    [FINDING_OF_##id] = { "unsent_" label,         \
                          FINDING_ERROR,           \
                          true,                    \
                          read_unsent,             \
                          id,                      \
                          "points were",           \
                          "point was",             \
                          "given up unsent: " why, \
                          unsent_mends,            \
                          QUIET_MS },

static const struct row rows[FINDING_COUNT] = {
    FINDING_STATES(STATE) //
        [FINDING_DROPS] = { "kernel_drops", FINDING_ERROR, true, read_drops, 0,
                            "datagrams were", "datagram was",
                            "dropped by the kernel: the receive buffer was full",
                            OWN_MEND("raise dogstatsd_so_rcvbuf and net.core.rmem_max, or "
                                     "heeler_workers; or send to the unix socket"),
                            QUIET_MS },
    [FINDING_TRUNCATED] = { "datagrams_cut", FINDING_WARNING, true, read_truncated, 0,
                            "datagrams were", "datagram was",
                            "cut: longer than dogstatsd_buffer_size",
                            OWN_MEND("raise dogstatsd_buffer_size, and restart"), QUIET_MS },
    [FINDING_RECORDS] = { "records_shed", FINDING_WARNING, true, read_records, 0,
                          "events and service checks were", "event or service check was",
                          "shed: the flusher is behind",
                          OWN_MEND("top -H -p $(pidof heeler): the flusher needs a processor"),
                          QUIET_MS },
    [FINDING_REFUSED] = { "payloads_refused", FINDING_ERROR, true, read_refused, 0,
                          "payloads were", "payload was",
                          "refused for good by the intake (400, 413)",
                          OWN_MEND(
                              "set heeler_dead_letter_path: it keeps them, with the answer"),
                          QUIET_MS },
    [FINDING_CONFLICTS] = { "type_conflicts", FINDING_WARNING, true, read_conflicts, 0,
                            "series have", "series has",
                            "the name and tags of one with another type",
                            OWN_MEND("send one type under one name; the log says which"),
                            CONFLICT_QUIET_MS },
    PARSE_RESULTS(REJECTED) SHED_REASONS(SHED) POINT_DROPS(DROPPED) DELIVERY_SHEDS(UNSENT)
};

/* ---- looking ----------------------------------------------------------- */

/* Whether it holds now, and then its words. */
static bool look_at_counter(const struct row *row, struct finding *finding, bool first,
                            const struct moment *moment)
{
    uint64_t count = row->read(moment->view, row->which);
    bool moved = !first && count > finding->count;

    if (moved && !finding->active)
        finding->count_before = finding->count;
    if (moved)
        finding->moved_ms = moment->monotonic_ms;
    finding->count = count;
    if (!moved &&
        (!finding->active || moment->monotonic_ms - finding->moved_ms >= row->quiet_ms))
        return false;
    uint64_t came = count - finding->count_before;
    snprintf(finding->sentence, sizeof finding->sentence, "%" PRIu64 " %s %s", came,
             came == 1 ? row->one : row->many, row->what);
    snprintf(finding->mend, sizeof finding->mend, "%s", row->mends[row->which]);
    return true;
}

static void log_begin(const struct row *row, const struct finding *finding)
{
    if (row->said)
        return;
    if (row->severity == FINDING_NOTICE)
        log_info("server: finding %s: %s (%s)", row->label, finding->sentence, finding->mend);
    else
        log_warn("server: finding %s: %s (%s)", row->label, finding->sentence, finding->mend);
}

static void turn(const struct row *row, struct finding *finding, bool holds, int64_t wall_s)
{
    if (holds == finding->active)
        return;
    finding->active = holds;
    if (holds) {
        finding->since_s = wall_s;
        log_begin(row, finding);
    } else {
        log_info("server: finding %s is over", row->label);
    }
}

void findings_look(struct findings *findings, const struct server_view *view,
                   int64_t monotonic_ms, int64_t wall_s)
{
    struct moment moment = { view, monotonic_ms, wall_s };

    for (int i = 0; i < FINDING_COUNT; i++) {
        struct finding *finding = &findings->at[i];
        bool holds = rows[i].read != NULL
                         ? look_at_counter(&rows[i], finding, !findings->looked, &moment)
                         : finding_state_of((enum finding_id)i)(&moment, finding);

        turn(&rows[i], finding, holds, wall_s);
    }
    findings->looked = true;
}

/* ---- telling ----------------------------------------------------------- */

size_t findings_count(const struct findings *findings)
{
    size_t n = 0;

    for (int i = 0; findings != NULL && i < FINDING_COUNT; i++)
        n += findings->at[i].active;
    return n;
}

const char *finding_label(enum finding_id id)
{
    return rows[id].label;
}

enum finding_severity finding_severity_of(enum finding_id id)
{
    return rows[id].severity;
}

static const char *severity_name(enum finding_severity severity)
{
    static const char *const names[FINDING_SEVERITIES] = { "error", "warning", "notice" };

    return names[severity];
}

static void write_finding(struct json_out *out, enum finding_id id,
                          const struct finding *finding)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "id", rows[id].label);
    json_out_text(out, "severity", severity_name(rows[id].severity));
    json_out_text(out, "sentence", finding->sentence);
    json_out_text(out, "mend", finding->mend);
    json_out_signed(out, "since_s", finding->since_s);
    json_out_end(out, '}');
}

void findings_write(struct json_out *out, const char *name, const struct findings *findings)
{
    json_out_begin(out, name, '[');
    for (int severity = 0; findings != NULL && severity < FINDING_SEVERITIES; severity++)
        for (int i = 0; i < FINDING_COUNT; i++)
            if (findings->at[i].active && (int)rows[i].severity == severity)
                write_finding(out, (enum finding_id)i, &findings->at[i]);
    json_out_end(out, ']');
}
