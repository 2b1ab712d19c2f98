#include "flush/notify/sending.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/utf8.h"
#include "flush/notify/mail.h"
#include "flush/notify/secrets_out.h"
#include "flush/notify/webhook_body.h"

enum { RETRIES_TIMEOUT = 408, RETRIES_TOO_MANY = 429, MAIL_TOO_LARGE = 552 };

/* ---- what libcurl calls ------------------------------------------------ */

/* Keeps the start of the answer, without its end. False: it is too long. */
static bool keep(struct sending *sending, const char *at, size_t len)
{
    size_t room = SENDING_ANSWER_KEPT - sending->kept;
    size_t kept = len < room ? len : room;

    memcpy(sending->kept_answer + sending->kept, at, kept);
    sending->kept += kept;
    sending->kept_answer[sending->kept] = '\0';
    sending->answer_len += len;
    return sending->answer_len <= SENDING_ANSWER_MAX;
}

/* Returning another number than len ends the transfer and its connection. */
static size_t take_body(char *at, size_t one, size_t len, void *argument)
{
    (void)one;
    return keep(argument, at, len) ? len : 0;
}

static size_t pass_header(char *at, size_t one, size_t len, void *argument)
{
    struct sending *sending = argument;

    (void)at, (void)one;
    sending->answer_len += len;
    return sending->answer_len <= SENDING_ANSWER_MAX ? len : 0;
}

static size_t give_mail(char *room, size_t one, size_t n, void *argument)
{
    struct sending *sending = argument;
    size_t left = sending->body.len - sending->sent, size = one * n;
    size_t given = left < size ? left : size;

    if (given > 0)
        memcpy(room, sending->body.at + sending->sent, given);
    sending->sent += given;
    return given;
}

/* libcurl blocks until a goodbye is answered: a second is enough for one that nobody needs. */
static void say_goodbye(struct sending *sending)
{
    sending->has_quit = true;
    curl_easy_setopt(sending->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, 1L);
}

static void note_command(struct sending *sending, struct slice command)
{
    if (slice_starts(command, SLICE("MAIL")))
        sending->phase = SENDING_FROM;
    else if (slice_starts(command, SLICE("RCPT")))
        sending->phase = SENDING_TO;
    else if (slice_starts(command, SLICE("DATA")))
        sending->phase = SENDING_DATA;
    else if (slice_starts(command, SLICE("QUIT")))
        say_goodbye(sending);
}

/* Commands and answers of a mail server, a line at a time. The last answer before its goodbye
 * is the one that counts. A password is among the commands; nothing of them is kept. */
static int listen_to_mail(CURL *easy, curl_infotype type, char *at, size_t len, void *argument)
{
    struct sending *sending = argument;

    (void)easy;
    if (type == CURLINFO_HEADER_OUT) {
        note_command(sending, (struct slice){ at, len });
    } else if (type == CURLINFO_HEADER_IN && !sending->has_quit) {
        sending->kept = 0;
        (void)keep(sending, at, len);
    }
    return 0;
}

/* ---- making it ready --------------------------------------------------- */

bool sending_open(struct sending *sending)
{
    *sending = (struct sending){ .easy = curl_easy_init() };
    return sending->easy != NULL;
}

static void forget(struct sending *sending)
{
    curl_slist_free_all(sending->headers);
    curl_slist_free_all(sending->rcpt);
    free(sending->secrets);
    bytes_free(&sending->body);
    sending->headers = sending->rcpt = NULL;
    sending->secrets = NULL;
}

void sending_close(struct sending *given)
{
    curl_easy_cleanup(given->easy);
    given->easy = NULL;
    forget(given);
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *grown = curl_slist_append(*list, line);

    if (grown != NULL)
        *list = grown;
    return grown != NULL;
}

/* What is the same for all. With QUICK_EXIT libcurl does not wait for a name look-up that
 * hangs. */
