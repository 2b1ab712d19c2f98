#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/log_file.h"
#include "config/log_syslog.h"
#include "flush/memory/loop.h"
#include "server/commands/commands.h"
#include "server/commands/usable.h"
#include "server/http/main_turn.h"
#include "server/linger.h"
#include "server/server.h"
#include "server/stop_guard.h"
#include "server/succession/handover.h"
#include "server/succession/notify.h"

enum { LINGER_LOOK_MS = 100, SETTINGS_RETRY_MS = 500 };

/* How long we wait for the answer of a new program. When it is asked at a stop, it gets half of
 * the time that the stop has, and ASK_LEAST_NS at least. */
#define ASK_NS       INT64_C(10000000000)
#define ASK_LEAST_NS INT64_C(1000000000)

/* What a stop may take beyond heeler_stop_timeout. */
enum { STOP_MARGIN_MS = 1500 };

/* What signals and POST requests ask of main. */
struct run {
    struct event_base *base;
    const struct command_line *line;
    const struct server_config *config;
    struct server *server; /* NULL: it is not there yet */
    bool stopping, handing_over;
    struct event *stop_signals[2], *hangup, *upgrade;
    struct event *linger_timer;
    struct lingering linger;
};

/* The name of our sockets in the descriptor store of systemd. */
#define STORED_SOCKET "heeler"
#define STORED_STATE  "heeler-state"

static void stop_now(struct run *run)
{
    run->stopping = true;
    event_base_loopbreak(run->base);
}

static void on_linger_timer(evutil_socket_t fd, short what, void *argument)
{
    struct run *run = argument;

    (void)fd, (void)what;
    if (!linger_is_over(&run->linger, server_datagrams(run->server), clock_monotonic_ns()))
        return;
    log_info("server: stopping");
    event_del(run->linger_timer);
    stop_now(run);
}

/* Whether it was asked to stop: it then stops already, or lingers. */
static bool is_stopping(const struct run *run)
{
    return run->stopping || evtimer_pending(run->linger_timer, NULL);
}

/* Stops at once, or lingers until those who are served have fallen silent. From now on another
 * signal ends the process. */
static void begin_stop(struct run *run, const char *asker)
{
    static const struct timeval look = { 0, LINGER_LOOK_MS * 1000 };
    const struct settings *settings = run->server != NULL ? server_settings(run->server) : NULL;
    int64_t silence_s = settings != NULL ? settings->heeler_linger : 0;

    if (is_stopping(run))
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
static void on_signal(evutil_socket_t number, short what, void *argument)
{
    (void)what;
    begin_stop(argument, number == SIGINT ? "SIGINT" : "SIGTERM");
}

static void on_asked_to_stop(void *argument)
{
    begin_stop(argument, "POST /drain");
}

static void stop_at_once(int number)
{
    (void)number;
    _exit(EXIT_SYSTEM);
}

static void on_hangup(evutil_socket_t number, short what, void *argument)
{
    struct run *run = argument;
    struct reload reload = { .problems = { .n_unlisted = 0 } };

    (void)number, (void)what;
    main_turn_began();
    log_reopen();
    if (run->server != NULL)
        (void)server_reload(run->server, &reload, "SIGHUP");
    reload_free(&reload);
}

static bool load(void *argument, struct settings *out, struct problems *problems)
{
    const struct run *run = argument;

    return command_load(out, run->line, problems);
}

static void on_upgrade(evutil_socket_t number, short what, void *argument)
{
    struct run *run = argument;

    (void)number, (void)what;
    if (is_stopping(run)) {
        log_warn("server: SIGUSR2: this server is about to stop, so no program takes over");
        return;
    }
    if (run->handing_over) /* a break now would leave behind what came with it: SIGTERM */
        return;
    run->handing_over = true;
    event_base_loopbreak(run->base);
}

/* Opens syslog, if the settings want the log to go there too. */
static void open_syslog(const struct settings *settings)
{
    const char *path;

    if (settings->log_to_syslog && log_syslog_parse(settings->syslog_uri, &path) &&
        !log_to_syslog(path, settings->syslog_rfc))
        log_error("log_to_syslog: not enough memory");
}

static bool open_log(const struct settings *settings)
{
    enum log_level level = LOG_LEVEL_INFO;
    const char *file = settings->disable_file_logging ? "" : settings->log_file;
    uint64_t max_bytes = 0;

    (void)log_level_parse(settings->log_level, &level);
    (void)log_size_parse(settings->log_file_max_size, &max_bytes);
    bool open = log_open(level, file, settings->log_format_json, settings->log_to_console);

    log_roll(max_bytes, (uint64_t)settings->log_file_max_rolls);
    open_syslog(settings);
    if (open)
        return true;
    fprintf(stderr, "heeler: log_file: cannot write %s\n", file);
    return inheritance_is_due() && log_open(level, "", settings->log_format_json, true);
}

static FILE *console_of(const struct settings *settings)
{
    bool shown = strcmp(settings->heeler_console, "true") == 0;

    if (strcmp(settings->heeler_console, "auto") == 0)
        shown = settings_is_local(settings) && isatty(STDOUT_FILENO);
    return shown ? log_stdout() : NULL;
}

/* The first signal goes to the loop, which remembers a signal that comes before it runs. The
 * handler at_once is set before that, so it is in force again when the event is freed. */
static struct event *catch_signal(struct run *run, int number, event_callback_fn first,
                                  void (*at_once)(int))
{
    signal(number, at_once);
    struct event *event = evsignal_new(run->base, number, first, run);

    if (event != NULL)
        evsignal_add(event, NULL);
    return event;
}

static void mask_signals(int how)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR2 };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    pthread_sigmask(how, &set, NULL);
}

