#include "server/receive/listener_unix.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/log.h"

enum { OTHER_DESCRIPTORS = 256 };

/* ---- the queue --------------------------------------------------------- */

/* -1 where the system does not say. */
static long queue_datagrams(void)
{
    FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");
    long datagrams;

    if (file == NULL)
        return -1;
    if (fscanf(file, "%ld", &datagrams) != 1)
        datagrams = -1;
    fclose(file);
    return datagrams;
}

/* Raises the limit of descriptors so far that so many connections and everything else fit. */
static void allow_descriptors(const struct listener *listener, int64_t connections)
{
    rlim_t wanted = (rlim_t)connections + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted)
        return;
    log_warn("server: %s: heeler_stream_connections is %lld, but the system allows %llu open "
             "files (ulimit -n)",
             listener->name, (long long)connections, (unsigned long long)limit.rlim_cur);
}

/* If the kernel queues few datagrams, one client's burst fills the queue while the worker is
 * busy for a moment: the client then stalls, or drops it itself. */
static void say_listening(struct listener *listener, const struct settings *settings)
{
    bool connected = listener_traits(listener)->connected;
    long queue = connected ? -1 : queue_datagrams();

    listener->queue_datagrams = queue > 0 && queue < INT_MAX ? (int)queue : 0;
    if (connected)
        allow_descriptors(listener, settings->heeler_stream_connections);
    log_info("server: listening on %s", listener->name);
    if (socket_folder_is_open(listener->file.path))
        log_warn("server: " SOCKET_FOLDER_OPEN, listener->file.path);
    if (queue >= 0 && queue < LISTENER_GOOD_QUEUE)
        log_warn(
            "server: %s: the kernel queues %ld datagrams, then senders have to wait or "
            "give up; \"sysctl -w net.unix.max_dgram_qlen=%d\" before the start allows more",
            listener->name, queue, LISTENER_SUGGESTED_QUEUE);
}

/* ---- one listener ------------------------------------------------------ */

/* Who sent a bad line can be said only if the kernel tells with each datagram.
 * SO_RCVBUF is not set: for unix sockets the kernel charges the sender's buffer. */
static bool set_socket(struct listener *listener, int fd, bool ask_senders)
{
    for (uint32_t i = 0; i < listener->n_sockets; i++)
        listener->sockets[i].fd = fd;
    if (fd >= 0 && listener_traits(listener)->tells_senders && ask_senders)
        return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) == 0;
    return fd >= 0;
}

static bool open_socket(struct listener *listener, bool ask_senders)
{
    int fd = socket(AF_UNIX, listener_traits(listener)->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return set_socket(listener, fd, ask_senders);
}

/* Takes the inherited socket of that path, with its file. False: there is none, or its file is
 * not at the path any more, where senders would look for it. */
static bool adopt_socket(struct listener *listener, const char *path, bool ask_senders,
                         struct inherited_sockets *inherited)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct inherited_socket found;

    if (strlen(path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, path);
    if (!inherited_take(inherited, (const struct sockaddr *)&address,
                        listener_traits(listener)->type, false, &found))
        return false;
    socket_file_adopt(&listener->file, path);
    if (listener->file.path[0] == '\0') {
        log_warn("server: %s: its file is gone, so it is made anew; what was queued is lost",
                 listener->name);
        close(found.fd);
        return false;
    }
    listener->kept = found.kept;
    return set_socket(listener, found.fd, ask_senders);
}

static bool open_listener(struct listener *listener, enum listener_kind kind, const char *path,
                          const struct socket_access *access, const struct settings *settings,
                          uint32_t workers, struct inherited_sockets *inherited, char *problem,
                          size_t problem_size)
{
    if (!listener_init(listener, kind, settings, workers)) {
        snprintf(problem, problem_size, "not enough memory for the listeners");
        return false;
    }
    snprintf(listener->name, sizeof listener->name, "%s %s", listener_traits(listener)->label,
             path);
    if (adopt_socket(listener, path, settings->dogstatsd_origin_detection, inherited))
        return true;
    bool opened = open_socket(listener, settings->dogstatsd_origin_detection);
    if (!opened)
        snprintf(problem, problem_size, "no unix socket: %s", strerror(errno));
    else if (socket_file_bind(&listener->file, listener->sockets[0].fd, path, access, problem,
                              problem_size))
        return true;
    listener_close(listener);
    return false;
}

/* ---- both -------------------------------------------------------------- */

struct wanted {
    enum listener_kind kind;
    enum setting setting;
    const char *key, *path;
};

static bool open_wanted(struct listeners *listeners, const struct wanted *wanted,
                        const struct socket_access *access, const struct settings *settings,
                        uint32_t workers, char *problem, size_t problem_size)
{
    struct listener *listener = &listeners->at[listeners->n];
    char why[384];

    if (wanted->path[0] == '\0')
        return true;
    if (open_listener(listener, wanted->kind, wanted->path, access, settings, workers,
                      listeners->inherited, why, sizeof why)) {
        listeners->n++;
        say_listening(listener, settings);
        return true;
    }
    if (strcmp(settings->origin[wanted->setting], "default") == 0) {
        log_warn("server: no unix socket: %s (it is the default path; --set %s= or %s: \"\" in "
                 "the file turns it off)",
                 why, wanted->key, wanted->key);
        return true;
    }
    snprintf(problem, problem_size, "%s: %s", wanted->key, why);
    return false;
}

bool unix_listeners_open(struct listeners *listeners, const struct settings *settings,
                         uint32_t workers, char *problem, size_t problem_size)
{
    const struct wanted wanted[UNIX_LISTENERS_MAX] = {
        { LISTENER_UNIX, SETTING_dogstatsd_socket, "dogstatsd_socket",
          settings->dogstatsd_socket },
        { LISTENER_STREAM, SETTING_dogstatsd_stream_socket, "dogstatsd_stream_socket",
          settings->dogstatsd_stream_socket },
    };
    struct socket_access access;

    if (!socket_access_read(&access, settings->heeler_socket_mode,
                            settings->heeler_socket_owner, settings->heeler_socket_group,
                            problem, problem_size))
        return false;
    for (int i = 0; i < UNIX_LISTENERS_MAX; i++)
        if (socket_access_changes_owner(&access) && socket_folder_is_open(wanted[i].path)) {
            snprintf(problem, problem_size, SOCKET_FOLDER_REFUSED, wanted[i].path);
            return false;
        }
    for (int i = 0; i < UNIX_LISTENERS_MAX; i++)
        if (!open_wanted(listeners, &wanted[i], &access, settings, workers, problem,
                         problem_size))
            return false;
    return true;
}
