#include "server/commands/expect_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What --set may change. A text of the log is told where it is worth reading; ports are the
 * kernel's choice, and an address of others is only for who asks for it. */
static char *const defaults[] = {
    "log_level=warn",
    "dogstatsd_port=__random__",
    "bind_host=127.0.0.1",
    "dogstatsd_no_aggregation_pipeline=false",
};

/* What nothing may change. */
static char *const fixed[] = {
    "api_key=",
    "heeler_api_key_file=",
    "dd_url=",
    "additional_endpoints={}",
    "use_dogstatsd=true",
    "dogstatsd_non_local_traffic=false",
    "heeler_udp_listen=",
    "heeler_socket_owner=",
    "heeler_socket_group=",
    "heeler_socket_mode=0700",
    "dogstatsd_stream_socket=",
    "statsd_forward_host=",
    "statsd_forward_port=0",
    "heeler_ring_bytes=0",
    "apm_config.enabled=false",
    "heeler_http_listen=",
    "health_port=0",
    "heeler_interval=1",
    "heeler_workers=1",
    "heeler_rollup_max_bytes=0",
    "heeler_state_path=",
    "heeler_redis_url=",
    "heeler_console=false",
    "heeler_self_telemetry=false",
    "heeler_monitors_path=",
    "heeler_dashboards_path=",
    "heeler_smtp_url=",
    "heeler_smtp_url_file=",
    "heeler_webhooks=[]",
    "heeler_heartbeat_url=",
    "heeler_dead_letter_path=",
    "forwarder_storage_max_size_in_bytes=0",
    "log_file=",
    "log_to_syslog=false",
    "log_to_console=true",
};

enum {
    DEFAULTS = sizeof defaults / sizeof defaults[0],
    FIXED = sizeof fixed / sizeof fixed[0],
    OWN_SETS = 2, /* the socket and the receive buffer */
};

/* As much as the system allows anybody, so that nobody is told to allow more. */
static void write_buffer(char *out, size_t size)
{
    FILE *file = fopen("/proc/sys/net/core/rmem_max", "re");
    long bytes = 0;

    if (file != NULL && fscanf(file, "%ld", &bytes) != 1)
        bytes = 0;
    if (file != NULL)
        fclose(file);
    bytes = bytes < 64L << 20 ? bytes : 64L << 20;
    snprintf(out, size, "dogstatsd_so_rcvbuf=%ld", bytes);
}

static void print(const struct problems *problems)
{
    struct problems shown = *problems;

    shown.notes.n = shown.ignored.n = 0;
    command_print_problems(&shown);
}

static bool load(struct settings *out, const struct command_line *line, char **sets,
                 size_t n_sets)
{
    struct settings_source source = {
        .file = line->config_file,
        .sets = sets,
        .n_sets = n_sets,
        .no_secret_files = true,
    };
    struct problems problems = { .n_unlisted = 0 };
    bool loaded = settings_load(out, &source, &problems);

    print(&problems);
    problems_free(&problems);
    return loaded;
}

bool expect_settings(struct settings *out, const struct command_line *line, const char *folder)
{
    char socket[256], buffer[64];
    char **sets = calloc(DEFAULTS + line->n_sets + FIXED + OWN_SETS, sizeof *sets);
    size_t n = 0;

    if (sets == NULL)
        return false;
    snprintf(socket, sizeof socket, "dogstatsd_socket=%s/dsd.socket", folder);
    write_buffer(buffer, sizeof buffer);
    memcpy(sets, defaults, sizeof defaults);
    n += DEFAULTS;
    sets[n++] = buffer;
    if (line->n_sets > 0)
        memcpy(&sets[n], line->sets, line->n_sets * sizeof *sets);
    n += line->n_sets;
    memcpy(&sets[n], fixed, sizeof fixed);
    n += FIXED;
    sets[n++] = socket;
    bool loaded = load(out, line, sets, n);

    free(sets);
    return loaded;
}
