#include "server/receive/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "protocol/frame.h"
#include "server/receive/descriptors.h"
#include "server/receive/sender.h"

enum {
    FRAMES_AT_ONCE = 64,
    READ_BYTES = 64 * 1024, /* larger ones were no faster */
    FRAME_HEADER_BYTES = 4,
    ACCEPT_PAUSE_SECONDS = 1, /* when descriptors have run out */
};

/* A connection that was read goes to the end of the list, so those that were silent for the
 * longest time stand at its head. */
struct connection {
    struct streams *streams;
    struct connection *before, *after;
    struct event *readable;
    int fd;
    pid_t sender;
    int64_t read_ns; /* monotonic */
    size_t kept;     /* bytes of a frame that is not complete */
    char *partial;   /* NULL when kept is 0 */
};

struct streams {
    struct streams_config config;
    struct listener_socket *socket;
    struct event *acceptable;
    struct event *accept_timer; /* pending: accepting pauses */
    struct event *idle_timer;   /* pending while there is a connection */
    struct connection *first, *last;
    struct log_limit complaints;
    char *buffer; /* kept bytes and READ_BYTES more */
};

/* ---- how many there may be --------------------------------------------- */

static void leave(struct listener *listener)
{
    descriptors_give_back(DESCRIPTOR_STREAM);
    atomic_fetch_sub_explicit(&listener->connections, 1, memory_order_relaxed);
}

/* NULL: the connection may stay, and leave() is called when it ends. Otherwise says why not.
 * is_counted: its descriptor is counted already. */
static const char *admit(struct listener *listener, uint32_t max_connections, bool is_counted)
{
    bool has_place = atomic_fetch_add_explicit(&listener->connections, 1,
                                               memory_order_relaxed) < max_connections;
    bool has_descriptor = is_counted || descriptors_take(DESCRIPTOR_STREAM);

    if (has_place && has_descriptor)
        return NULL;
    leave(listener);
    return has_place ? "the rest of the descriptors (ulimit -n) is kept for the server"
                     : "as many are open as heeler_stream_connections allows";
}

/* ---- the list of connections ------------------------------------------- */

static void unlink_connection(struct connection *connection)
{
    struct streams *streams = connection->streams;

    *(connection->before != NULL ? &connection->before->after : &streams->first) =
        connection->after;
    *(connection->after != NULL ? &connection->after->before : &streams->last) =
        connection->before;
}

static void append_connection(struct connection *connection)
{
    struct streams *streams = connection->streams;

    connection->before = streams->last;
    connection->after = NULL;
    *(streams->last != NULL ? &streams->last->after : &streams->first) = connection;
    streams->last = connection;
}

static void free_connection(struct connection *given)
{
    if (given->readable != NULL)
        event_free(given->readable);
    if (given->fd >= 0)
        close(given->fd);
    free(given->partial);
    free(given);
}

static void close_connection(struct connection *given)
{
    struct listener *listener = given->streams->config.listener;

    unlink_connection(given);
    free_connection(given);
    leave(listener);
}

/* ---- frames ------------------------------------------------------------ */

/* A client can cause these lines, so there is a limit to them. */
static bool may_complain(struct streams *streams, int64_t now_ns)
{
    unsigned suppressed;

    if (!log_limit_pass(&streams->complaints, now_ns / 1000000, &suppressed))
        return false;
    if (suppressed > 0)
        log_warn("stream: %u more connections were refused or closed", suppressed);
    return true;
}

static void complain_too_large(struct streams *streams, const struct connection *connection,
                               struct slice bytes)
{
    struct slice content = slice_skip(bytes, FRAME_HEADER_BYTES);
    const char *name = streams->config.listener->name;
    char quoted[200];

    counter_add(&streams->socket->too_large, 1);
    if (!may_complain(streams, connection->read_ns))
        return;
    if (streams->config.log_too_large)
        log_warn("stream: %s: a frame is longer than dogstatsd_buffer_size; the connection was "
                 "closed; it begins \"%s\"",
                 name, log_quote(content.at, content.len, quoted, sizeof quoted));
    else
        log_warn("stream: %s: a frame is longer than dogstatsd_buffer_size; the connection was "
                 "closed",
                 name);
}

