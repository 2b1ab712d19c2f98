/* flush/fleet/redis_reader_internal.h: what the reader's files share: its state, and who does
 * what.
 *
 *   redis_reader.c           the client, the registry, the question and its answer
 *   redis_reader_windows.c   windows, from Redis into the rollups
 *
 * Stages: the registry, then spans (the windows that the answer is made of) one after the
 * other. A span consists of windows in Redis, each read by a job: HSCAN until the cursor is
 * 0 again, into cells of the job's own. A job that is cut off by a lost connection begins
 * anew. When the last job of the oldest span is done the span goes into the rollups. When all
 * windows of a query are there it is computed, and the next query has rollups of its own. */
#ifndef FLUSH_FLEET_REDIS_READER_INTERNAL_H
#define FLUSH_FLEET_REDIS_READER_INTERNAL_H

#include "config/options.h"
#include "flush/fleet/fleet.h"
#include "flush/fleet/fleet_seen.h"
#include "flush/fleet/redis_reader.h"
#include "flush/language/expression.h"
#include "flush/rollups/evaluation.h"

/* Jobs, spans that are open at a time, and the room of a cursor. A key without the name of
 * the metric is its prefix and numbers. */
enum {
    REDIS_READER_JOBS = 64,
    REDIS_READER_SPANS = 64,
    REDIS_READER_CURSOR_MAX = 24,
    REDIS_READER_KEY_AROUND_MAX = OPTION_SHORT_MAX + 64,
};

struct span {
    struct fleet_window window;
    struct fleet_cells cells;
    size_t left; /* windows still to be read */
};

enum job_state { JOB_FREE, JOB_WAITS, JOB_SENT };

struct job {
    enum job_state state;
    struct span *span;
    struct fleet_window window;
    char cursor[REDIS_READER_CURSOR_MAX];
    struct fleet_cells cells;
    struct fleet_seen seen;
};

struct redis_reader {
    const struct redis_reader_config *config;
    struct slice text;
    int64_t from_s, to_s;
    struct bytes *answer;
    struct redis_reader_report *report;
    char *problem;
    size_t problem_size;
    enum redis_reader_result result;

    struct event_base *base;
    struct redis_client *client;
    struct event *retry;
    char last[512]; /* what went wrong with Redis last, with a colon before it; or empty */
    bool was_up, registry_read, registry_sent, done, found_cluster;
    uint64_t seed; /* of the hashes of what was seen */

    struct fleet fleet;
    struct flusher_ledger ledger;
    struct identities *identities;
    struct evaluation *evaluation;   /* from when the registry is read */
    const struct question *question; /* of it, the query whose windows are read; a view */
    struct query_range range;        /* those windows */
    struct rollup *rollup;           /* of that query alone */
    int64_t level_step_s;

    struct arena_budget budget;
    size_t seen_left;                      /* bytes that fleet_seen may still take */
    struct span spans[REDIS_READER_SPANS]; /* a ring: n_spans of them from first_span on */
    size_t first_span, n_spans;
    int64_t next_start_s, end_s; /* of spans to be opened */
    struct fleet_windows split;  /* of the newest span; jobs are made of next_window on */
    size_t next_window;
    struct job jobs[REDIS_READER_JOBS];
};

/* ---- redis_reader.c ---------------------------------------------------- */

/* The first failure ends the reading; the others are not told. */
__attribute__((format(printf, 3, 4))) void redis_reader_fail(struct redis_reader *reader,
                                                             enum redis_reader_result result,
                                                             const char *format, ...);
void redis_reader_no_memory(struct redis_reader *reader);

/* Sends a command of n words, of which the second is the key. False: the client takes none
 * now. */
bool redis_reader_send(struct redis_reader *reader, uint64_t tag, int n,
                       const char *const *words);

/* A view; empty where the reply is no text. */
struct slice redis_reader_text(const redisReply *reply);

/* ---- redis_reader_windows.c -------------------------------------------- */

/* Gives every job and span a place for its cells, within the bounds of memory; and takes it
 * away with what it holds. */
void redis_reader_init_windows(struct redis_reader *reader);
void redis_reader_drop_windows(struct redis_reader *reader);

/* Keeps what is finished and sends what can be sent. True: the last window is in the
 * rollups. */
bool redis_reader_go_on(struct redis_reader *reader);

/* A reply to the job's command: whether it is a piece of a window, and then it is taken. */
bool redis_reader_is_piece(const redisReply *reply);
void redis_reader_take_piece(struct redis_reader *reader, struct job *job,
                             const redisReply *reply);

/* The job reads its window from the beginning, or is done with it. */
void redis_reader_begin_job(struct redis_reader *reader, struct job *job);
void redis_reader_end_job(struct redis_reader *reader, struct job *job);

#endif
