/* server/commands/monitor_past.h: what a monitor would have been in the past.
 *
 *   monitor ── question ──► GET /api/v1/query, piece by piece ── answers ──► points of groups
 *   points  ── window by window ── group_state_step() ──► states, and changes of them
 *
 * The evaluator reduces what is in the rollups; here are the points that the API shows, which
 * may be longer apart. monitor_past_note() says where that makes a difference.
 *
 * Pure: who asks is the caller. Time is an argument, in seconds since 1970. */
#ifndef SERVER_COMMANDS_MONITOR_PAST_H
#define SERVER_COMMANDS_MONITOR_PAST_H

#include "config/must_check.h"
#include "config/problems.h"
#include "flush/language/functions.h"
#include "flush/memory/bytes.h"
#include "flush/monitors/monitor.h"

enum {
    MONITOR_PAST_MAX_S = 31 * 86400,
    MONITOR_PAST_PLACES = 72, /* of a line */
    MONITOR_PAST_GROUPS_MAX = 2000,
    MONITOR_PAST_CHANGES_MAX = 500 /* of a group; those beyond are counted */
};

struct past_point {
    int64_t begin_s, step_s;
    double value, lower, upper; /* bounds of a band; NAN: none */
};

struct past_change {
    int64_t at_s;
    enum monitor_state from, to;
    double value; /* NAN: there is none */
    bool is_told;
};

struct past_group {
    char *name; /* "env:prod,host:a" or "*" */
    struct past_point *points;
    size_t n_points, points_room;

    /* Of each place of the line the worst state that was in it, from 1; 0: nothing yet. */
    uint8_t line[MONITOR_PAST_PLACES];
    struct past_change *changes;
    size_t n_changes, changes_room, changes_beyond;
    size_t told; /* messages, those too that tell again */
};

struct monitor_past {
    const struct monitor *monitor; /* a view */
    int64_t from_s, to_s;          /* the first evaluation, and the last */
    int64_t period_s, place_s;
    size_t n_places;
    int64_t piece_s, next_s, until_s; /* what is asked for next, and until when */
    bool reduces_operands;            /* the question is of whole windows */
    int64_t trigger_s;                /* what anomalies( ) looks at; 0: it is none */
    enum direction direction;         /* ... and on which side */
    int64_t open_s;                   /* since when nothing is known yet; 0: it was not said */
    int64_t step_s;                   /* the longest of a point */
    struct bytes question;
    struct past_group **groups; /* by name, when they were evaluated */
    size_t n_groups, groups_room, groups_beyond;
};

/* False with a sentence: monitors of that kind are made of something else than series, or there
 * is no memory. To be freed in any case. */
MUST_CHECK bool monitor_past_begin(struct monitor_past *out, const struct monitor *monitor,
                                   int64_t last_s, int64_t now_s, char *problem,
                                   size_t problem_size);
void monitor_past_free(struct monitor_past *given);

/* The next piece that the question is asked about. False: it was the last. */
bool monitor_past_next(struct monitor_past *past, int64_t *from_s, int64_t *to_s);

/* Its answer. False with a sentence: it is none. */
MUST_CHECK bool monitor_past_take(struct monitor_past *past, struct slice answer, char *problem,
                                  size_t problem_size);

/* Evaluates all of it; to_s is then the last evaluation that there could be. False without
 * memory. */
MUST_CHECK bool monitor_past_evaluate(struct monitor_past *past);

/* Notes about what is not as the server would have it. */
void monitor_past_note(const struct monitor_past *past, struct problems *problems);

#endif
