/* bench/subject.h: the server under measurement, started, watched and stopped.
 *
 * Nothing here trusts the generator: what arrived comes from the server's own
 * books (its /metrics page, or a command that prints one number), what was
 * lost in the kernel from /proc/net/udp, what it cost from its own clock and /proc/PID. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct subject_order {
    const char *command;    /* run by sh as `exec COMMAND`, so that its pid is the server's */
    const char *log;        /* file for its output */
    const char *total_from; /* URL of a Prometheus page, or NULL */
    const char *total_less; /* metric of that page to take away from it, or NULL */
    const char *read_total; /* command that prints the lines received so far, or NULL */
    const char *ready;      /* URL that answers 200 once the server is up, or NULL */
    double settle_seconds;  /* waited after that */
    int cpu;                /* -1: anywhere */
};

struct subject {
    const struct subject_order *order;
    pid_t pid;
};

struct subject_usage {
    double cpu_seconds; /* user and system, all threads */
    uint64_t resident_bytes, peak_bytes;
};

/* False after a sentence on stderr, and then nothing is left running. */
bool subject_start(struct subject *subject, const struct subject_order *order);

/* SIGTERM, and SIGKILL after ten seconds. */
void subject_stop(struct subject *given);

/* False once it has exited. */
bool subject_alive(const struct subject *subject);
bool subject_usage(const struct subject *subject, struct subject_usage *out);

/* Lines received by the server's own account, without those that it gave up; false when
 * there is none. */
bool subject_lines(const struct subject *subject, double *out);

/* Adds up all UDP sockets bound to the port, IPv4 and IPv6. */
struct udp_state {
    uint64_t sockets, queued_bytes, dropped_datagrams;
};
struct udp_state udp_state(uint16_t port);

#endif
