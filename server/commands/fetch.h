/* server/commands/fetch.h: one GET or POST of the running server, wherever it listens.
 *
 * Where: what --at says (a URL, HOST:PORT or unix:/PATH), else the addresses of
 * heeler_http_listen in turn, until somebody takes the connection. The first of heeler_app_keys
 * goes with the request. Whoever answers is not trusted. */
#ifndef SERVER_COMMANDS_FETCH_H
#define SERVER_COMMANDS_FETCH_H

#include "config/settings.h"
#include "flush/memory/bytes.h"

/* Some bytes of the body, as they come. False: enough, which ends the request. */
typedef bool fetch_take(long status, const void *at, size_t n, void *argument);

struct fetch {
    const char *at; /* NULL: what the settings say */
    const struct settings *settings;
    const char *path; /* with its query, escaped */
    const char *post; /* the body, JSON; NULL: GET */
    long timeout_s;   /* for all of it; 0: it may take for ever */
    fetch_take *take;
    void *argument;
};

/* The status of HTTP. 0, with a sentence: there is no answer, or it broke off. `where`, at
 * least FETCH_WHERE_MAX bytes, names who was asked. */
enum { FETCH_WHERE_MAX = 512 };
long fetch_run(const struct fetch *fetch, char where[FETCH_WHERE_MAX], char *problem,
               size_t problem_size);

/* The same, with all of the body, at most max bytes; its take is not looked at. */
long fetch_whole(const struct fetch *fetch, size_t max, struct bytes *body,
                 char where[FETCH_WHERE_MAX], char *problem, size_t problem_size);

/* The same, as a GET; timeout_s as above. */
long fetch_all(const char *at, const struct settings *settings, const char *path,
               long timeout_s, size_t max, struct bytes *body, char where[FETCH_WHERE_MAX],
               char *problem, size_t problem_size);

#endif
