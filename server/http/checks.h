/* server/http/checks.h: what the runner of checks told last.
 *
 *   heeler-checks ── POST /api/v1/checks/status ──► desk ── brief ──► box of one ──► main
 *                                                     └── all of it, for who asks the desk
 *
 * The server starts no check; it knows of them what their runner tells: the whole picture each
 * time, which takes the place of the one before (server/api/checks_report.h). The desk keeps
 * it. Main gets what fits into a status, and what findings and metrics need, sealed; neither
 * waits for the other. Nothing of it outlives the process: 15 seconds later it is told again.
 */
#ifndef SERVER_HTTP_CHECKS_H
#define SERVER_HTTP_CHECKS_H

#include "flush/memory/json_out.h"

/* The states of an instance: X(id, word, whether it fails). The worst are the last. */
#define CHECKS_STATES(X)                       \
    X(CHECKS_WAITING, "waiting", false)        \
    X(CHECKS_OK, "ok", false)                  \
    X(CHECKS_RUNNING, "running", false)        \
    X(CHECKS_WARNING, "warning", false)        \
    X(CHECKS_BACKING_OFF, "backing off", true) \
    X(CHECKS_ERROR, "error", true)             \
    X(CHECKS_KILLED, "killed", true)           \
    X(CHECKS_REFUSED, "refused", true)

#define CHECKS_STATE_ENUM(id, word, fails) id,
enum checks_state { CHECKS_STATES(CHECKS_STATE_ENUM) CHECKS_STATE_COUNT };
#undef CHECKS_STATE_ENUM

/* Static. */
const char *checks_state_word(enum checks_state state);

/* How long a runner may be silent: it tells every 15 seconds. */
enum { CHECKS_SILENT_S = 60, CHECKS_SENTENCE_SIZE = 240 };

struct checks_brief {
    int64_t heard_ms, heard_s; /* monotonic, and of the wall clock */
    bool ended;                /* it said so: its silence means nothing */
    uint64_t instances[CHECKS_STATE_COUNT];
    uint64_t failing, all;              /* of them */
    uint64_t runs, failures, kills;     /* sums over the instances */
    uint64_t points, given_up;          /* that it sent, or could not */
    uint64_t problems;                  /* files that are wrong */
    char worst[CHECKS_SENTENCE_SIZE];   /* "NAME (SOURCE): ERROR" of one that fails */
    char problem[CHECKS_SENTENCE_SIZE]; /* the first of them; both printable */
    struct bytes report;                /* JSON: all but most of the instances */
};

/* NULL is fine. */
void checks_brief_free(struct checks_brief *given);

struct checks;

struct checks *checks_new(void); /* NULL without memory */
void checks_free(struct checks *given);

/* ---- on the desk's thread ---------------------------------------------- */

/* Both are given; whole: the report with all of it, JSON. */
void checks_tell(struct checks *checks, struct checks_brief *given_brief,
                 struct bytes *given_whole);

/* {"heard_s":…,"silent_ms":…,"last":{…}}, of nulls where nothing was told yet. */
void checks_write_whole(struct json_out *out, const struct checks *checks, int64_t now_ms);

/* ---- on main's --------------------------------------------------------- */

/* The newest; a view until the next call. NULL: nothing was told yet, or checks is NULL. */
const struct checks_brief *checks_told(struct checks *checks);

/* The same as a member of the status; null where nothing was told. */
void checks_write(struct json_out *out, const char *name, struct checks *checks,
                  int64_t now_ms);

#endif
