/* server/http/pictures.h: pictures that are painted, kept and given to who knows their names.
 *
 *   GET /snapshot/view/NAME.png             the picture, without a key and for any page: its
 *                                           name is the key
 *   GET /api/v1/graph/snapshot_status/NAME  whether there is one
 *
 * On the desk's thread, which starts heeler-chart (server/pictures/painter.h), but for new and
 * free. What was asked comes from server/http/snapshot.h. */
#ifndef SERVER_HTTP_PICTURES_H
#define SERVER_HTTP_PICTURES_H

#include <event2/event.h>

#include "server/http/http_handler.h"
#include "server/http/http_ledger.h"

#define PICTURES_VIEW   "/snapshot/view/"
#define PICTURES_STATUS "/api/v1/graph/snapshot_status/"

struct pictures;

/* program: heeler_chart_path. The desk writes the ledger's counters of pictures. NULL without
 * memory. */
struct pictures *pictures_new(const char *program, struct http_ledger *ledger);

/* Before the desk's loop runs. False without memory, and it may be called again. */
bool pictures_furnish(struct pictures *pictures, struct event_base *desk_base);

/* The loop has ended, its base is still there. NULL is fine. */
void pictures_free(struct pictures *given);

/* Work of the desk; argument: the view, which has the pictures. The body of the first, from
 * server/http/snapshot.c: what the answer says before the name of the picture and behind it,
 * each with a NUL, and then the definition. */
desk_work pictures_paint_work;
desk_work pictures_view_work;
desk_work pictures_status_work;

#endif
