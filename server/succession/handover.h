/* server/succession/handover.h: another program in the same process (SIGUSR2).
 *
 * The program is looked for at the path that this one was started by, so a new file
 * there, or a link that leads elsewhere, is what comes next; with the same words and
 * environment. It is asked first, in a process of its own, whether it could: which
 * version of the state it reads, and whether it takes the settings. */
#ifndef SERVER_SUCCESSION_HANDOVER_H
#define SERVER_SUCCESSION_HANDOVER_H

#include "server/succession/inheritance.h"

/* At the start, while the path still leads to this program. */
void handover_init(void);

enum handover_answer {
    HANDOVER_STATE,   /* it goes on where this one ends */
    HANDOVER_SOCKETS, /* it reads another version: what is open is to be flushed first */
    HANDOVER_REFUSED, /* it does not run, or takes no such settings */
};

/* How long the other program may think, and what else is to be done while it does: HTTP
 * must answer. go_on() is called again and again; false: the question is given up. */
struct handover_patience {
    bool (*go_on)(void *context);
    void *context;
    int64_t until_ns; /* monotonic */
};

/* Some ten milliseconds, until the end of patience when it hangs. A sentence unless it is
 * the first. */
enum handover_answer handover_ask(const struct handover_patience *patience, char *problem,
                                  size_t problem_size);

/* Returns only when it fails, with errno; then the inheritance is as before. */
void handover_exec(const struct inheritance *inheritance);

#endif
