#include <stdio.h>
#include <time.h>

#include "config/clock.h"
#include "flush/memory/json.h"
#include "server/http/http_connection.h"
#include "server/http/http_guard.h"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static bool add_date(struct evbuffer *out)
{
    time_t seconds = clock_wall_s();
    struct tm utc;
    char text[64];

    return gmtime_r(&seconds, &utc) == NULL ||
           strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc) == 0 ||
           evbuffer_add_printf(out, "Date: %s\r\n", text) > 0;
}

/* Nobody takes an answer for a script or a picture that its Content-Type is not, and no page of
 * another origin gets to embed one, but for those that are meant for anybody. */
static const char *for_browsers(const struct http_exchange *exchange)
{
    bool anybody = exchange->route != NULL && http_guard_rule(exchange->route->use)->embedding;

    return anybody ? "X-Content-Type-Options: nosniff\r\n"
                     "Cross-Origin-Resource-Policy: cross-origin\r\n"
                   : "X-Content-Type-Options: nosniff\r\n"
                     "Cross-Origin-Resource-Policy: same-origin\r\n";
}

static bool add_connection(struct http_exchange *exchange)
{
    struct evbuffer *out = exchange->out;

    if (!exchange->keeps_alive)
        return evbuffer_add_printf(out, "Connection: close\r\n") > 0;
    return exchange->request.minor > 0 ||
           evbuffer_add_printf(out, "Connection: keep-alive\r\n") > 0;
}

/* body: the header that says how the body ends. */
static bool add_head(struct http_exchange *exchange, int status, const char *type,
                     const char *body)
{
    struct evbuffer *out = exchange->out;

    return evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status)) > 0 &&
           add_date(out) && evbuffer_add_printf(out, "%s", for_browsers(exchange)) > 0 &&
           evbuffer_add_printf(out, "Content-Type: %s\r\n%s", type, body) > 0 &&
           add_connection(exchange) &&
           (exchange->headers == NULL || evbuffer_add_buffer(out, exchange->headers) == 0) &&
           evbuffer_add(out, "\r\n", 2) == 0;
}

bool http_answer_compose(struct http_exchange *exchange, int status, const char *type,
                         struct evbuffer *body)
{
    char length[64] = "";

    if (status != 304 && status != 204) /* of what is not sent it would be the length */
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", evbuffer_get_length(body));
    exchange->out = evbuffer_new();
    return exchange->out != NULL && add_head(exchange, status, type, length) &&
           (exchange->request.method == HTTP_HEAD ||
            evbuffer_add_buffer(exchange->out, body) == 0);
}

bool http_answer_compose_stream(struct http_exchange *exchange, const char *type)
{
    exchange->out = evbuffer_new();
    return exchange->out != NULL &&
           add_head(exchange, 200, type,
                    exchange->request.minor > 0 ? "Transfer-Encoding: chunked\r\n" : "");
}

static const char *sentence_of(int status)
{
    switch (status) {
    case 408:
        return "the request took too long\n";
    case 413:
        return "the body is too large\n";
    case 414:
        return "the request line is too long\n";
    case 415:
        return "a body may be plain, gzip, deflate or zstd, and this path may take no "
               "compressed one\n";
    case 417:
        return "only 100-continue can be expected\n";
    case 431:
        return "the headers are too long\n";
    case 501:
        return "no such method or transfer encoding here\n";
    case 505:
        return "only HTTP/1.0 and HTTP/1.1 are spoken here\n";
    default:
        return "this is no valid HTTP request\n";
    }
}

static enum http_refusal refusal_of(int status)
{
    switch (status) {
    case 408:
        return HTTP_REFUSAL_SLOW;
    case 413:
    case 414:
    case 431:
        return HTTP_REFUSAL_LARGE;
    default:
        return HTTP_REFUSAL_INVALID;
    }
}

void http_answer_count(const struct http *http, enum http_refusal why)
{
    if (http->config.ledger != NULL)
        counter_add(&http->config.ledger->refused[why], 1);
}

void http_answer_refuse(struct http_exchange *exchange, int status)
{
    http_answer_count(exchange->http, refusal_of(status));
    exchange->keeps_alive = false;
    http_refuse(exchange, status, sentence_of(status));
}

/* Without memory the body is NULL, which http_reply() knows. */
static struct evbuffer *json_errors(const char *sentence)
{
    struct bytes text = { 0 };
    struct evbuffer *body = evbuffer_new();

    bytes_add(&text, "{\"errors\":[", 11);
    json_add_string(&text, slice_trim(slice_of(sentence), "\n"));
    bytes_add(&text, "]}\n", 3);
    if (body != NULL && (text.failed || evbuffer_add(body, text.at, text.len) != 0)) {
        evbuffer_free(body);
        body = NULL;
    }
    bytes_free(&text);
    return body;
}

void http_refuse(struct http_exchange *exchange, int status, const char *sentence)
{
    if (exchange->route != NULL && exchange->route->json_errors)
        http_reply(exchange, status, "application/json", json_errors(sentence));
    else
        http_reply_text(exchange, status, "text/plain; charset=utf-8", sentence);
}

const struct sender *http_peer(const struct http_exchange *exchange)
{
    return &exchange->peer;
}

bool http_is_local(const struct http_exchange *exchange)
{
    return exchange->is_local;
}

/* Without memory the header is left out. */
void http_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    if (exchange->headers == NULL)
        exchange->headers = evbuffer_new();
    if (exchange->headers != NULL)
        (void)evbuffer_add_printf(exchange->headers, "%s: %s\r\n", name, value);
}

void http_on_end(struct http_exchange *exchange, http_end *tell, void *argument)
{
    exchange->tell = tell;
    exchange->tell_argument = argument;
}

void *http_end_argument(const struct http_exchange *exchange)
{
    return exchange->tell != NULL ? exchange->tell_argument : NULL;
}
