#include "server/http/login.h"

#include <stdlib.h>

static void forbid_everything_else(struct http_exchange *exchange)
{
    http_add_header(exchange, "Content-Security-Policy",
                    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; "
                    "base-uri 'none'");
    http_add_header(exchange, "Cache-Control", "no-store");
}

void login_ask(struct http_exchange *exchange, bool was_wrong)
{
    static const char form[] =
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<title>Heeler: key</title>\n<main>\n<h1>Heeler</h1>\n";
    static const char rest[] =
        "<form method=\"post\" action=\"/login\">\n"
        "<p><label for=\"key\">A key of <code>heeler_app_keys</code></label></p>\n"
        "<p><input id=\"key\" name=\"key\" type=\"password\" required autofocus "
        "autocomplete=\"current-password\">\n<button>Open</button></p>\n</form>\n</main>\n";
    static const char wrong[] = "<p role=\"alert\">That is none of the keys.</p>\n";
    struct evbuffer *body = evbuffer_new();

    if (body != NULL && (evbuffer_add(body, form, sizeof form - 1) != 0 ||
                         (was_wrong && evbuffer_add(body, wrong, sizeof wrong - 1) != 0) ||
                         evbuffer_add(body, rest, sizeof rest - 1) != 0)) {
        evbuffer_free(body);
        body = NULL;
    }
    forbid_everything_else(exchange);
    http_add_header(exchange, "WWW-Authenticate", "heeler_app_keys");
    http_reply(exchange, 401, "text/html; charset=utf-8", body);
}

void login_take(struct http_exchange *exchange, const struct http_request *request,
                struct http_keys *keys, const struct string_list *in_force, int64_t now_ms)
{
    char *room = malloc(request->body.len + 1), cookie[HTTP_COOKIE_MAX];
    struct slice key;

    if (room == NULL || !http_parameter(request->body, "key", room, &key) ||
        !http_keys_give_cookie(keys, request, key, in_force, now_ms, cookie)) {
        free(room);
        login_ask(exchange, true);
        return;
    }
    free(room);
    forbid_everything_else(exchange);
    http_add_header(exchange, "Set-Cookie", cookie);
    http_add_header(exchange, "Location", "/");
    http_reply_text(exchange, 303, "text/plain; charset=utf-8", "the page is at /\n");
}
