/* server/api/monitors_shared.h: what the files of the monitors' routes share.
 *
 *   monitors.c         made, validated, read, listed, changed, deleted
 *   monitor_mutes.c    muted and heard again, one or all
 *   monitor_search.c   found by a search's words, and their groups
 *   notifications.c    who was told, and a test */
#ifndef SERVER_API_MONITORS_SHARED_H
#define SERVER_API_MONITORS_SHARED_H

#include "server/api/api_job.h"
#include "server/api/monitor_form.h"
#include "server/http/server_view.h"

/* One that is looked at. Views; the monitor is to be freed. */
struct monitor_look {
    struct monitor monitor;
    char problem[MONITOR_PROBLEM_MAX];
    struct monitor_sight sight; /* points into it: it is not to be copied */
};

void monitors_look(const struct server_view *view, const struct definition *definition,
                   struct monitor_look *out);
void monitors_look_away(struct monitor_look *given);

/* The one that the path names behind /api/v1/monitor/, or /api/v2/. NULL: it was refused. */
struct definition *monitors_need(struct desk_job *job, const struct http_request *request,
                                 const struct server_view *view);

/* The same, to change it. */
struct definition *monitors_need_to_change(struct desk_job *job,
                                           const struct http_request *request,
                                           const struct server_view *view);

/* Puts a body that was made, and answers with what it is now. */
void monitors_put(struct desk_job *given, const struct server_view *view,
                  struct definition *definition, bool has_creator);

#endif
