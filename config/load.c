#include "config/load.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_file.h"
#include "config/options.h"
#include "config/unknown.h"
#include "config/values.h"
#include "config/yaml_file.h"

static void load_defaults(struct settings *settings, struct problems *problems)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        values_set_text(settings, &options[i], options[i].standard, "default", problems);
}

/* The value of a variable, or NULL: it is not set. */
static const char *variable_value(char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (; *environment != NULL; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    return NULL;
}

/* The n-th name that an option has in the environment; false beyond the last. */
static bool variable_name(const struct option *option, int n, char out[OPTION_NAME_MAX])
{
    const char *other = option->other_variable;

    if (n == 0)
        option_variable(option->key, out);
    else if (n == 1 && option->other_key != NULL)
        option_variable(option->other_key, out);
    else if (n == 1 && other != NULL)
        snprintf(out, OPTION_NAME_MAX, "%s", other);
    else if (n == 2 && option->proxy)
        for (size_t i = 0; i <= strlen(other); i++)
            out[i] = (char)tolower((unsigned char)other[i]);
    else
        return false;
    return true;
}

/* An empty variable counts as not set. For a proxy, however, it is the way to say that there is
 * none, whatever the names behind it say. */
static void load_variable(struct settings *settings, const struct option *option,
                          char *const *environment, struct problems *problems)
{
    char name[OPTION_NAME_MAX];

    for (int n = 0; variable_name(option, n, name); n++) {
        const char *value = variable_value(environment, name);

        if (value != NULL && (value[0] != '\0' || option->proxy)) {
            values_set_text(settings, option, value, name, problems);
            return;
        }
    }
}

static bool is_known_variable(const char *name)
{
    char known[OPTION_NAME_MAX];

    for (size_t i = 0; i < SETTING_COUNT; i++)
        for (int n = 0; variable_name(&options[i], n, known); n++)
            if (strcmp(known, name) == 0)
                return true;
    return false;
}

static void load_environment(struct settings *settings, char *const *environment,
                             struct problems *problems)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        load_variable(settings, &options[i], environment, problems);
    for (; *environment != NULL; environment++) {
        size_t len = strcspn(*environment, "=");
        char *name;

        if (strncmp(*environment, "DD_", 3) != 0 || (*environment)[len] == '\0')
            continue;
        name = strndup(*environment, len);
        if (name == NULL)
            problems->out_of_memory = true;
        else if (!is_known_variable(name))
            unknown_variable(name, problems);
        free(name);
    }
}

/* A word without "=" may be an API key that stands in the wrong place, so it is not quoted. */
static void load_set(struct settings *settings, const char *set, size_t number,
                     struct problems *problems)
{
    const char *equals = strchr(set, '=');
    char key[2 * OPTION_NAME_MAX];

    if (equals == NULL) {
        problems_error(problems, "--set: number %zu is not KEY=VALUE.", number);
        return;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - set < 1000 ? equals - set : 1000), set);
    const struct option *option = option_find(key);
    if (option != NULL)
        values_set_text(settings, option, equals + 1, "--set", problems);
    else
        unknown_refuse(key, "--set", problems);
}

/* Checks what depends on several values. */
static void check_together(const struct settings *settings, struct problems *problems)
{
    if (settings->dd_url[0] != '\0' && settings->api_key[0] == '\0')
        problems_error(problems,
                       "%s: dd_url is set and api_key is not: set both to send, or none.",
                       settings->origin[SETTING_dd_url]);
    if (json_object_size(settings->additional_endpoints) > 0 && settings->api_key[0] == '\0')
        problems_error(problems,
                       "%s: additional_endpoints is set and api_key is not: set both to send.",
                       settings->origin[SETTING_additional_endpoints]);
}

static bool receives(const struct settings *settings)
{
    return settings->heeler_udp_listen.n > 0 || settings->dogstatsd_port != 0 ||
           settings->dogstatsd_socket[0] != '\0' ||
           settings->dogstatsd_stream_socket[0] != '\0';
}

static void check_receiving(const struct settings *settings, struct problems *problems)
{
    bool has_host = settings->statsd_forward_host[0] != '\0';
    bool has_port = settings->statsd_forward_port != 0;

    if (settings->use_dogstatsd && !receives(settings))
        problems_error(
            problems,
            "%s: dogstatsd_port is 0 and there is no path of a socket: nothing could "
            "be received.",
            settings->origin[SETTING_dogstatsd_port]);
    if (has_host != has_port)
        problems_warn(problems, "%s: %s is set and %s is not: nothing is copied.",
                      settings->origin[has_host ? SETTING_statsd_forward_host
                                                : SETTING_statsd_forward_port],
                      has_host ? "statsd_forward_host" : "statsd_forward_port",
                      has_host ? "statsd_forward_port" : "statsd_forward_host");
}

