#include "flush/delivery/intake.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- answers ----------------------------------------------------------- */

int64_t intake_retry_after(const char *value, int64_t now_s)
{
    struct slice text = slice_trim(slice_of(value != NULL ? value : ""), " \t\n\v\f\r");
    int64_t wait = 0;

    if (text.len == 0)
        return 0;
    if (isdigit((unsigned char)text.at[0])) {
        for (size_t i = 0; i < text.len && wait <= INTAKE_RETRY_AFTER_MAX_S; i++) {
            if (!isdigit((unsigned char)text.at[i]))
                return 0;
            wait = wait * 10 + (text.at[i] - '0');
        }
    } else {
        int64_t when = curl_getdate(value, NULL);

        wait = when > now_s ? when - now_s : 0;
    }
    return wait < INTAKE_RETRY_AFTER_MAX_S ? wait : INTAKE_RETRY_AFTER_MAX_S;
}

void intake_mask_key(const char *key, char out[INTAKE_MASK_MAX])
{
    size_t len = strlen(key);

    snprintf(out, INTAKE_MASK_MAX, "***%s", len >= 16 ? key + len - 4 : "");
}

enum intake_verdict intake_judge(long status)
{
    if (status >= 200 && status < 300)
        return INTAKE_DELIVERED;
    if (status == 400)
        return INTAKE_REFUSED;
    if (status == 413)
        return INTAKE_TOO_LARGE;
    return status == 403 ? INTAKE_FORBIDDEN : INTAKE_RETRY;
}

enum intake_error intake_classify(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ERROR_DNS;
    case CURLE_COULDNT_CONNECT:
        return ERROR_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return ERROR_TIMEOUT;
    case CURLE_WRITE_ERROR: /* we stopped reading the answer */
        return ERROR_HTTP;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return ERROR_TLS;
    default:
        return ERROR_RESET;
    }
}

const char *intake_error_name(enum intake_error error)
{
#define INTAKE_ERROR_NAME(id, word) word,
    static const char *const names[] = { INTAKE_ERRORS(INTAKE_ERROR_NAME) };
    return names[error];
}

/* ---- intake ------------------------------------------------------------ */

/* An empty value with a colon makes libcurl leave out a header of its own. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char *line = NULL;

    if (value == NULL)
        return true;
    if (asprintf(&line, "%s:%s%s", name, value[0] != '\0' ? " " : "", value) < 0)
        return false;
    struct curl_slist *grown = curl_slist_append(*list, line);

    free(line);
    if (grown != NULL)
        *list = grown;
    return grown != NULL;
}

static bool fill_headers(struct curl_slist **list, const char *api_key,
                         enum payload_route route, enum compression compression)
{
    return add_header(list, "DD-Api-Key", api_key) &&
           add_header(list, "DD-Agent-Version", INTAKE_AGENT_VERSION) &&
           add_header(list, "DD-Agent-Payload",
                      payload_route_is_protobuf(route) ? INTAKE_PAYLOAD_VERSION : NULL) &&
           add_header(list, "Content-Type", payload_route_content_type(route)) &&
           add_header(list, "Content-Encoding", payload_content_encoding(compression)) &&
           add_header(list, "Expect", "");
}

/* A key with a line break in it would add a header. */
bool intake_key_is_fit(const char *api_key)
{
    for (; *api_key != '\0'; api_key++)
        if (iscntrl((unsigned char)*api_key))
            return false;
    return true;
}

/* Only "https://host:port", because the rest of a URL may hold a password. */
static char *intake_name(const char *base_url)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *name = NULL;

    if (url != NULL && curl_url_set(url, CURLUPART_URL, base_url, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        asprintf(&name, "%s://%s:%s", scheme, host, port) < 0)
        name = NULL;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return name;
}

bool intake_url_is_fit(const char *url)
{
    char *name = intake_name(url);
    bool fit = name != NULL;

    free(name);
    return fit;
}

static bool intake_fill(struct intake *intake, const struct intake_config *config)
{
    int base_len = (int)strlen(config->base_url);

    while (base_len > 0 && config->base_url[base_len - 1] == '/')
        base_len--;
    for (enum payload_route route = 0; route < ROUTE_COUNT; route++) {
        if (asprintf(&intake->urls[route], "%.*s%s", base_len, config->base_url,
                     payload_route_path(route)) < 0) {
            intake->urls[route] = NULL;
            return false;
        }
        for (enum compression kind = 0; kind < COMPRESSION_COUNT; kind++)
            if (!fill_headers(&intake->headers[route][kind], config->api_key, route, kind))
                return false;
    }
    return true;
}

