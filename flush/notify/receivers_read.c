/* Receivers of the settings. What is refused is named by the setting, and a webhook by its
 * name or number; nothing secret is quoted. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "config/key_file.h"
#include "config/log.h"
#include "flush/notify/receivers.h"
#include "flush/notify/webhook_body.h"

enum { SENTENCE_MAX = 512, NUMBER_MAX = 32 };

/* What is being read, and what is wrong with it. */
struct reading {
    struct receivers *out;
    char *problem;
    size_t problem_size;
};

/* Always false. */
__attribute__((format(printf, 2, 3))) static bool refuse(const struct reading *reading,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reading->problem, reading->problem_size, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(const struct reading *reading)
{
    return refuse(reading, "not enough memory");
}

/* An empty text is none. False: no memory. */
static bool copy(const struct reading *reading, const char *text, char **out)
{
    *out = text[0] != '\0' ? strdup(text) : NULL;
    return text[0] == '\0' || *out != NULL || no_memory(reading);
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if (iscntrl((unsigned char)*text))
            return true;
    return false;
}

/* ---- mail -------------------------------------------------------------- */

/* An address, or "@" and a domain. */
static bool is_mail_to(const char *text)
{
    char whole[ADDRESS_MAIL_MAX + 2];

    if (text[0] != '@')
        return receivers_is_address(slice_of(text));
    int len = snprintf(whole, sizeof whole, "a%s", text);

    return len < (int)sizeof whole &&
           receivers_is_address((struct slice){ whole, (size_t)len });
}

static bool read_mail_to(const struct reading *reading, const struct string_list *list)
{
    struct receivers *out = reading->out;
    char quoted[80];

    out->mail_to = calloc(list->n + 1, sizeof *out->mail_to);
    if (out->mail_to == NULL)
        return no_memory(reading);
    for (size_t i = 0; i < list->n; i++) {
        const char *text = list->at[i];

        if (!is_mail_to(text))
            return refuse(reading,
                          "heeler_mail_to: \"%s\" is neither an address nor a domain with its "
                          "@ (@example.org)",
                          log_quote(text, strlen(text), quoted, sizeof quoted));
        if (!copy(reading, text, &out->mail_to[out->n_mail_to++]))
            return false;
    }
    return true;
}

static bool read_relay(const struct reading *reading, const struct settings *settings)
{
    struct receivers *out = reading->out;
    char why[SENTENCE_MAX], quoted[80];
    const char *from = settings->heeler_smtp_from;

    if (from[0] != '\0' && !receivers_is_address(slice_of(from)))
        return refuse(reading, "heeler_smtp_from: \"%s\" is no address of the form name@host",
                      log_quote(from, strlen(from), quoted, sizeof quoted));
    if (settings->heeler_smtp_url[0] == '\0')
        return true;
    if (!relay_read(settings->heeler_smtp_url, &out->relay, why, sizeof why))
        return refuse(reading, "heeler_smtp_url: %s", why);
    if (from[0] == '\0')
        return refuse(reading, "heeler_smtp_url is set and heeler_smtp_from is not: mail needs "
                               "an address that it comes from");
    out->has_mail = true;
    return copy(reading, from, &out->smtp_from);
}

/* ---- webhooks ---------------------------------------------------------- */

static bool is_http_url(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool is = url != NULL && !has_control(text) &&
              curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    curl_url_cleanup(url);
    return is;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !slice_is_one_of(name[i], "-_."))
            return false;
    return len > 0 && len <= WEBHOOK_NAME_MAX && name[len - 1] != '.';
}

