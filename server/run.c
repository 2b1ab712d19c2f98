#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/hostname.h"
#include "config/log.h"
#include "server/commands.h"
#include "server/linger.h"
#include "server/server.h"

enum { LINGER_LOOK_MS = 100 };

/* What the signals and POST requests ask of main. */
struct run {
    struct event_base *base;
    const struct command_line *line;
    struct server *server; /* NULL: it is not there yet */
    bool stopping;
    struct event *stop_signals[2], *hangup;
    struct event *linger_timer;
    struct lingering linger;
};

static void stop_now(struct run *run)
{
    run->stopping = true;
    event_base_loopbreak(run->base);
}

static void on_linger_timer(evutil_socket_t fd, short what, void *context)
{
    struct run *run = context;

    (void)fd, (void)what;
    if (!linger_is_over(&run->linger, server_datagrams(run->server), clock_monotonic_ns()))
        return;
    log_info("server: stopping");
    event_del(run->linger_timer);
    stop_now(run);
}

/* At once, or when those who are served have fallen silent. A further signal ends the
 * process from now on. */
static void begin_stop(struct run *run, const char *asker)
{
    static const struct timeval look = { 0, LINGER_LOOK_MS * 1000 };
    const struct settings *settings = run->server != NULL ? server_settings(run->server) : NULL;
    int64_t silence_s = settings != NULL ? settings->heeler_linger : 0;

    if (run->stopping || evtimer_pending(run->linger_timer, NULL))
        return;
    for (int i = 0; i < 2; i++)
        event_del(run->stop_signals[i]);
    if (silence_s == 0 || event_add(run->linger_timer, &look) != 0) {
        log_info("server: %s: stopping", asker);
        stop_now(run);
        return;
    }
    log_info("server: %s: lingering until nothing came for %lld s, %lld s at most", asker,
             (long long)silence_s, (long long)settings->heeler_linger_max);
    server_linger(run->server);
    linger_begin(&run->linger, silence_s, settings->heeler_linger_max,
                 server_datagrams(run->server), clock_monotonic_ns());
}

/* The first signal stops in order; a second one, while that goes on, at once. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    begin_stop(context, number == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_asked_to_stop(void *context)
{
    begin_stop(context, "POST /drain");
}

static void stop_at_once(int number)
{
    (void)number;
    _exit(EXIT_SYSTEM);
}

static void on_hangup(evutil_socket_t number, short what, void *context)
{
    struct run *run = context;
    struct reload reload = { .problems = { .n_unlisted = 0 } };

    (void)number, (void)what;
    if (log_reopen())
        log_info("server: SIGHUP: the log file was opened anew");
    else
        log_error("server: SIGHUP: the log file cannot be opened anew, the old one is kept: %s",
                  strerror(errno));
    if (run->server != NULL)
        (void)server_reload(run->server, &reload, "SIGHUP");
    reload_free(&reload);
}

static bool load(void *context, struct settings *out, struct problems *problems)
{
    const struct run *run = context;

    return command_load(out, run->line, problems);
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

/* The first signal goes to the loop, which remembers one that comes before it runs;
 * at_once stands behind it, in force again when the event is freed. */
static struct event *catch_signal(struct run *run, int number, event_callback_fn first,
                                  void (*at_once)(int))
{
    signal(number, at_once);
    struct event *event = evsignal_new(run->base, number, first, run);

    if (event != NULL)
        evsignal_add(event, NULL);
    return event;
}

/* False: out of memory. */
static bool catch_signals(struct run *run)
{
    run->stop_signals[0] = catch_signal(run, SIGTERM, on_signal, stop_at_once);
    run->stop_signals[1] = catch_signal(run, SIGINT, on_signal, stop_at_once);
    run->hangup = catch_signal(run, SIGHUP, on_hangup, SIG_IGN);
    run->linger_timer = event_new(run->base, -1, EV_PERSIST, on_linger_timer, run);
    return run->stop_signals[0] != NULL && run->stop_signals[1] != NULL &&
           run->hangup != NULL && run->linger_timer != NULL;
}

static void release_signals(struct run *run)
{
    struct event *events[] = { run->stop_signals[0], run->stop_signals[1], run->hangup,
                               run->linger_timer };

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
}

/* Until a signal says stop. False: delivery hangs, nothing may be freed. */
static bool serve(struct run *run, struct server *server)
{
    run->server = server;
    while (!run->stopping && event_base_dispatch(run->base) == 0 && !run->stopping)
        ;
    release_signals(run);
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

static int run_server(const struct command_line *line, const struct settings *settings)
{
    char problem[512], hostname[HOSTNAME_SIZE];
    struct run run = { .base = event_base_new(), .line = line };
    struct server_config config = {
        .settings = settings,
        .hostname = hostname,
        .base = run.base,
        .console = console_of(settings),
        .load = load,
        .stop = on_asked_to_stop,
        .context = &run,
    };

    signal(SIGPIPE, SIG_IGN);
    if (run.base == NULL || !find_hostname(settings, hostname)) {
        if (run.base != NULL)
            event_base_free(run.base);
        return run.base != NULL ? EXIT_SETTINGS : EXIT_SYSTEM;
    }
    struct server *server = NULL;
    snprintf(problem, sizeof problem, "not enough memory");
    if (catch_signals(&run)) /* before sockets are there to be left behind */
        server = server_start(&config, problem, sizeof problem);
    if (server == NULL) {
        release_signals(&run);
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

static int run(const struct command_line *line, const struct settings *settings, bool good)
{
    if (!good)
        return EXIT_SETTINGS;
    int status = open_log(settings) ? run_server(line, settings) : EXIT_SYSTEM;
    log_close();
    return status;
}

int command_run(int n, char **words)
{
    return command_on_settings(n, words, run);
}
