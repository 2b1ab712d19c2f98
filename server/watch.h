/* server/watch.h: a look at the server each second, for what an operator has to know:
 * what was lost (server/losses.h), whether a loop hangs (server/http/health.h), what else is
 * not as it should be (server/http/findings.h), and how much came (server/http/rates.h). Runs
 * on main's loop. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include <event2/event.h>

#include "server/http/server_view.h"

struct watch;

/* surveys: where the flusher puts what it finds of tags. NULL: no memory. */
struct watch *watch_start(struct event_base *base, const struct server_access *server,
                          tag_survey_box *surveys);

/* Adds to the view what the watch knows; good until its next look. NULL: nothing. */
void watch_show(const struct watch *watch, struct server_view *out);

/* Logs what was not logged yet. The loops of the server have ended. NULL is fine. */
void watch_stop(struct watch *given, const struct server_view *view);

#endif
