/* server/http/http_guard.h: which requests may come from a page in a browser, and are refused.
 *
 * A browser on this machine reaches the loopback for any page that it shows. Two things
 * give such a page away:
 *
 *   Host        A page may only read answers of its own name. So it lets that name lead
 *               to 127.0.0.1 (DNS rebinding), and the browser says the name in Host. A
 *               Host must be an address, localhost, a name of this machine or one of
 *               heeler_http_hosts; programs that send none pass, as browsers always do.
 *   on POST     Browsers send Origin or Sec-Fetch-Site, or, old ones, at least the
 *               Content-Type of a form. Programs have no use for any of them here.
 *
 * Probes of health come by any name, so their routes take any Host. */
#ifndef SERVER_HTTP_HTTP_GUARD_H
#define SERVER_HTTP_HTTP_GUARD_H

#include "config/string_list.h"
#include "server/http/http_request.h"

/* The names of this machine. */
struct http_guard {
    struct string_list names;
};

/* Of the system and the given one, each with its domain and without. False: no memory. */
bool http_guard_open(struct http_guard *guard, const char *hostname);
void http_guard_close(struct http_guard *given);

/* The sentence (static) to refuse the request with, or NULL. more: heeler_http_hosts. */
const char *http_guard_refuses(const struct http_guard *guard,
                               const struct http_request *request, bool any_host,
                               const struct string_list *more);

#endif
