#include "server/http/process_name.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* False: there is no such process. */
static bool read_name(pid_t pid, char out[PROCESS_NAME_SIZE])
{
    char path[40];

    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, PROCESS_NAME_SIZE - 1);
    close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

const char *process_name(struct process_names *names, pid_t pid, int64_t now_ms)
{
    size_t i = (size_t)pid % PROCESS_NAMES;
    char name[PROCESS_NAME_SIZE] = "";
    bool is_known = names->at[i].pid == pid;

    if (pid <= 0)
        return "";
    if (is_known && now_ms - names->at[i].read_ms < PROCESS_NAME_GOOD_MS)
        return names->at[i].name;
    if (read_name(pid, name) || !is_known)
        memcpy(names->at[i].name, name, sizeof name);
    names->at[i].pid = pid;
    names->at[i].read_ms = now_ms;
    return names->at[i].name;
}
