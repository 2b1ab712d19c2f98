/* server/succession/inheritance.h: sockets and state that were there before this server.
 *
 *   systemd            LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES: sockets of a .socket unit,
 *                      and what an earlier process put into the descriptor store
 *   SIGUSR2            HEELER_HANDOVER: the program was replaced, the process is the same
 *   the same process   a server that another follows, as after a failed exec
 *
 * The listeners take the sockets that they want (server/receive/inherited.h), and open those
 * that they lack; the rest is closed. The state (flush/memory/state.h) is either good or
 * refused as a whole; the sockets are used in both cases.
 *
 * Owned by main; flusher and delivery read the state in their threads. */
#ifndef SERVER_SUCCESSION_INHERITANCE_H
#define SERVER_SUCCESSION_INHERITANCE_H

#include "config/must_check.h"
#include "flush/memory/state.h"
#include "server/receive/inherited.h"
#include "server/receive/listener.h"
#include "server/receive/stream.h"
#include "server/receive/worker.h"

struct inheritance {
    struct inherited_sockets sockets;
    int state_fd;         /* -1: none */
    int64_t last_stamp_s; /* the latest stamp that was sent; 0: not known */
    int64_t stopped_ns;   /* monotonic: when somebody last read; 0: not known */
    uint64_t refused;     /* how many states were no good */
    bool looked_at;       /* inheritance_look() was called */
    bool unfinished; /* a thread of the server that handed over runs on, so it is not freed */
    bool stuck;      /* and that thread hangs on a disk, so an exec would wait for it */
    struct state state;
};

/* NULL without memory. */
struct inheritance *inheritance_new(void);
void inheritance_free(struct inheritance *given); /* closes what nobody took */

/* Whether this program replaced another in the same process: then nobody else has what it
 * inherits. */
bool inheritance_is_due(void);

/* Finds it by the environment, and removes the variables. NULL: there is nothing, or no
 * memory. */
struct inheritance *inheritance_find(void);

/* Maps the state. If it is no good, logs that and forgets it. */
void inheritance_look(struct inheritance *inheritance);

/* Reads what the state says of the sockets; inheritance_look() does so. False: it is
 * damaged. */
MUST_CHECK bool inheritance_read(struct inheritance *inheritance);

/* The first second that this server may stamp. A server that handed over may have used the
 * second in which we start, or later ones. A stamp that lies far ahead is from a clock that was
 * wrong. */
int64_t inheritance_first_stamp_s(const struct inheritance *inheritance, int64_t started_s);

/* For the listeners to take from. NULL gives NULL. */
struct inherited_sockets *inheritance_sockets(struct inheritance *inheritance);

/* The state, for a thread to read from; NULL: there is none. */
struct state *inheritance_state(struct inheritance *inheritance);

/* Main is done with the state. It is unmapped when the threads are done with it, too. */
void inheritance_leave_state(struct inheritance *inheritance);

/* Closes the sockets that nobody wanted. */
void inheritance_close_rest(struct inheritance *inheritance);

/* The inherited connections of the stream listeners among these: owned, and their descriptors
 * counted (server/receive/descriptors.h). Takes NULL. */
struct stream_inherited *inheritance_connections(struct inheritance *inheritance,
                                                 struct listeners *listeners);

/* ---- leaving one ------------------------------------------------------- */

/* Writes the part STATE_SERVER: drops, and the connections of each worker. */
void inheritance_write(struct state_writer *out, const struct listeners *listeners,
                       const struct worker_leftover *leftovers, uint32_t workers);

/* Moves the sockets, and the connections that the workers left. The listeners have none any
 * more, but their files stay. */
void inheritance_collect(struct inheritance *inheritance, struct listeners *listeners,
                         const struct worker_leftover *leftovers, uint32_t workers);

/* Puts all of it where inheritance_find() of the successor will look, or takes it back from
 * there. False with errno. */
MUST_CHECK bool inheritance_pass_on(const struct inheritance *inheritance);
void inheritance_take_back(const struct inheritance *inheritance);

#endif