/* 0 when the kernel does not know. */
static pid_t peer_of(int fd)
{
    struct ucred peer = { .pid = 0 };

    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){ sizeof peer });
    return peer.pid;
}

/* A connection that was there before somebody wanted to know has not been asked. */
static pid_t sender_of(struct connection *connection)
{
    const struct senders *senders = connection->streams->config.senders;

    if (connection->sender == 0 && senders != NULL && senders_are_wanted(senders))
        connection->sender = peer_of(connection->fd);
    return connection->sender;
}

/* Hands on every whole frame; *bytes is what is left. False: the connection has
 * to end. */
static bool take_frames(struct connection *connection, struct slice *bytes)
{
    struct streams *streams = connection->streams;
    const struct streams_config *config = &streams->config;
    struct slice frames[FRAMES_AT_ONCE];
    enum frame_result result;

    do {
        size_t n = 0;
        do
            result = frame_next(bytes, config->frame_max, &frames[n]);
        while (result == FRAME_OK && ++n < FRAMES_AT_ONCE);
        if (n > 0)
            config->take(config->argument, frames, n, sender_of(connection));
    } while (result == FRAME_OK);
    if (result == FRAME_TOO_BIG)
        complain_too_large(streams, connection, *bytes);
    return result == FRAME_PARTIAL;
}

/* Keeps the beginning of a frame until its end comes. That is less than one frame. */
static bool keep(struct connection *connection, struct slice rest)
{
    char *room = rest.len > 0 ? malloc(rest.len) : NULL;

    if (rest.len > 0 && room == NULL) {
        if (may_complain(connection->streams, connection->read_ns))
            log_warn("stream: no memory to keep the beginning of a frame");
        return false;
    }
    if (rest.len > 0)
        memcpy(room, rest.at, rest.len);
    free(connection->partial);
    connection->partial = room;
    connection->kept = rest.len;
    return true;
}

enum reading { READ_MORE, READ_EMPTY, READ_CLOSED };

/* Reads one buffer. The connection is gone on READ_CLOSED. */
static enum reading read_connection(struct connection *connection, int64_t now_ns)
{
    struct streams *streams = connection->streams;
    ssize_t n;

    do
        n = recv(connection->fd, streams->buffer + connection->kept, READ_BYTES, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return READ_EMPTY;
    if (n <= 0) {
        close_connection(connection);
        return READ_CLOSED;
    }
    if (connection->kept > 0)
        memcpy(streams->buffer, connection->partial, connection->kept);
    struct slice bytes = { streams->buffer, connection->kept + (size_t)n };
    connection->read_ns = now_ns;
    if (!take_frames(connection, &bytes) || !keep(connection, bytes)) {
        close_connection(connection);
        return READ_CLOSED;
    }
    return READ_MORE;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;

    (void)fd, (void)what;
    if (read_connection(connection, clock_monotonic_ns()) != READ_MORE)
        return;
    unlink_connection(connection);
    append_connection(connection);
}

/* ---- silence ----------------------------------------------------------- */

static void arm_idle(struct streams *streams, int64_t now_ns)
{
    if (streams->first == NULL)
        return;
    int64_t left_ns = streams->first->read_ns + streams->config.idle_ns - now_ns;
    int64_t wait_us = left_ns > 0 ? left_ns / 1000 + 1 : 1;
    struct timeval wait = clock_wait_us(wait_us);

    evtimer_add(streams->idle_timer, &wait);
}

void streams_expire(struct streams *streams, int64_t now_ns)
{
    while (streams->first != NULL &&
           now_ns - streams->first->read_ns >= streams->config.idle_ns)
        close_connection(streams->first);
    arm_idle(streams, now_ns);
}

static void on_idle_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    streams_expire(argument, clock_monotonic_ns());
}

/* ---- new connections --------------------------------------------------- */

