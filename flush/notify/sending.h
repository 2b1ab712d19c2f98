/* flush/notify/sending.h: one attempt to tell somebody, by libcurl.
 *
 *   sending_begin_*() -> the handle goes through a curl_multi -> sending_judge()
 *
 * Only http, https, smtp and smtps; no redirects, no netrc, no proxy, whatever the environment
 * says; ten seconds; an answer is cut at 64 KiB. One thread: that of the multi. What is sent is
 * copied, so that receivers and notification may go before it ends. */
#ifndef FLUSH_NOTIFY_SENDING_H
#define FLUSH_NOTIFY_SENDING_H

#include <curl/curl.h>

#include "flush/notify/notify_queue.h"
#include "flush/notify/receivers.h"

enum {
    SENDING_TIMEOUT_MS = 10000,
    SENDING_ANSWER_MAX = 64 << 10,
    SENDING_ANSWER_KEPT = 1024,
    SENDING_SHOWN_MAX = 160 /* of it */
};

/* What the mail server is being told: whether its no is about this mail depends on it. */
enum sending_phase { SENDING_HELLO, SENDING_FROM, SENDING_TO, SENDING_DATA };

struct sending {
    CURL *easy;
    struct curl_slist *headers, *rcpt;
    struct bytes body;
    char *secrets; /* of the receiver, with blanks between */
    size_t sent;   /* of body */
    bool is_mail;
    bool has_quit; /* what is answered to our goodbye is no matter */
    enum sending_phase phase;
    size_t answer_len; /* of it in all */
    size_t kept;
    char kept_answer[SENDING_ANSWER_KEPT + 1];
    char error[CURL_ERROR_SIZE];
};

bool sending_open(struct sending *sending);
void sending_close(struct sending *given);

/* Makes the handle ready. False: no memory, or a webhook's body is too long. */
MUST_CHECK bool sending_begin_mail(struct sending *sending, const struct receivers *receivers,
                                   const struct notification *notification,
                                   const char *hostname);
MUST_CHECK bool sending_begin_webhook(struct sending *sending,
                                      const struct receivers *receivers,
                                      const struct webhook *webhook,
                                      const struct notification *notification);
MUST_CHECK bool sending_begin_heartbeat(struct sending *sending,
                                        const struct receivers *receivers);

/* How it ended, with what was answered or why not, without secrets. A mail is refused for good
 * by 5xx of RCPT or DATA, a webhook by 4xx other than 408 and 429; a status of 2xx is a yes
 * whatever comes behind it. */
enum notify_outcome sending_judge(struct sending *sending, CURLcode code, char *answer,
                                  size_t answer_size, int64_t *retry_after_ms);

#endif
