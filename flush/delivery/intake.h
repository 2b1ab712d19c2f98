/* flush/delivery/intake.h: one Datadog intake: its URLs, headers and what its answers mean.
 *
 * Nothing here waits. A struct intake does not change once it is open, except for its time
 * limit; the requests that are made from it point into it and into their payload. The API key
 * goes into one header and nowhere else: into no URL and no log line.
 *
 *   intake.c       its requests, and what its answers mean
 *   intake_url.c   where its doors are, by the settings */
#ifndef FLUSH_DELIVERY_INTAKE_H
#define FLUSH_DELIVERY_INTAKE_H

#include <curl/curl.h>

#include "flush/payloads/payload.h"

/* The version of the Agent that we claim to be, in the host name and in the headers, because
 * the intake tolerates more from a client that it takes for an Agent. */
#define INTAKE_AGENT_VERSION   "7.83.3"
#define INTAKE_AGENT_LABEL     "7-83-3-app.agent"
#define INTAKE_PAYLOAD_VERSION "v5.0.207"

enum {
    INTAKE_URL_MAX = 512,
    INTAKE_MASK_MAX = 16,
    INTAKE_BODY_KEPT = 512,        /* of an answer */
    INTAKE_ANSWER_MAX = 64 * 1024, /* headers and body; a longer one is given up */
    INTAKE_NOTE_LEN = 160,         /* of it, in the log */
    INTAKE_RETRY_AFTER_MAX_S = 3600,
};

/* The base URL, without a slash at its end. dd_url (may be NULL or empty) wins
 * over site (empty: datadoghq.com). Datadog's own sites become absolute host
 * names, with a dot at the end, if absolute: it spares the search domains of
 * resolv.conf. libcurl keeps the dot in Host and drops it for SNI and the
 * certificate, as Go does. False: no URL, or too long. */
bool intake_base_url(const char *site, const char *dd_url, bool absolute,
                     char out[INTAKE_URL_MAX]);

/* The same of the door of traces: dd_url, or "https://trace.agent.SITE". */
bool intake_trace_url(const char *site, const char *dd_url, bool absolute,
                      char out[INTAKE_URL_MAX]);

/* A URL that libcurl can read. */
bool intake_url_is_fit(const char *url);

/* Where the key of an intake is validated: of Datadog's own sites at api.<site>,
 * of others at the base URL. Owned; NULL: no memory. */
char *intake_validate_url(const char *base_url);

/* Seconds to wait by a Retry-After header (seconds or an HTTP date), between 0
 * and INTAKE_RETRY_AFTER_MAX_S; 0 too when it makes no sense. */
int64_t intake_retry_after(const char *value, int64_t now_s);

/* "***" and the last four characters; of a short key nothing is shown. */
void intake_mask_key(const char *key, char out[INTAKE_MASK_MAX]);

enum intake_verdict {
    INTAKE_DELIVERED, /* 2xx */
    INTAKE_REFUSED,   /* 400: the payload will never be accepted */
    INTAKE_TOO_LARGE, /* 413: perhaps it is accepted in pieces */
    INTAKE_FORBIDDEN, /* 403: the key is wrong; the payload is kept for a better one */
    INTAKE_RETRY,     /* everything else */
};

enum intake_verdict intake_judge(long status);

/* Why a request failed, one counter each. */
#define INTAKE_ERRORS(X)        \
    X(ERROR_DNS, "dns")         \
    X(ERROR_CONNECT, "connect") \
    X(ERROR_TLS, "tls")         \
    X(ERROR_TIMEOUT, "timeout") \
    X(ERROR_RESET, "reset")     \
    X(ERROR_HTTP, "http") /* there is an answer, but not one that we can use */

#define INTAKE_ERROR_ENUM(id, word) id,
enum intake_error { INTAKE_ERRORS(INTAKE_ERROR_ENUM) ERROR_COUNT };
#undef INTAKE_ERROR_ENUM

/* Which counter code belongs to; it is not CURLE_OK. What fits nowhere else counts as a
 * reset. */
enum intake_error intake_classify(CURLcode code);
const char *intake_error_name(enum intake_error error);

/* How requests travel. Texts may be NULL: not set. */
struct intake_transport {
    const char *proxy;   /* URL; NULL: none, whatever the environment says */
    const char *ca_file; /* instead of the system's */
    const char *min_tls; /* "tlsv1.0" to "tlsv1.3" */
    bool skip_validation;
};

struct intake_config {
    const char *base_url;
    const char *api_key;
    const char *user_agent; /* NULL: ours */
    int64_t timeout_ms;     /* of one request */
    int64_t reset_s;        /* a connection of that age is given up; 0: never */
    bool http1;             /* otherwise HTTP/2 where TLS offers it */
    struct intake_transport transport;
};

struct intake {
    char *urls[ROUTE_COUNT];
    char *validate_url;
    struct curl_slist *validate_headers;
    struct curl_slist *headers[ROUTE_COUNT][COMPRESSION_COUNT];
    char *user_agent;
    char *base_url;
    char *name; /* scheme and host, for the log */
    char *api_key;
    char masked_key[INTAKE_MASK_MAX];
    char *proxy, *ca_file; /* or NULL */
    long tls_version;      /* of libcurl */
    int64_t timeout_ms, reset_s;
    bool http1, skip_validation;
};

/* False: the URL makes no sense or memory is out; nothing is left open. */
bool intake_open(struct intake *intake, const struct intake_config *config);
void intake_close(struct intake *given);

/* The same intake with another key. False: the key cannot be sent or memory is out;
 * nothing is left open. */
bool intake_open_like(struct intake *intake, const struct intake *like, const char *api_key);

/* Whether the key can stand in a header: it has no line break or the like. */
bool intake_key_is_fit(const char *api_key);

/* One request slot: a handle, used again and again for its warm connection. */
struct intake_request {
    CURL *easy;
    char body[INTAKE_BODY_KEPT]; /* the start of the answer, NUL-terminated */
    size_t body_len;
    size_t answer_len; /* bytes of headers and body so far */
    char error[CURL_ERROR_SIZE + INTAKE_NOTE_LEN];
};

bool intake_request_open(struct intake_request *request);
void intake_request_close(struct intake_request *given);

/* Makes the request ready to send payload, a view until it has ended. */
void intake_request_prepare(struct intake_request *request, const struct intake *intake,
                            const struct payload *payload);

/* Makes the request ready to ask whether the key is good. */
void intake_request_prepare_validation(struct intake_request *request,
                                       const struct intake *intake);

/* In words, what went wrong and which setting has to do with it. code is not CURLE_OK. */
const char *intake_request_failure(struct intake_request *request, CURLcode code);

/* The start of the answer fit for a log line: printable, short, without the key. */
const char *intake_request_note(struct intake_request *request, const struct intake *intake);

long intake_request_status(const struct intake_request *request);

/* When the intake sent its answer, by its own clock, in seconds since 1970. False: it does not
 * say so. */
bool intake_request_date(const struct intake_request *request, int64_t *out);
int64_t intake_request_retry_after(const struct intake_request *request, int64_t now_s);

#endif