static bool read_url(const struct reading *reading, const struct webhook *webhook,
                     const char *url, const char *file, char **out)
{
    char room[KEY_FILE_MAX + 1], why[SENTENCE_MAX];

    if ((url != NULL) == (file != NULL))
        return refuse(reading,
                      "heeler_webhooks: %s: it needs a url, or a url_file that has it, and not "
                      "both",
                      webhook->name);
    if (file != NULL) {
        url = key_file_read(file, "URL", room, why, sizeof why);
        if (url == NULL)
            return refuse(reading, "heeler_webhooks: %s: url_file %s %.*s", webhook->name, file,
                          (int)strlen(why) - 1, why); /* it ends in a full stop */
    }
    if (!is_http_url(url))
        return refuse(reading, "heeler_webhooks: %s: its URL is none of http:// or https://",
                      webhook->name);
    if (webhook_body_has_variable(slice_of(url)))
        return refuse(reading,
                      "heeler_webhooks: %s: its URL has a $VARIABLE, which only its body may "
                      "have: what a message says must not choose where it goes",
                      webhook->name);
    return copy(reading, url, out);
}

/* A token of RFC 9110, and none that we or libcurl see to. */
static bool is_header_name(const char *name)
{
    static const char *const ours[] = { "content-length", "transfer-encoding",
                                        "host",           "x-heeler-notification",
                                        "expect",         "connection" };

    for (size_t i = 0; name[i] != '\0'; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("!#$%&'*+-.^_`|~", name[i]) == NULL)
            return false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return false;
    return name[0] != '\0';
}

static bool read_headers(const struct reading *reading, json_t *map, struct webhook *out)
{
    const char *name;
    json_t *value;

    if (!json_is_object(map) || json_object_size(map) > WEBHOOK_HEADERS_MAX)
        return refuse(reading,
                      "heeler_webhooks: %s: headers is a map of names and texts, %d at most",
                      out->name, WEBHOOK_HEADERS_MAX);
    out->headers = calloc(json_object_size(map) + 1, sizeof *out->headers);
    if (out->headers == NULL)
        return no_memory(reading);
    json_object_foreach(map, name, value)
    {
        const char *text = json_string_value(value);

        if (!is_header_name(name) || text == NULL || has_control(text))
            return refuse(
                reading,
                "heeler_webhooks: %s: header %zu has a name or a value that cannot be "
                "sent",
                out->name, out->n_headers + 1);
        if (webhook_body_has_variable(slice_of(text)))
            return refuse(reading,
                          "heeler_webhooks: %s: header %zu has a $VARIABLE, which only its "
                          "body may have",
                          out->name, out->n_headers + 1);
        if (asprintf(&out->headers[out->n_headers], "%s%s%s", name,
                     text[0] != '\0' ? ": " : ";", text) < 0)
            return no_memory(reading);
        out->n_headers++;
    }
    return true;
}

static bool read_body(const struct reading *reading, const char *text, struct webhook *out)
{
    if (strlen(text) > WEBHOOK_BODY_MAX || !webhook_body_is_fit(slice_of(text)))
        return refuse(reading,
                      "heeler_webhooks: %s: its body is not JSON once values stand for the "
                      "$VARIABLES (or it has more than %d KiB)",
                      out->name, WEBHOOK_BODY_MAX >> 10);
    return copy(reading, text, &out->body);
}

/* The members of one, NULL where it has none. */
struct members {
    const char *name, *url, *url_file, *body;
    json_t *headers;
};

static bool find_members(const struct reading *reading, json_t *map, size_t number,
                         struct members *out)
{
    const char *key, **text;
    json_t *value;

    *out = (struct members){ .name = NULL };
    json_object_foreach(map, key, value)
    {
        text = strcmp(key, "name") == 0       ? &out->name
               : strcmp(key, "url") == 0      ? &out->url
               : strcmp(key, "url_file") == 0 ? &out->url_file
               : strcmp(key, "body") == 0     ? &out->body
                                              : NULL;
        if (strcmp(key, "headers") == 0)
            out->headers = json_is_null(value) ? NULL : value;
        else if (text == NULL)
            return refuse(reading,
                          "heeler_webhooks: number %zu has a member that is none of name, url, "
                          "url_file, headers and body",
                          number);
        else if (!json_is_null(value) && (*text = json_string_value(value)) == NULL)
            return refuse(reading, "heeler_webhooks: number %zu: its %s is no text", number,
                          key);
    }
    return json_is_object(map) ||
           refuse(reading, "heeler_webhooks: number %zu is no map with a name and a url",
                  number);
}

