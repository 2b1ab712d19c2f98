/* flush/rollups/answer_ops.h: how one kind of inquiry is answered.
 *
 *   begin -> step, step, ... -> free
 *
 * A step is a bounded piece of work on the flusher's thread, of a few milliseconds. Between two
 * of them windows and series come and go; whoever pins the rollups keeps the series and the
 * strings that these name. */
#ifndef FLUSH_ROLLUPS_ANSWER_OPS_H
#define FLUSH_ROLLUPS_ANSWER_OPS_H

#include "flush/memory/bytes.h"
#include "flush/rollups/inquiry.h"
#include "flush/rollups/rollup.h"

struct check_statuses;
struct json_out;
struct recent;
struct units;

/* Of what is answered. Views. */
struct answer_source {
    struct rollup *rollup; /* NULL: nothing is kept for questions */
    const struct recent *recent;
    const struct check_statuses *checks;
    struct units *units;               /* or NULL */
    int64_t open_from_s, open_until_s; /* windows between them may still get values */
};

/* Why there is no answer, and its status of HTTP. */
struct answer_problem {
    int status;
    char sentence[256];
};

/* One that waits is asked again when something came, and each second. */
enum answer_state { ANSWER_MORE, ANSWER_WAITS, ANSWER_DONE, ANSWER_FAILED };

struct answer_ops {
    bool of_rollups; /* needs them, and waits while they are busy */

    /* NULL with a problem. The inquiry lives as long as what this returns. */
    void *(*begin)(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem);

    /* When it is done, the answer is appended to the bytes, which were empty. */
    enum answer_state (*step)(void *self, struct bytes *answer, struct answer_problem *problem);
    void (*free)(void *given);
};

/* One a file of that name; a kind of inquiry each (flush/rollups/inquiry.h). */
extern const struct answer_ops answer_query, answer_list, answer_metric, answer_recent,
    answer_top;
extern const struct answer_ops answer_host;                  /* answer_list.c */
extern const struct answer_ops answer_active, answer_search; /* answer_names.c */
extern const struct answer_ops answer_hosts, answer_host_totals, answer_all_host_tags,
    answer_host_tags;                                       /* answer_hosts.c */
extern const struct answer_ops answer_events, answer_event; /* answer_events.c */
extern const struct answer_ops answer_monitor,
    answer_checks; /* answer_monitor.c, answer_checks.c */

/* What a step returns when the text is written: it moves into the answer, or there was no
 * memory for it. Either way the caller frees what is left of out. */
enum answer_state answer_give(struct json_out *out, struct bytes *answer,
                              struct answer_problem *problem);

/* Fills in the problem and returns ANSWER_FAILED. */
enum answer_state answer_fail(struct answer_problem *problem, int status, const char *sentence);

#endif
