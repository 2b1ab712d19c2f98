/* flush/rollups/evaluation_internal.h: an evaluation's parts, which stand in files of their
 * own: evaluation.c (plan, steps), evaluation_nodes.c (functions, operators),
 * evaluation_unit.c, evaluation_write.c. */
#ifndef FLUSH_ROLLUPS_EVALUATION_INTERNAL_H
#define FLUSH_ROLLUPS_EVALUATION_INTERNAL_H

#include "flush/language/expression.h"
#include "flush/language/join.h"
#include "flush/memory/bytes.h"
#include "flush/rollups/evaluation.h"

struct evaluation {
    struct rollup *rollup;
    char *text; /* owned copy; the expression views it */
    struct expression expression;
    struct evaluation_manner manner;
    bool gives_grid;                /* and no JSON */
    int64_t from_s, to_s;           /* as asked */
    int64_t open_from_s, open_to_s; /* see evaluation_tell_open(); 0: not known */
    int64_t shift_s[EXPRESSION_QUERIES_MAX];
    int64_t reach_s[EXPRESSION_QUERIES_MAX]; /* see struct query_span */
    struct query_range ranges[EXPRESSION_QUERIES_MAX];

    struct grid grids[EXPRESSION_NODES_MAX]; /* of the nodes that are done and not used yet */
    size_t node;                             /* that is computed; n_nodes: all are */
    bool begun;                              /* that node */
    bool computed;                           /* that node, and shown by and by */
    struct query *query;                     /* of it */
    struct join join;                        /* of it */
    uint32_t group;                          /* of it, the next one; of the answer, too */
    double *scratch, *widened;               /* of it; owned */
    bool lacks_band; /* there is a point without a band, in an answer with bands */

    struct units *units;                          /* or NULL */
    enum metric_unit own[EXPRESSION_QUERIES_MAX]; /* of the series of each query */
    size_t part;                                  /* of the answer, that is written */
    struct bytes unit;                            /* of it, as JSON */
    struct bytes answer;
    bool too_fine; /* with longer steps it would not have failed */
    char problem[256];
};

/* Computes a piece of a node that is no query. QUERY_DONE: the node is done. */
enum query_state evaluation_apply(struct evaluation *evaluation, size_t node);

/* Writes a piece of the answer. */
enum query_state evaluation_write(struct evaluation *evaluation);

/* The part of the answer that is written. */
const struct expression_part *evaluation_part(const struct evaluation *evaluation);

/* Writes the unit of that part. */
void evaluation_find_unit(struct evaluation *evaluation);

/* Returns QUERY_FAILED and keeps the sentence. */
enum query_state evaluation_fail(struct evaluation *evaluation, const char *sentence);

#endif
