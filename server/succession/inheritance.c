#include "server/succession/inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/log.h"
#include "server/receive/descriptors.h"

/* "pid state last-stamp socket socket ... traces socket": one that is kept with a k, a
 * connection with a c behind it; behind the word those of them that are for traces, where a
 * program from before there were any reads no further. */
#define HANDOVER_VARIABLE "HEELER_HANDOVER"
#define TRACES_WORD       " traces"

enum { SYSTEMD_FIRST_FD = 3 };

struct inheritance *inheritance_new(void)
{
    struct inheritance *inheritance = calloc(1, sizeof *inheritance);

    if (inheritance != NULL)
        inheritance->state_fd = -1;
    return inheritance;
}

void inheritance_free(struct inheritance *given)
{
    if (given == NULL)
        return;
    inherited_free(&given->sockets);
    inheritance_leave_state(given);
    if (given->state_fd >= 0)
        close(given->state_fd);
    free(given);
}

/* ---- finding ----------------------------------------------------------- */

static void set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static bool is_socket(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode);
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;

    (void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &(socklen_t){ sizeof cookie });
    return cookie;
}

/* Whether we have a descriptor of that socket already: systemd gives the socket of a unit a
 * second time from its store. */
static bool is_there(const struct inheritance *inheritance, int fd)
{
    uint64_t cookie = cookie_of(fd);

    for (size_t i = 0; i < inheritance->sockets.n; i++)
        if (cookie_of(inheritance->sockets.at[i].fd) == cookie)
            return true;
    return false;
}

/* A descriptor that came through the exec does not have FD_CLOEXEC. All that we open have it,
 * and those that we have taken get it. So a wrong number in the environment cannot make us
 * take a descriptor of our own, one that is closed, or the same one twice. */
static bool came_through_exec(long long fd)
{
    int flags = fd >= 0 && fd <= INT_MAX ? fcntl((int)fd, F_GETFD) : -1;

    return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

/* A descriptor from systemd is a socket or the state of a server that was stopped, which is a
 * file in memory. */
static void take_descriptor(struct inheritance *inheritance, int fd)
{
    struct stat stat;

    if (is_socket(fd) && is_there(inheritance, fd)) {
        close(fd);
    } else if (is_socket(fd)) {
        set_flags(fd);
        inherited_add(&inheritance->sockets,
                      (struct inherited_socket){ .fd = fd, .kept = true });
    } else if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && inheritance->state_fd < 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        inheritance->state_fd = fd;
    } else {
        log_warn("server: descriptor %d of systemd is neither a socket nor a state", fd);
        close(fd);
    }
}

