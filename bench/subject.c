#include "bench/subject.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/scrape.h"

enum { START_SECONDS = 30, STOP_SECONDS = 10 };

static void nap(double seconds)
{
    nanosleep(&(struct timespec){ (time_t)seconds,
                                  (long)((seconds - (double)(time_t)seconds) * 1e9) },
              NULL);
}

/* ---- start and stop ---------------------------------------------------- */

static _Noreturn void become(const struct subject_order *order)
{
    int log = open(order->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    char *command;

    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no server outlives an interrupted bench */
    if (log >= 0) {
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
    }
    if (!pin_to_cpu(order->cpu) || asprintf(&command, "exec %s", order->command) < 0)
        _exit(127);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

bool subject_alive(const struct subject *subject)
{
    siginfo_t info = { 0 };

    /* WNOWAIT: the status stays for subject_stop() to collect. */
    return waitid(P_PID, (id_t)subject->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

static bool is_ready(const struct subject *subject)
{
    double end = clock_seconds() + START_SECONDS;

    while (subject->order->ready != NULL && scrape_status(subject->order->ready) != 200) {
        if (clock_seconds() > end || !subject_alive(subject))
            return false;
        nap(0.05);
    }
    nap(subject->order->settle_seconds);
    return subject_alive(subject);
}

bool subject_start(struct subject *subject, const struct subject_order *order)
{
    *subject = (struct subject){ .order = order, .pid = fork() };
    if (subject->pid == 0)
        become(order);
    if (subject->pid < 0) {
        perror("fork");
        return false;
    }
    if (is_ready(subject))
        return true;
    fprintf(stderr, "the server did not become ready; its output is in %s\n", order->log);
    subject_stop(subject);
    return false;
}

void subject_stop(struct subject *given)
{
    double end = clock_seconds() + STOP_SECONDS;

    kill(given->pid, SIGTERM);
    while (waitpid(given->pid, NULL, WNOHANG) == 0) {
        if (clock_seconds() > end) {
            fprintf(stderr, "the server ignored SIGTERM for %d s and was killed\n",
                    STOP_SECONDS);
            kill(given->pid, SIGKILL);
            waitpid(given->pid, NULL, 0);
            break;
        }
        nap(0.02);
    }
    given->pid = -1;
}

/* ---- what it cost ------------------------------------------------------ */

/* Of all threads, also of those that have ended; to the nanosecond, where /proc/PID/stat has
 * ticks of 10 ms. */
static bool read_cpu(pid_t pid, double *out)
{
    clockid_t clock;
    struct timespec used;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return false;
    *out = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    return true;
}

bool subject_usage(const struct subject *subject, struct subject_usage *out)
{
    char path[64], line[256];
    unsigned long long kib;
    FILE *file;

    *out = (struct subject_usage){ 0 };
    snprintf(path, sizeof path, "/proc/%d/status", (int)subject->pid);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %llu kB", &kib) == 1)
            out->resident_bytes = kib * 1024;
        else if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            out->peak_bytes = kib * 1024;
    }
    fclose(file);
    return read_cpu(subject->pid, &out->cpu_seconds);
}

/* ---- what arrived, and what did not ------------------------------------ */

static bool read_number(const char *command, double *out)
{
    FILE *pipe = popen(command, "re");
    bool read = pipe != NULL && fscanf(pipe, "%lf", out) == 1;

    return pipe != NULL && pclose(pipe) == 0 && read;
}

bool subject_lines(const struct subject *subject, double *out)
{
    const struct subject_order *order = subject->order;
    double less = 0;

    if (order->total_from != NULL) {
        if (!scrape_sum(order->total_from, "heeler_lines_received_total", out) ||
            (order->total_less != NULL &&
             !scrape_sum(order->total_from, order->total_less, &less)))
            return false;
        *out -= less;
        return true;
    }
    return order->read_total != NULL && read_number(order->read_total, out);
}

static void add_udp_state(const char *path, uint16_t port, struct udp_state *state)
{
    FILE *file = fopen(path, "re");
    char line[512];
    unsigned local, queued;
    unsigned long long dropped;

    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line,
                   " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %*x %*x:%x %*x:%*x %*x %*u %*u %*u %*u "
                   "%*s %llu",
                   &local, &queued, &dropped) == 3 &&
            local == port) {
            state->sockets++;
            state->queued_bytes += queued;
            state->dropped_datagrams += dropped;
        }
    fclose(file);
}

struct udp_state udp_state(uint16_t port)
{
    struct udp_state state = { 0 };

    add_udp_state("/proc/net/udp", port, &state);
    add_udp_state("/proc/net/udp6", port, &state);
    return state;
}
