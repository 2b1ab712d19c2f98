/* flush/language/functions.h: the functions of the query language, a row each.
 *
 * The rows (flush/language/functions_table.h) are read by the parser, by what completes a
 * question on the page and in the API, and by docs/questions.md. A name may stand for many: of
 * "ewma_{3,5}" the braces hold what may stand there, so it is ewma_3 and ewma_5. The arguments
 * are written as they are shown:
 *
 *   query            a query, or an expression of queries; always the first
 *   number           any number
 *   bounds           a number above 0
 *   seconds          1 to 31622400
 *   past             seconds below 0
 *   groups           1 to 20000
 *   'avg'|'sum'      one of those words, in quotes
 *   window           'last_5m' and the like, up to a week of minutes, hours or days
 *   name=seconds     any of them behind its name, as what others need not be said, and in any
 *                    order, stands behind the rest
 *
 * A function whose name begins with a dot belongs behind a query (flush/language/question.h).
 * The others either change each group's points by themselves (each), or all groups (whole), or
 * only what is fetched (timeshift). Pure. */
#ifndef FLUSH_LANGUAGE_FUNCTIONS_H
#define FLUSH_LANGUAGE_FUNCTIONS_H

#include "flush/language/grid.h"

enum {
    FUNCTION_CHOICES_MAX = 4,
    FUNCTION_ARGUMENTS_MAX = 8,
    FUNCTION_NAME_MAX = 32,
    FUNCTION_SCRATCH_ROWS = 2,
    FUNCTION_SECONDS_MAX = 366 * 86400,
    FUNCTION_GROUPS_MAX = 20000
};

struct function;

/* Where the arguments of anomalies( ) stand. What is said for monitors alone (the window that
 * is looked at, the seconds of a point in it, and whether what was not counted is 0) changes no
 * answer. */
enum {
    ANOMALIES_BOUNDS = 1,
    ANOMALIES_DIRECTION,
    ANOMALIES_ALERT_WINDOW, /* in seconds */
    ANOMALIES_INTERVAL,
    ANOMALIES_COUNT_DEFAULT_ZERO
};

/* Which points beyond the band are outside of it, in the order of the words in the table. */
enum direction { DIRECTION_UNSAID, DIRECTION_ABOVE, DIRECTION_BELOW, DIRECTION_BOTH };

/* A function with what it is called with. Of what was chosen among the numbers in its name it
 * is that number, of words (or endings of the name) which it was, from 0. Of what has a name of
 * its own it is 0 where it was not said, so that words count from 1. */
struct call {
    const struct function *function;
    double chosen[FUNCTION_CHOICES_MAX];      /* by the braces of the name */
    double arguments[FUNCTION_ARGUMENTS_MAX]; /* behind the query */
};

/* The points of a group, in place. NAN: none at that step. */
struct points {
    double *at; /* n, and as many of each of the bounds behind them, where the function makes a
                   band */
    uint32_t n;
    uint32_t lead; /* those before are not shown */
    double step_s;
    double *scratch; /* FUNCTION_SCRATCH_ROWS * n, for whatever */
};

struct function {
    const char *name, *arguments, *sentence;
    void (*each)(const struct call *call, const struct points *points);
    /* False without memory. */
    bool (*whole)(const struct call *call, struct grid *grid);
    /* How many steps it looks back; NULL: none. */
    int64_t (*lead)(const struct call *call, int64_t step_s);
    bool far; /* what it looks back to must be there, even if in longer steps */
    /* How far into the past its query is moved; NULL: not. */
    int64_t (*shift_s)(const struct call *call);
    /* Around a query alone it is of each series, before these become one a group; each() is for
     * what is no series by itself. */
    bool of_series;
    uint32_t weight; /* of a point in each(), against a plain one */
    /* Whether what it makes has the unit of what it is made of; NULL: it has not. */
    bool (*keeps_unit)(const struct call *call);
    bool band; /* it makes the bounds of a band, and must be the outermost */
};

extern const struct function functions[];
extern const size_t function_count;

/* The function of that name; out->chosen is filled in. NULL: there is none. */
const struct function *function_find(struct slice name, struct call *out);

/* Why Datadog has a function, or an algorithm, of that name and Heeler has not; NULL: neither
 * has. */
const char *function_refusal(struct slice name);

/* The name of that number, of those that a row stands for; false: it has fewer. */
bool function_name(const struct function *function, size_t number, char out[FUNCTION_NAME_MAX]);

/* Fills gaps as .fill( ) says; seconds as far as they are filled, which is one step at least.
 */
void function_fill(enum fill fill, double seconds, const struct points *points);

#endif
