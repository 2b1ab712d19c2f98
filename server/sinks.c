#include "server/sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"

static bool is_known(const struct sinks *sinks, enum payload_door door, const char *url,
                     const char *key)
{
    for (size_t i = 0; i < sinks->n; i++)
        if (sinks->at[i].door == door && strcmp(sinks->at[i].base_url, url) == 0 &&
            strcmp(sinks->at[i].api_key, key) == 0)
            return true;
    return false;
}

/* Copies both. A NULL URL means local mode. */
static bool add(struct sinks *sinks, enum payload_door door, const char *url, const char *key)
{
    if (url != NULL && is_known(sinks, door, url, key))
        return true;
    if (sinks->n == DELIVERY_ENDPOINTS_MAX)
        return false;
    struct delivery_target *at = &sinks->at[sinks->n++];

    at->door = door;
    at->base_url = url != NULL ? strdup(url) : NULL;
    at->api_key = strdup(key);
    return at->api_key != NULL && (url == NULL || at->base_url != NULL);
}

/* Adds the keys in the text. Files of the Agent have blanks around a key, or several keys in
 * one text. */
static bool add_keys(struct sinks *sinks, const char *url, const char *text)
{
    static const char blanks[] = " \t\r\n\v\f";
    size_t len;

    for (text += strspn(text, blanks); *text != '\0';
         text += len, text += strspn(text, blanks)) {
        len = strcspn(text, blanks);
        char *key = strndup(text, len);
        bool added = key != NULL && add(sinks, DOOR_METRICS, url, key);

        free(key);
        if (!added)
            return false;
    }
    return true;
}

/* The value is one key, a list of keys, or nothing. */
static const char *add_value(struct sinks *sinks, const char *url, json_t *value)
{
    static const char too_many[] = "too many, or no memory", no_text[] = "a key is a text";
    json_t *key;
    size_t i;

    if (json_is_string(value))
        return add_keys(sinks, url, json_string_value(value)) ? NULL : too_many;
    if (!json_is_array(value) && !json_is_null(value))
        return "expected is a URL with a list of keys";
    json_array_foreach(value, i, key)
    {
        if (!json_is_string(key) && !json_is_null(key))
            return no_text;
        if (json_is_string(key) && !add_keys(sinks, url, json_string_value(key)))
            return too_many;
    }
    return NULL;
}

static bool add_more(struct sinks *sinks, const char *given_url, json_t *value, char *problem,
                     size_t problem_size)
{
    char url[INTAKE_URL_MAX], shown[INTAKE_URL_MAX];
    const char *fault = "expected is a URL with a list of keys";

    if (intake_base_url("", given_url, true, url) && intake_url_is_fit(url))
        fault = add_value(sinks, url, value);
    if (fault == NULL)
        return true;
    settings_mask_url(given_url, shown, sizeof shown);
    snprintf(problem, problem_size, "additional_endpoints: \"%.100s\": %s", shown, fault);
    return false;
}

/* additional_endpoints are of metrics: the Agent has others for its traces. */
static bool add_traces(struct sinks *out, const struct settings *settings, char *problem,
                       size_t problem_size)
{
    const char *dd_url = settings->apm_config_apm_dd_url;
    char url[INTAKE_URL_MAX];

    if (!settings->apm_config_enabled || !settings->apm_config_forward_stats)
        return true;
    if (!intake_trace_url(settings->site, dd_url, true, url) || !intake_url_is_fit(url)) {
        snprintf(problem, problem_size, "%s gives no usable address",
                 dd_url[0] != '\0' ? "apm_config.apm_dd_url" : "site");
        return false;
    }
    return add(out, DOOR_TRACES, url, settings->api_key);
}

bool sinks_have_traces(const struct sinks *sinks)
{
    return sinks->at[sinks->n - 1].door == DOOR_TRACES;
}

