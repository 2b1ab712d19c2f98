/* flush/rollups/query_internal.h: a query's parts, which stand in files of their own:
 * query.c (steps, making), query_match.c, query_scan.c, query_series.c, query_past.c. */
#ifndef FLUSH_ROLLUPS_QUERY_INTERNAL_H
#define FLUSH_ROLLUPS_QUERY_INTERNAL_H

#include "flush/memory/arena.h"
#include "flush/rollups/matched.h"
#include "flush/rollups/query.h"

enum {
    QUERY_UNITS = 8192,      /* of work in a step: to read a block of 64 series is one */
    QUERY_MATCHED = 1 << 28, /* in group_of, beside group and kind */
    QUERY_GROUP_BITS = 24,
};

struct query_term {
    struct slice tag; /* the whole of it, also of IN; a view into the query's tags */
    uint32_t tag_id;  /* STRINGS_NONE: nobody has it */
    uint32_t host_id; /* of "host:x", else STRINGS_NONE */
    bool host;        /* "host:..." */
    bool pattern;
    struct slice prefix; /* of the tag, what stands before its first * */
};

/* How points of a kind of series become one. */
struct query_plan {
    enum window_column column;
    bool divide; /* by the count of points */
    double factor;
    double weight; /* of each point of a series in its group; 0: the series counts as one */
};

struct query_sum {
    double value, count;
};

/* The last point of a series, and when it was; QUERY_NO_STEP: there was none. */
struct query_last {
    double value;
    uint32_t step;
};

#define QUERY_NO_STEP UINT32_MAX

enum query_phase {
    PHASE_RECALL,
    PHASE_MATCH,
    PHASE_CLEAR,
    PHASE_SCAN,
    PHASE_FOLD,
    PHASE_BLOBS,
    PHASE_SETTLE,
    PHASE_DONE
};

struct query {
    struct rollup *rollup;
    const struct question *question;
    int64_t first_s; /* start of the first step */
    int64_t step_s;
    size_t level;
    uint32_t steps, lead;
    struct query_room room;
    struct query_plan plans[CELL_KIND_COUNT];

    struct query_term terms[SCOPE_TERMS_MAX];
    char *tags; /* owned; what the terms view */
    uint32_t end;
    uint32_t *candidates; /* numbers, ascending; NULL: all series are looked at */
    size_t n_candidates;
    size_t looked;          /* at so many of these, or of all */
    uint64_t births_before; /* of series, when that began */
    uint32_t *group_of; /* by series: QUERY_MATCHED | kind << QUERY_GROUP_BITS | group, or 0 */
    struct query_sum *sums;  /* by series: the points of this step */
    struct query_last *last; /* by series; NULL: nothing is made of its points by itself */
    struct query_sum
        *gaps;        /* by group and step, if gaps are filled by lines: all that is there */
    size_t settled;   /* of them */
    size_t filled;    /* points */
    uint32_t *blocks; /* the blocks that hold a matched series, n_blocks of them, ascending */
    uint32_t n_blocks;
    bool seen[CELL_KIND_COUNT]; /* a series of that kind matched */
    uint8_t unit;               /* of the first one that did; enum metric_unit */
    bool units_differ;

    struct grid_group *groups;
    uint32_t n_groups, groups_capacity;
    uint32_t *slots; /* group + 1 by hash of the text */
    uint32_t n_slots;

    const struct past *past;      /* or NULL */
    struct past_reading *reading; /* of it; NULL: the memory is enough */
    struct past_row row;          /* if has_row: the next one */
    bool has_row, past_is_over;

    enum query_phase phase;
    uint32_t step;            /* that is scanned */
    int64_t window_s;         /* within it */
    bool late;                /* of that window, what is late for it */
    uint32_t next;            /* block or blob */
    struct query_sum *totals; /* by group, of this step */
    void **merged;            /* by group: struct sketch or distinct, in the arena */
    double *values;           /* by group and step; NAN: none */
    size_t cleared;           /* of the values */
    struct arena_budget budget;
    struct arena arena;   /* of what is merged */
    struct arena scratch; /* of one blob */

    bool too_fine; /* with longer steps it would not fail */
    char problem[160];
};

static inline uint32_t query_kind(uint32_t group_of)
{
    return (group_of & (QUERY_MATCHED - 1)) >> QUERY_GROUP_BITS;
}

static inline uint32_t query_group(uint32_t group_of)
{
    return group_of & ((1u << QUERY_GROUP_BITS) - 1);
}

/* ---- what lies before memory: query_past.c ----------------------------- */

bool query_needs_past(const struct query *query);

/* Begin, and end, to read. False without memory. */
bool query_begin_past(struct query *query);
void query_end_past(struct query *query);

/* The phase before all others. */
enum query_state query_recall(struct query *query);

/* Asks for the windows of what matched. False without memory. */
bool query_read_past(struct query *query);

/* The rows of this step. QUERY_DONE: there are no more. */
enum query_state query_scan_past(struct query *query);

/* Whether members or bins are merged, in a phase of their own or in that of the past. */
bool query_merges_blobs(const struct query *query);

/* Into what a series, or its group, has in this step; false without memory. */
void query_add_point(struct query_sum *sum, enum window_column column, double value,
                     double count);
bool query_take_blob(struct query *query, uint32_t number, const uint8_t *at, size_t len);

/* What is remembered of its scope goes by that. */
static inline struct matched_key query_key(const struct query *query)
{
    return matched_key(query->question->metric, query->question->scope.text);
}

/* Takes what the match needs, of all series that there are now. False without memory. */
bool query_begin_match(struct query *query);

/* ---- each series by itself: query_series.c ----------------------------- */

/* False without memory. */
bool query_begin_series(struct query *query);

/* The point that a series has in this step, into its group; and, where it has none, what fills
 * the gap. */
void query_fold_point(struct query *query, uint32_t number, double value, double count);
void query_fold_gap(struct query *query, uint32_t number);

/* Adds what some series have, count of them, and what a group of them is worth. */
void query_add_total(const struct query *query, struct query_sum *total, double value,
                     double count);
double query_total(const struct query *query, const struct query_sum *total);

/* The phase after all others, where gaps were filled by lines. */
enum query_state query_settle(struct query *query);

/* The phases. Each call does a bounded piece, and the state that it returns says how to go on.
 */
enum query_state query_match(struct query *query);
enum query_state query_clear(struct query *query);
enum query_state query_scan(struct query *query);
enum query_state query_fold(struct query *query);
enum query_state query_merge(struct query *query);

/* Goes on with the scan of that step; behind the last one it is done. */
void query_begin_step(struct query *query, uint32_t step);

/* Returns QUERY_FAILED and keeps the sentence. */
enum query_state query_fail(struct query *query, const char *sentence);

#endif
