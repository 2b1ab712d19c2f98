#include "server/succession/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"

enum { WORDS_MAX = 4096, TURN_MS = 5 };

/* Static: of the process. */
static struct {
    char path[PATH_MAX];
    char *text; /* the words behind each other */
    char *words[WORDS_MAX + 1];
    int n;
} self;

/* One that was killed and has not ended; 0: there is none. Main's. */
static pid_t stuck;

#define KILL_NS INT64_C(100000000) /* until one that is killed ends, which is at once */

/* ---- how this program was started -------------------------------------- */

/* All of a small file, owned; NULL. */
static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t capacity = 0, n = 1;

    for (*len = 0; file != NULL && n > 0; *len += n) {
        if (capacity - *len < 4096) {
            char *grown = realloc(text, capacity + 8192);
            if (grown == NULL)
                break;
            text = grown;
            capacity += 8192;
        }
        n = fread(text + *len, 1, capacity - *len, file);
    }
    if (file != NULL)
        fclose(file);
    return text;
}

static bool is_this_program(const char *path)
{
    struct stat own, found;

    return stat("/proc/self/exe", &own) == 0 && stat(path, &found) == 0 &&
           own.st_dev == found.st_dev && own.st_ino == found.st_ino;
}

/* The path is the word as it was typed, so that a link in it is followed anew. */
static bool path_from_word(const char *word)
{
    char folder[PATH_MAX / 2];

    if (strchr(word, '/') == NULL)
        return false;
    if (word[0] == '/')
        snprintf(self.path, sizeof self.path, "%s", word);
    else if (getcwd(folder, sizeof folder) != NULL)
        snprintf(self.path, sizeof self.path, "%s/%s", folder, word);
    return is_this_program(self.path);
}

static bool path_from_search(const char *word)
{
    const char *at = getenv("PATH");

    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");

        snprintf(self.path, sizeof self.path, "%.*s/%s", (int)len, at, word);
        if (len > 0 && is_this_program(self.path))
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

static void find_path(const char *word)
{
    if (path_from_word(word) || (strchr(word, '/') == NULL && path_from_search(word)))
        return;
    ssize_t n = readlink("/proc/self/exe", self.path, sizeof self.path - 1);

    self.path[n > 0 ? n : 0] = '\0';
}

void handover_init(void)
{
    size_t len;

    free(self.text);
    self.n = 0;
    self.text = read_file("/proc/self/cmdline", &len);
    for (size_t at = 0; self.text != NULL && at < len && self.n < WORDS_MAX;
         at += strlen(self.text + at) + 1)
        self.words[self.n++] = self.text + at;
    self.words[self.n] = NULL;
    if (self.n > 0)
        find_path(self.words[0]);
}

/* ---- asking ------------------------------------------------------------ */

static bool goes_on(const struct handover_patience *patience)
{
    return patience->go_on(patience->argument) && clock_monotonic_ns() < patience->until_ns;
}

/* Reads what the program writes to the descriptor until it closes it, and keeps the end of it
 * in out. The descriptor does not block. False: our patience is at its end. */
static bool hear(int fd, char *out, size_t size, const struct handover_patience *patience)
{
    size_t len = 0;

    while (goes_on(patience)) {
        struct pollfd ready = { fd, POLLIN, 0 };

        if (len == size - 1) {
            memmove(out, out + size / 2, len - size / 2);
            len -= size / 2;
        }
        ssize_t n = read(fd, out + len, size - 1 - len);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            poll(&ready, 1, TURN_MS); /* a signal ends it early; go_on() sees to that signal */
            continue;
        }
        out[len += n > 0 ? (size_t)n : 0] = '\0';
        if (n <= 0)
            return true;
    }
    return false;
}

/* Starts the program with signals as a fresh process has them. What it writes to `output` goes
 * to the descriptor `to`. */
static int spawn(char **words, int output, int to, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 3 - output, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to, output);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(pid, self.path, &actions, &attributes, words, environ);

    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Whether the process has ended by then. */
static bool wait_for(pid_t pid, int *status, const struct handover_patience *patience)
{
    do {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        poll(NULL, 0, 1);
    } while (goes_on(patience));
    return false;
}

static bool waits_on(void *argument)
{
    (void)argument;
    return true;
}

/* Waits for the process to end, if `wait` says so and patience lasts; otherwise kills it. True:
 * it ended by itself. One that has files of ours on a disk that hangs closes them first, and no
 * signal ends that: it stays, and is looked at the next time. */
