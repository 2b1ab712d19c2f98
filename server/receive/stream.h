/* server/receive/stream.h: one worker's connections of the unix stream socket.
 *
 * A connection carries frames (protocol/frame.h), each worth one datagram.
 * Connections belong to the worker that accepted them. All are read through one
 * buffer of the worker; a connection keeps only the beginning of a frame whose
 * end has not come yet. One turn of the loop reads one buffer of one connection,
 * so that nobody waits for a loud neighbour.
 *
 * A connection ends when the client closes it, with a zero length, with a frame
 * beyond the limit, or when it was silent for too long. */
#ifndef SERVER_RECEIVE_STREAM_H
#define SERVER_RECEIVE_STREAM_H

#include <event2/event.h>
#include <sys/types.h>

#include "protocol/slice.h"
#include "server/receive/listener.h"

struct streams;
struct senders;

struct streams_config {
    struct event_base *base;
    struct listener *listener; /* sockets[worker] gives the fd and takes the counts */
    uint32_t worker;
    size_t frame_max;
    uint32_t max_connections;      /* of all workers of the listener */
    int64_t idle_ns;               /* silent for longer: closed */
    bool log_too_large;            /* the beginning of frames that are too large */
    bool ask_senders;              /* find out the pid behind each connection */
    const struct senders *senders; /* or while somebody wants to know it; or NULL */

    /* Takes n frames, n > 0, in order. The frames are views, good until it
     * returns. sender: the pid, 0 when not asked or unknown. */
    void (*take)(void *argument, const struct slice *frames, size_t n, pid_t sender);
    void *argument;
};

/* Begins to accept. NULL without memory. */
struct streams *streams_new(const struct streams_config *config);
void streams_free(struct streams *given);

/* Reads the given connection from now on. False: there are too many of them, or there is no
 * memory; then it is closed, and counted as refused. */
bool streams_adopt(struct streams *streams, int given_fd, int64_t now_ns);

/* A connection on its way from one process to the next, with the beginning of a frame. */
struct stream_inherited {
    struct stream_inherited *next;
    struct listener *listener;
    int fd;
    pid_t sender;
    int64_t read_ns; /* monotonic */
    size_t kept;
    char partial[];
};

/* The same for an inherited connection. Its descriptor is counted already
 * (server/receive/descriptors.h): the server that handed it over had room for it. Its silence
 * goes on from when it was last read. */
bool streams_take_over(struct streams *streams, struct stream_inherited *given);

/* Takes every n-th connection of the list, the first among them: the share of one of n
 * workers that have none yet. */
struct stream_inherited *stream_inherited_share(struct stream_inherited **list, uint32_t n);

/* Closes and frees all of the list. NULL is fine. */
void stream_inherited_free(struct stream_inherited *given);

/* Reads no more and puts every connection before *list, which the caller owns. What waits to
 * be accepted still waits. A connection that there is no memory for is read to its end and
 * closed. */
void streams_hand_over(struct streams *streams, struct stream_inherited **list);

/* Closes what was silent for too long. */
void streams_expire(struct streams *streams, int64_t now_ns);

/* The listener is gated: accepts and reads whatever was sent before, and closes
 * every connection. */
void streams_finish(struct streams *streams);

/* The same for a listener that somebody else has too: connections that wait to be accepted go
 * on waiting for him. */
void streams_leave(struct streams *streams);

#endif
