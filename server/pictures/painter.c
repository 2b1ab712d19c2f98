#include "server/pictures/painter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/files.h"

enum { SENTENCE_SIZE = 512, DEFINITION_FD = 0, PICTURE_FD = 1, SENTENCE_FD = 2, PIPES = 3 };

/* The exit status of heeler-chart when the definition is wrong. */
enum { BAD_DEFINITION = 2 };

struct painting {
    struct painting *next;
    struct painter *painter;
    painter_tell *tell; /* NULL: it was told */
    void *argument;
    struct slice definition; /* what is still to be written */
    struct bytes picture;
    char sentence[SENTENCE_SIZE];
    size_t sentence_len;
    pid_t pid; /* 0: it waits for its turn */
    int fds[PIPES];
    struct event *events[PIPES];
    struct event *timer, *reap;
};

const struct painter_program painter_chart = { .name = "heeler-chart",
                                               .does = "draws pictures",
                                               .setting = "heeler_chart_path",
                                               .makes = "picture",
                                               .begins = "\x89PNG\r\n\x1a\n" };
const struct painter_program painter_calendar = { .name = "heeler-calendar",
                                                  .does = "knows when downtimes recur",
                                                  .setting = "heeler_calendar_path",
                                                  .makes = "answer",
                                                  .begins = "",
                                                  .may_say_nothing = true };

struct painter {
    struct event_base *base;
    const struct painter_program *is;
    char program[PATH_MAX];
    int64_t timeout_ms;
    struct painting *first; /* those that have a program, and behind them those that wait */
    int n_running, n_waiting;
    struct event *stuck; /* pending while some wait */
};

/* ---- the end of one ---------------------------------------------------- */

static void close_pipe(struct painting *painting, int which)
{
    if (painting->events[which] != NULL)
        event_free(painting->events[which]);
    painting->events[which] = NULL;
    if (painting->fds[which] >= 0)
        close(painting->fds[which]);
    painting->fds[which] = -1;
}

/* Nobody finds it any more. */
static void unlink_painting(struct painting *painting)
{
    struct painting **at = &painting->painter->first;

    while (*at != painting)
        at = &(*at)->next;
    *at = painting->next;
}

static void painting_free(struct painting *given)
{
    for (int i = 0; i < PIPES; i++)
        close_pipe(given, i);
    if (given->timer != NULL)
        event_free(given->timer);
    if (given->reap != NULL)
        event_free(given->reap);
    bytes_free(&given->picture);
    free(given);
}

/* It goes on without a word when it has told before. */
static void tell(struct painting *painting, enum painter_result result, const char *sentence)
{
    painter_tell *to = painting->tell;

    painting->tell = NULL;
    if (to != NULL)
        to(result, &painting->picture, sentence, painting->argument);
}

/* The sentence without the name of the program and the end of the line. */
static const char *sentence_of(struct painting *painting)
{
    const char *name = painting->painter->is->name;
    size_t len = strlen(name);
    char *text = painting->sentence;

    text[painting->sentence_len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
                                                                              : text;
}

static void tell_failed(struct painting *painting, const char *before, const char *word,
                        const char *behind)
{
    char sentence[SENTENCE_SIZE];

    snprintf(sentence, sizeof sentence, "%s%s%s", before, word, behind);
    tell(painting, PAINTER_FAILED, sentence);
}

static bool begins_well(const struct painting *painting)
{
    struct slice answer = bytes_view(&painting->picture);

    return slice_starts(answer, slice_of(painting->painter->is->begins));
}

/* status: of waitpid(); -1: the system keeps none. */
static void tell_end(struct painting *painting, int status)
{
    const struct painter_program *is = painting->painter->is;
    const char *said = sentence_of(painting);
    bool has_answer = painting->picture.len > 0 || (is->may_say_nothing && status == 0);

    if (painting->picture.failed)
        tell_failed(painting, "not enough memory for the ", is->makes, "");
    else if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == BAD_DEFINITION)
        tell(painting, PAINTER_REFUSED, said);
    else if (has_answer && (status == -1 || status == 0) && begins_well(painting))
        tell(painting, PAINTER_DONE, "");
    else if (has_answer && said[0] == '\0' && status == 0)
        tell_failed(painting, is->name, " wrote something that is no ", is->makes);
    else if (said[0] != '\0')
        tell(painting, PAINTER_FAILED, said);
    else
        tell_failed(painting, "", is->name, " crashed");
}

