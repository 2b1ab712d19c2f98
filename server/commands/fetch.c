#include "server/commands/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"

/* A request under way. */
struct flight {
    const struct fetch *fetch;
    CURL *easy;
};

static size_t on_body(char *at, size_t size, size_t n, void *argument)
{
    const struct flight *flight = argument;
    long status = 0;

    (void)size; /* always 1 */
    curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
    return flight->fetch->take(status, at, n, flight->fetch->argument) ? n : 0;
}

/* Owned; NULL without memory. */
static char *make_url(const char *base, const char *path)
{
    bool is_unix = address_path(base) != NULL;
    char *url = NULL;

    if (asprintf(&url, "%s%s%s", is_unix || strstr(base, "://") == NULL ? "http://" : "",
                 is_unix ? "localhost" : base, path) < 0)
        return NULL;
    return url;
}

static struct curl_slist *make_headers(const struct fetch *fetch)
{
    const struct string_list *keys = &fetch->settings->heeler_app_keys;
    struct curl_slist *headers = NULL;
    char *line = NULL;

    if (fetch->post != NULL)
        headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (keys->n > 0 && asprintf(&line, "DD-APPLICATION-KEY: %s", keys->at[0]) >= 0) {
        struct curl_slist *more = curl_slist_append(headers, line);

        headers = more != NULL ? more : headers;
    }
    free(line);
    return headers;
}

static CURLcode perform(CURL *easy, const struct fetch *fetch, const char *base,
                        const char *url, char *error)
{
    struct flight flight = { fetch, easy };
    struct curl_slist *headers = make_headers(fetch);

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, address_path(base));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, fetch->timeout_s);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (fetch->post != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fetch->post);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &flight);
    CURLcode code = curl_easy_perform(easy);
    curl_slist_free_all(headers);
    return code;
}

/* *refused: nobody takes connections there. */
static long ask(const struct fetch *fetch, const char *base, bool *refused, char *problem,
                size_t problem_size)
{
    char error[CURL_ERROR_SIZE] = "", *url = make_url(base, fetch->path);
    CURL *easy = url != NULL ? curl_easy_init() : NULL;
    long status = 0;

    *refused = false;
    snprintf(problem, problem_size, "not enough memory");
    if (easy != NULL) {
        CURLcode code = perform(easy, fetch, base, url, error);

        *refused = code == CURLE_COULDNT_CONNECT;
        if (code == CURLE_OK)
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        else
            snprintf(problem, problem_size, "%s",
                     error[0] != '\0' ? error : curl_easy_strerror(code));
    }
    curl_easy_cleanup(easy);
    free(url);
    return status;
}

long fetch_run(const struct fetch *fetch, char where[FETCH_WHERE_MAX], char *problem,
               size_t problem_size)
{
    const struct string_list *addresses = &fetch->settings->heeler_http_listen;
    bool refused = true;
    long status = 0;

    snprintf(where, FETCH_WHERE_MAX, "%s",
             fetch->at != NULL ? fetch->at : "heeler_http_listen");
    if (fetch->at != NULL)
        return ask(fetch, fetch->at, &refused, problem, problem_size);
    snprintf(problem, problem_size, "is empty: say where with --at URL");
    for (size_t i = 0; refused && i < addresses->n; i++) {
        snprintf(where, FETCH_WHERE_MAX, "%s", addresses->at[i]);
        status = ask(fetch, addresses->at[i], &refused, problem, problem_size);
    }
    return status;
}

/* ---- all of it --------------------------------------------------------- */

struct whole {
    struct bytes *body;
    size_t max;
};

static bool take_all(long status, const void *at, size_t n, void *argument)
{
    struct whole *whole = argument;

    (void)status;
    if (n > whole->max - whole->body->len)
        return false;
    bytes_add(whole->body, at, n);
    return !whole->body->failed;
}

long fetch_whole(const struct fetch *fetch, size_t max, struct bytes *body,
                 char where[FETCH_WHERE_MAX], char *problem, size_t problem_size)
{
    struct whole whole = { body, max };
    struct fetch all = *fetch;

    all.take = take_all;
    all.argument = &whole;
    return fetch_run(&all, where, problem, problem_size);
}

long fetch_all(const char *at, const struct settings *settings, const char *path,
               long timeout_s, size_t max, struct bytes *body, char where[FETCH_WHERE_MAX],
               char *problem, size_t problem_size)
{
    struct fetch fetch = {
        .at = at, .settings = settings, .path = path, .timeout_s = timeout_s
    };

    return fetch_whole(&fetch, max, body, where, problem, problem_size);
}