/* False: out of memory. */
static bool catch_signals(struct run *run)
{
    run->stop_signals[0] = catch_signal(run, SIGTERM, on_signal, stop_at_once);
    run->stop_signals[1] = catch_signal(run, SIGINT, on_signal, stop_at_once);
    run->hangup = catch_signal(run, SIGHUP, on_hangup, SIG_IGN);
    run->upgrade = catch_signal(run, SIGUSR2, on_upgrade, SIG_IGN);
    run->linger_timer = event_new(run->base, -1, EV_PERSIST, on_linger_timer, run);
    mask_signals(SIG_UNBLOCK); /* they were blocked while the program was replaced */
    return run->stop_signals[0] != NULL && run->stop_signals[1] != NULL &&
           run->hangup != NULL && run->upgrade != NULL && run->linger_timer != NULL;
}

static void release_signals(struct run *run)
{
    struct event *events[] = { run->stop_signals[0], run->stop_signals[1], run->hangup,
                               run->upgrade, run->linger_timer };

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
}

/* ---- another program takes over ---------------------------------------- */

static void keep(int fd)
{
    notify_store(fd, STORED_SOCKET);
}

/* Gives systemd a copy of every socket. It outlives a crash or a restart, with the datagrams
 * that wait in it. */
static void announce(struct server *server)
{
    if (notify_has_store()) {
        notify_forget(STORED_STATE);
        notify_forget(STORED_SOCKET);
        server_keep_sockets(server, keep);
    }
    notify_ready();
}

/* Starts a server, at first or again after a failed handover. NULL, with a log line. */
static struct server *start(struct run *run, struct inheritance *inherited, char *problem,
                            size_t problem_size)
{
    struct server_config config = *run->config;

    config.inherited = inherited;
    struct server *server = server_start(&config, problem, problem_size);

    if (server == NULL)
        log_error("server: %s", problem);
    else
        announce(server);
    return server;
}

/* HTTP, and signals: one that came amid a handover went to a thread that is gone by now. */
static void turn(struct run *run)
{
    event_base_loop(run->base, EVLOOP_NONBLOCK);
}

/* A new program is not asked any longer once a signal says stop. */
static bool goes_on(void *argument)
{
    turn(argument);
    return !is_stopping(argument);
}

static bool stops(void *argument)
{
    turn(argument);
    return true;
}

/* Replaces the program by a new one. It returns only if that fails: with a server that goes on
 * where the given one ended, or NULL. */
static struct server *replace_program(struct run *run, struct server *given,
                                      enum handover_answer answer)
{
    struct reload reload = { 0 };
    char problem[512];

    run->server = NULL;
    struct inheritance *inheritance = server_hand_over(
        given, answer == HANDOVER_STATE ? SERVER_SUCCESSOR_PROGRAM : SERVER_SUCCESSOR_SOCKETS);

