#include "server/http/http_guard.h"

#include <arpa/inet.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 256 };

/* ---- names ------------------------------------------------------------- */

static bool add_name(struct http_guard *guard, const char *name)
{
    size_t first = strcspn(name, ".");

    return name[0] == '\0' ||
           (string_list_add(&guard->names, name, strlen(name)) &&
            (name[first] == '\0' || first == 0 || string_list_add(&guard->names, name, first)));
}

bool http_guard_open(struct http_guard *guard, const char *hostname)
{
    char own[NAME_MAX_BYTES] = "";

    *guard = (struct http_guard){ .names = { .n = 0 } };
    (void)gethostname(own, sizeof own - 1);
    if (add_name(guard, own) && add_name(guard, hostname))
        return true;
    http_guard_close(guard);
    return false;
}

void http_guard_close(struct http_guard *given)
{
    string_list_free(&given->names);
}

static bool is_listed(const struct string_list *names, struct slice host)
{
    for (size_t i = 0; i < names->n; i++)
        if (http_same_word(host, slice_of(names->at[i])))
            return true;
    return false;
}

/* ---- Host -------------------------------------------------------------- */

static bool is_port(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.len <= 5;
}

static bool is_address(int family, struct slice text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];

    if (text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return inet_pton(family, copy, address) == 1;
}

/* "[v6]" or "[v6%zone]", and perhaps a port behind it. */
static bool is_bracketed(struct slice authority)
{
    struct slice rest = slice_skip(authority, 1);
    const char *end = memchr(rest.at, ']', rest.len);

    if (end == NULL)
        return false;
    struct slice host = { rest.at, (size_t)(end - rest.at) };
    rest = slice_skip(rest, host.len + 1);
    return is_address(AF_INET6, slice_cut(&host, '%')) &&
           (rest.len == 0 || (rest.at[0] == ':' && is_port(slice_skip(rest, 1))));
}

static bool is_localhost(struct slice host)
{
    static const struct slice localhost = { "localhost", 9 };

    if (host.len < localhost.len)
        return false;
    size_t before = host.len - localhost.len;

    return http_same_word(slice_skip(host, before), localhost) &&
           (before == 0 || host.at[before - 1] == '.');
}

static bool is_ours(const struct http_guard *guard, struct slice authority,
                    const struct string_list *more)
{
    struct slice port = authority, host;

    if (authority.len > 0 && authority.at[0] == '[')
        return is_bracketed(authority);
    host = slice_cut(&port, ':');
    if (!is_port(port))
        return false;
    if (host.len > 1 && host.at[host.len - 1] == '.')
        host.len--;
    return host.len > 0 && (is_address(AF_INET, host) || is_localhost(host) ||
                            is_listed(&guard->names, host) || is_listed(more, host));
}

/* ---- who asks ---------------------------------------------------------- */

static bool header_is(const struct http_request *request, const char *name, const char *value)
{
    struct slice found;

    return http_header(request, name, &found) && http_same_word(found, slice_of(value));
}

/* The type without its parameters. */
static bool type_is(const struct http_request *request, const char *type)
{
    struct slice value, word;

    if (!http_header(request, "Content-Type", &value))
        return false;
    word = slice_trim(slice_cut(&value, ';'), " \t");
    return http_same_word(word, slice_of(type));
}

/* A page can send these without being asked first whether it may (CORS). */
static bool is_form(const struct http_request *request)
{
    return type_is(request, "application/x-www-form-urlencoded") ||
           type_is(request, "multipart/form-data") || type_is(request, "text/plain");
}

/* Neither can be sent so. Datadog's clients call series the latter. */
static bool is_json(const struct http_request *request)
{
    return type_is(request, "application/json") || type_is(request, "text/json");
}

/* As some clients send what needs no words, such as mute. */
static bool is_empty(const struct http_request *request)
{
    struct slice value;

    return request->length == 0 && !request->chunked &&
           !http_header(request, "Content-Type", &value);
}

/* "http://HOST" of the very Host that was asked. */
static bool is_own_origin(const struct http_request *request, struct slice origin)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct slice scheme = slice_of(schemes[i]);

        if (origin.len > scheme.len &&
            http_same_word((struct slice){ origin.at, scheme.len }, scheme))
            return request->has_host &&
                   http_same_word(slice_skip(origin, scheme.len), request->authority);
    }
    return false;
}

static bool is_navigation(const struct http_request *request)
{
    return (request->method == HTTP_GET || request->method == HTTP_HEAD) &&
           header_is(request, "Sec-Fetch-Mode", "navigate") &&
           header_is(request, "Sec-Fetch-Dest", "document");
}

static bool is_foreign(const struct http_request *request)
{
    struct slice value;

    return (http_header(request, "Sec-Fetch-Site", &value) &&
            !http_same_word(value, SLICE("same-origin")) &&
            !http_same_word(value, SLICE("none"))) ||
           (http_header(request, "Origin", &value) && !is_own_origin(request, value));
}

static const char *refuses_browser(const struct http_request *request)
{
    struct slice value;

    if (http_header(request, "Origin", &value) ||
        http_header(request, "Sec-Fetch-Site", &value))
        return "a browser sent this (Origin or Sec-Fetch-Site): pages may not\n";
    if (request->method == HTTP_POST && is_form(request))
        return "this has the Content-Type of a form in a page, which may not; send another or "
               "none\n";
    return NULL;
}

/* ---- the rules --------------------------------------------------------- */

const struct http_rule *http_guard_rule(enum http_use use)
{
    static const struct http_rule rules[HTTP_USES] = {
        [HTTP_USE_READING] = { .cookie = true, .browsers = true },
        [HTTP_USE_HEALTH] = { .any_host = true, .open = true, .browsers = true },
        [HTTP_USE_METRICS] = { .open = true, .browsers = true },
        [HTTP_USE_PAGE] = { .cookie = true, .browsers = true, .navigation = true },
        [HTTP_USE_LOGIN] = { .open = true, .browsers = true },
        [HTTP_USE_CONTROL] = { .browsers = false },
        [HTTP_USE_WRITING] = { .cookie = true, .browsers = true, .json = true },
        [HTTP_USE_SUBMITTING] = { .api_key = true, .browsers = true, .json = true },
        [HTTP_USE_RAW] = { .browsers = false },
        [HTTP_USE_PICTURE] = { .any_host = true,
                               .open = true,
                               .browsers = true,
                               .embedding = true },
    };

    return &rules[use];
}

const char *http_guard_refuses(const struct http_guard *guard,
                               const struct http_request *request, enum http_use use,
                               const struct string_list *more)
{
    const struct http_rule *rule = http_guard_rule(use);

    if (request->has_host && !rule->any_host && !is_ours(guard, request->authority, more))
        return "the Host of this request is none of this machine's names; add it to "
               "heeler_http_hosts if it is meant to be one\n";
    if (!rule->browsers)
        return refuses_browser(request);
    if (!rule->embedding && is_foreign(request) &&
        !(rule->navigation && is_navigation(request)))
        return "a page of another origin sent this (Origin or Sec-Fetch-Site): it may not\n";
    if (rule->json && request->method == HTTP_POST && !is_json(request) &&
        (!is_empty(request) || refuses_browser(request) != NULL))
        return "what is written must have Content-Type: application/json\n";
    return NULL;
}
