#include "server/commands/expect_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/shown.h"
#include "server/commands/descendants.h"

enum { GRACE_MS = 2000, NOT_FOUND = 127, NOT_STARTED = 126 };

/* What goes over the socket to the guard; back goes the status, an int. */
enum message { RUN, END };

struct request {
    enum message message;
    struct guard_order order; /* of RUN */
};

/* The guard's own. */
struct guarding {
    int fd, signals; /* to `heeler expect`; SIGCHLD */
    char **command;
    struct expect_folder folder;
    pid_t pid; /* of the command; 0: it has not begun, or has ended */
    bool told;
};

/* ---- the command ------------------------------------------------------- */

static void set_number(const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof text, "%d", number);
    setenv(name, text, 1);
}

static void set_environment(const char *folder, const struct guard_order *order)
{
    char path[EXPECT_FOLDER_SIZE + 16], url[EXPECT_FOLDER_SIZE + 32];

    snprintf(path, sizeof path, "%s/dsd.socket", folder);
    if (order->over_unix)
        snprintf(url, sizeof url, "unix://%s", path);
    else
        snprintf(url, sizeof url, "udp://127.0.0.1:%d", order->udp_port);
    setenv("DD_AGENT_HOST", "127.0.0.1", 1);
    setenv("DD_DOGSTATSD_HOST", "127.0.0.1", 1); /* which goes before it, where it is read */
    set_number("DD_DOGSTATSD_PORT", order->udp_port);
    setenv("DD_DOGSTATSD_URL", url, 1);
    setenv("DD_DOGSTATSD_SOCKET", path, 1);
}

/* As a shell has it, whatever was ignored or blocked here. */
static void forget_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct guarding *guarding, const struct guard_order *order,
                             pid_t guard)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guard)
        _exit(NOT_STARTED);
    forget_signals();
    set_environment(guarding->folder.path, order);
    execvp(guarding->command[0], guarding->command);
    int why = errno;

    fputs("heeler expect: ", stderr);
    shown_put_text(stderr, guarding->command[0]);
    fprintf(stderr, ": %s\n", strerror(why));
    _exit(why == ENOENT ? NOT_FOUND : NOT_STARTED);
}

static void run(struct guarding *guarding, const struct guard_order *order)
{
    pid_t guard = getpid();

    guarding->pid = fork();
    if (guarding->pid == 0)
        become(guarding, order, guard);
}

/* ---- the guard --------------------------------------------------------- */

/* Whether nobody is there any more who could want more than a quick end. */
static bool is_alone(void *argument)
{
    const struct guarding *guarding = argument;
    struct pollfd fd = { guarding->fd, 0, 0 };

    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)) != 0;
}

static void tell(struct guarding *guarding, int status)
{
    guarding->told = true;
    (void)send(guarding->fd, &status, sizeof status, MSG_NOSIGNAL);
}

/* Ends all that there is. The command's status, if it was there; else what it had. */
static int end_all(struct guarding *guarding, int status)
{
    struct descendants_end end = {
        .main = guarding->pid, .status = status, .hurry = is_alone, .argument = guarding
    };

    descendants_end(&end, GRACE_MS);
    guarding->pid = 0;
    return end.status;
}

static void end_command(struct guarding *guarding)
{
    if (!guarding->told)
        tell(guarding, end_all(guarding, SIGTERM));
}

/* Of those that ended the command is the one that matters. */
static void reap(struct guarding *guarding)
{
    struct signalfd_siginfo info;
    pid_t gone;
    int status;

    (void)!read(guarding->signals, &info, sizeof info);
    while ((gone = waitpid(-1, &status, WNOHANG)) > 0)
        if (gone == guarding->pid && !guarding->told) {
            guarding->pid = 0;
            tell(guarding, end_all(guarding, status));
        }
}

