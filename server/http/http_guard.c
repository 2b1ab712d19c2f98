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

/* ---- POST -------------------------------------------------------------- */

/* A page can send these without being asked first whether it may (CORS). */
static bool is_form(struct slice type)
{
    static const char *const forms[] = { "application/x-www-form-urlencoded",
                                         "multipart/form-data", "text/plain" };
    struct slice word = slice_cut(&type, ';');

    while (word.len > 0 && (word.at[word.len - 1] == ' ' || word.at[word.len - 1] == '\t'))
        word.len--;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (http_same_word(word, slice_of(forms[i])))
            return true;
    return false;
}

static const char *refuses_post(const struct http_request *request)
{
    struct slice value;

    if (http_header(request, "Origin", &value) ||
        http_header(request, "Sec-Fetch-Site", &value))
        return "a browser sent this (Origin or Sec-Fetch-Site): pages may not\n";
    if (http_header(request, "Content-Type", &value) && is_form(value))
        return "this has the Content-Type of a form in a page, which may not; send another or "
               "none\n";
    return NULL;
}

const char *http_guard_refuses(const struct http_guard *guard,
                               const struct http_request *request, bool any_host,
                               const struct string_list *more)
{
    if (request->has_host && !any_host && !is_ours(guard, request->authority, more))
        return "the Host of this request is none of this machine's names; add it to "
               "heeler_http_hosts if it is meant to be one\n";
    return request->method == HTTP_POST ? refuses_post(request) : NULL;
}
