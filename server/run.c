#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/hostname.h"
#include "config/log.h"
#include "server/commands.h"
#include "server/server.h"

/* What the signals ask of main. */
struct run {
    struct event_base *base;
    bool stopping;
};

/* The first signal stops in order; a second one, while that goes on, at once. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
    struct run *run = context;

    (void)what;
    log_info("server: %s: stopping", number == SIGINT ? "SIGINT" : "SIGTERM");
    run->stopping = true;
    event_base_loopbreak(run->base);
}

static void stop_at_once(int number)
{
    (void)number;
    _exit(EXIT_SYSTEM);
}

static void on_hangup(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what, (void)context;
    if (log_reopen())
        log_info("server: SIGHUP: the log file was opened anew; settings need a restart");
    else
        log_error("server: SIGHUP: the log file cannot be opened anew, the old one is kept: %s",
                  strerror(errno));
}

static bool open_log(const struct settings *settings)
{
    enum log_level level = LOG_LEVEL_INFO;
    const char *file = settings->disable_file_logging ? "" : settings->log_file;

    (void)log_level_parse(settings->log_level, &level);
    if (log_open(level, file, settings->log_format_json, settings->log_to_console))
        return true;
    fprintf(stderr, "heeler: log_file: cannot write %s\n", file);
    return false;
}

static FILE *console_of(const struct settings *settings)
{
    if (strcmp(settings->heeler_console, "auto") == 0)
        return settings_is_local(settings) && isatty(STDOUT_FILENO) ? stdout : NULL;
    return strcmp(settings->heeler_console, "true") == 0 ? stdout : NULL;
}

/* Until a signal says stop. False: delivery hangs, nothing may be freed. */
static bool serve(struct run *run, struct server *server)
{
    /* Behind those of the loop: in force again once those are freed. */
    signal(SIGTERM, stop_at_once);
    signal(SIGINT, stop_at_once);
    signal(SIGHUP, SIG_IGN);
    struct event *term = evsignal_new(run->base, SIGTERM, on_signal, run);
    struct event *interrupt = evsignal_new(run->base, SIGINT, on_signal, run);
    struct event *hangup = evsignal_new(run->base, SIGHUP, on_hangup, run);

    evsignal_add(term, NULL);
    evsignal_add(interrupt, NULL);
    evsignal_add(hangup, NULL);
    while (!run->stopping && event_base_dispatch(run->base) == 0 && !run->stopping)
        ;
    event_free(term);
    event_free(interrupt);
    event_free(hangup);
    return server_stop(server);
}

static bool find_hostname(const struct settings *settings, char *hostname)
{
    const char *how = "";
    struct problems problems = { 0 };
    bool found = hostname_find(settings, hostname, HOSTNAME_SIZE, &how, &problems);

    for (size_t i = 0; i < problems.errors.n; i++)
        fprintf(stderr, "heeler: %s\n", problems.errors.at[i]);
    for (size_t i = 0; i < problems.warnings.n; i++)
        log_warn("settings: %s", problems.warnings.at[i]);
    problems_free(&problems);
    if (found)
        log_info("server: heeler " HEELER_VERSION ", host name %s (%s)", hostname, how);
    return found;
}

/* A sentence about one of these settings; others are the system's fault. */
static bool is_about_a_setting(const char *problem)
{
    static const char *const keys[] = { "bind_host:", "heeler_udp_listen:",
                                        "dogstatsd_mapper_profiles:", "metric_tag_filterlist:",
                                        "heeler_socket_" };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strncmp(problem, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

static int run_server(const struct settings *settings)
{
    char problem[512], hostname[HOSTNAME_SIZE];
    struct run run = { .base = event_base_new() };
    struct server_config config = { settings, hostname, run.base, console_of(settings) };

    signal(SIGPIPE, SIG_IGN);
    if (run.base == NULL || !find_hostname(settings, hostname)) {
        if (run.base != NULL)
            event_base_free(run.base);
        return run.base != NULL ? EXIT_SETTINGS : EXIT_SYSTEM;
    }
    struct server *server = server_start(&config, problem, sizeof problem);
    if (server == NULL) {
        log_error("server: %s", problem);
        if (!settings->log_to_console || !log_enabled(LOG_LEVEL_ERROR))
            fprintf(stderr, "heeler: %s\n", problem);
        event_base_free(run.base);
        return is_about_a_setting(problem) ? EXIT_SETTINGS : EXIT_SYSTEM;
    }
    if (!serve(&run, server)) {
        fflush(stdout);
        _exit(EXIT_OK); /* a name look-up hangs: its thread still uses what we own */
    }
    event_base_free(run.base);
    return EXIT_OK;
}

int command_run(int n, char **words)
{
    struct command_line line = { .sets = calloc((size_t)n + 1, sizeof *line.sets) };
    struct settings settings = { 0 };
    int status = EXIT_SETTINGS;

    if (line.sets == NULL || !command_line_read(&line, n, words, false)) {
        free(line.sets);
        return EXIT_SETTINGS;
    }
    if (line.help) {
        command_help();
        status = EXIT_OK;
    } else if (command_settings(&settings, &line)) {
        status = open_log(&settings) ? run_server(&settings) : EXIT_SYSTEM;
        log_close();
    }
    settings_free(&settings);
    free(line.sets);
    return status;
}
