#include "flush/notify/relay.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"

/* A part of the URL, decoded, owned by the caller; NULL: there is none. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *found = NULL, *copy = NULL;

    if (curl_url_get(url, part, &found, CURLU_URLDECODE | CURLU_DEFAULT_PORT) == CURLUE_OK)
        copy = strdup(found);
    curl_free(found);
    return copy;
}

static bool is_loopback(CURLU *url)
{
    char text[ADDRESS_HOST_MAX + 16];
    char *host = part_of(url, CURLUPART_HOST), *port = part_of(url, CURLUPART_PORT);
    bool is = false;

    if (host != NULL && port != NULL) {
        snprintf(text, sizeof text, "%s:%s", host, port);
        is = address_is_local(text);
    }
    free(host);
    free(port);
    return is;
}

/* The sentence, or NULL: nothing is wrong with it. */
static const char *read_query(CURLU *url, bool is_smtps, struct relay *out)
{
    char *query = part_of(url, CURLUPART_QUERY);
    const char *wrong = NULL;

    out->in_the_clear = query != NULL && strcmp(query, "tls=never") == 0;
    if (query != NULL && !out->in_the_clear)
        wrong = "the only thing it may have behind a \"?\" is tls=never";
    else if (out->in_the_clear && is_smtps)
        wrong = "tls=never contradicts smtps://";
    else if (out->in_the_clear && !is_loopback(url))
        wrong =
            "tls=never is for a server on this machine: elsewhere mail and password could be "
            "read on the way";
    free(query);
    return wrong;
}

static const char *read_login(CURLU *url, struct relay *out)
{
    char *found = NULL;
    bool has_user = curl_url_get(url, CURLUPART_USER, &found, 0) == CURLUE_OK;

    curl_free(found);
    out->user = part_of(url, CURLUPART_USER);
    out->password = part_of(url, CURLUPART_PASSWORD);
    if (has_user && out->user == NULL)
        return "its user has control characters";
    if ((out->user == NULL) != (out->password == NULL))
        return "it has a user and no password that can be used, or the other way round";
    return NULL;
}

/* What is left is shown and given to libcurl. */
static const char *keep_rest(CURLU *url, struct relay *out)
{
    char *rest = NULL;

    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(url, CURLUPART_URL, &rest, 0) == CURLUE_OK)
        out->url = strdup(rest);
    curl_free(rest);
    return out->url != NULL ? NULL : "not enough memory";
}

static const char *read_url(CURLU *url, const char *text, struct relay *out)
{
    if (url == NULL)
        return "not enough memory";
    bool fit = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK;
    char *scheme = fit ? part_of(url, CURLUPART_SCHEME) : NULL;
    bool is_smtp = scheme != NULL && strcmp(scheme, "smtp") == 0;
    bool is_smtps = scheme != NULL && strcmp(scheme, "smtps") == 0;

    free(scheme);
    if (!is_smtp && !is_smtps)
        return "it is no URL of the form smtps://user:password@host:port or smtp://...";
    const char *wrong = read_query(url, is_smtps, out);

    if (wrong == NULL)
        wrong = read_login(url, out);
    return wrong != NULL ? wrong : keep_rest(url, out);
}

bool relay_read(const char *url, struct relay *out, char *problem, size_t problem_size)
{
    CURLU *parsed = curl_url();

    *out = (struct relay){ .url = NULL };
    const char *wrong = read_url(parsed, url, out);

    curl_url_cleanup(parsed);
    if (wrong != NULL)
        snprintf(problem, problem_size, "%s", wrong);
    return wrong == NULL;
}

void relay_free(struct relay *given)
{
    free(given->url);
    free(given->user);
    free(given->password);
    *given = (struct relay){ .url = NULL };
}