static void check_traces(const struct settings *settings, struct problems *problems)
{
    const char *path = settings->apm_config_receiver_socket;

    if (!settings->apm_config_enabled)
        return;
    if (path[0] == '\0' && settings->apm_config_receiver_port == 0)
        problems_error(
            problems,
            "%s: apm_config.enabled is set, and neither apm_config.receiver_port nor "
            "apm_config.receiver_socket: no trace could be received.",
            settings->origin[SETTING_apm_config_enabled]);
    if (path[0] != '\0' && path[0] != '/')
        problems_error(problems,
                       "%s: apm_config.receiver_socket is \"%s\": allowed are paths that begin "
                       "with /.",
                       settings->origin[SETTING_apm_config_receiver_socket], path);
}

static void check_redis(const struct settings *settings, struct problems *problems)
{
    const char *prefix = settings->heeler_redis_prefix;

    if (prefix[0] == '\0' || prefix[strcspn(prefix, "{}")] != '\0')
        problems_error(problems,
                       "%s: heeler_redis_prefix is \"%s\": it must not be empty and have no "
                       "brace, which would change the slots of a cluster.",
                       settings->origin[SETTING_heeler_redis_prefix], prefix);
    if (settings->heeler_redis_url[0] != '\0' && settings->heeler_rollup_max_bytes == 0)
        problems_error(problems,
                       "%s: heeler_rollup_max_bytes is 0 and heeler_redis_url is set: what is "
                       "copied to Redis are the windows that this memory holds.",
                       settings->origin[SETTING_heeler_rollup_max_bytes]);
}

/* A copy holds many series for others to ask; 8 MiB are for a single server's. */
enum { ROLLUP_BYTES_WITH_REDIS = 64 << 20 };

static bool is_default(const struct settings *settings, enum setting setting)
{
    return strcmp(settings->origin[setting], "default") == 0;
}

/* The older setting counts payloads, of 2 MiB at most. Zero payloads are a value too. */
static void set_retry_queue(struct settings *settings, struct problems *problems)
{
    const char *from = settings->origin[SETTING_forwarder_retry_queue_max_size];
    int64_t bytes = settings->forwarder_retry_queue_max_size * (2 << 20);

    if (is_default(settings, SETTING_forwarder_retry_queue_max_size))
        return;
    if (!is_default(settings, SETTING_forwarder_retry_queue_payloads_max_size)) {
        problems_warn(problems,
                      "%s: forwarder_retry_queue_max_size is an older setting, and "
                      "forwarder_retry_queue_payloads_max_size goes before it.",
                      from);
        return;
    }
    problems_warn(problems,
                  "%s: forwarder_retry_queue_max_size is an older setting: write "
                  "forwarder_retry_queue_payloads_max_size: %lld.",
                  from, (long long)bytes);
    settings->forwarder_retry_queue_payloads_max_size = bytes;
}

/* systemd makes a folder for us and names it; of several the first is ours. */
static void set_state_path(struct settings *settings, char *const *environment,
                           struct problems *problems)
{
    static const char variable[] = "STATE_DIRECTORY";
    const char *value = environment != NULL ? variable_value(environment, variable) : NULL;
    char folder[PATH_MAX];

    if (value == NULL || !is_default(settings, SETTING_heeler_state_path))
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(value, ":"), value);
    values_set_text(settings, &options[SETTING_heeler_state_path], folder, variable, problems);
}

static void set_together(struct settings *settings, char *const *environment,
                         struct problems *problems)
{
    set_state_path(settings, environment, problems);
    set_retry_queue(settings, problems);
    if (settings->heeler_redis_url[0] != '\0' &&
        is_default(settings, SETTING_heeler_rollup_max_bytes))
        settings->heeler_rollup_max_bytes = ROLLUP_BYTES_WITH_REDIS;
}

bool settings_load(struct settings *out, const struct settings_source *source,
                   struct problems *problems)
{
    *out = (struct settings){ 0 };
    load_defaults(out, problems);
    if (source->file != NULL)
        yaml_file_load(out, source->file, problems);
    if (source->environment != NULL)
        load_environment(out, source->environment, problems);
    for (size_t i = 0; i < source->n_sets; i++)
        load_set(out, source->sets[i], i + 1, problems);
    if (!problems->out_of_memory) {
        set_together(out, source->environment, problems);
        if (!source->no_secret_files && key_file_load(out, problems))
            check_together(out, problems);
        check_receiving(out, problems);
        check_traces(out, problems);
        check_redis(out, problems);
    }
    return problems_none(problems);
}
