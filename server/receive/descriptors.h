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

/* 0 to 2 lead to /dev/null where they are closed, before a socket takes the place of
 * standard error. Called first of all; false: the system has no descriptors. */
bool descriptors_hold_standard(void);

/* The server stands: what is open now, but for connections, is its own. */
void descriptors_divide(void);

/* Whether one more may be taken. */
bool descriptors_are_left(enum descriptor_use use);

/* Counts one that was opened. False: it is beyond what may be taken; counted all the
 * same, so give it back. */
bool descriptors_take(enum descriptor_use use);
void descriptors_give_back(enum descriptor_use use);

#endif
