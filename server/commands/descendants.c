#include "server/commands/descendants.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/clock.h"

enum { GIVE_UP_MS = 10000, LOOK_MS = 10 };

struct process {
    pid_t pid, parent;
    bool ours;
};

struct processes {
    struct process *at;
    size_t n, capacity;
};

/* "42 (a ) name) S 41 ..." False: it is gone. */
static bool read_parent(pid_t pid, pid_t *parent)
{
    char path[32], line[512];
    int number;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = '\0';
    const char *end = strrchr(line, ')');
    if (end == NULL || sscanf(end + 1, " %*c %d", &number) != 1)
        return false;
    *parent = number;
    return true;
}

static void add(struct processes *all, pid_t pid)
{
    struct process process = { .pid = pid };

    if (!read_parent(pid, &process.parent))
        return;
    if (all->n == all->capacity) {
        size_t capacity = 2 * all->capacity + 64;
        struct process *at = realloc(all->at, capacity * sizeof *at);

        if (at == NULL)
            return;
        all->at = at;
        all->capacity = capacity;
    }
    all->at[all->n++] = process;
}

static void read_all(struct processes *out)
{
    DIR *entries = opendir("/proc");
    const struct dirent *entry;

    *out = (struct processes){ .at = NULL };
    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0)
            add(out, pid);
    }
    closedir(entries);
}

static bool is_ours(const struct processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].pid == pid)
            return all->at[i].ours;
    return pid == getpid();
}

/* Again until nobody is found any more: who is listed first may be a child of who is last. */
static void find_ours(struct processes *all)
{
    pid_t self = getpid();

    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < all->n; i++) {
            struct process *one = &all->at[i];

            if (one->ours || one->pid == self ||
                (one->parent != self && !is_ours(all, one->parent)))
                continue;
            one->ours = more = true;
        }
    }
}

static void send_all(int number)
{
    struct processes all;

    read_all(&all);
    find_ours(&all);
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].ours)
            kill(all.at[i].pid, number);
    free(all.at);
}

/* False: there are none left. */
static bool reap(struct descendants_end *end)
{
    pid_t gone;
    int status;

    while ((gone = waitpid(-1, &status, WNOHANG)) > 0)
        if (gone == end->main)
            end->status = status;
    return gone == 0 || errno == EINTR;
}

void descendants_end(struct descendants_end *end, int grace_ms)
{
    int64_t begun_ms = clock_monotonic_ms();

    if (!reap(end))
        return;
    if (grace_ms > 0)
        send_all(SIGTERM);
    while (reap(end)) {
        int64_t passed_ms = clock_monotonic_ms() - begun_ms;

        if (passed_ms >= grace_ms + GIVE_UP_MS)
            return;
        if (passed_ms >= grace_ms || (end->hurry != NULL && end->hurry(end->argument)))
            send_all(SIGKILL);
        poll(NULL, 0, LOOK_MS);
    }
}