static bool reap(pid_t pid, bool wait, int *status, const struct handover_patience *patience)
{
    if (wait && wait_for(pid, status, patience))
        return true;
    const struct handover_patience until_killed = { waits_on, NULL,
                                                    clock_monotonic_ns() + KILL_NS };

    kill(pid, SIGKILL);
    if (!wait_for(pid, status, &until_killed))
        stuck = pid;
    return false;
}

/* Whether the program that was asked before is still there. */
static bool is_stuck(void)
{
    if (stuck != 0 && waitpid(stuck, NULL, WNOHANG) != 0)
        stuck = 0;
    return stuck != 0;
}

/* Runs the program; its exit status, or -1 with a sentence in out. */
static int ask(char **words, int output, const struct handover_patience *patience, char *out,
               size_t size)
{
    int ends[2], status = 0;
    pid_t pid;

    out[0] = '\0';
    if (is_stuck()) {
        snprintf(out, size, "the one that was asked before does not end: a disk hangs");
        return -1;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(out, size, "%s", strerror(errno));
        return -1;
    }
    int error = spawn(words, output, ends[1], &pid);

    close(ends[1]);
    bool heard = error == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
                 hear(ends[0], out, size, patience);

    close(ends[0]);
    if (error != 0) {
        snprintf(out, size, "it does not start: %s", strerror(error));
        return -1;
    }
    heard = reap(pid, heard, &status, patience) && heard;
    if (heard && WIFEXITED(status))
        return WEXITSTATUS(status);
    snprintf(out, size, heard ? "it crashes" : "it does not answer");
    return -1;
}

/* The last line of the text, as a sentence: without "heeler: " and the end of the line. */
static const char *last_line(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    char *last = strrchr(text, '\n');

    last = last != NULL ? last + 1 : text;
    return strncmp(last, "heeler: ", 8) == 0 ? last + 8 : last;
}

/* The words of this process, for its sub-command check. */
static void make_check(char **words)
{
    int from = self.n > 1 && strcmp(self.words[1], "run") == 0 ? 2 : 1, n = 0;

    words[n++] = self.words[0];
    words[n++] = (char *)(uintptr_t) "check";
    for (int i = from; i < self.n; i++)
        words[n++] = self.words[i];
    words[n] = NULL;
}

/* The answer is a number on each line, ascending. *newest: the last one; *ours: our version is
 * among them. */
static bool read_versions(const char *answer, long *newest, bool *ours)
{
    char *end;

    for (const char *line = answer; line == answer || *line != '\0'; line = end + 1) {
        *newest = strtol(line, &end, 10);
        if (end == line || *end != '\n')
            return false;
        *ours = *ours || *newest == STATE_VERSION;
    }
    return true;
}

enum handover_answer handover_ask(const struct handover_patience *patience, char *problem,
                                  size_t problem_size)
{
    char *version[] = { self.words[0], (char *)(uintptr_t) "--state-version", NULL };
    static char *check[WORDS_MAX + 2];
    char answer[1024];

    snprintf(problem, problem_size, "how this program was started is not known");
    if (self.n == 0)
        return HANDOVER_REFUSED;
    int status = ask(version, STDOUT_FILENO, patience, answer, sizeof answer);
    long reads;
    bool ours = false;

    if (status != 0 || !read_versions(answer, &reads, &ours)) {
        snprintf(problem, problem_size, "%s does not say which state it reads: %s", self.path,
                 status < 0 ? answer : "it is no heeler that takes over");
        return HANDOVER_REFUSED;
    }
    make_check(check);
    status = ask(check, STDERR_FILENO, patience, answer, sizeof answer);
    if (status != 0) {
        snprintf(problem, problem_size, "%s does not take the settings: %s", self.path,
                 last_line(answer));
        return HANDOVER_REFUSED;
    }
    if (ours)
        return HANDOVER_STATE;
    snprintf(problem, problem_size, "%s reads version %ld of the state, this program writes %d",
             self.path, reads, STATE_VERSION);
    return HANDOVER_SOCKETS;
}

/* ---- the exec ---------------------------------------------------------- */

void handover_exec(const struct inheritance *inheritance)
{
    if (self.n > 0 && inheritance_pass_on(inheritance))
        execv(self.path, self.words);
    int why = errno;

    inheritance_take_back(inheritance);
    errno = why;
}