static void begin(struct sending *sending, const struct receivers *receivers)
{
    CURL *easy = sending->easy;

    forget(sending);
    sending->sent = sending->kept = sending->answer_len = 0;
    sending->phase = SENDING_HELLO;
    sending->has_quit = false;
    sending->kept_answer[0] = sending->error[0] = '\0';
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)SENDING_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)SENDING_TIMEOUT_MS / 1000);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(
        easy, CURLOPT_SSLVERSION,
        (long)(receivers->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (receivers->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, receivers->ca_file);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, sending->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, sending);
}

/* A connection is for one mail: whether one that was quiet for a while is still good would only
 * be known from the next. */
static void set_relay(struct sending *sending, const struct relay *relay)
{
    CURL *easy = sending->easy;

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_URL, relay->url);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(relay->in_the_clear ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (relay->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, relay->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, relay->password);
    }
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, listen_to_mail);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, sending);
}

bool sending_begin_mail(struct sending *sending, const struct receivers *receivers,
                        const struct notification *notification, const char *hostname)
{
    struct mail mail = { notification, receivers->smtp_from, hostname };
    const struct relay *relay = &receivers->relay;
    char from[ADDRESS_MAIL_MAX + 3], to[ADDRESS_MAIL_MAX + 3];
    CURL *easy = sending->easy;

    begin(sending, receivers);
    sending->is_mail = true;
    snprintf(from, sizeof from, "<%s>", receivers->smtp_from);
    snprintf(to, sizeof to, "<%.*s>", (int)notification->receiver.len,
             notification->receiver.at);
    sending->secrets = strdup(relay->password != NULL ? relay->password : "");
    if (sending->secrets == NULL || !add_line(&sending->rcpt, to) ||
        !mail_write(&mail, &sending->body))
        return false;
    set_relay(sending, relay);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, sending->rcpt);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_mail);
    curl_easy_setopt(easy, CURLOPT_READDATA, sending);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)sending->body.len);
    return true;
}

static void set_http(struct sending *sending, const char *url)
{
    CURL *easy = sending->easy;

    sending->is_mail = false;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "heeler/" HEELER_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sending->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, pass_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, sending);
}

static bool has_type(const struct webhook *webhook)
{
    for (size_t i = 0; i < webhook->n_headers; i++)
        if (strncasecmp(webhook->headers[i], "content-type", strlen("content-type")) == 0)
            return true;
    return false;
}

/* The URL and the headers, which an answer may repeat. */
static bool note_secrets(struct sending *sending, const struct webhook *webhook)
{
    struct bytes all = { 0 };

    bytes_add(&all, webhook->url, strlen(webhook->url));
    for (size_t i = 0; i < webhook->n_headers; i++) {
        const char *value = strpbrk(webhook->headers[i], ":;");

        bytes_add(&all, " ", 1);
        if (value != NULL)
            bytes_add(&all, value, strlen(value));
    }
    bytes_add(&all, "", 1);
    if (all.failed)
        bytes_free(&all);
    sending->secrets = (char *)all.at;
    return sending->secrets != NULL;
}

static bool add_headers(struct sending *sending, const struct webhook *webhook,
                        const struct notification *notification)
{
    char line[NOTIFICATION_ID_SIZE + 32];

    for (size_t i = 0; i < webhook->n_headers; i++)
        if (!add_line(&sending->headers, webhook->headers[i]))
            return false;
    snprintf(line, sizeof line, "X-Heeler-Notification: %s", notification->id);
    for (char *at = line + strlen("X-Heeler-Notification: "); *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '.')
            *at = '-';
    return add_line(&sending->headers, line) && add_line(&sending->headers, "Expect:") &&
           (has_type(webhook) ||
            add_line(&sending->headers, "Content-Type: application/json; charset=utf-8"));
}

