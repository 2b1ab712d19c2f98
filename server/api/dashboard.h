/* server/api/dashboard.h: what one dashboard says: whether it may be taken, and how it is
 * written in the form that the asking client knows.
 *
 *   timeboard   {title, graphs:  [{title, definition: {viz, requests}}]}      /api/v1/dash
 *   dashboard   {title, widgets: [{definition: {title, type, requests}, id}]} /api/v1/dashboard
 *
 * Both are one object: it is kept as it came, and each route also shows what came by the other
 * one, with members renamed. What we do not know of it is kept and given back byte by byte, but
 * for what the server itself says of a dashboard: its ids, times, author and address.
 *
 * Pure. */
#ifndef SERVER_API_DASHBOARD_H
#define SERVER_API_DASHBOARD_H

#include "flush/memory/json_out.h"
#include "server/api/definitions.h"

enum { DASHBOARD_PROBLEM_MAX = 512 };

/* Whether a body, which is an object, may be taken as one of the two; false with a sentence. */
MUST_CHECK bool dashboard_check_timeboard(struct slice body,
                                          char problem[static DASHBOARD_PROBLEM_MAX]);
MUST_CHECK bool dashboard_check(struct slice body, char problem[static DASHBOARD_PROBLEM_MAX]);

/* Whether it came as a timeboard. */
bool dashboard_is_timeboard(const struct definition *definition);

/* The body with an id for each widget that has none, counted up from `next`. Only of a
 * dashboard.
 */
void dashboard_number_widgets(struct json_out *out, struct slice body, int64_t next);

/* The whole answer about it, in one of the forms. */
void dashboard_write_timeboard(struct json_out *out, const struct definition *definition);
void dashboard_write(struct json_out *out, const struct definition *definition);

/* What lists of either form say of it. */
void dashboard_write_timeboard_row(struct json_out *out, const struct definition *definition);
void dashboard_write_row(struct json_out *out, const struct definition *definition);

#endif