static long tls_version(const char *word)
{
    static const struct {
        const char *word;
        long version;
    } rows[] = { { "tlsv1.0", CURL_SSLVERSION_TLSv1_0 },
                 { "tlsv1.1", CURL_SSLVERSION_TLSv1_1 },
                 { "tlsv1.3", CURL_SSLVERSION_TLSv1_3 } };

    for (size_t i = 0; word != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(word, rows[i].word) == 0)
            return rows[i].version;
    return CURL_SSLVERSION_TLSv1_2;
}

/* Copies the text if there is one. False: no memory. */
static bool copy_text(char **out, const char *text)
{
    *out = text != NULL && text[0] != '\0' ? strdup(text) : NULL;
    return *out != NULL || text == NULL || text[0] == '\0';
}

static bool fill_transport(struct intake *intake, const struct intake_transport *transport)
{
    intake->tls_version = tls_version(transport->min_tls);
    intake->skip_validation = transport->skip_validation;
    return copy_text(&intake->proxy, transport->proxy) &&
           copy_text(&intake->ca_file, transport->ca_file);
}

static bool fill_validation(struct intake *intake, const struct intake_config *config)
{
    intake->validate_url = intake_validate_url(config->base_url);
    return intake->validate_url != NULL &&
           add_header(&intake->validate_headers, "DD-API-KEY", config->api_key);
}

bool intake_open(struct intake *intake, const struct intake_config *config)
{
    const char *ours = "datadog-agent/" INTAKE_AGENT_VERSION " heeler/" HEELER_VERSION;

    *intake = (struct intake){ .timeout_ms = config->timeout_ms,
                               .reset_s = config->reset_s,
                               .http1 = config->http1 };
    intake_mask_key(config->api_key, intake->masked_key);
    intake->user_agent = strdup(config->user_agent != NULL ? config->user_agent : ours);
    intake->base_url = strdup(config->base_url);
    intake->name = intake_name(config->base_url);
    intake->api_key = strdup(config->api_key);
    if (intake->user_agent != NULL && intake->base_url != NULL && intake->name != NULL &&
        intake->api_key != NULL && intake_key_is_fit(config->api_key) &&
        intake_fill(intake, config) && fill_validation(intake, config) &&
        fill_transport(intake, &config->transport))
        return true;
    intake_close(intake);
    return false;
}

bool intake_open_like(struct intake *intake, const struct intake *like, const char *api_key)
{
    struct intake_config config = {
        .base_url = like->base_url,
        .api_key = api_key,
        .user_agent = like->user_agent,
        .timeout_ms = like->timeout_ms,
        .reset_s = like->reset_s,
        .http1 = like->http1,
        .transport = { .proxy = like->proxy,
                       .ca_file = like->ca_file,
                       .skip_validation = like->skip_validation },
    };

    if (!intake_open(intake, &config))
        return false;
    intake->tls_version = like->tls_version;
    return true;
}

void intake_close(struct intake *given)
{
    for (enum payload_route route = 0; route < ROUTE_COUNT; route++) {
        for (enum compression kind = 0; kind < COMPRESSION_COUNT; kind++)
            curl_slist_free_all(given->headers[route][kind]);
        free(given->urls[route]);
    }
    curl_slist_free_all(given->validate_headers);
    free(given->validate_url);
    free(given->proxy);
    free(given->ca_file);
    free(given->user_agent);
    free(given->base_url);
    free(given->name);
    free(given->api_key);
    *given = (struct intake){ 0 };
}

/* ---- requests ---------------------------------------------------------- */

/* False: the answer is too long. No intake sends so much, and libcurl would read on until the
 * time limit. */
static bool note_answer(struct intake_request *request, size_t len)
{
    request->answer_len += len;
    return request->answer_len <= INTAKE_ANSWER_MAX;
}

/* libcurl calls this for every header line, also for those of interim answers and those behind
 * a chunked body. Returning 0 ends the request and its connection. */
static size_t pass_header(char *at, size_t one, size_t len, void *argument)
{
    (void)at, (void)one;
    return note_answer(argument, len) ? len : 0;
}

