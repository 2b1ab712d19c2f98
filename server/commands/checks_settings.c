#include "server/commands/checks_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/options.h"
#include "flush/series/point_rules.h"

enum { WHERE_SIZE = ADDRESS_HOST_MAX + 16 };

/* ---- where the server of this machine is ------------------------------- */

/* Who receives on all addresses is reached by loopback. */
static const char *reached_by(const char *host)
{
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

/* Empty where the kernel chooses the port, so that nobody knows it. */
static void write_where(char out[WHERE_SIZE], const char *host, int port)
{
    const char *to = reached_by(host);

    if (port <= 0)
        out[0] = '\0';
    else
        snprintf(out, WHERE_SIZE, strchr(to, ':') != NULL ? "[%s]:%d" : "%s:%d", to, port);
}

/* As the server reads the same settings (server/receive/targets.h). */
static void find_udp(char out[WHERE_SIZE], const struct settings *settings)
{
    char host[ADDRESS_HOST_MAX] = "";
    int port = 0;

    out[0] = '\0';
    if (settings->heeler_udp_listen.n == 0)
        write_where(out, settings->dogstatsd_non_local_traffic ? "" : settings->bind_host,
                    settings->dogstatsd_port);
    for (size_t i = 0; out[0] == '\0' && i < settings->heeler_udp_listen.n; i++)
        if (address_split(settings->heeler_udp_listen.at[i], host, sizeof host, &port))
            write_where(out, host, port);
}

static void write_http(struct json_out *out, const struct string_list *addresses)
{
    char host[ADDRESS_HOST_MAX], where[WHERE_SIZE], url[WHERE_SIZE + 8];
    int port;

    json_out_begin(out, "http", '[');
    for (size_t i = 0; i < addresses->n; i++) {
        const char *path = address_path(addresses->at[i]);

        where[0] = '\0';
        if (path == NULL && address_split(addresses->at[i], host, sizeof host, &port))
            write_where(where, host, port);
        if (path != NULL)
            snprintf(url, sizeof url, "unix:%s", path);
        else
            snprintf(url, sizeof url, "http://%s", where);
        if (path != NULL || where[0] != '\0')
            json_out_text(out, NULL, url);
    }
    json_out_end(out, ']');
}

static void write_server(struct json_out *out, const struct settings *settings)
{
    const struct string_list *keys = &settings->heeler_app_keys;
    bool receives = settings->use_dogstatsd;
    char udp[WHERE_SIZE];

    find_udp(udp, settings);
    json_out_text(out, "dogstatsd_socket", receives ? settings->dogstatsd_socket : "");
    json_out_text(out, "dogstatsd_address", receives ? udp : "");
    write_http(out, &settings->heeler_http_listen);
    json_out_text(out, "app_key", keys->n > 0 ? keys->at[0] : "");
}

/* ---- what is made of histograms ---------------------------------------- */

/* Those that the server makes, too: without the words that make no sense. */
static void write_histograms(struct json_out *out, const struct settings *settings)
{
    struct point_rules rules;

    point_rules_read(&rules, settings, NULL, NULL);
    json_out_begin(out, "histogram_aggregates", '[');
    for (int i = 0; i < AGGREGATE_KINDS; i++)
        if (rules.aggregates[i])
            json_out_text(out, NULL, point_rules_word((enum histogram_aggregate)i));
    json_out_end(out, ']');
    json_out_begin(out, "histogram_percentiles", '[');
    for (size_t i = 0; i < rules.n_percentiles; i++)
        json_out_real(out, NULL, rules.percentiles[i] / 100.0);
    json_out_end(out, ']');
}

/* ---- every setting, for checks that ask for the Agent's ---------------- */

static void write_string(struct json_out *out, const struct option *option, const char *text)
{
    size_t size = strlen(text) + sizeof "***?***";
    char *shown = option->form == OPTION_FORM_URL ? malloc(size) : NULL;

    if (shown != NULL)
        settings_mask_url(text, shown, size);
    if (option->form != OPTION_FORM_URL || shown != NULL)
        json_out_text(out, option->key, shown != NULL ? shown : text);
    free(shown);
}

static void write_list(struct json_out *out, const char *key, const struct string_list *list)
{
    json_out_begin(out, key, '[');
    for (size_t i = 0; i < list->n; i++)
        json_out_text(out, NULL, list->at[i]);
    json_out_end(out, ']');
}

static void write_json(struct json_out *out, const char *key, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);

    if (text != NULL)
        json_out_raw(out, key, slice_of(text));
    free(text);
}

static void write_setting(struct json_out *out, const struct option *option, const void *field)
{
    switch (option->type) {
    case OPTION_BOOL:
        json_out_bool(out, option->key, *(const bool *)field);
        break;
    case OPTION_INT:
        json_out_signed(out, option->key, *(const int64_t *)field);
        break;
    case OPTION_PORT: /* 0: none that could be told */
        json_out_signed(out, option->key, *(const int *)field > 0 ? *(const int *)field : 0);
        break;
    case OPTION_FLOAT:
        json_out_exact(out, option->key, *(const double *)field);
        break;
    case OPTION_STRING:
    case OPTION_CHOICE:
        write_string(out, option, *(char *const *)field);
        break;
    case OPTION_LIST:
        write_list(out, option->key, field);
        break;
    case OPTION_JSON_LIST:
    case OPTION_JSON_MAP:
        write_json(out, option->key, *(json_t *const *)field);
        break;
    }
}

static void write_agent(struct json_out *out, const struct settings *settings)
{
    json_out_begin(out, "agent", '{');
    for (int i = 0; i < SETTING_COUNT; i++)
        if (!options[i].secret)
            write_setting(out, &options[i], (const char *)settings + options[i].offset);
    json_out_end(out, '}');
}

void checks_settings_write(struct json_out *out, const struct settings *settings,
                           const char *hostname, const char *state_path)
{
    json_out_begin(out, NULL, '{');
    json_out_text(out, "version", HEELER_VERSION);
    json_out_text(out, "hostname", hostname);
    json_out_text(out, "confd_path", settings->confd_path);
    json_out_text(out, "additional_checksd", settings->additional_checksd);
    json_out_bool(out, "integration_check_status_enabled",
                  settings->integration_check_status_enabled);
    json_out_text(out, "log_level", settings->log_level);
    json_out_text(out, "state_path", state_path);
    json_out_signed(out, "run_timeout_s", settings->heeler_checks_run_timeout);
    json_out_signed(out, "memory_max_bytes", settings->heeler_checks_memory);
    write_server(out, settings);
    write_histograms(out, settings);
    write_agent(out, settings);
    json_out_end(out, '}');
}
