/* server/api/monitor_form.h: a monitor as the API takes and gives it.
 *
 * What came is kept member by member, unknown ones too, but for what the server says itself:
 * its ids, times, states and who made it. A monitor without a name gets one made of its query.
 * Shapes as in Datadog's API v1, monitors. Pure. */
#ifndef SERVER_API_MONITOR_FORM_H
#define SERVER_API_MONITOR_FORM_H

#include "server/api/api_form.h"
#include "server/api/definitions.h"
#include "server/monitors/monitors.h"

enum {
    MONITOR_BODY_MAX = 256 << 10,
    MONITOR_KEYS_MAX = 1000, /* members, all objects together */
    MONITOR_PROBLEM_MAX = 512,
    MONITOR_STATES_MAX = 20000 /* groups in one answer */
};

/* Writes the body that is kept: members of base with those of over in their places, and options
 * alike one by one; base may be empty. False with a sentence: no monitor comes of it. */
MUST_CHECK bool monitor_form_make(struct slice base, struct slice over, struct bytes *out,
                                  char problem[static MONITOR_PROBLEM_MAX]);

/* What there is to say about one. Views. */
struct monitor_sight {
    const struct definition *definition;
    const struct monitor *monitor;         /* what was read of it */
    const struct watched_monitor *watched; /* NULL: it was not evaluated yet */
    const char *problem;                   /* why nothing was read of it; empty: it was */
};

/* The members of an answer, without its braces. has_creator: who changes one is not told. */
void monitor_form_write(struct json_out *out, const struct monitor_sight *sight,
                        bool has_creator);

/* A member "state": those groups whose state is one of the bits, as long as there are any left
 * of so many. */
void monitor_form_states(struct json_out *out, const struct watched_monitor *watched,
                         uint32_t states, size_t *left);

enum monitor_state monitor_form_state(const struct monitor_sight *sight);

/* Since when a group is in Alert, Warn or No Data, the newest; 0: never. */
int64_t monitor_form_triggered_s(const struct watched_monitor *watched);

/* Whether somebody muted it, or groups of it, then. */
bool monitor_form_is_muted(const struct monitor_sight *sight, int64_t now_s);

/* {"id":..,"name":..,"handle":..,"email":..}: there is one user here. */
void monitor_form_creator(struct json_out *out);

#endif
