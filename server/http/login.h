/* server/http/login.h: the form that asks the reader of the page for a key, and what it sends.
 *
 *   GET any page without a key  -> 401 with the form
 *   POST /login key=...         -> 303 to the page with a cookie, or the form again
 *
 * It needs no script, and fetches nothing. */
#ifndef SERVER_HTTP_LOGIN_H
#define SERVER_HTTP_LOGIN_H

#include "server/http/http_handler.h"
#include "server/http/http_keys.h"

/* Replies with the form, which says that a key was wrong. */
void login_ask(struct http_exchange *exchange, bool was_wrong);

/* The answer to the form. */
void login_take(struct http_exchange *exchange, const struct http_request *request,
                struct http_keys *keys, const struct string_list *in_force, int64_t now_ms);

#endif