bool sinks_read(struct sinks *out, const struct settings *settings, char *problem,
                size_t problem_size)
{
    char url[INTAKE_URL_MAX];
    const char *more;
    json_t *keys;

    *out = (struct sinks){ .at = calloc(DELIVERY_ENDPOINTS_MAX, sizeof *out->at) };
    snprintf(problem, problem_size, "not enough memory");
    if (out->at == NULL)
        return false;
    if (settings_is_local(settings))
        return add(out, DOOR_METRICS, NULL, "");
    if (!intake_base_url(settings->site, settings->dd_url, true, url) ||
        !intake_url_is_fit(url)) {
        snprintf(problem, problem_size, "%s gives no usable address",
                 settings->dd_url[0] != '\0' ? "dd_url" : "site");
        return false;
    }
    if (!add(out, DOOR_METRICS, url, settings->api_key))
        return false;
    json_object_foreach(settings->additional_endpoints, more, keys)
    {
        if (more[0] != '\0' && !add_more(out, more, keys, problem, problem_size))
            return false;
    }
    return add_traces(out, settings, problem, problem_size);
}

void sinks_free(struct sinks *given)
{
    for (size_t i = 0; i < given->n; i++) {
        free((void *)(uintptr_t)given->at[i].base_url);
        free((void *)(uintptr_t)given->at[i].api_key);
    }
    free(given->at);
    *given = (struct sinks){ 0 };
}

static struct delivery_config delivery_settings(const struct settings *settings)
{
    return (struct delivery_config){
        .timeout_ms = settings->forwarder_timeout * 1000,
        .reset_s = settings->forwarder_connection_reset_interval,
        .queue_bytes = (size_t)settings->forwarder_retry_queue_payloads_max_size,
        .concurrent = (int)settings->forwarder_max_concurrent_requests,
        .backoff = { settings->forwarder_backoff_factor,
                     (int64_t)(settings->forwarder_backoff_base * 1000),
                     (int64_t)(settings->forwarder_backoff_max * 1000),
                     (int)settings->forwarder_recovery_interval,
                     settings->forwarder_recovery_reset },
        .http1 = strcmp(settings->forwarder_http_protocol, "http1") == 0,
        .transport = { .ca_file = settings->heeler_ca_file,
                       .min_tls = settings->min_tls_version,
                       .skip_validation = settings->skip_ssl_validation },
        .proxy = { settings->proxy_http, settings->proxy_https,
                   (const char *const *)settings->proxy_no_proxy.at, settings->proxy_no_proxy.n,
                   settings->no_proxy_nonexact_match },
        .spool = { settings->forwarder_storage_path,
                   (uint64_t)settings->forwarder_storage_max_size_in_bytes,
                   settings->forwarder_storage_max_disk_ratio,
                   (int64_t)(settings->forwarder_outdated_file_in_days * 86400) },
        .dead_letter_path = settings->heeler_dead_letter_path,
        .validation_interval_ms = settings->forwarder_apikey_validation_interval * 60000,
    };
}

struct delivery_config sinks_delivery(const struct sinks *sinks,
                                      const struct settings *settings)
{
    struct delivery_config config = delivery_settings(settings);

    config.base_url = sinks->at[0].base_url; /* NULL: local */
    config.api_key = sinks->at[0].api_key;
    config.more = sinks->at + 1;
    config.n_more = sinks->n - 1;
    return config;
}

void sinks_say(const struct sinks *sinks, const struct settings *settings)
{
    bool local = settings_is_local(settings);
    char key[INTAKE_MASK_MAX], shown[INTAKE_URL_MAX + sizeof "***"];

    if (local)
        log_info("server: local mode: there is no api_key, nothing leaves this machine");
    for (size_t i = 0; i < sinks->n && !local; i++) {
        intake_mask_key(sinks->at[i].api_key, key);
        settings_mask_url(sinks->at[i].base_url, shown, sizeof shown);
        log_info("server: sending %sto %s, key %s",
                 sinks->at[i].door == DOOR_TRACES ? "the numbers of traces " : "", shown, key);
    }
    if (settings->skip_ssl_validation)
        log_warn("server: skip_ssl_validation: anyone between here and the intake can read the "
                 "API key");
}

void sinks_take_keys(struct sinks *sinks, struct sinks *given)
{
    for (size_t i = 0; i < given->n; i++) {
        const char *former = sinks->at[i].api_key;

        sinks->at[i].api_key = given->at[i].api_key;
        given->at[i].api_key = former;
    }
    sinks_free(given);
}
