#include "flush/redis/redis_url.h"

#include <stdio.h>
#include <string.h>

#include "protocol/number.h"
#include "protocol/slice.h"

enum { DATABASE_MAX = 65535 };

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* False: too long, a percent sign without two digits, or a NUL. */
static bool decode(struct slice text, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || len + 1 >= size)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

static const char *parse_who(struct slice who, struct redis_url *out)
{
    if (memchr(who.at, ':', who.len) == NULL)
        return "has a user without a password (:password@ is the default user's)";
    struct slice user = slice_cut(&who, ':');

    if (!decode(user, out->user, sizeof out->user))
        return "has a user that is too long or wrongly percent-encoded";
    if (who.len == 0)
        return "has an empty password";
    if (!decode(who, out->password, sizeof out->password))
        return "has a password that is too long or wrongly percent-encoded";
    return NULL;
}

static const char *parse_database(struct slice text, struct redis_url *out)
{
    int64_t number;

    if (text.len == 0 || text.at[0] < '0' || text.at[0] > '9' || !number_int64(text, &number) ||
        number > DATABASE_MAX)
        return "has a database that is no number from 0 to 65535";
    out->database = (int)number;
    return NULL;
}

/* host, host:port, [v6] or [v6]:port. */
static const char *parse_place(struct slice place, struct redis_url *out)
{
    char text[ADDRESS_HOST_MAX + 16];
    const char *bracket = place.len > 0 ? memrchr(place.at, ']', place.len) : NULL;
    size_t behind = bracket != NULL ? (size_t)(bracket - place.at) : 0;
    struct slice tail = slice_skip(place, behind);
    bool has_port = tail.len > 0 && memchr(tail.at, ':', tail.len) != NULL;

    if (place.len == 0 || place.len > ADDRESS_HOST_MAX || memchr(place.at, '\0', place.len))
        return "has no host, or one that is too long";
    snprintf(text, sizeof text, has_port ? "%.*s" : "%.*s:6379", (int)place.len, place.at);
    if (!address_split(text, out->host, sizeof out->host, &out->port) || out->port == 0)
        return "has a host or a port that makes no sense";
    redis_url_name(out->host, out->port, out->tls, out->name);
    return NULL;
}

static const char *parse_tcp(struct slice rest, struct redis_url *out)
{
    const char *at = rest.len > 0 ? memrchr(rest.at, '@', rest.len) : NULL;
    const char *problem = NULL;

    if (at != NULL) {
        problem = parse_who((struct slice){ rest.at, (size_t)(at - rest.at) }, out);
        rest = slice_skip(rest, (size_t)(at - rest.at) + 1);
    }
    struct slice place = slice_cut(&rest, '/');

    if (problem == NULL)
        problem = parse_place(place, out);
    if (problem == NULL && rest.len > 0)
        problem = parse_database(rest, out);
    return problem;
}

/* The path is absolute, so what stands before its first slash says who. */
static const char *parse_unix(struct slice rest, struct redis_url *out)
{
    const char *problem = NULL;

    if (rest.len > 0 && rest.at[0] != '/') {
        const char *at = memmem(rest.at, rest.len, "@/", 2);

        if (at == NULL)
            return "has no absolute path";
        problem = parse_who((struct slice){ rest.at, (size_t)(at - rest.at) }, out);
        rest = slice_skip(rest, (size_t)(at - rest.at) + 1);
    }
    struct slice path = slice_cut(&rest, '?');

    if (problem == NULL && (path.len < 2 || !decode(path, out->path, sizeof out->path)))
        problem = "has no absolute path, or one that is too long for a socket";
    if (problem == NULL && rest.len > 0)
        problem = slice_starts(rest, SLICE("db=")) ? parse_database(slice_skip(rest, 3), out)
                                                   : "knows nothing behind ? but db=";
    snprintf(out->name, sizeof out->name, "unix://%s", out->path);
    return problem;
}

const char *redis_url_parse(const char *text, struct redis_url *out)
{
    struct slice rest = slice_of(text);

    *out = (struct redis_url){ 0 };
    out->tls = slice_starts(rest, SLICE("rediss://"));
    if (out->tls || slice_starts(rest, SLICE("redis://")))
        return parse_tcp(slice_skip(rest, out->tls ? 9 : 8), out);
    if (slice_starts(rest, SLICE("unix://")))
        return parse_unix(slice_skip(rest, 7), out);
    return "does not begin with redis://, rediss:// or unix://";
}

void redis_url_name(const char *host, int port, bool tls, char out[REDIS_URL_NAME_MAX])
{
    bool v6 = strchr(host, ':') != NULL;

    snprintf(out, REDIS_URL_NAME_MAX, "redis%s://%s%s%s:%d", tls ? "s" : "", v6 ? "[" : "",
             host, v6 ? "]" : "", port);
}
