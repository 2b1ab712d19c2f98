/* server/receive/descriptors.h: who may have how many of the process's descriptors.
 *
 *   | the server's own | 64 kept back, or half | kept for HTTP | streams and HTTP |
 *     open at the start  of what is free         64, or half     the rest
 *
 * Clients open connections, and each takes a descriptor. Were they allowed all of them,
 * the intake could no longer be reached, nor /live. So when the server stands, what is
 * free is divided: connections never get what is kept back, and those of the stream
 * socket not what is kept for HTTP either. Before that nobody is limited.
 *
 * There is one set of descriptors in a process, hence one account; any thread. */
#ifndef SERVER_RECEIVE_DESCRIPTORS_H
#define SERVER_RECEIVE_DESCRIPTORS_H

#include <stdbool.h>

enum descriptor_use { DESCRIPTOR_STREAM, DESCRIPTOR_HTTP, DESCRIPTOR_USES };

/* Opens /dev/null under those of the numbers 0 to 2 that are closed. Otherwise a socket could
 * get the number of standard error, and lines meant for the log would be sent on it. To be
 * called before anything is opened. False: the system has no descriptors. */
bool descriptors_hold_standard(void);

/* To be called when the server stands. What is open then, except for connections, counts as
 * the server's own. */
void descriptors_divide(void);

/* Whether one more may be taken. */
bool descriptors_are_left(enum descriptor_use use);

/* Counts a descriptor that was opened. False: it is beyond what may be taken. It is counted all
 * the same, so the caller closes it and gives it back. */
bool descriptors_take(enum descriptor_use use);
void descriptors_give_back(enum descriptor_use use);

#endif
