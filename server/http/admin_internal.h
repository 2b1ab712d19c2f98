/* server/http/admin_internal.h: what the two files of the admin share.
 *
 *   admin.c          its life: parts, who may ask, the end
 *   admin_routes.c   what is answered, and by whom */
#ifndef SERVER_HTTP_ADMIN_INTERNAL_H
#define SERVER_HTTP_ADMIN_INTERNAL_H

#include "server/http/admin.h"
#include "server/http/ask.h"
#include "server/http/control.h"
#include "server/http/desk.h"
#include "server/http/http.h"
#include "server/http/http_guard.h"
#include "server/http/http_keys.h"
#include "server/http/http_ledger.h"
#include "server/http/snapshot.h"

struct admin {
    struct server_access server;
    struct http *http;
    struct http_guard guard;
    struct http_keys keys;
    struct event *cookie_timer;   /* goes off when the next cookie ends; NULL: only health */
    struct event *monitors_timer; /* until the desk has begun; the same */
    struct http_ledger ledger;
    struct ask *ask;             /* NULL: only health */
    struct snapshots *snapshots; /* the same */
    struct control *control;     /* the same */
    struct desk *desk;           /* the same */
    struct server_view view; /* for the desk's work: of the start, but its ledgers are live */
};

/* The settings in force; a view until the next reload. */
const struct settings *admin_settings(const struct admin *admin);

extern const struct http_route admin_routes[];
extern const size_t admin_routes_n;

/* For a path that is none of them. */
http_handler admin_on_other;

#endif
