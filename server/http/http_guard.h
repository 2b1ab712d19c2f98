/* server/http/http_guard.h: which requests may come from a page in a browser, and are refused.
 *
 * A browser on this machine reaches the loopback for any page that it shows. Four things
 * give such a page away:
 *
 *   Host            A page may only read answers of its own name. So it lets that name lead
 *                   to 127.0.0.1 (DNS rebinding), and the browser says the name in Host. A
 *                   Host must be an address, localhost, a name of this machine or one of
 *                   heeler_http_hosts; programs that send none pass, as browsers always do.
 *   Sec-Fetch-Site  A browser says whose page asks. It must be ours (same-origin), or the
 *                   reader's own doing (none), whatever the method.
 *   Origin          The same, where a browser does not send the former: it must be that of
 *                   Host.
 *   on POST         Old browsers send at least the Content-Type of a form. Programs have no
 *                   use for any of these on the paths that control the server.
 *
 * A link to our own page may stand anywhere: the page is shown, but in no frame. What a page
 * of ours may write has a Content-Type that a foreign page cannot send without being asked
 * first (CORS), which is never allowed; nor can it send PUT or DELETE without that.
 *
 * Probes of health come by any name, so their routes take any Host. A picture of a graph has an
 * address that nobody can guess and is meant to be shown elsewhere, so who knows it may be
 * anybody. */
#ifndef SERVER_HTTP_HTTP_GUARD_H
#define SERVER_HTTP_HTTP_GUARD_H

#include "config/string_list.h"
#include "server/http/http_handler.h"

/* The names of this machine. */
struct http_guard {
    struct string_list names;
};

/* What goes for all routes of one use; one row each in http_guard.c. */
struct http_rule {
    bool any_host;
    bool open;       /* on any listener, and without a key */
    bool cookie;     /* that of the page counts as a key */
    bool api_key;    /* DD-API-KEY may have the key: who submits sends no other */
    bool browsers;   /* our own page may ask */
    bool navigation; /* a foreign page may lead to it */
    bool embedding;  /* and may show it, or read it */
    bool json;       /* a POST only with the Content-Type of JSON, or empty */
};

/* A static row. */
const struct http_rule *http_guard_rule(enum http_use use);

/* Of the system and the given one, each with its domain and without. False: no memory. */
bool http_guard_open(struct http_guard *guard, const char *hostname);
void http_guard_close(struct http_guard *given);

/* The sentence (static) to refuse the request with (403), or NULL. more: heeler_http_hosts. */
const char *http_guard_refuses(const struct http_guard *guard,
                               const struct http_request *request, enum http_use use,
                               const struct string_list *more);

#endif
