/* flush/notify/webhook_body.h: what a webhook is sent: JSON, with Datadog's $VARIABLES.
 *
 *   {"text": "$EVENT_TITLE", "monitor": $ALERT_ID}  ->  {"text": "[Warn] load", "monitor": 7}
 *
 * Inside of a string a value is escaped for it; elsewhere a number stands as it is, and a text
 * in quotes. So no value changes what the body's author wrote. A variable that is not known
 * stays as it is written. Pure. Facts: Datadog's integrations/webhooks. */
#ifndef FLUSH_NOTIFY_WEBHOOK_BODY_H
#define FLUSH_NOTIFY_WEBHOOK_BODY_H

#include "flush/notify/notification.h"

enum { WEBHOOK_OUT_MAX = 1 << 20 };

/* Whether it is JSON with values in their places. */
MUST_CHECK bool webhook_body_is_fit(struct slice body);

/* Whether something in it would be taken for a variable that we know. */
bool webhook_body_has_variable(struct slice text);

/* Appends it. body: NULL: the usual one. False: no memory, or longer than WEBHOOK_OUT_MAX. */
MUST_CHECK bool webhook_body_write(const char *body, const struct notification *notification,
                                   struct bytes *out);

#endif