/* False: `heeler expect` is gone, or wants no more. */
static bool obey(struct guarding *guarding)
{
    struct request request;

    if (recv(guarding->fd, &request, sizeof request, 0) != (ssize_t)sizeof request)
        return false;
    if (request.message == END) {
        end_command(guarding);
        return true;
    }
    run(guarding, &request.order);
    if (guarding->pid < 0) {
        guarding->pid = 0;
        tell(guarding, NOT_STARTED << 8);
    }
    return true;
}

static void serve(struct guarding *guarding)
{
    struct pollfd fds[] = { { guarding->fd, POLLIN, 0 }, { guarding->signals, POLLIN, 0 } };

    for (;;) {
        if (poll(fds, 2, -1) < 0)
            continue;
        if ((fds[1].revents & POLLIN) != 0)
            reap(guarding);
        if (fds[0].revents != 0 && !obey(guarding))
            return;
    }
}

/* What a terminal or a shell sends to the command's group is not for it. */
static bool prepare(struct guarding *guarding)
{
    sigset_t blocked;

    setsid();
    prctl(PR_SET_NAME, "heeler-guard");
    for (int number = 1; number < NSIG; number++)
        if (number != SIGCHLD)
            signal(number, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    guarding->signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    return guarding->signals >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

/* What the guard says first. */
struct ready {
    int error;                     /* errno; 0: none */
    char path[EXPECT_FOLDER_SIZE]; /* with an error: which could not be made, or "" */
};

static bool get_ready(struct guarding *guarding)
{
    bool fine = prepare(guarding) && expect_folder_make(&guarding->folder);
    struct ready ready = { .error = fine ? 0 : errno };

    memcpy(ready.path, guarding->folder.path, sizeof ready.path);
    (void)send(guarding->fd, &ready, sizeof ready, MSG_NOSIGNAL);
    return fine;
}

static _Noreturn void guard_main(int fd, char **command)
{
    struct guarding guarding = { .fd = fd, .command = command, .folder = { .lock = -1 } };

    if (!get_ready(&guarding))
        _exit(0);
    serve(&guarding);
    (void)end_all(&guarding, 0);
    expect_folder_remove(&guarding.folder);
    _exit(0);
}

/* ---- who has it -------------------------------------------------------- */

/* What it says first. False, with errno, and the guard is gone: it could not. */
static bool await_ready(const struct guard *guard, struct expect_folder *folder)
{
    struct ready ready = { .path = "" };

    if (recv(guard->fd, &ready, sizeof ready, 0) != (ssize_t)sizeof ready)
        ready.error = ECHILD;
    *folder = (struct expect_folder){ .lock = -1 };
    memcpy(folder->path, ready.path, sizeof folder->path);
    if (ready.error == 0)
        return true;
    close(guard->fd);
    (void)waitpid(guard->pid, NULL, 0);
    errno = ready.error;
    return false;
}

bool guard_start(struct guard *out, char **command, struct expect_folder *folder)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    fflush(NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    out->pid = fork();
    if (out->pid == 0) {
        close(fds[0]);
        guard_main(fds[1], command);
    }
    int why = errno;

    close(fds[1]);
    out->fd = fds[0];
    if (out->pid > 0)
        return await_ready(out, folder);
    close(fds[0]);
    errno = why;
    return false;
}

static void request(const struct guard *guard, const struct request *request)
{
    (void)send(guard->fd, request, sizeof *request, MSG_NOSIGNAL);
}

void guard_run(const struct guard *guard, const struct guard_order *order)
{
    request(guard, &(struct request){ RUN, *order });
}

void guard_end_command(const struct guard *guard)
{
    request(guard, &(struct request){ .message = END });
}

bool guard_status(const struct guard *guard, int *status)
{
    return recv(guard->fd, status, sizeof *status, 0) == (ssize_t)sizeof *status;
}

void guard_free(struct guard *given, struct expect_folder *folder)
{
    struct descendants_end rest = { .status = 0 };
    int status;

    close(given->fd);
    while (waitpid(given->pid, &status, 0) < 0 && errno == EINTR) {
    }
    descendants_end(&rest, 0);
    expect_folder_remove(folder);
}