    if (inheritance == NULL) {
        log_error("server: SIGUSR2: this program goes on");
        notify_ready();
        return given;
    }
    turn(run);
    if (!run->stopping && !inheritance->stuck) {
        log_flush();
        handover_exec(inheritance);
        log_error("server: SIGUSR2: the program cannot be run: %s; this one goes on",
                  strerror(errno));
    }
    if (inheritance->stuck) {
        log_error("server: SIGUSR2: this program goes on, without what delivery holds");
    } else if (inheritance->unfinished) {
        log_error("server: delivery still hangs: this program cannot go on");
        return NULL;
    }
    struct server *server = start(run, inheritance, problem, sizeof problem);

    if (server != NULL) /* those it had may have been loaded since the start */
        (void)server_reload(server, &reload, "SIGUSR2");
    reload_free(&reload);
    return server;
}

static struct server *hand_over(struct run *run, struct server *given)
{
    char problem[2048];
    struct handover_patience patience = { goes_on, run, clock_monotonic_ns() + ASK_NS };
    enum handover_answer answer = handover_ask(&patience, problem, sizeof problem);

    if (is_stopping(run))
        return given;
    if (answer == HANDOVER_REFUSED) {
        log_error("server: SIGUSR2: %s; this program goes on", problem);
        return given;
    }
    log_info("server: SIGUSR2: the program is replaced");
    if (answer == HANDOVER_SOCKETS)
        log_warn("server: SIGUSR2: %s; the open interval is flushed first", problem);
    notify_reloading();
    mask_signals(SIG_BLOCK);
    struct server *server = replace_program(run, given, answer);

    mask_signals(SIG_UNBLOCK);
    return server;
}

/* Stops and leaves the open interval in systemd's store, for the next start. We cannot tell a
 * restart from a stop, so this is an option. False: delivery hangs. */
static bool stop_into_store(struct run *run, struct server *given)
{
    char problem[2048];
    int64_t now_ns = clock_monotonic_ns();
    int64_t left_ns = server_settings(given)->heeler_stop_timeout * INT64_C(1000000000);
    struct handover_patience patience = {
        stops, run, now_ns + (left_ns / 2 > ASK_LEAST_NS ? left_ns / 2 : ASK_LEAST_NS)
    };

    server_end_by(given, now_ns + left_ns);
    if (handover_ask(&patience, problem, sizeof problem) != HANDOVER_STATE) {
        log_warn("server: %s; the open interval is flushed", problem);
        return server_stop(given);
    }
    struct inheritance *inheritance = server_hand_over(given, SERVER_SUCCESSOR_PROCESS);

    if (inheritance == NULL)
        return server_stop(given);
    if (inheritance->state_fd >= 0)
        notify_store(inheritance->state_fd, STORED_STATE);
    bool ended = !inheritance->unfinished;

    inheritance_free(inheritance);
    return ended;
}

static bool stop(struct run *run, struct server *given)
{
    notify_stopping();
    stop_guard_begin(server_settings(given)->heeler_stop_timeout * 1000 + STOP_MARGIN_MS);
    bool ended = server_settings(given)->heeler_stop_handover && notify_has_store()
                     ? stop_into_store(run, given)
                     : server_stop(given);

    stop_guard_accounted();
    return ended;
}

enum served { SERVED_WELL, SERVED_DELIVERY_HANGS, SERVED_NOT_ON };

/* Until a signal says stop. */
static enum served serve(struct run *run, struct server *server)
{
    run->server = server;
    while (server != NULL && !run->stopping) {
        if (event_base_loop(run->base, EVLOOP_ONCE) != 0)
            break;
        main_turn_ended();
        if (run->handing_over && !run->stopping) {
            server = run->server = hand_over(run, server);
            main_turn_forget();
        }
        run->handing_over = false;
    }
    release_signals(run);
    if (server == NULL)
        return SERVED_NOT_ON;
    return stop(run, server) ? SERVED_WELL : SERVED_DELIVERY_HANGS;
}

/* Logs all that is wrong with the settings, before anything is opened. Where something was
 * inherited that nobody else has, wrong settings do not keep us from trying to start: if we
 * gave up here, it would be lost. */