static struct connection *make_connection(struct streams *streams, int fd, int64_t now_ns)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->streams = streams;
    connection->fd = fd;
    connection->read_ns = now_ns;
    connection->sender = streams->config.ask_senders ? peer_of(fd) : 0;
    connection->readable =
        event_new(streams->config.base, fd, EV_READ | EV_PERSIST, on_readable, connection);
    if (connection->readable != NULL && event_add(connection->readable, NULL) == 0)
        return connection;
    if (connection->readable != NULL)
        event_free(connection->readable);
    free(connection);
    return NULL;
}

static void refuse(struct streams *streams, int given_fd, int64_t now_ns, const char *why)
{
    close(given_fd);
    counter_add(&streams->socket->refused, 1);
    if (may_complain(streams, now_ns))
        log_warn("stream: %s: a connection was refused: %s", streams->config.listener->name,
                 why);
}

static bool adopt(struct streams *streams, int given_fd, int64_t now_ns, bool is_counted)
{
    struct listener *listener = streams->config.listener;
    const char *why = admit(listener, streams->config.max_connections, is_counted);
    struct connection *connection = NULL;

    if (why == NULL) {
        connection = make_connection(streams, given_fd, now_ns);
        if (connection == NULL) {
            leave(listener);
            why = "not enough memory";
        }
    }
    if (why != NULL) {
        refuse(streams, given_fd, now_ns, why);
        return false;
    }
    append_connection(connection);
    if (connection == streams->first)
        arm_idle(streams, now_ns);
    return true;
}

bool streams_adopt(struct streams *streams, int given_fd, int64_t now_ns)
{
    return adopt(streams, given_fd, now_ns, false);
}

/* When an inherited connection was read. The list is in the order of silence, so it counts as
 * no older than the last one there; and nobody has read in the future. */
static int64_t read_before(const struct streams *streams, const struct stream_inherited *one,
                           int64_t now_ns)
{
    int64_t least_ns = streams->last != NULL ? streams->last->read_ns : 0;

    return one->read_ns < least_ns ? least_ns : one->read_ns > now_ns ? now_ns : one->read_ns;
}

bool streams_take_over(struct streams *streams, struct stream_inherited *given)
{
    int fd = given->fd;
    int64_t now_ns = clock_monotonic_ns(), read_ns = read_before(streams, given, now_ns);
    bool taken = given->kept <= FRAME_HEADER_BYTES + streams->config.frame_max &&
                 adopt(streams, fd, now_ns, true);

    if (taken) {
        struct connection *connection = streams->last;

        connection->read_ns = read_ns;
        if (connection == streams->first)
            arm_idle(streams, now_ns);
        connection->sender = given->sender;
        taken = keep(connection, (struct slice){ given->partial, given->kept });
        if (!taken)
            close_connection(connection);
    } else if (given->kept > FRAME_HEADER_BYTES + streams->config.frame_max) {
        counter_add(&streams->socket->too_large, 1);
        close(fd);
        descriptors_give_back(DESCRIPTOR_STREAM);
    }
    free(given);
    return taken;
}

/* False: there is none, or none can be accepted now. */
static bool accept_one(struct streams *streams)
{
    int fd;

    do
        fd = accept4(streams->socket->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd >= 0)
        streams_adopt(streams, fd, clock_monotonic_ns());
    return fd >= 0;
}

/* Descriptors or memory have run out. A connection still waits in the queue, so without a
 * pause the loop would call us again at once. */
static void pause_accepting(struct streams *streams)
{
    static const struct timeval pause = { ACCEPT_PAUSE_SECONDS, 0 };

    log_warn("stream: %s: cannot accept a connection: %s", streams->config.listener->name,
             strerror(errno));
    event_del(streams->acceptable);
    evtimer_add(streams->accept_timer, &pause);
}

/* Accepts one connection at a turn, so that the other workers get their share. */
static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
    struct streams *streams = argument;

    (void)fd, (void)what;
    if (!accept_one(streams) && errno != EAGAIN && errno != EWOULDBLOCK)
        pause_accepting(streams);
}

