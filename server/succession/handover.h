/* server/succession/handover.h: another program in the same process (SIGUSR2).
 *
 * The successor is the program at the path that this one was started by: a new file there, or
 * the file that a link leads to now. It gets the same words and the same environment. Before
 * that it is started in a process of its own and asked which versions of the state it reads,
 * and whether it takes the settings. */
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

/* How long the successor may think. While it does, go_on() is called again and again, because
 * HTTP must answer; if it says false, we wait no longer. */
struct handover_patience {
    bool (*go_on)(void *argument);
    void *argument;
    int64_t until_ns; /* monotonic */
};

/* Asks the successor. This takes some ten milliseconds, or as long as patience lasts if it
 * hangs. problem: a sentence, unless the answer is HANDOVER_STATE. */
enum handover_answer handover_ask(const struct handover_patience *patience, char *problem,
                                  size_t problem_size);

/* Returns only when it fails, with errno; then the inheritance is as before. */
void handover_exec(const struct inheritance *inheritance);

#endif
