/* server/http/process_name.h: what the process of a pid is called: its comm in /proc.
 *
 * Names are kept for some seconds, as pids are used again, and those of processes that have
 * ended for as long as nobody else needs their place. A name is bytes of a stranger: a process
 * calls itself what it likes. One thread; time is an argument. */
#ifndef SERVER_HTTP_PROCESS_NAME_H
#define SERVER_HTTP_PROCESS_NAME_H

#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_NAMES = 512, PROCESS_NAME_SIZE = 20, PROCESS_NAME_GOOD_MS = 10000 };

/* { 0 } is empty. */
struct process_names {
    struct {
        pid_t pid; /* 0: none */
        int64_t read_ms;
        char name[PROCESS_NAME_SIZE];
    } at[PROCESS_NAMES]; /* by pid */
};

/* A view until the next call. Empty: nobody knows. */
const char *process_name(struct process_names *names, pid_t pid, int64_t now_ms);

#endif
