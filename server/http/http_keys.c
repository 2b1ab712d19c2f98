#include "server/http/http_keys.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <sys/random.h>

#define COOKIE_NAME "heeler_session_"
enum { COOKIE_NAME_MAX = sizeof COOKIE_NAME + 5 };

static_assert(HTTP_HASH_BYTES == SHA256_DIGEST_LENGTH, "the hash is SHA-256");

static void hash(struct slice text, unsigned char out[HTTP_HASH_BYTES])
{
    (void)SHA256((const unsigned char *)(text.len > 0 ? text.at : ""), text.len, out);
}

static bool is_same(const unsigned char *a, const unsigned char *b)
{
    return CRYPTO_memcmp(a, b, HTTP_HASH_BYTES) == 0;
}

/* Every key is looked at, so that the time does not tell which one it was. */
static bool is_in_force(const unsigned char hashed[HTTP_HASH_BYTES],
                        const struct string_list *in_force)
{
    bool found = false;

    for (size_t i = 0; i < in_force->n; i++) {
        unsigned char one[HTTP_HASH_BYTES];

        hash(slice_of(in_force->at[i]), one);
        found = (is_same(hashed, one) && in_force->at[i][0] != '\0') || found;
    }
    return found;
}

/* The digits at the end of Host; 80 where it has none. */
static void name_cookie(const struct http_request *request, char name[COOKIE_NAME_MAX])
{
    struct slice host = { "", 0 };
    size_t digits = 0;

    (void)http_header(request, "Host", &host);
    while (digits < host.len && digits < 5 && host.at[host.len - 1 - digits] >= '0' &&
           host.at[host.len - 1 - digits] <= '9')
        digits++;
    bool has_port = digits > 0 && digits < host.len && host.at[host.len - 1 - digits] == ':';
    snprintf(name, COOKIE_NAME_MAX, COOKIE_NAME "%.*s", has_port ? (int)digits : 2,
             has_port ? host.at + host.len - digits : "80");
}

/* "a=1; heeler_session_8127=TOKEN; b=2". False: it is not there. */
static bool find_token(const struct http_request *request, struct slice *out)
{
    char own_name[COOKIE_NAME_MAX];
    struct slice cookies;

    if (!http_header(request, "Cookie", &cookies))
        return false;
    name_cookie(request, own_name);
    while (cookies.len > 0) {
        *out = slice_trim(slice_cut(&cookies, ';'), " \t");
        struct slice name = slice_cut(out, '=');
        if (slice_equal(name, slice_of(own_name)))
            return true;
    }
    return false;
}

static bool has_session(const struct http_keys *keys, const struct http_request *request,
                        const struct string_list *in_force, int64_t now_ms)
{
    unsigned char hashed[HTTP_HASH_BYTES];
    struct slice token;
    bool found = false;

    if (!find_token(request, &token))
        return false;
    hash(token, hashed);
    for (size_t i = 0; i < HTTP_SESSIONS_MAX; i++)
        if (is_same(keys->sessions[i].token, hashed) && keys->sessions[i].until_ms > now_ms)
            found = is_in_force(keys->sessions[i].key, in_force);
    return found;
}

/* False: it is in neither place. */
static bool find_key(const struct http_request *request, const char *header,
                     const char *parameter, char room[static HTTP_HEAD_MAX], struct slice *key)
{
    return http_header(request, header, key) ||
           http_parameter(request->query, parameter, room, key);
}

static bool is_key(struct slice key, const struct string_list *in_force)
{
    unsigned char hashed[HTTP_HASH_BYTES];

    hash(key, hashed);
    return is_in_force(hashed, in_force);
}

bool http_keys_admit(const struct http_keys *keys, const struct http_request *request,
                     const struct string_list *in_force, bool cookie_counts, int64_t now_ms)
{
    char room[HTTP_HEAD_MAX];
    struct slice key;

    if (!find_key(request, "DD-APPLICATION-KEY", "application_key", room, &key))
        return cookie_counts && has_session(keys, request, in_force, now_ms);
    return is_key(key, in_force);
}

bool http_keys_admit_api_key(const struct http_request *request,
                             const struct string_list *in_force)
{
    char room[HTTP_HEAD_MAX];
    struct slice key;

    return find_key(request, "DD-API-KEY", "api_key", room, &key) && is_key(key, in_force);
}

static struct http_session *oldest(struct http_keys *keys)
{
    struct http_session *found = &keys->sessions[0];

    for (size_t i = 1; i < HTTP_SESSIONS_MAX; i++)
        if (keys->sessions[i].until_ms < found->until_ms)
            found = &keys->sessions[i];
    return found;
}

int64_t http_keys_next_end(const struct http_keys *keys, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < HTTP_SESSIONS_MAX; i++) {
        int64_t until_ms = keys->sessions[i].until_ms;

        next_ms = until_ms > now_ms && until_ms < next_ms ? until_ms : next_ms;
    }
    return next_ms;
}

bool http_keys_give_cookie(struct http_keys *keys, const struct http_request *request,
                           struct slice key, const struct string_list *in_force, int64_t now_ms,
                           char cookie[HTTP_COOKIE_MAX])
{
    unsigned char random[HTTP_HASH_BYTES], hashed[HTTP_HASH_BYTES];
    char token[2 * HTTP_HASH_BYTES + 1], name[COOKIE_NAME_MAX];

    hash(key, hashed);
    if (!is_in_force(hashed, in_force) ||
        getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(token + 2 * i, 3, "%02x", random[i]);
    struct http_session *session = oldest(keys);
    hash(slice_of(token), session->token);
    memcpy(session->key, hashed, sizeof hashed);
    session->until_ms = now_ms + INT64_C(1000) * HTTP_SESSION_S;
    name_cookie(request, name);
    snprintf(cookie, HTTP_COOKIE_MAX, "%s=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d",
             name, token, HTTP_SESSION_S);
    return true;
}
