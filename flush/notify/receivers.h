/* flush/notify/receivers.h: who may be told, and by which way, which is the operator's to say.
 *
 *   heeler_mail_to     addresses, or domains ("@example.org"); empty: no mail
 *   heeler_smtp_url    the server that mail is given to, from heeler_smtp_from
 *   heeler_webhooks    names, each with its URL, headers and body
 *
 * A template's handle either finds one of them or is refused with a reason that is counted and
 * shown. Sealed when settings are loaded, and held by each thread that looks at them: a reload
 * makes new ones. URLs, headers and passwords are secrets and never shown. */
#ifndef FLUSH_NOTIFY_RECEIVERS_H
#define FLUSH_NOTIFY_RECEIVERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "config/must_check.h"
#include "config/settings.h"
#include "flush/notify/relay.h"
#include "protocol/slice.h"

enum {
    WEBHOOK_NAME_MAX = 64,
    WEBHOOK_BODY_MAX = 64 << 10,
    WEBHOOKS_MAX = 256,
    WEBHOOK_HEADERS_MAX = 32,
    ADDRESS_MAIL_MAX = 254
};

struct webhook {
    char *name, *url, *body; /* body: JSON with $VARIABLES; NULL: the usual one */
    char **headers;          /* "Name: value" */
    size_t n_headers;
};

struct receivers {
    bool has_mail; /* heeler_smtp_url is set */
    char **mail_to;
    size_t n_mail_to;
    struct webhook *webhooks;
    size_t n_webhooks;

    /* For the notifier alone. */
    struct relay relay;
    char *smtp_from;     /* an address; NULL: no mail */
    char *heartbeat_url; /* NULL: none */
    char *ca_file;       /* NULL: the system's */
    bool tls13;          /* at least; else 1.2 */
    uint32_t per_hour;
    atomic_uint holders;
};

/* Why a handle is refused. X(id, word, sentence) */
#define RECEIVER_REFUSALS(X)                                                            \
    X(RECEIVER_TAKEN, "", "")                                                           \
    X(RECEIVER_VARIABLE, "variable", "an address is never made of variables")           \
    X(RECEIVER_MALFORMED, "malformed", "it is neither an address nor a webhook's name") \
    X(RECEIVER_NOT_ALLOWED, "not_allowed", "heeler_mail_to does not have it")           \
    X(RECEIVER_UNKNOWN, "unknown", "heeler_webhooks has none of that name")             \
    X(RECEIVER_NO_MAIL, "no_mail", "heeler_smtp_url is not set")

#define RECEIVER_ENUM(id, word, sentence) id,
enum receiver_refusal { RECEIVER_REFUSALS(RECEIVER_ENUM) RECEIVER_REFUSAL_COUNT };
#undef RECEIVER_ENUM

/* Static; empty for one that is taken. */
const char *receiver_refusal_sentence(enum receiver_refusal refusal);

/* Held once by the caller. NULL with a sentence that names the setting. Files that webhooks
 * name (url_file) are read. */
MUST_CHECK struct receivers *receivers_new(const struct settings *settings, char *problem,
                                           size_t problem_size);

/* Any thread. The last release frees them; NULL is none. */
struct receivers *receivers_hold(struct receivers *receivers);
void receivers_release(struct receivers *given);

/* handle: without its @. *webhook: NULL, it is mail. */
enum receiver_refusal receivers_find(const struct receivers *receivers, struct slice handle,
                                     bool has_variable, const struct webhook **webhook);

/* Whether it is an address that mail can go to: ASCII, one "@", no quotes. */
bool receivers_is_address(struct slice text);

#endif
