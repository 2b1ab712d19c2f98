/* heeler expect: a private server, a command that sends to it, and what is said of what came.
 *
 *   words, file -> guard (forked while there is one thread) -> server -> the command
 *   its end -> the server flushes and stops -> the guard cleans up -> verdicts, or a new file
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/shown.h"
#include "server/commands/expect_check.h"
#include "server/commands/expect_guard.h"
#include "server/commands/expect_report.h"
#include "server/commands/expect_settings.h"
#include "server/commands/expect_update.h"
#include "server/commands/times.h"

enum { EXIT_NOT_MET = 1, EXIT_SIGNALLED = 128 };

/* What was asked for; views of the words. */
struct asked {
    const char *file, *junit;
    char **command;
    int64_t timeout_s; /* 0: none */
    bool update, over_unix;
};

/* One run. */
struct expecting {
    struct asked asked;
    struct expect_file file;
    struct settings settings;
    struct expect_folder folder;
    struct guard guard;
    struct expect_seen *seen;
    struct private_account account;
    struct command_end end;
    int signal; /* that ended the run; 0: none */
    double seconds;
};

static int complain(int status, const char *what, const char *why)
{
    fputs("heeler expect: ", stderr);
    shown_put_text(stderr, what);
    shown_put_text(stderr, why);
    fputc('\n', stderr);
    return status;
}

/* ---- the words --------------------------------------------------------- */

static bool read_over(struct asked *out, const char *word)
{
    out->over_unix = strcmp(word, "unix") == 0;
    if (out->over_unix || strcmp(word, "udp") == 0)
        return true;
    return complain(false, "--over is udp or unix, and not ", word);
}

static bool read_timeout(struct asked *out, const char *word)
{
    return times_read_span(word, &out->timeout_s) ||
           complain(false, "--timeout is a time such as 90s, 15m or 1h, and not ", word);
}

static bool read_junit(struct asked *out, const char *word)
{
    out->junit = word;
    return true;
}

static const struct {
    const char *word;
    bool (*read)(struct asked *out, const char *word);
} options[] = { { "--over", read_over },
                { "--timeout", read_timeout },
                { "--junit", read_junit } };

/* 0: it is none of them; else how many words it took. -1: it makes no sense. */
static int read_option(const struct command_line *line, int i, struct asked *out)
{
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        const char *word = line->rest[i];
        size_t len = strlen(options[o].word);

        if (strncmp(word, options[o].word, len) != 0 || (word[len] != '\0' && word[len] != '='))
            continue;
        if (word[len] == '=')
            return options[o].read(out, word + len + 1) ? 1 : -1;
        if (i + 1 == line->n_rest || strcmp(line->rest[i + 1], "--") == 0)
            return complain(-1, word, " needs a value behind it");
        return options[o].read(out, line->rest[i + 1]) ? 2 : -1;
    }
    return 0;
}

/* Words ahead of the dashes. False, with a sentence. */
static bool read_words(const struct command_line *line, int n, struct asked *out)
{
    for (int i = 0; i < n;) {
        const char *word = line->rest[i];
        int taken = read_option(line, i, out);

        if (taken < 0)
            return false;
        i += taken > 0 ? taken : 1;
        if (taken > 0)
            continue;
        if (strcmp(word, "--update") == 0) {
            out->update = true;
        } else if (word[0] == '-' || out->file != NULL) {
            command_line_refuse(line, word);
            return false;
        } else {
            out->file = word;
        }
    }
    return true;
}

/* The words end in a NULL: there is room for it. */
static bool read_asked(const struct command_line *line, struct asked *out)
{
    int dashes = 0;

    while (dashes < line->n_rest && strcmp(line->rest[dashes], "--") != 0)
        dashes++;
    if (!read_words(line, dashes, out))
        return false;
    if (out->file == NULL)
        return complain(false, "which FILE says what is expected? (see heeler help expect)",
                        "");
    if (dashes + 1 >= line->n_rest)
        return complain(false, "which command is to be run? heeler expect FILE -- COMMAND...",
                        "");
    out->command = line->rest + dashes + 1;
    return true;
}

