/* flush/notify/receivers.h: who may be told, which is the operator's to say.
 *
 *   heeler_mail_to    addresses, or domains ("@example.org"); empty: no mail
 *   heeler_webhooks   names, each with its URL, headers and body
 *
 * A template's handle either finds one of them or is refused with a reason that is counted and
 * shown. Sealed when settings are loaded; URLs, headers and passwords are secrets and never
 * shown. */
#ifndef FLUSH_NOTIFY_RECEIVERS_H
#define FLUSH_NOTIFY_RECEIVERS_H

#include "config/must_check.h"
#include "protocol/slice.h"

struct settings;

struct webhook {
    char *name, *url, *body; /* body: a template with $VARIABLES; NULL: the usual one */
    char **headers;          /* "Name: value" */
    size_t n_headers;
};

struct receivers {
    bool has_mail; /* heeler_smtp_url is set */
    char **mail_to;
    size_t n_mail_to;
    struct webhook *webhooks;
    size_t n_webhooks;
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

/* False with a sentence that names the setting. */
MUST_CHECK bool receivers_read(const struct settings *settings, struct receivers *out,
                               char *problem, size_t problem_size);
void receivers_free(struct receivers *given);

/* handle: without its @. *webhook: NULL, it is mail. */
enum receiver_refusal receivers_find(const struct receivers *receivers, struct slice handle,
                                     bool has_variable, const struct webhook **webhook);

#endif
