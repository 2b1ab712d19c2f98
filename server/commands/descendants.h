/* server/commands/descendants.h: all processes that this one has started, and what they have.
 *
 * For a process that is a child subreaper (PR_SET_CHILD_SUBREAPER), so that those whose parent
 * has ended become its own children, and that starts nothing else: it waits for any of them.
 * They are found by /proc; without it only children of children that have ended. */
#ifndef SERVER_COMMANDS_DESCENDANTS_H
#define SERVER_COMMANDS_DESCENDANTS_H

#include <stdbool.h>
#include <sys/types.h>

struct descendants_end {
    pid_t main;                    /* the one whose status matters; 0: none */
    int status;                    /* of it, as waitpid() tells; set when it ended here */
    bool (*hurry)(void *argument); /* whether there is no time left; NULL: no */
    void *argument;
};

/* SIGTERM to all of them, and SIGKILL to those that are there after so long, or at once for 0,
 * until there are none. One that the kernel does not let go is left after ten seconds. */
void descendants_end(struct descendants_end *end, int grace_ms);

#endif
