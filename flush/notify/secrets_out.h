/* flush/notify/secrets_out.h: an answer without the secrets that it may repeat.
 *
 * A server that does not know a URL often says which: "Cannot POST /hook/TOKEN". Pure. */
#ifndef FLUSH_NOTIFY_SECRETS_OUT_H
#define FLUSH_NOTIFY_SECRETS_OUT_H

/* Overwrites each part of the secret that stands in the text, of six bytes or more: a URL's
 * host, steps of its path, values of its query; a header's words. */
void secrets_out(char *text, const char *secret);

#endif
