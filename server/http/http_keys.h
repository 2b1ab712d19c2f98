/* server/http/http_keys.h: who has one of heeler_app_keys, and the cookies given for them.
 *
 * A program shows its key with each request, in the header DD-APPLICATION-KEY or, as old
 * clients of Datadog do, in the parameter application_key. A page shows it once, in a form, and
 * gets a cookie: a random token that only this process knows, and only its hash. Keys and
 * tokens are compared by their SHA-256, in a time that tells nothing. A cookie is good for 12
 * hours, and only as long as its key is one of those in force, so a reload takes it back.
 * Either ends the streams that it opened. No more than 64 are out at a time; the oldest makes
 * room. Its name has the port by which the browser asks, heeler_session_8127: cookies are of a
 * host, and a second server there would take the first one's away. On main's thread. */
#ifndef SERVER_HTTP_HTTP_KEYS_H
#define SERVER_HTTP_HTTP_KEYS_H

#include "config/string_list.h"
#include "server/http/http_request.h"

enum {
    HTTP_SESSIONS_MAX = 64,
    HTTP_SESSION_S = 12 * 3600,
    HTTP_HASH_BYTES = 32,
    HTTP_COOKIE_MAX = 256
};

struct http_session {
    unsigned char token[HTTP_HASH_BYTES], key[HTTP_HASH_BYTES]; /* hashes */
    int64_t until_ms;                                           /* monotonic; 0: nobody's */
};

/* { 0 } has given no cookie. */
struct http_keys {
    struct http_session sessions[HTTP_SESSIONS_MAX];
};

/* Whether the request has a key in force or, where it counts, the cookie of one. */
bool http_keys_admit(const struct http_keys *keys, const struct http_request *request,
                     const struct string_list *in_force, bool cookie_counts, int64_t now_ms);

/* Whether it has one in DD-API-KEY or api_key. */
bool http_keys_admit_api_key(const struct http_request *request,
                             const struct string_list *in_force);

/* The value of Set-Cookie for somebody who has shown the key with this request. False: it is
 * none in force, or the system has no randomness. */
bool http_keys_give_cookie(struct http_keys *keys, const struct http_request *request,
                           struct slice key, const struct string_list *in_force, int64_t now_ms,
                           char cookie[HTTP_COOKIE_MAX]);

/* When the next of the cookies that are out ends; INT64_MAX: none is. */
int64_t http_keys_next_end(const struct http_keys *keys, int64_t now_ms);

#endif
