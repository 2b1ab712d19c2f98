/* server/api/downtime_form.h: a downtime as the API takes and gives it, in either version.
 *
 *   v1   {scope: [..], start, end, recurrence: {type, ..}}              /api/v1/downtime
 *   v2   {scope: "..", monitor_identifier, schedule: {..}}              /api/v2/downtime
 *
 * Both are one object, with a number for v1 and a UUID for v2. It is kept as it came, member by
 * member; each version shows what came by the other one too, in its own words. Times that it
 * does not say are those at which it was made. Shapes as in Datadog's API, downtimes. */
#ifndef SERVER_API_DOWNTIME_FORM_H
#define SERVER_API_DOWNTIME_FORM_H

#include "flush/monitors/downtime.h"
#include "server/api/api_form.h"
#include "server/api/definitions.h"

struct evaluator;
struct monitor_sight;

enum {
    DOWNTIME_BODY_MAX = 64 << 10,
    DOWNTIME_KEYS_MAX = 500,
    DOWNTIME_PROBLEM_MAX = 512,
    DOWNTIME_KEPT_S = 2 * 86400 /* canceled or ended, it can be read so long */
};

/* X(id, word) */
#define DOWNTIME_STATUSES(X)           \
    X(DOWNTIME_ACTIVE, "active")       \
    X(DOWNTIME_SCHEDULED, "scheduled") \
    X(DOWNTIME_CANCELED, "canceled")   \
    X(DOWNTIME_ENDED, "ended")

#define DOWNTIME_STATUS_ENUM(id, word) id,
enum downtime_status { DOWNTIME_STATUSES(DOWNTIME_STATUS_ENUM) };
#undef DOWNTIME_STATUS_ENUM

/* What there is to say about one. */
struct downtime_sight {
    const struct definition *definition; /* a view */
    struct downtime downtime;            /* owned */
    enum downtime_status status;
    int64_t canceled_s;      /* 0: it was not */
    int64_t from_s, until_s; /* of the occurrence that holds, or the next; 0: it is not known */
    bool is_ahead;           /* there is such a one, for all that is known */
    char problem[DOWNTIME_PROBLEM_MAX]; /* why it mutes nothing; empty: it can be read */
};

/* Whether it came by v2. */
bool downtime_form_is_v2(struct slice body);

/* What it says, for who evaluates it; empty: it was canceled. */
struct slice downtime_form_body(const struct definition *definition);

/* Writes the body that is kept, or a canceled one; members of base with those of over in their
 * places; base may be empty. False with a sentence: no downtime comes of it. */
MUST_CHECK bool downtime_form_make(struct slice base, struct slice over, bool is_v2,
                                   int64_t now_s, struct bytes *out,
                                   char problem[static DOWNTIME_PROBLEM_MAX]);
void downtime_form_cancel(struct slice body, int64_t now_s, struct bytes *out);

/* evaluator: NULL, nobody knows when what recurs holds. What a former program kept and this one
 * cannot read is seen with its problem, and without what is read of it. */
void downtime_form_look(const struct definition *definition, const struct evaluator *evaluator,
                        int64_t now_s, struct downtime_sight *out);
void downtime_form_look_away(struct downtime_sight *given);

/* Whether it is about that monitor, or a group of it. */
bool downtime_form_is_about(const struct downtime_sight *sight,
                            const struct monitor_sight *monitor);

/* v1: "env:prod,host:a" or a list; each tag an item of the list. v2: its search. */
void downtime_form_scope(struct json_out *out, const char *name, struct slice body);

/* The whole object. */
void downtime_form_write(struct json_out *out, const struct downtime_sight *sight);
void downtime_form_write_v2(struct json_out *out, const struct downtime_sight *sight);

/* "data", "users": who made it. */
void downtime_form_included(struct json_out *out);

#endif