static void start_waiting(struct painter *painter);
static void await_an_end(struct painter *painter);

/* Its outputs are closed, and it is about to end or has; a moment later this looks again. One
 * that lingers is killed when its time is over. */
static void reap(evutil_socket_t fd, short what, void *argument)
{
    static const struct timeval moment = { 0, 2000 };
    struct painting *painting = argument;
    struct painter *painter = painting->painter;
    int status = -1;
    pid_t gone = waitpid(painting->pid, &status, WNOHANG);

    (void)fd, (void)what;
    if (gone == 0 || (gone < 0 && errno == EINTR)) {
        event_add(painting->reap, &moment);
        return;
    }
    painter->n_running--;
    unlink_painting(painting);
    tell_end(painting, gone > 0 ? status : -1);
    painting_free(painting);
    start_waiting(painter);
    await_an_end(painter);
}

/* With what it may have started itself, which would hold its pipes. */
static void kill_group(const struct painting *painting)
{
    kill(-painting->pid, SIGKILL);
}

/* Its place is free when it has gone, which may take as long as a disk hangs. */
static void give_up(struct painting *painting, enum painter_result result, const char *why)
{
    char sentence[SENTENCE_SIZE];

    kill_group(painting);
    close_pipe(painting, DEFINITION_FD);
    snprintf(sentence, sizeof sentence, "the %s %s", painting->painter->is->makes, why);
    tell(painting, result, sentence);
}

/* ---- pipes ------------------------------------------------------------- */

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct painting *painting = argument;
    ssize_t n = write(fd, painting->definition.at, painting->definition.len);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        painting->definition = slice_skip(painting->definition, (size_t)n);
    if (n < 0 || painting->definition.len == 0)
        close_pipe(painting, DEFINITION_FD);
}

/* True: there may be more. */
static bool read_picture(struct painting *painting, int fd)
{
    enum { PIECE = 64 * 1024 };
    unsigned char piece[PIECE];
    ssize_t n = read(fd, piece, sizeof piece);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (painting->tell != NULL)
        bytes_add(&painting->picture, piece, (size_t)n);
    if (painting->picture.len > PAINTER_PICTURE_MAX)
        give_up(painting, PAINTER_FAILED, "is too large");
    return n > 0;
}

static bool read_sentence(struct painting *painting, int fd)
{
    char piece[SENTENCE_SIZE];
    size_t room = sizeof painting->sentence - 1 - painting->sentence_len;
    ssize_t n = read(fd, piece, sizeof piece);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    room = room < (size_t)n ? room : (size_t)n;
    memcpy(painting->sentence + painting->sentence_len, piece, room);
    painting->sentence_len += room;
    return n > 0;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct painting *painting = argument;
    int which = fd == painting->fds[PICTURE_FD] ? PICTURE_FD : SENTENCE_FD;
    bool goes_on =
        which == PICTURE_FD ? read_picture(painting, fd) : read_sentence(painting, fd);

    (void)what;
    if (goes_on)
        return;
    close_pipe(painting, which);
    if (painting->fds[PICTURE_FD] < 0 && painting->fds[SENTENCE_FD] < 0)
        reap(-1, 0, painting);
}

static void on_timeout(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    give_up(argument, PAINTER_SLOW, "took longer than it may");
}

/* ---- the start --------------------------------------------------------- */

/* Neither end is one of the first three descriptors, which the program's are put at. */
static bool open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        int low = ends[i];
        if (low > 2)
            continue;
        ends[i] = fcntl(low, F_DUPFD_CLOEXEC, 3);
        close(low);
    }
    return ends[0] >= 0 && ends[1] >= 0;
}

