/* flush/redis/redis_url.h: where a Redis is, and as whom to go there.
 *
 *   redis://[[user]:password@]host[:port][/database]
 *   rediss://...                              the same by TLS
 *   unix://[[user]:password@]/path[?db=database]
 *
 * User, password and path may be percent-encoded; what stands before the last @
 * is taken as them, so an @ in a password does no harm. Pure. The secret goes
 * into the fields user and password and nowhere else: log the name. */
#ifndef FLUSH_REDIS_REDIS_URL_H
#define FLUSH_REDIS_REDIS_URL_H

#include <stdbool.h>

#include "config/address.h"

enum {
    REDIS_URL_PORT = 6379,
    REDIS_URL_USER_MAX = 256,
    REDIS_URL_PASSWORD_MAX = 4096,
    REDIS_URL_PATH_MAX = 108, /* of a sockaddr_un */
    REDIS_URL_NAME_MAX = ADDRESS_HOST_MAX + 64,
};

struct redis_url {
    char host[ADDRESS_HOST_MAX]; /* empty: a unix socket */
    int port;
    char path[REDIS_URL_PATH_MAX]; /* empty: TCP */
    char user[REDIS_URL_USER_MAX]; /* empty: the default user */
    char password[REDIS_URL_PASSWORD_MAX];
    int database;
    bool tls;
    char name[REDIS_URL_NAME_MAX]; /* scheme, host and port or path, for the log */
};

/* NULL and *out filled, or a static sentence that goes on after the name of the
 * setting ("has no scheme ..."); nothing of the text is in it. */
const char *redis_url_parse(const char *text, struct redis_url *out);

/* "redis://host:port", with brackets where they are due. */
void redis_url_name(const char *host, int port, bool tls, char out[REDIS_URL_NAME_MAX]);

#endif