static void find_systemd(struct inheritance *inheritance)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    if (pid != NULL && count != NULL && strtol(pid, NULL, 10) == (long)getpid()) {
        long n = strtol(count, NULL, 10);

        for (long i = 0; i < n && came_through_exec(SYSTEMD_FIRST_FD + i); i++)
            take_descriptor(inheritance, SYSTEMD_FIRST_FD + (int)i);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* A number and the space before it. False: there is none. */
static bool next_number(const char **at, long long *out)
{
    char *end;

    *out = strtoll(*at, &end, 10);
    bool found = **at == ' ' && end > *at + 1;

    *at = end;
    return found;
}

static void mark_traces(struct inheritance *inheritance, const char *at)
{
    long long fd;

    while (next_number(&at, &fd))
        for (size_t i = 0; i < inheritance->sockets.n; i++)
            inheritance->sockets.at[i].traces |= inheritance->sockets.at[i].fd == fd;
}

static void find_sockets(struct inheritance *inheritance, const char *at)
{
    long long fd;

    while (next_number(&at, &fd)) {
        bool connection = *at == 'c', kept = *at == 'k';

        at += connection || kept;
        if (!came_through_exec(fd) || !is_socket((int)fd))
            continue;
        set_flags((int)fd);
        inherited_add(
            &inheritance->sockets,
            (struct inherited_socket){ .fd = (int)fd, .connection = connection, .kept = kept });
    }
    if (strncmp(at, TRACES_WORD, strlen(TRACES_WORD)) == 0)
        mark_traces(inheritance, at + strlen(TRACES_WORD));
}

static void find_handover(struct inheritance *inheritance)
{
    const char *at = getenv(HANDOVER_VARIABLE);
    long long state_fd, last_stamp_s;
    char *end;

    if (inheritance_is_due()) {
        (void)strtol(at, &end, 10);
        at = end;
        if (next_number(&at, &state_fd) && next_number(&at, &last_stamp_s)) {
            bool there = came_through_exec(state_fd) && inheritance->state_fd < 0;

            if (there && fcntl((int)state_fd, F_SETFD, FD_CLOEXEC) == 0)
                inheritance->state_fd = (int)state_fd;
            inheritance->last_stamp_s = last_stamp_s;
            find_sockets(inheritance, at);
        }
    }
    unsetenv(HANDOVER_VARIABLE);
}

bool inheritance_is_due(void)
{
    const char *at = getenv(HANDOVER_VARIABLE);

    return at != NULL && strtol(at, NULL, 10) == (long)getpid();
}

struct inheritance *inheritance_find(void)
{
    bool any = getenv("LISTEN_FDS") != NULL || getenv(HANDOVER_VARIABLE) != NULL;
    struct inheritance *inheritance = any ? inheritance_new() : NULL;

    if (inheritance == NULL)
        return NULL;
    find_systemd(inheritance);
    find_handover(inheritance);
    if (inheritance->sockets.n > 0 || inheritance->state_fd >= 0)
        return inheritance;
    inheritance_free(inheritance);
    return NULL;
}

/* ---- the state --------------------------------------------------------- */

/* Notes how many drops of each socket are on the account of the server that handed over. */
static void note_drops(struct inheritance *inheritance, struct state_reader *in)
{
    for (size_t left = state_get_count(in, 2); left > 0 && !in->failed; left--) {
        uint64_t cookie = state_get_number(in), drops = state_get_number(in);

        for (size_t i = 0; i < inheritance->sockets.n; i++) {
            struct inherited_socket *socket = &inheritance->sockets.at[i];

            if (socket->connection || cookie_of(socket->fd) != cookie)
                continue;
            socket->drops_known = true;
            socket->drops = drops;
        }
    }
}

bool inheritance_read(struct inheritance *inheritance)
{
    struct state_reader in = inheritance->state.parts[STATE_SERVER];

    if (in.at == NULL)
        return !in.failed;
    inheritance->stopped_ns = state_get_signed(&in);
    if (in.failed)
        return false;
    note_drops(inheritance, &in);
    return true;
}

void inheritance_look(struct inheritance *inheritance)
{
    char problem[160] = "its first part is damaged";

    if (inheritance->state_fd < 0)
        return;
    bool mapped =
        state_map(&inheritance->state, inheritance->state_fd, problem, sizeof problem);
    close(inheritance->state_fd);
    inheritance->state_fd = -1;
    inheritance->looked_at = mapped;
    if (mapped && inheritance_read(inheritance))
        return;
    inheritance_leave_state(inheritance);
    inheritance->refused++;
    log_error("server: the inherited state is refused: %s; the inherited sockets are used",
              problem);
}

int64_t inheritance_first_stamp_s(const struct inheritance *inheritance, int64_t started_s)
{
    int64_t last_s = inheritance != NULL ? inheritance->last_stamp_s : 0;

    return last_s < started_s || last_s > started_s + 3600 ? started_s : last_s + 1;
}

struct inherited_sockets *inheritance_sockets(struct inheritance *inheritance)
{
    return inheritance != NULL ? &inheritance->sockets : NULL;
}

struct state *inheritance_state(struct inheritance *inheritance)
{
    return inheritance != NULL && inheritance->looked_at ? &inheritance->state : NULL;
}

void inheritance_leave_state(struct inheritance *inheritance)
{
    if (inheritance->looked_at)
        state_done(&inheritance->state);
    inheritance->looked_at = false;
}

void inheritance_close_rest(struct inheritance *inheritance)
{
    size_t n = inherited_close(&inheritance->sockets);

    if (n > 0)
        log_info("server: %zu sockets that were handed over are not configured here: closed",
                 n);
}

/* ---- connections ------------------------------------------------------- */

static struct listener *listener_named(struct listeners *listeners, struct slice name)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (listener_traits(&listeners->at[i])->connected &&
            slice_equal(slice_of(listeners->at[i].name), name))
            return &listeners->at[i];
    return NULL;
}

static void read_connection(struct inheritance *inheritance, struct state_reader *in,
                            struct listeners *listeners, struct stream_inherited ***end)
{
    int fd = (int)state_get_signed(in);
    struct slice name = state_get_text(in);
    pid_t sender = (pid_t)state_get_signed(in);
    int64_t read_ns = state_get_signed(in);
    struct slice partial = state_get_text(in);

    if (in->failed || !inherited_take_connection(&inheritance->sockets, fd))
        return;
    struct listener *listener = listener_named(listeners, name);
    struct stream_inherited *inherited =
        listener != NULL ? malloc(sizeof *inherited + partial.len) : NULL;

    if (inherited == NULL) {
        close(fd);
        return;
    }
    *inherited = (struct stream_inherited){ NULL, listener, fd, sender, read_ns, partial.len };
    if (partial.len > 0)
        memcpy(inherited->partial, partial.at, partial.len);
    **end = inherited;
    *end = &inherited->next;
    (void)descriptors_take(DESCRIPTOR_STREAM);
}

struct stream_inherited *inheritance_connections(struct inheritance *inheritance,
                                                 struct listeners *listeners)
{
    struct stream_inherited *first = NULL, **end = &first;

    if (inheritance == NULL || !inheritance->looked_at)
        return NULL;
    struct state_reader in = inheritance->state.parts[STATE_SERVER];

    (void)state_get_signed(&in);
    for (size_t left = 2 * state_get_count(&in, 2); left > 0; left--)
        (void)state_get_number(&in);
    for (size_t left = state_get_count(&in, 5); left > 0 && !in.failed; left--)
        read_connection(inheritance, &in, listeners, &end);
    return first;
}

