#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "flush/delivery/endpoint.h"
#include "flush/redis/timer.h"

enum { VALIDATION_MS = 10000 }; /* the time limit of a question about a key */

/* ---- who holds which --------------------------------------------------- */

/* Held once. NULL: the key makes no sense, or there is no memory. */
static struct keyed *keyed_like(const struct intake *like, const char *api_key)
{
    struct keyed *keyed = calloc(1, sizeof *keyed);

    if (keyed == NULL || !intake_open_like(&keyed->intake, like, api_key)) {
        free(keyed);
        return NULL;
    }
    keyed->holders = 1;
    return keyed;
}

void keyed_release(struct keyed *given)
{
    if (given == NULL || --given->holders > 0)
        return;
    intake_close(&given->intake);
    free(given);
}

const struct intake *keyed_use(struct request *request)
{
    struct keyed *former = request->keyed;

    request->keyed = request->endpoint->keyed;
    request->keyed->holders++;
    keyed_release(former);
    return &request->keyed->intake;
}

bool endpoint_open_key(struct endpoint *endpoint, const struct delivery_target *target)
{
    const struct delivery_config *config = endpoint->common->config;
    struct intake_config intake = {
        .base_url = target->base_url,
        .api_key = target->api_key != NULL ? target->api_key : "",
        .user_agent = config->user_agent,
        .timeout_ms = config->timeout_ms,
        .reset_s = config->reset_s,
        .http1 = config->http1,
        .transport = config->transport,
    };

    intake.transport.proxy = proxy_choose(&config->proxy, target->base_url);
    endpoint->keyed = calloc(1, sizeof *endpoint->keyed);
    if (endpoint->keyed == NULL)
        return false;
    endpoint->keyed->holders = 1;
    if (!intake_open(&endpoint->keyed->intake, &intake))
        return false;
    endpoint->name = strdup(endpoint->keyed->intake.name);
    return endpoint->name != NULL;
}

/* ---- what is known about it -------------------------------------------- */

void endpoint_set_key_state(struct endpoint *endpoint, enum key_state state)
{
    atomic_store_explicit(&endpoint->ledger->key, state, memory_order_relaxed);
}

void endpoint_say_key_wrong(struct endpoint *endpoint)
{
    endpoint_set_key_state(endpoint, KEY_INVALID);
    if (!endpoint->key_wrong)
        log_error("delivery: %s does not accept the API key %s (403); payloads are kept and "
                  "sent when it does",
                  endpoint->name, endpoint->keyed->intake.masked_key);
    endpoint->key_wrong = true;
}

/* The key is valid, or we do not know: then the answer to a payload will tell. */
static void release_held(struct endpoint *endpoint, bool probe)
{
    if (probe)
        backoff_again(&endpoint->backoff);
    endpoint->held = false;
}

/* ---- asking ------------------------------------------------------------ */

void endpoint_ask_about_key(struct endpoint *endpoint, bool as_probe)
{
    struct request *request = &endpoint->validation;

    intake_request_prepare_validation(&request->http, keyed_use(request));
    curl_easy_setopt(request->http.easy, CURLOPT_TIMEOUT_MS, (long)VALIDATION_MS);
    if (!transfers_start(&endpoint->common->transfers, request->http.easy, &request->transfer))
        return;
    request->probe = as_probe && backoff_start(&endpoint->backoff);
    endpoint->validating = true;
    endpoint->in_flight += request->probe;
}

static void on_validated(struct endpoint *endpoint, bool probe, long status)
{
    if (status == 403) {
        endpoint_say_key_wrong(endpoint);
        if (probe)
            endpoint_fail(endpoint, true, 0);
        return;
    }
    if (status >= 200 && status < 300) {
        endpoint_set_key_state(endpoint, KEY_VALID);
        if (endpoint->key_wrong)
            log_info("delivery: %s accepts the key %s again", endpoint->name,
                     endpoint->keyed->intake.masked_key);
        endpoint->key_wrong = false;
    }
    if (probe || (status >= 200 && status < 300))
        release_held(endpoint, probe);
}

/* If the answer is about a former key, it says nothing about this one. A probe is sent again
 * then. */
void endpoint_key_answered(struct endpoint *endpoint, CURLcode code)
{
    struct request *request = &endpoint->validation;
    long status = code == CURLE_OK ? intake_request_status(&request->http) : 0;

    endpoint->validating = false;
    endpoint->in_flight -= request->probe;
    if (request->keyed == endpoint->keyed)
        on_validated(endpoint, request->probe, status);
    else if (request->probe)
        backoff_again(&endpoint->backoff);
}

void endpoint_on_validate(evutil_socket_t fd, short what, void *argument)
{
    struct endpoint *endpoint = argument;

    (void)fd, (void)what;
    if (endpoint->validation_ms > 0)
        timer_start(endpoint->validate, endpoint->validation_ms);
    if (!endpoint->validating && !endpoint->common->stopping)
        endpoint_ask_about_key(endpoint, false);
}

/* The first question is due at once. */
void endpoint_validate_each(struct endpoint *endpoint, int64_t interval_ms)
{
    if (interval_ms == endpoint->validation_ms)
        return;
    endpoint->validation_ms = interval_ms;
    if (interval_ms > 0)
        timer_start(endpoint->validate, 0);
    else
        event_del(endpoint->validate);
}

/* ---- a new one --------------------------------------------------------- */

/* Sends what was held because of the old key at once with the new one. */
static void try_new_key(struct endpoint *endpoint, struct keyed *given)
{
    keyed_release(endpoint->keyed);
    endpoint->keyed = given;
    log_info("delivery: %s: from now on with the key %s", endpoint->name,
             endpoint->keyed->intake.masked_key);
    endpoint_set_key_state(endpoint, KEY_UNKNOWN);
    endpoint->key_wrong = endpoint->held = false;
    backoff_hurry(&endpoint->backoff);
    if (endpoint->validation_ms > 0)
        timer_start(endpoint->validate, 0);
}

void endpoint_follow_key(struct endpoint *endpoint, const char *api_key)
{
    if (strcmp(api_key, endpoint->keyed->intake.api_key) == 0)
        return;
    struct keyed *keyed = keyed_like(&endpoint->keyed->intake, api_key);

    if (keyed != NULL)
        try_new_key(endpoint, keyed);
    else
        log_error("delivery: %s: no memory for the new key: the old one stays", endpoint->name);
}
