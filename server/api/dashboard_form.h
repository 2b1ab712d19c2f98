/* server/api/dashboard_form.h: the graphs of a timeboard as widgets of a dashboard, and back.
 *
 *   graph    title, definition: viz, requests: q, type, style: type, width
 *   widget   definition: title, type, requests: q, display_type, style: line_type, line_width
 *
 * Members of other names stay. Pure. */
#ifndef SERVER_API_DASHBOARD_FORM_H
#define SERVER_API_DASHBOARD_FORM_H

#include "flush/memory/json_out.h"

/* The member "widgets"; their ids are made of that number. */
void dashboard_form_widgets(struct json_out *out, struct slice graphs, int64_t number);

/* The member "graphs". */
void dashboard_form_graphs(struct json_out *out, struct slice widgets);

#endif