static void close_ends(int ends[PIPES])
{
    for (int i = 0; i < PIPES; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

/* Ours go to the painting and do not block, the others to theirs. */
static bool open_pipes(struct painting *painting, int theirs[PIPES])
{
    for (int i = 0; i < PIPES; i++) {
        int ends[2] = { -1, -1 }, ours = i == DEFINITION_FD ? 1 : 0;
        bool opened = open_pipe(ends);
        painting->fds[i] = ends[ours];
        theirs[i] = ends[1 - ours];
        if (!opened || fcntl(painting->fds[i], F_SETFL, O_NONBLOCK) != 0)
            return false;
    }
    return true;
}

/* Ours are closed when it runs, and those that somebody left open to us as well. To close them
 * before that would take posix_spawn(), and so us, to a disk that hangs and has one of them.
 * False: the kernel is older. */
static bool keep_others_from_it(void)
{
    return close_range(PIPES, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

/* 0, or what is wrong (errno). */
static int spawn(const struct painter *painter, const int theirs[PIPES], pid_t *pid)
{
    char name[64], *words[] = { name, NULL }, *environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    snprintf(name, sizeof name, "%s", painter->is->name);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < PIPES; i++)
        posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    if (!keep_others_from_it())
        posix_spawn_file_actions_addclosefrom_np(&actions, PIPES);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn(pid, painter->program, &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static bool watch(struct painting *painting)
{
    struct event_base *base = painting->painter->base;
    struct timeval timeout = clock_wait_ms(painting->painter->timeout_ms);

    for (int i = 0; i < PIPES; i++) {
        painting->events[i] = event_new(
            base, painting->fds[i], (i == DEFINITION_FD ? EV_WRITE : EV_READ) | EV_PERSIST,
            i == DEFINITION_FD ? on_writable : on_readable, painting);
        if (painting->events[i] == NULL || event_add(painting->events[i], NULL) != 0)
            return false;
    }
    painting->timer = event_new(base, -1, 0, on_timeout, painting);
    painting->reap = event_new(base, -1, 0, reap, painting);
    return painting->reap != NULL && painting->timer != NULL &&
           event_add(painting->timer, &timeout) == 0;
}

/* A view of the painting. The program is a package of its own, so it may be missing. */
static const char *cannot_start(struct painting *painting, int error)
{
    const struct painter *painter = painting->painter;
    int len = snprintf(painting->sentence, sizeof painting->sentence, "%.300s, which %s, ",
                       painter->program, painter->is->does);
    char *rest = painting->sentence + len;
    size_t room = sizeof painting->sentence - (size_t)len;

    if (error == ENOENT)
        snprintf(rest, room, "is not there: install the package %s, or set %s",
                 painter->is->name, painter->is->setting);
    else
        snprintf(rest, room, "does not start: %s", strerror(error));
    return painting->sentence;
}

/* NULL, or why it has no program; static, or a view of the painting. */
static const char *start(struct painting *painting)
{
    int theirs[PIPES] = { -1, -1, -1 };

    if (!open_pipes(painting, theirs) || !watch(painting)) {
        close_ends(theirs);
        return "not enough memory or descriptors to draw";
    }
    int error = spawn(painting->painter, theirs, &painting->pid);
    close_ends(theirs);
    return error == 0 ? NULL : cannot_start(painting, error);
}

static void start_one(struct painting *painting)
{
    const char *problem = start(painting);

    if (problem == NULL) {
        painting->painter->n_running++;
        return;
    }
    unlink_painting(painting);
    tell(painting, PAINTER_FAILED, problem);
    painting_free(painting);
}

/* The first that waits; there is one. */
static struct painting *next_in_turn(const struct painter *painter)
{
    struct painting *at = painter->first;

    while (at->pid != 0)
        at = at->next;
    return at;
}

/* Some end in this time, or those that were killed do not end. */
static void await_an_end(struct painter *painter)
{
    struct timeval most = clock_wait_ms(painter->timeout_ms + PAINTER_PATIENCE_MS);

    if (painter->n_waiting > 0)
        event_add(painter->stuck, &most);
    else
        event_del(painter->stuck);
}

/* One that cannot start is told so, which may bring another: each turn looks anew. */
static void start_waiting(struct painter *painter)
{
    while (painter->n_running < PAINTER_AT_ONCE && painter->n_waiting > 0) {
        painter->n_waiting--;
        start_one(next_in_turn(painter));
    }
}

/* Nobody else is made to wait for what a disk holds. Who is told may ask anew. */
static void on_stuck(evutil_socket_t fd, short what, void *argument)
{
    struct painter *painter = argument;

    (void)fd, (void)what;
    for (int left = painter->n_waiting; left > 0; left--) {
        struct painting *painting = next_in_turn(painter);

        painter->n_waiting--;
        unlink_painting(painting);
        tell(painting, PAINTER_BUSY, "the programs that were started before do not end");
        painting_free(painting);
    }
    await_an_end(painter);
}

/* NULL: there is no memory, or there are too many. */
static struct painting *painting_new(struct painter *painter)
{
    struct painting *painting =
        painter->n_waiting < PAINTER_WAITING_MAX ? calloc(1, sizeof *painting) : NULL;
    struct painting **last = &painter->first;

    if (painting == NULL)
        return NULL;
    *painting = (struct painting){ .painter = painter, .fds = { -1, -1, -1 } };
    while (*last != NULL)
        last = &(*last)->next;
    *last = painting;
    painter->n_waiting++;
    return painting;
}

void painter_paint(struct painter *painter, struct slice definition, painter_tell *to,
                   void *argument)
{
    struct painting *painting = painting_new(painter);

    if (painting == NULL) {
        to(PAINTER_BUSY, &(struct bytes){ 0 },
           "too many pictures are asked for at the same time", argument);
        return;
    }
    painting->definition = definition;
    painting->tell = to;
    painting->argument = argument;
    start_waiting(painter);
    if (painter->n_waiting == 1)
        await_an_end(painter);
}

/* ---- all --------------------------------------------------------------- */

struct painter *painter_new(struct event_base *base, const struct painter_program *program,
                            const char *path, int64_t timeout_ms)
{
    struct painter *painter = calloc(1, sizeof *painter);

    if (painter == NULL ||
        (painter->stuck = event_new(base, -1, 0, on_stuck, painter)) == NULL) {
        free(painter);
        return NULL;
    }
    painter->base = base;
    painter->is = program;
    painter->timeout_ms = timeout_ms;
    if (path[0] != '\0')
        snprintf(painter->program, sizeof painter->program, "%s", path);
    else if (!files_beside_program(painter->program, program->name))
        snprintf(painter->program, sizeof painter->program, "/usr/bin/%s", program->name);
    return painter;
}

/* One that a disk holds is left to whoever inherits it. Its end is seen at any of its pipes,
 * whatever is asked of them. */
static void kill_program(const struct painting *painting)
{
    enum { PATIENCE_MS = 1000 };
    int fd = painting->fds[SENTENCE_FD] >= 0 ? painting->fds[SENTENCE_FD]
                                             : painting->fds[PICTURE_FD];
    struct pollfd gone = { .fd = fd };

    kill_group(painting);
    bool ended = poll(&gone, 1, PATIENCE_MS) > 0;
    (void)waitpid(painting->pid, NULL, ended ? 0 : WNOHANG);
}

void painter_free(struct painter *given)
{
    if (given == NULL)
        return;
    while (given->first != NULL) {
        struct painting *first = given->first;
        if (first->pid != 0)
            kill_program(first);
        unlink_painting(first);
        painting_free(first);
    }
    event_free(given->stuck);
    free(given);
}

int painter_running(const struct painter *painter)
{
    return painter->n_running;
}
