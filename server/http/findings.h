/* server/http/findings.h: what is wrong, or may be, and the command that mends it.
 *
 * One table says what is looked for: a state that holds (an invalid key), or a counter that
 * moved lately (datagrams that the kernel dropped). Main looks each second, by the timer of the
 * watch. A finding begins, is said once in the log, and ends; meanwhile it is in
 * GET /api/v1/status, in `heeler status` and, by its id, in /ready, whose status it never
 * changes. The ids are stable: others may test for them (docs/api.md).
 *
 * Judged from the view alone, and time is an argument: no thread and no disk is asked. */
#ifndef SERVER_HTTP_FINDINGS_H
#define SERVER_HTTP_FINDINGS_H

#include "flush/memory/json_out.h"
#include "server/http/server_view.h"

enum finding_severity { FINDING_ERROR, FINDING_WARNING, FINDING_NOTICE, FINDING_SEVERITIES };

/* States: X(id, label, severity, whether another line of the log says it anyway). Each has a
 * function of its name in findings.c. */
#define FINDING_STATES(X)                                                 \
    X(FINDING_HANGS, "loop_hangs", FINDING_ERROR, true)                   \
    X(FINDING_KEY, "api_key_invalid", FINDING_ERROR, true)                \
    X(FINDING_UNREACHABLE, "intake_unreachable", FINDING_ERROR, true)     \
    X(FINDING_REDIS, "redis_unreachable", FINDING_ERROR, true)            \
    X(FINDING_HISTORY, "history_not_kept", FINDING_WARNING, true)         \
    X(FINDING_MAIL, "mail_not_sent", FINDING_ERROR, false)                \
    X(FINDING_WEBHOOK, "webhook_not_sent", FINDING_ERROR, false)          \
    X(FINDING_EVALUATION, "evaluation_late", FINDING_ERROR, false)        \
    X(FINDING_MONITORS, "monitors_not_evaluated", FINDING_WARNING, false) \
    X(FINDING_DOWNTIMES, "downtimes_unknown", FINDING_WARNING, true)      \
    X(FINDING_CHECKS_SILENT, "checks_not_heard", FINDING_ERROR, false)    \
    X(FINDING_CHECKS, "checks_failing", FINDING_WARNING, false)           \
    X(FINDING_IMBALANCE, "ledger_imbalance", FINDING_ERROR, false)        \
    X(FINDING_CONTEXTS, "contexts_near_bound", FINDING_WARNING, false)    \
    X(FINDING_TAG_GROWS, "tag_grows", FINDING_WARNING, false)             \
    X(FINDING_CLOCK, "clock_apart", FINDING_WARNING, false)               \
    X(FINDING_DUPLICATE, "duplicate_source", FINDING_WARNING, true)       \
    X(FINDING_BUFFER, "receive_buffer_small", FINDING_WARNING, true)      \
    X(FINDING_QUEUE, "unix_queue_short", FINDING_WARNING, true)           \
    X(FINDING_DEAF_V6, "ipv6_gap", FINDING_NOTICE, false)                 \
    X(FINDING_CONTAINER, "container_hostname", FINDING_NOTICE, false)     \
    X(FINDING_INTERVAL, "interval_not_of_minute", FINDING_NOTICE, false)  \
    X(FINDING_NO_KEY, "local_mode", FINDING_NOTICE, true)                 \
    X(FINDING_SILENCE, "nothing_received", FINDING_NOTICE, false)

#define FINDING_STATE_ENUM(id, ...)  id,
#define FINDING_REASON_ENUM(id, ...) FINDING_OF_##id,
/* Behind the states stand the counters, which have their rows in findings.c: some of their own,
 * and those of the ledgers' reasons, as "rejected_bad_type", "shed_contexts_full",
 * "points_outbox_full" and "unsent_queue_full". */
enum finding_id {
    FINDING_STATES(FINDING_STATE_ENUM) //
    FINDING_DROPS,
    FINDING_TRUNCATED,
    FINDING_RECORDS,
    FINDING_REFUSED,
    FINDING_CONFLICTS,
    PARSE_RESULTS(FINDING_REASON_ENUM) SHED_REASONS(FINDING_REASON_ENUM)
        POINT_DROPS(FINDING_REASON_ENUM) DELIVERY_SHEDS(FINDING_REASON_ENUM) FINDING_COUNT
};
#undef FINDING_STATE_ENUM
#undef FINDING_REASON_ENUM

enum { FINDING_SENTENCE_SIZE = 320, FINDING_MEND_SIZE = 200 };

struct finding {
    bool active;
    int64_t since_s;       /* wall clock */
    uint64_t count;        /* of a counter: at the last look */
    uint64_t count_before; /* when it began */
    int64_t moved_ms;      /* monotonic: when it last moved */
    char sentence[FINDING_SENTENCE_SIZE], mend[FINDING_MEND_SIZE];
};

struct findings {
    bool looked; /* once, so that the counts are known */
    struct finding at[FINDING_COUNT];
};

/* { 0 } is the beginning. Says in the log what began and what ended. */
void findings_look(struct findings *findings, const struct server_view *view,
                   int64_t monotonic_ms, int64_t wall_s);

/* How many are active. NULL: none. */
size_t findings_count(const struct findings *findings);

const char *finding_label(enum finding_id id);
enum finding_severity finding_severity_of(enum finding_id id);

/* [{"id":...,"severity":...,"sentence":...,"mend":...,"since_s":...}], errors first. */
void findings_write(struct json_out *out, const char *name, const struct findings *findings);

#endif
