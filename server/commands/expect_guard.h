/* server/commands/expect_guard.h: a process that starts a command and lets nothing of it
 * remain.
 *
 *   heeler expect ── guard, in a session of its own ── the command, in a group of its own
 *                                                       └ whatever it starts
 *
 * Whose parent ends is given to the guard (PR_SET_CHILD_SUBREAPER), so the command's children
 * stay within its reach, in whatever group or session they are. When the command has ended, the
 * rest is ended too. When `heeler expect` is gone, whatever killed it, the guard sees the end
 * of their socket, kills all of them and removes the folder. When the guard is killed the
 * command dies with it (PR_SET_PDEATHSIG), and `heeler expect`, which is given the rest, does
 * the same.
 *
 * It is forked while the process has one thread, makes the folder, so that there is no moment
 * at which nobody would remove it, and waits until the ports are known. */
#ifndef SERVER_COMMANDS_EXPECT_GUARD_H
#define SERVER_COMMANDS_EXPECT_GUARD_H

#include <sys/types.h>

#include "server/commands/expect_folder.h"

/* What the command's environment says. */
struct guard_order {
    int udp_port;
    bool over_unix; /* DD_DOGSTATSD_URL is the socket's */
};

struct guard {
    pid_t pid;
    int fd; /* readable when the command has ended */
};

/* The command ends in NULL and is read by the guard alone. The folder is the guard's, and its
 * socket is dsd.socket. False with errno; the folder's path, unless it is empty, then says what
 * could not be made. */
bool guard_start(struct guard *out, char **command, struct expect_folder *folder);

/* Starts the command. */
void guard_run(const struct guard *guard, const struct guard_order *order);

/* Ends it: SIGTERM, and SIGKILL two seconds later. */
void guard_end_command(const struct guard *guard);

/* To be called when fd is readable, once: what waitpid() says of the command. False: the guard
 * was killed, and all that the command has started with it. */
bool guard_status(const struct guard *guard, int *status);

/* Waits until it has cleaned up, and does so itself where the guard was killed. */
void guard_free(struct guard *given, struct expect_folder *folder);

#endif