static bool read_webhook(const struct reading *reading, json_t *map, size_t number)
{
    struct receivers *out = reading->out;
    struct webhook *webhook = &out->webhooks[out->n_webhooks];
    const struct webhook *same;
    struct members members;
    char handle[WEBHOOK_NAME_MAX + NUMBER_MAX];

    if (!find_members(reading, map, number, &members))
        return false;
    if (members.name == NULL || !is_name(members.name))
        return refuse(
            reading,
            "heeler_webhooks: number %zu has no name of letters, digits, \"-\", \"_\" "
            "and \".\" (not at its end), up to %d of them",
            number, WEBHOOK_NAME_MAX);
    int len = snprintf(handle, sizeof handle, "webhook-%s", members.name);

    if (receivers_find(out, (struct slice){ handle, (size_t)len }, false, &same) ==
        RECEIVER_TAKEN)
        return refuse(reading, "heeler_webhooks: the name %s is there twice", members.name);
    if (!copy(reading, members.name, &webhook->name))
        return false;
    out->n_webhooks++;
    return read_url(reading, webhook, members.url, members.url_file, &webhook->url) &&
           (members.headers == NULL || read_headers(reading, members.headers, webhook)) &&
           (members.body == NULL || read_body(reading, members.body, webhook));
}

static bool read_webhooks(const struct reading *reading, json_t *list)
{
    size_t i;
    json_t *map;

    if (json_array_size(list) > WEBHOOKS_MAX)
        return refuse(reading, "heeler_webhooks: there are more than %d", WEBHOOKS_MAX);
    reading->out->webhooks = calloc(json_array_size(list) + 1, sizeof(struct webhook));
    if (reading->out->webhooks == NULL)
        return no_memory(reading);
    json_array_foreach(list, i, map)
    {
        if (!read_webhook(reading, map, i + 1))
            return false;
    }
    return true;
}

/* ---- all --------------------------------------------------------------- */

static bool read_rest(const struct reading *reading, const struct settings *settings)
{
    struct receivers *out = reading->out;

    out->per_hour = (uint32_t)settings->heeler_notify_per_hour;
    out->tls13 = strcmp(settings->min_tls_version, "tlsv1.3") == 0;
    if (settings->heeler_heartbeat_url[0] != '\0' &&
        !is_http_url(settings->heeler_heartbeat_url))
        return refuse(reading, "heeler_heartbeat_url is none of http:// or https://");
    return copy(reading, settings->heeler_heartbeat_url, &out->heartbeat_url) &&
           copy(reading, settings->heeler_ca_file, &out->ca_file);
}

struct receivers *receivers_new(const struct settings *settings, char *problem,
                                size_t problem_size)
{
    struct reading reading = { calloc(1, sizeof(struct receivers)), problem, problem_size };

    if (reading.out == NULL) {
        no_memory(&reading);
        return NULL;
    }
    atomic_init(&reading.out->holders, 1);
    if (read_mail_to(&reading, &settings->heeler_mail_to) && read_relay(&reading, settings) &&
        read_webhooks(&reading, settings->heeler_webhooks) && read_rest(&reading, settings))
        return reading.out;
    receivers_release(reading.out);
    return NULL;
}

struct receivers *receivers_hold(struct receivers *receivers)
{
    atomic_fetch_add_explicit(&receivers->holders, 1, memory_order_relaxed);
    return receivers;
}

static void webhook_free(struct webhook *given)
{
    for (size_t i = 0; i < given->n_headers; i++)
        free(given->headers[i]);
    free(given->headers);
    free(given->name);
    free(given->url);
    free(given->body);
}

void receivers_release(struct receivers *given)
{
    /* The last one sees all that the others did. */
    if (given == NULL ||
        atomic_fetch_sub_explicit(&given->holders, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < given->n_mail_to; i++)
        free(given->mail_to[i]);
    for (size_t i = 0; i < given->n_webhooks; i++)
        webhook_free(&given->webhooks[i]);
    free(given->mail_to);
    free(given->webhooks);
    relay_free(&given->relay);
    free(given->smtp_from);
    free(given->heartbeat_url);
    free(given->ca_file);
    free(given);
}