bool sending_begin_webhook(struct sending *sending, const struct receivers *receivers,
                           const struct webhook *webhook,
                           const struct notification *notification)
{
    begin(sending, receivers);
    if (!webhook_body_write(webhook->body, notification, &sending->body) ||
        !add_headers(sending, webhook, notification) || !note_secrets(sending, webhook))
        return false;
    set_http(sending, webhook->url);
    curl_easy_setopt(sending->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(sending->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sending->body.len);
    curl_easy_setopt(sending->easy, CURLOPT_POSTFIELDS, (const char *)sending->body.at);
    return true;
}

bool sending_begin_heartbeat(struct sending *sending, const struct receivers *receivers)
{
    begin(sending, receivers);
    sending->secrets = strdup(receivers->heartbeat_url);
    set_http(sending, receivers->heartbeat_url);
    curl_easy_setopt(sending->easy, CURLOPT_HTTPGET, 1L);
    return sending->secrets != NULL;
}

/* ---- how it ended ------------------------------------------------------ */

/* What was answered, on one line, printable, and without secrets. */
static char *shown_answer(struct sending *sending)
{
    char *text = sending->kept_answer;
    size_t len = sending->kept < SENDING_SHOWN_MAX ? sending->kept : SENDING_SHOWN_MAX;

    for (size_t i = 0; i < sending->kept; i++)
        if (!isprint((unsigned char)text[i]))
            text[i] = ' ';
    secrets_out(text, sending->secrets); /* also those that stood behind a NUL byte */
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
    return text;
}

static int mail_code(const struct sending *sending)
{
    const char *text = sending->kept_answer;

    return isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
                   isdigit((unsigned char)text[2])
               ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0')
               : 0;
}

/* libcurl's words, where they help. */
static void say_why(const struct sending *sending, CURLcode code, char *out, size_t size)
{
    const char *hint = code == CURLE_PEER_FAILED_VERIFICATION ? " (heeler_ca_file)" : "";
    const char *why = sending->error[0] != '\0' ? sending->error : curl_easy_strerror(code);

    if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR)
        why = "the server hung up";
    snprintf(out, size, "%s%s", why, hint);
}

static enum notify_outcome judge_mail(struct sending *sending, CURLcode code, char *answer,
                                      size_t answer_size)
{
    int status = mail_code(sending);
    bool is_answered = status >= 400 || code == CURLE_OK;

    if (is_answered)
        snprintf(answer, answer_size, "%s", shown_answer(sending));
    else
        say_why(sending, code, answer, answer_size);
    secrets_out(answer, sending->secrets);
    if (code == CURLE_OK)
        return NOTIFY_TAKEN;
    if (status >= 500 && (sending->phase == SENDING_TO || sending->phase == SENDING_DATA ||
                          status == MAIL_TOO_LARGE))
        return NOTIFY_REFUSED;
    return NOTIFY_FAILED;
}

/* libcurl's own words name the host, which may be a secret too. */
static enum notify_outcome judge_http(struct sending *sending, CURLcode code, char *answer,
                                      size_t answer_size, int64_t *retry_after_ms)
{
    curl_off_t retry_after_s = 0;
    long status = 0;

    curl_easy_getinfo(sending->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(sending->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    *retry_after_ms = retry_after_s > 0 && retry_after_s < 86400 ? retry_after_s * 1000 : 0;
    if (status == 0)
        snprintf(answer, answer_size, "%s", curl_easy_strerror(code));
    else
        snprintf(answer, answer_size, "HTTP %ld%s%s", status, sending->kept > 0 ? ": " : "",
                 shown_answer(sending));
    if (status >= 200 && status < 300)
        return NOTIFY_TAKEN;
    return status >= 400 && status < 500 && status != RETRIES_TIMEOUT &&
                   status != RETRIES_TOO_MANY
               ? NOTIFY_REFUSED
               : NOTIFY_FAILED;
}

enum notify_outcome sending_judge(struct sending *sending, CURLcode code, char *answer,
                                  size_t answer_size, int64_t *retry_after_ms)
{
    *retry_after_ms = 0;
    return sending->is_mail ? judge_mail(sending, code, answer, answer_size)
                            : judge_http(sending, code, answer, answer_size, retry_after_ms);
}