/* An update needs none. */
static bool read_file(struct expecting *expecting)
{
    const struct asked *asked = &expecting->asked;
    struct problems problems = { .n_unlisted = 0 };

    expecting->file.path = asked->file;
    if (access(asked->file, F_OK) != 0 && errno == ENOENT)
        return asked->update || complain(false, asked->file,
                                         ": there is no such file; --update writes what came "
                                         "into one");
    bool fine = expect_file_load(&expecting->file, asked->file, &problems);

    command_print_problems(&problems);
    problems_free(&problems);
    return fine;
}

/* ---- while the command runs -------------------------------------------- */

/* What nohup, or a shell for what it runs in the background, ignores stays ignored. */
static int catch_signals(void)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction now;
    sigset_t caught;

    sigemptyset(&caught);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&caught, ends[i]);
    sigprocmask(SIG_BLOCK, &caught, NULL);
    return signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The first ends the command in order; a second one ends us, and the guard does the rest. */
static void take_signal(struct expecting *expecting, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (expecting->signal != 0)
        _exit(EXIT_SIGNALLED + (int)info.ssi_signo);
    expecting->signal = (int)info.ssi_signo;
    guard_end_command(&expecting->guard);
}

static int left_ms(const struct expecting *expecting, int64_t begun_ms)
{
    int64_t timeout_s = expecting->asked.timeout_s;
    int64_t left = begun_ms + timeout_s * 1000 - clock_monotonic_ms();

    if (timeout_s == 0 || expecting->end.timed_out)
        return -1;
    return left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* False: the guard was killed. */
static bool await(struct expecting *expecting, int signals)
{
    struct pollfd fds[] = { { expecting->guard.fd, POLLIN, 0 }, { signals, POLLIN, 0 } };
    int64_t begun_ms = clock_monotonic_ms();
    int status;

    for (;;) {
        int wait_ms = left_ms(expecting, begun_ms);

        if (wait_ms == 0) {
            expecting->end.timed_out = true;
            expecting->end.timeout_s = expecting->asked.timeout_s;
            guard_end_command(&expecting->guard);
            continue;
        }
        if (poll(fds, 2, wait_ms) < 0)
            continue;
        if ((fds[1].revents & POLLIN) != 0)
            take_signal(expecting, signals);
        if (fds[0].revents != 0)
            break;
    }
    bool told = guard_status(&expecting->guard, &status);

    if (!told)
        status = SIGKILL;
    expecting->seconds = (double)(clock_monotonic_ms() - begun_ms) / 1000;
    expecting->end.by_signal = WIFSIGNALED(status);
    expecting->end.number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return told;
}

/* Of what it receives; what it says of this machine while it starts is for those who run one.
 */
static enum log_level log_level_of(const struct settings *settings)
{
    enum log_level level = LOG_LEVEL_WARN;

    (void)log_level_parse(settings->log_level, &level);
    return level;
}

static int run_beside_server(struct expecting *expecting, int signals)
{
    char problem[512];
    struct private_server *server =
        private_server_start(&expecting->settings, "expect",
                             expect_seen_observer(expecting->seen), problem, sizeof problem);
    struct guard_order order = { .over_unix = expecting->asked.over_unix };

    if (server == NULL)
        return complain(EXIT_SYSTEM, "the server does not start: ", problem);
    log_set_level(log_level_of(&expecting->settings));
    order.udp_port = private_server_udp_port(server);
    guard_run(&expecting->guard, &order);
    bool told = await(expecting, signals);

    if (!private_server_stop(server, &expecting->account)) {
        guard_free(&expecting->guard, &expecting->folder);
        _exit(complain(EXIT_SYSTEM, "the server does not stop", ""));
    }
    return told ? EXIT_OK
                : complain(EXIT_SYSTEM, "what looks after the command was killed", "");
}

/* Signals are caught before there are threads, which then leave them to us. */
static int run_logged(struct expecting *expecting)
{
    int signals = catch_signals(), status = EXIT_SYSTEM;

    signal(SIGPIPE,
           SIG_IGN); /* who reads what is said may be gone; the status is said all the same */
    expecting->seen = expect_seen_new("expect");
    if (signals >= 0 && expecting->seen != NULL &&
        log_open(LOG_LEVEL_ERROR, "", expecting->settings.log_format_json, true)) {
        status = run_beside_server(expecting, signals);
        log_close();
    } else {
        complain(EXIT_SYSTEM, "not enough memory or descriptors", "");
    }
    if (signals >= 0)
        close(signals);
    return status;
}

/* Most often there is no place for the socket. */
static int complain_of_guard(const char *folder)
{
    char why[160];

    if (folder[0] == '\0')
        return complain(EXIT_SYSTEM, "cannot look after a command: ", strerror(errno));
    snprintf(why, sizeof why, ": the folder cannot be made (see TMPDIR): %s", strerror(errno));
    return complain(EXIT_SYSTEM, folder, why);
}

/* The path of the socket is a setting. */
static int run_guarded(struct expecting *expecting, const struct command_line *line)
{
    expect_folder_sweep();
    if (!guard_start(&expecting->guard, expecting->asked.command, &expecting->folder))
        return complain_of_guard(expecting->folder.path);
    int status = expect_settings(&expecting->settings, line, expecting->folder.path)
                     ? run_logged(expecting)
                     : EXIT_SETTINGS;

    guard_free(&expecting->guard, &expecting->folder);
    return status;
}

/* ---- what is said of it ------------------------------------------------ */

/* Whether it went well; else it is told. */
static bool tell_end(const struct expecting *expecting)
{
    if (command_end_status(&expecting->end) == 0)
        return true;
    fputs("heeler expect: ", stderr);
    expect_report_put_end(stderr, &expecting->end);
    fputc('\n', stderr);
    return false;
}

static int update(struct expecting *expecting)
{
    if (!tell_end(expecting))
        return complain(command_end_status(&expecting->end), expecting->asked.file,
                        " stays as it is");
    expect_seen_sort(expecting->seen);
    if (expect_seen_left_out(expecting->seen) > 0)
        return complain(EXIT_SYSTEM, "more came than is remembered, so nothing is written", "");
    if (!expect_update_write(&expecting->file, expecting->seen))
        return complain(EXIT_SYSTEM, "the file cannot be written: ",
                        errno == EFBIG ? "more came than a file may say; its list ignore "
                                         "leaves names out"
                                       : strerror(errno));
    return complain(EXIT_OK, expecting->asked.file, " says now what came");
}

static int compare(struct expecting *expecting)
{
    struct verdicts verdicts = { .at = NULL };
    const struct asked *asked = &expecting->asked;
    int status = command_end_status(&expecting->end);

    expect_check_all(&verdicts, &expecting->file, expecting->seen, &expecting->account);
    if (tell_end(expecting) || expect_seen_count(expecting->seen) > 0)
        expect_report_put(stderr, &verdicts, asked->file, expecting->seen, &expecting->account);
    if (status == 0 && verdicts.failed)
        status = EXIT_SYSTEM;
    if (status == 0 && verdicts.n_failed > 0)
        status = EXIT_NOT_MET;
    if (asked->junit != NULL && !expect_report_junit(asked->junit, &verdicts, &expecting->end,
                                                     asked->file, expecting->seconds)) {
        complain(0, asked->junit, ": cannot be written");
        status = status != 0 ? status : EXIT_SYSTEM;
    }
    verdicts_free(&verdicts);
    return status;
}

static int expect(struct expecting *expecting, const struct command_line *line)
{
    int status = run_guarded(expecting, line);

    if (expecting->signal != 0)
        return EXIT_SIGNALLED + expecting->signal;
    if (status != EXIT_OK)
        return status;
    return expecting->asked.update ? update(expecting) : compare(expecting);
}

static int run(struct command_line *line)
{
    struct expecting expecting = { .folder = { .lock = -1 } };
    int status = EXIT_SETTINGS;

    if (read_asked(line, &expecting.asked) && read_file(&expecting))
        status = expect(&expecting, line);
    expect_seen_free(expecting.seen);
    settings_free(&expecting.settings);
    expect_file_free(&expecting.file);
    return status;
}

int command_expect(int n, char **words)
{
    return command_with_line("expect", n, words, true, run);
}
