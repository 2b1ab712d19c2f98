#include "server/http/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log_recent.h"
#include "config/settings_json.h"
#include "config/settings_print.h"
#include "server/http/status.h"

static const char plain[] = "text/plain; charset=utf-8";

static void free_text(const void *text, size_t len, void *argument)
{
    (void)text, (void)len;
    free(argument);
}

/* The text is given; NULL: there was no memory for it. */
static void reply(struct http_exchange *exchange, const char *type, char *given, size_t len)
{
    struct evbuffer *body = given != NULL ? evbuffer_new() : NULL;

    if (body != NULL && len > 0 &&
        evbuffer_add_reference(body, given, len, free_text, given) != 0) {
        evbuffer_free(body);
        body = NULL;
    }
    if (body == NULL || len == 0)
        free(given);
    http_reply(exchange, 200, type, body);
}

void inspect_on_status(struct http_exchange *exchange, const struct server_access *server,
                       const struct http_ledger *http)
{
    struct server_view view;
    struct json_out out = { .comma = false };

    server->look(server->server, &view);
    view.http = http;
    struct status_moment moment = { &view, server->hostname, clock_monotonic_ms(),
                                    clock_wall_ms() };

    status_write(&out, &moment);
    if (out.bytes.failed)
        bytes_free(&out.bytes);
    reply(exchange, "application/json", (char *)out.bytes.at, out.bytes.len);
}

/* For another program of ours, which explains lines as this server treats them. */
static void reply_settings_json(struct http_exchange *exchange,
                                const struct server_access *server)
{
    json_t *all = json_pack("{s:s,s:o}", "hostname", server->hostname, "settings",
                            settings_json(server->settings(server->server)));
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;

    json_decref(all);
    reply(exchange, "application/json", text, text != NULL ? strlen(text) : 0);
}

void inspect_on_settings(struct http_exchange *exchange, const struct http_request *request,
                         const struct server_access *server)
{
    char room[HTTP_HEAD_MAX], *text = NULL;
    struct slice as;
    size_t len = 0;

    if (http_parameter(request->query, "as", room, &as) && slice_equal(as, SLICE("json"))) {
        reply_settings_json(exchange, server);
        return;
    }
    FILE *out = open_memstream(&text, &len);

    if (out != NULL) {
        settings_print(server->settings(server->server), out);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    reply(exchange, plain, text, len);
}

void inspect_on_log(struct http_exchange *exchange)
{
    char *text = malloc(LOG_RECENT_BYTES);
    size_t len = text != NULL ? log_recent_read(text) : 0;

    reply(exchange, plain, text, len);
}
