/* flush/notify/relay.h: heeler_smtp_url, taken apart: the mail server that everything is
 * given to.
 *
 *   smtps://user:password@host[:465]    TLS from the first byte
 *   smtp://user:password@host[:25]      STARTTLS, without which nothing is sent
 *   smtp://localhost:25?tls=never       in the clear, on this machine only
 *
 * Pure: nothing is looked up. */
#ifndef FLUSH_NOTIFY_RELAY_H
#define FLUSH_NOTIFY_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/must_check.h"

/* Owned; { 0 } is none. */
struct relay {
    char *url;             /* without user, password and query: may be shown */
    char *user, *password; /* decoded; both NULL: no login */
    bool in_the_clear;
};

/* False with a sentence, which quotes nothing of the URL. Free it either way. */
MUST_CHECK bool relay_read(const char *url, struct relay *out, char *problem,
                           size_t problem_size);
void relay_free(struct relay *given);

#endif