static void on_accept_timer(evutil_socket_t fd, short what, void *argument)
{
    struct streams *streams = argument;

    (void)fd, (void)what;
    event_add(streams->acceptable, NULL);
}

/* ---- start and end ----------------------------------------------------- */

struct streams *streams_new(const struct streams_config *config)
{
    struct streams *streams = calloc(1, sizeof *streams);

    if (streams == NULL)
        return NULL;
    streams->config = *config;
    streams->socket = &config->listener->sockets[config->worker];
    streams->buffer = malloc(FRAME_HEADER_BYTES + config->frame_max + READ_BYTES);
    streams->acceptable = event_new(config->base, streams->socket->fd, EV_READ | EV_PERSIST,
                                    on_acceptable, streams);
    streams->accept_timer = evtimer_new(config->base, on_accept_timer, streams);
    streams->idle_timer = evtimer_new(config->base, on_idle_timer, streams);
    if (streams->buffer != NULL && streams->acceptable != NULL &&
        streams->accept_timer != NULL && streams->idle_timer != NULL &&
        event_add(streams->acceptable, NULL) == 0)
        return streams;
    streams_free(streams);
    return NULL;
}

void streams_free(struct streams *given)
{
    if (given == NULL)
        return;
    while (given->first != NULL)
        close_connection(given->first);
    if (given->acceptable != NULL)
        event_free(given->acceptable);
    if (given->accept_timer != NULL)
        event_free(given->accept_timer);
    if (given->idle_timer != NULL)
        event_free(given->idle_timer);
    free(given->buffer);
    free(given);
}

/* The connection is shut down before it is read for the last time, so the client cannot add to
 * what is queued. */
static void finish_connection(struct connection *given)
{
    enum reading reading;

    (void)shutdown(given->fd, SHUT_RD);
    do
        reading = read_connection(given, clock_monotonic_ns());
    while (reading == READ_MORE);
    if (reading == READ_EMPTY)
        close_connection(given);
}

static void stop_accepting(struct streams *streams)
{
    event_del(streams->acceptable); /* a gated socket stays readable, and the loop would call
                                       without end */
    event_del(streams->accept_timer);
}

void streams_leave(struct streams *streams)
{
    stop_accepting(streams);
    while (streams->first != NULL)
        finish_connection(streams->first);
}

struct stream_inherited *stream_inherited_share(struct stream_inherited **list, uint32_t n)
{
    struct stream_inherited *share = NULL, **from = list;

    for (uint32_t i = 0; *from != NULL; i++) {
        struct stream_inherited *one = *from;

        if (i % n != 0) {
            from = &one->next;
            continue;
        }
        *from = one->next;
        one->next = share;
        share = one;
    }
    return share;
}

void stream_inherited_free(struct stream_inherited *given)
{
    while (given != NULL) {
        struct stream_inherited *next = given->next;

        close(given->fd);
        free(given);
        given = next;
    }
}

/* False: no memory. Otherwise the connection is gone, but for its descriptor. */
static bool hand_over_connection(struct connection *given, struct stream_inherited **list)
{
    struct stream_inherited *inherited = malloc(sizeof *inherited + given->kept);

    if (inherited == NULL)
        return false;
    *inherited = (struct stream_inherited){ *list,          given->streams->config.listener,
                                            given->fd,      given->sender,
                                            given->read_ns, given->kept };
    if (given->kept > 0)
        memcpy(inherited->partial, given->partial, given->kept);
    *list = inherited;
    event_free(given->readable);
    given->readable = NULL;
    given->fd = -1;
    close_connection(given);
    return true;
}

void streams_hand_over(struct streams *streams, struct stream_inherited **list)
{
    stop_accepting(streams);
    while (streams->first != NULL)
        if (!hand_over_connection(streams->first, list))
            finish_connection(streams->first);
}

void streams_finish(struct streams *streams)
{
    stop_accepting(streams);
    do
        while (streams->first != NULL)
            finish_connection(streams->first);
    while (accept_one(streams));
}
