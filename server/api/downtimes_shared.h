/* server/api/downtimes_shared.h: what the routes of both versions of downtimes share
 * (server/api/downtimes_shared.c), as those of monitors do that are muted by them. */
#ifndef SERVER_API_DOWNTIMES_SHARED_H
#define SERVER_API_DOWNTIMES_SHARED_H

#include "server/api/api_job.h"
#include "server/api/downtime_form.h"

struct server_view;

/* All that there are, the oldest first. */
struct downtime_sights {
    struct downtime_sight *at;
    size_t n;
    int64_t now_s;
};

/* False without memory. */
MUST_CHECK bool downtimes_look(const struct server_view *view, struct downtime_sights *out);
void downtimes_look_away(struct downtime_sights *given);

typedef void downtime_writer(struct json_out *out, const struct downtime_sight *sight);

/* That of the UUID in the path of v2. NULL: there is none, and that was answered. */
struct definition *downtimes_v2_need(struct desk_job *job, const struct http_request *request,
                                     const struct server_view *view);

/* Answers with it as it is now. */
void downtimes_reply(struct desk_job *given, const struct server_view *view,
                     const struct definition *definition, downtime_writer *write);

/* Makes one of that body; those that ended long ago make room. */
void downtimes_make(struct desk_job *given, const struct server_view *view, struct slice body,
                    bool is_v2, downtime_writer *write);

/* Changes it so. */
void downtimes_change(struct desk_job *given, const struct server_view *view,
                      const struct definition *definition, struct slice body, bool is_v2,
                      downtime_writer *write);

/* False without memory, or room. */
MUST_CHECK bool downtimes_cancel(const struct server_view *view,
                                 const struct definition *definition);

/* Whether it may be changed; else it was refused. */
MUST_CHECK bool downtimes_may_change(struct desk_job *job, const struct definition *definition);

#endif
