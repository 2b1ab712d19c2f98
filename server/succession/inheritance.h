/* server/succession/inheritance.h: sockets and state that were there before this server.
 *
 *   systemd            LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES: sockets of a .socket unit,
 *                      and what an earlier process put into the descriptor store
 *   SIGUSR2            HEELER_HANDOVER: the program was replaced, the process is the same
 *   the same process   a server that another follows, as after a failed exec
 *
 * A socket is recognised by the address that it is bound to, so that who takes over may
 * have other settings: what it does not want is closed, what it lacks is opened. The
 * state (flush/memory/state.h) is good or it is refused, and the sockets are used all the same.
 *
 * Owned by main; flusher and delivery read the state in their threads. */
#ifndef SERVER_SUCCESSION_INHERITANCE_H
#define SERVER_SUCCESSION_INHERITANCE_H

#include "flush/memory/state.h"
#include "server/receive/listener.h"
#include "server/receive/stream.h"
#include "server/receive/worker.h"

struct inherited_socket {
    int fd; /* -1: taken */
    bool connection;
    bool kept; /* somebody else has it too */
};

struct inheritance {
    struct inherited_socket *sockets;
    size_t n;
    int state_fd;         /* -1: none */
    int64_t last_stamp_s; /* no later stamp was sent; 0: not known */
    int64_t stopped_ns;   /* monotonic, of the last read; 0: not known */
    uint64_t refused;     /* states that were no good */
    bool looked_at;       /* state holds what state_fd led to */
    bool unfinished;      /* the server before it could not be freed */
    bool stuck;           /* and a disk holds a thread of it, which an exec would wait for */
    struct state state;
};

/* NULL without memory. */
struct inheritance *inheritance_new(void);
void inheritance_free(struct inheritance *given); /* closes what nobody took */

/* Whether another program has become this one: it left what nobody else has. */
bool inheritance_is_due(void);

/* From the environment, which forgets it. NULL: there is nothing, or no memory. */
struct inheritance *inheritance_find(void);

/* Given, also on failure (no memory: it is closed). */
bool inheritance_add(struct inheritance *inheritance, struct inherited_socket given);

/* Maps the state. Where there is one that is no good, says so and forgets it. */
void inheritance_look(struct inheritance *inheritance);

/* The state, for a thread to read from; NULL: there is none. */
struct state *inheritance_state(struct inheritance *inheritance);

/* main is done with it; it is unmapped when the threads are too. */
void inheritance_leave_state(struct inheritance *inheritance);

/* A socket of that type at that address (port 0: at any port), or -1. */
struct inherited_found {
    int fd;
    bool kept;
    uint64_t drops; /* the kernel's, counted by somebody else */
};
bool inheritance_take(struct inheritance *inheritance, const struct sockaddr *address, int type,
                      struct inherited_found *out);

/* Closes the sockets that nobody wanted. */
void inheritance_close_rest(struct inheritance *inheritance);

/* The connections of the stream listeners among these, owned. */
struct stream_legacy *inheritance_connections(struct inheritance *inheritance,
                                              struct listeners *listeners);

/* ---- leaving one --------------------------------------------------------- */

/* The part STATE_SERVER: drops, and the connections of each worker. */
void inheritance_write(struct state_writer *out, const struct listeners *listeners,
                       const struct worker_rest *rests, uint32_t workers);

/* Moves the sockets; the listeners have none any more, and their files stay. */
void inheritance_collect(struct inheritance *heir, struct listeners *listeners);
void inheritance_collect_connections(struct inheritance *heir, struct stream_legacy *given);

/* Puts all of it where inheritance_find() of the next program will look, or takes that
 * back. False with errno. */
bool inheritance_pass_on(const struct inheritance *inheritance);
void inheritance_take_back(const struct inheritance *inheritance);

#endif