/* Keeps the start of the answer and lets the rest pass by. */
static size_t keep_body(char *at, size_t one, size_t len, void *argument)
{
    struct intake_request *request = argument;

    if (!note_answer(request, len))
        return 0;
    size_t room = sizeof request->body - 1 - request->body_len;
    size_t kept = len < room ? len : room;

    (void)one;
    memcpy(request->body + request->body_len, at, kept);
    request->body_len += kept;
    request->body[request->body_len] = '\0';
    return len;
}

bool intake_request_open(struct intake_request *request)
{
    *request = (struct intake_request){ .easy = curl_easy_init() };
    return request->easy != NULL;
}

void intake_request_close(struct intake_request *given)
{
    curl_easy_cleanup(given->easy);
    given->easy = NULL;
}

/* Sets what is the same for every request of an intake. With QUICK_EXIT libcurl does not wait
 * for a name look-up that hangs. */
static void set_transport(CURL *easy, const struct intake *intake)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)intake->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)intake->reset_s);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, intake->tls_version);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, intake->skip_validation ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, intake->skip_validation ? 0L : 2L);
    if (intake->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, intake->ca_file);
    /* Both are always set: otherwise libcurl reads the environment, by rules of its own. */
    curl_easy_setopt(easy, CURLOPT_PROXY, intake->proxy != NULL ? intake->proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, intake->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(intake->http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    /* Wait until the first connection has agreed on HTTP/2, and do not open ten at once. */
    if (!intake->http1 && strncmp(intake->name, "https:", 6) == 0)
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

static void begin(struct intake_request *request, const struct intake *intake)
{
    CURL *easy = request->easy;

    request->body_len = request->answer_len = 0;
    request->body[0] = request->error[0] = '\0';
    curl_easy_reset(easy); /* keeps connections and session ids */
    set_transport(easy, intake);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, pass_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
}

void intake_request_prepare(struct intake_request *request, const struct intake *intake,
                            const struct payload *payload)
{
    CURL *easy = request->easy;

    begin(request, intake);
    curl_easy_setopt(easy, CURLOPT_URL, intake->urls[payload->route]);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                     intake->headers[payload->route][payload->compression]);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)payload->size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)payload->bytes);
}

void intake_request_prepare_validation(struct intake_request *request,
                                       const struct intake *intake)
{
    begin(request, intake);
    curl_easy_setopt(request->easy, CURLOPT_URL, intake->validate_url);
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, intake->validate_headers);
    curl_easy_setopt(request->easy, CURLOPT_HTTPGET, 1L);
}

static const char *hint(CURLcode code, const char *text)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        if (strstr(text, "subject name") != NULL)
            return " (the certificate is another host's)";
        return " (heeler_ca_file names a file with your own authority's certificate)";
    case CURLE_SSL_CACERT_BADFILE:
        return " (heeler_ca_file)";
    case CURLE_COULDNT_RESOLVE_HOST:
        return " (site or dd_url, or the name server)";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return " (proxy.http or proxy.https)";
    default:
        return "";
    }
}

const char *intake_request_failure(struct intake_request *request, CURLcode code)
{
    char *text = request->error;

    if (request->answer_len > INTAKE_ANSWER_MAX)
        snprintf(text, CURL_ERROR_SIZE, "the answer is longer than %d KiB",
                 INTAKE_ANSWER_MAX / 1024);
    else if (text[0] == '\0')
        snprintf(text, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    size_t len = strlen(text);

    snprintf(text + len, sizeof request->error - len, "%s", hint(code, text));
    return text;
}

const char *intake_request_note(struct intake_request *request, const struct intake *intake)
{
    size_t key_len = strlen(intake->api_key);
    char *found = request->body;

    /* Where the text was cut in the middle of a key, what is left is too short to be of use. */
    while (key_len > 0 && (found = strstr(found, intake->api_key)) != NULL)
        memset(found, '*', key_len);
    for (char *at = request->body; *at != '\0'; at++)
        if (!isprint((unsigned char)*at))
            *at = ' ';
    request->body[INTAKE_NOTE_LEN] = '\0';
    return request->body;
}

long intake_request_status(const struct intake_request *request)
{
    long status = 0;

    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

bool intake_request_date(const struct intake_request *request, int64_t *out)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(request->easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return false;
    time_t date = curl_getdate(header->value, NULL);

    *out = (int64_t)date;
    return date > 0;
}

int64_t intake_request_retry_after(const struct intake_request *request, int64_t now_s)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(request->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) !=
        CURLHE_OK)
        return 0;
    return intake_retry_after(header->value, now_s);
}