static bool look_at(const struct settings *settings, char *hostname)
{
    struct usable usable;
    struct problems problems = { 0 };
    bool fine = usable_check(&usable, settings, &problems);

    for (size_t i = 0; i < problems.errors.n; i++)
        fprintf(stderr, "heeler: %s\n", problems.errors.at[i]);
    for (size_t i = 0; i < problems.warnings.n; i++)
        log_warn("settings: %s", problems.warnings.at[i]);
    problems_free(&problems);
    snprintf(hostname, HOSTNAME_SIZE, "%s", usable.hostname);
    if (hostname[0] == '\0' || (!fine && !inheritance_is_due()))
        return false;
    log_info("server: heeler " HEELER_VERSION ", host name %s (%s)", hostname,
             usable.hostname_from);
    return true;
}

/* Whether the sentence is about one of these settings; if not, the system is at fault. */
static bool is_about_a_setting(const char *problem)
{
    static const char *const keys[] = { "bind_host:",
                                        "heeler_udp_listen:",
                                        "dogstatsd_mapper_profiles:",
                                        "metric_tag_filterlist:",
                                        "heeler_socket_",
                                        "statsd_forward_host:" };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strncmp(problem, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

static int run_server(const struct command_line *line, const struct settings *settings)
{
    char problem[512], hostname[HOSTNAME_SIZE];
    struct run run = { .base = loop_new(), .line = line };
    struct server_config config = {
        .settings = settings,
        .hostname = hostname,
        .base = run.base,
        .console = console_of(settings),
        .load = load,
        .stop = on_asked_to_stop,
        .argument = &run,
    };

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error like a full disk */
    if (run.base == NULL || !look_at(settings, hostname)) {
        if (run.base != NULL)
            event_base_free(run.base);
        return run.base != NULL ? EXIT_SETTINGS : EXIT_SYSTEM;
    }
    struct server *server = NULL;
    run.config = &config;
    handover_init();
    snprintf(problem, sizeof problem, "not enough memory");
    if (catch_signals(
            &run)) /* first of all: a signal must not leave the files of sockets behind */
        server = start(&run, inheritance_find(), problem, sizeof problem);
    if (server == NULL) {
        release_signals(&run);
        if (!settings->log_to_console || !log_enabled(LOG_LEVEL_ERROR))
            fprintf(stderr, "heeler: %s\n", problem);
        event_base_free(run.base);
        return is_about_a_setting(problem) ? EXIT_SETTINGS : EXIT_SYSTEM;
    }
    enum served served = serve(&run, server);

    if (served == SERVED_DELIVERY_HANGS) {
        log_flush();
        _exit(EXIT_OK); /* a name look-up hangs: its thread still uses what we own */
    }
    event_base_free(run.base);
    return served == SERVED_WELL ? EXIT_OK : EXIT_SYSTEM;
}

/* The settings were good when the former program asked us. What we inherit exists in this
 * process only, so we do not end: we load the settings again and again until they are good. A
 * SIGTERM ends the process, and all of that is lost. */
static bool load_until_good(const struct command_line *line, struct settings *settings)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    mask_signals(SIG_UNBLOCK);
    fputs("heeler: the state of the program before is kept until the settings are good\n",
          stderr);
    do {
        settings_free(settings);
        *settings = (struct settings){ 0 };
        poll(NULL, 0, SETTINGS_RETRY_MS);
    } while (!command_settings(settings, line));
    mask_signals(SIG_BLOCK);
    return true;
}

/* A dump of the process would hold keys and metrics. The soft limit is enough to prevent it, as
 * the handlers of systemd and Ubuntu heed it too. PR_SET_DUMPABLE would do no more than that,
 * and would take /proc/self away from us. */
static void limit_core(bool allowed)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = allowed ? limit.rlim_max : 0;
    if (setrlimit(RLIMIT_CORE, &limit) != 0)
        log_warn("server: heeler_core_dumps: %s", strerror(errno));
}

int command_run_settings(const struct command_line *line, struct settings *settings, bool good)
{
    if (!good && !(inheritance_is_due() && load_until_good(line, settings)))
        return EXIT_SETTINGS;
    limit_core(settings->heeler_core_dumps);
    return open_log(settings) ? run_server(line, settings) : EXIT_SYSTEM;
}
