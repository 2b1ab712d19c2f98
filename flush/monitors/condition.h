/* flush/monitors/condition.h: the query of a monitor: what it looks at, and when that is wrong.
 *
 *   value      avg(last_5m):avg:my_metric{*} by {host} > 800
 *   change     pct_change(avg(last_5m),last_30m):avg:x{*} > 50
 *   check      "check".over("tag:v").by("host").last(4).count_by_status()
 *   composite  123 && !456
 *
 * Pure. What comes out are views into the text. A text that is refused is answered with its
 * column, from 1. The grammar is that of Datadog's API for creating monitors. */
#ifndef FLUSH_MONITORS_CONDITION_H
#define FLUSH_MONITORS_CONDITION_H

#include <stddef.h>
#include <stdint.h>

#include "config/must_check.h"
#include "flush/monitors/monitor_state.h"
#include "protocol/slice.h"

enum {
    CONDITION_TEXT_MAX = 4096,
    CONDITION_BY_MAX = 8,
    CONDITION_SCOPES_MAX = 16,   /* of a check */
    CONDITION_OPERANDS_MAX = 10, /* monitors of a composite */
    CONDITION_STEPS_MAX = 64,
    CONDITION_DEPTH_MAX = 8,
    /* Steps of a composite's program; those below are numbers of operands. */
    CONDITION_NOT = 0xf0,
    CONDITION_AND,
    CONDITION_OR
};

enum condition_kind { CONDITION_VALUE, CONDITION_CHANGE, CONDITION_CHECK, CONDITION_COMPOSITE };

/* How the points of the window become one value. */
enum condition_reduce { REDUCE_AVG, REDUCE_SUM, REDUCE_MIN, REDUCE_MAX };

enum comparator { ABOVE, ABOVE_OR_EQUAL, BELOW, BELOW_OR_EQUAL, EQUAL, NOT_EQUAL };

struct condition {
    struct slice text;
    enum condition_kind kind;

    /* of a value or a change */
    enum condition_reduce reduce;
    int64_t window_s;
    int64_t shift_s;         /* of a change */
    bool relative;           /* pct_change */
    struct slice expression; /* a question (flush/language/expression.h) */
    bool is_of_anomalies;
    int64_t alert_window_s; /* of these; 0: the question says none */
    enum comparator comparator;
    double threshold; /* critical */

    /* of a check */
    struct slice check;
    struct slice over[CONDITION_SCOPES_MAX]; /* tags that it must have; "*": none */
    size_t n_over;
    struct slice exclude[CONDITION_SCOPES_MAX]; /* tags of which it may have none */
    size_t n_exclude;
    uint32_t last; /* how many statuses are kept in view: one more than the largest threshold */

    /* The keys of its groups: of a check ("*": each of its own), or of the first query of the
     * expression that has some. */
    struct slice by[CONDITION_BY_MAX];
    size_t n_by;

    struct slice required[CONDITION_SCOPES_MAX]; /* tags that all have that it looks at */
    size_t n_required;

    /* of a composite */
    int64_t operands[CONDITION_OPERANDS_MAX]; /* numbers of monitors */
    size_t n_operands;
    uint8_t program[CONDITION_STEPS_MAX];
    size_t n_steps;
};

/* False with a sentence. */
MUST_CHECK bool condition_parse(struct slice text, struct condition *out, char *problem,
                                size_t problem_size);

/* A sentence about the expression, "column 3: ...", becomes one about all of the text. */
void condition_place_problem(const struct condition *condition, struct slice text,
                             char *problem, size_t size);

bool comparator_holds(enum comparator comparator, double value, double threshold);
const char *comparator_text(enum comparator comparator);

/* The state of a composite, of those of its operands: of two with && the milder, with || the
 * worse; the opposite of OK is Alert, of No Data No Data, of the others OK (Datadog,
 * monitors/types/composite). */
enum monitor_state condition_combine(const struct condition *condition,
                                     const enum monitor_state *operands);

/* How often it is evaluated: each minute, and more seldom where its window is a day and more
 * (Datadog: 10 minutes from 24 hours, 30 from 48). */
int64_t condition_period_s(const struct condition *condition);

/* How wide the buckets are by which a window counts as full: 60 s below an hour, 600 below a
 * day, 3600 from there on. */
int64_t condition_bucket_s(const struct condition *condition);

/* Whether a window is full: its first bucket has data, and all but a few have. */
bool condition_is_full(const struct condition *condition, bool has_first, int64_t buckets);

/* Whether what it compares is a number, and no state of others. */
bool condition_has_value(const struct condition *condition);

/* Two values of a window as one; of an average their sum. */
double condition_pick(enum condition_reduce reduce, double a, double b);

#endif
