/* server/receive/listeners.h: all places where datagrams arrive, opened and closed together.
 *
 * Main's. The workers read the sockets meanwhile (server/receive/listener.h). */
#ifndef SERVER_RECEIVE_LISTENERS_H
#define SERVER_RECEIVE_LISTENERS_H

#include "server/receive/listener.h"

/* Opens every listener that the settings ask for, but uses an inherited socket where its
 * address fits (inherited: NULL for none). False with a sentence; what was opened is closed
 * again. */
bool listeners_open(struct listeners *listeners, const struct settings *settings,
                    uint32_t workers, struct inherited_sockets *inherited, char *problem,
                    size_t problem_size);

/* Removes the files of unix sockets, so that a successor may have the paths. */
void listeners_remove_files(struct listeners *listeners);
void listeners_close(struct listeners *given);

/* Somebody else has the sockets too, and the files stay: each is shown to keep(). */
void listeners_keep(struct listeners *listeners, void (*keep)(int fd));

/* listener_gate() and listener_leave() of all; what cannot be gated is logged. */
void listeners_gate(const struct listeners *listeners);
void listeners_leave(const struct listeners *listeners);

/* Whether the kernel may coalesce datagrams at any of the sockets (gro.h), so that what it
 * counts as dropped are buffers. Any thread. */
bool listeners_coalesce(const struct listeners *listeners);

/* The sum over all sockets of what `read` says of one. */
uint64_t listener_sum(const struct listener *listener,
                      uint64_t (*read)(const struct listener_socket *));
uint64_t listeners_sum(const struct listeners *listeners,
                       uint64_t (*read)(const struct listener_socket *));

#endif