/* ---- leaving one ------------------------------------------------------- */

static void collect_connections(struct inheritance *inheritance, struct stream_inherited *given)
{
    while (given != NULL) {
        struct stream_inherited *next = given->next;

        inherited_add(&inheritance->sockets,
                      (struct inherited_socket){ .fd = given->fd, .connection = true });
        free(given);
        given = next;
    }
}

void inheritance_collect(struct inheritance *inheritance, struct listeners *listeners,
                         const struct worker_leftover *leftovers, uint32_t workers)
{
    for (size_t i = 0; i < listeners->n; i++) {
        struct listener *listener = &listeners->at[i];

        for (uint32_t w = 0; w < listener->n_sockets; w++) {
            int fd = listener->sockets[w].fd;

            if (fd >= 0 && w < listener_n_own(listener))
                inherited_add(&inheritance->sockets,
                              (struct inherited_socket){ .fd = fd, .kept = listener->kept });
            listener->sockets[w].fd = -1;
        }
        listener->file.path[0] = '\0';
    }
    for (uint32_t w = 0; w < workers; w++)
        collect_connections(inheritance, leftovers[w].connections);
}

static uint32_t n_with_drops(const struct listener *listener)
{
    return listener_traits(listener)->drops ? listener_n_own(listener) : 0;
}

static void write_drops(struct state_writer *out, const struct listeners *listeners)
{
    uint64_t n = 0;

    for (size_t i = 0; i < listeners->n; i++)
        n += n_with_drops(&listeners->at[i]);
    state_put_number(out, n);
    for (size_t i = 0; i < listeners->n; i++) {
        const struct listener *listener = &listeners->at[i];

        for (uint32_t w = 0; w < n_with_drops(listener); w++) {
            state_put_number(out, cookie_of(listener->sockets[w].fd));
            state_put_number(
                out, atomic_load_explicit(&listener->sockets[w].drops, memory_order_relaxed));
        }
    }
}

static void write_connection(struct state_writer *out,
                             const struct stream_inherited *connection)
{
    state_put_signed(out, connection->fd);
    state_put_text(out, slice_of(connection->listener->name));
    state_put_signed(out, connection->sender);
    state_put_signed(out, connection->read_ns);
    state_put_text(out, (struct slice){ connection->partial, connection->kept });
}

void inheritance_write(struct state_writer *out, const struct listeners *listeners,
                       const struct worker_leftover *leftovers, uint32_t workers)
{
    int64_t stopped_ns = INT64_MAX;
    uint64_t n = 0;

    for (uint32_t w = 0; w < workers; w++) {
        if (leftovers[w].stopped_ns < stopped_ns)
            stopped_ns = leftovers[w].stopped_ns;
        for (const struct stream_inherited *c = leftovers[w].connections; c != NULL;
             c = c->next)
            n++;
    }
    state_begin(out, STATE_SERVER);
    state_put_signed(out, stopped_ns);
    write_drops(out, listeners);
    state_put_number(out, n);
    for (uint32_t w = 0; w < workers; w++)
        for (const struct stream_inherited *c = leftovers[w].connections; c != NULL;
             c = c->next)
            write_connection(out, c);
}

/* ---- to the next program ----------------------------------------------- */

/* Makes the descriptors survive an exec, or not. Those of connections stand in the state. */
static void set_inherited(const struct inheritance *inheritance, int flags)
{
    for (size_t i = 0; i < inheritance->sockets.n; i++)
        (void)fcntl(inheritance->sockets.at[i].fd, F_SETFD, flags);
    if (inheritance->state_fd >= 0)
        (void)fcntl(inheritance->state_fd, F_SETFD, flags);
}

static void write_sockets(const struct inherited_sockets *sockets, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < sockets->n; i++)
        len += (size_t)snprintf(out + len, size - len, " %d%s", sockets->at[i].fd,
                                sockets->at[i].connection ? "c"
                                : sockets->at[i].kept     ? "k"
                                                          : "");
    len += (size_t)snprintf(out + len, size - len, TRACES_WORD);
    for (size_t i = 0; i < sockets->n; i++)
        if (sockets->at[i].traces)
            len += (size_t)snprintf(out + len, size - len, " %d", sockets->at[i].fd);
}

bool inheritance_pass_on(const struct inheritance *inheritance)
{
    size_t size = 80 + 32 * inheritance->sockets.n, len;
    char *text = malloc(size);

    if (text == NULL)
        return false;
    len = (size_t)snprintf(text, size, "%ld %d %lld", (long)getpid(), inheritance->state_fd,
                           (long long)inheritance->last_stamp_s);
    write_sockets(&inheritance->sockets, text + len, size - len);
    bool set = setenv(HANDOVER_VARIABLE, text, 1) == 0;

    free(text);
    if (set)
        set_inherited(inheritance, 0);
    return set;
}

void inheritance_take_back(const struct inheritance *inheritance)
{
    unsetenv(HANDOVER_VARIABLE);
    set_inherited(inheritance, FD_CLOEXEC);
}
