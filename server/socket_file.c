#include "server/socket_file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Another process may take the path between two looks at it; so often we look. */
enum { BIND_TRIES = 3 };

static bool say(char *problem, size_t problem_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Always false, for `return say(...)`. */
static bool say(char *problem, size_t problem_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, problem_size, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- who may send ------------------------------------------------------ */

/* A number of its own, for ids that have no name. -1 means "unchanged" to chown. */
static bool read_id(const char *text, unsigned *id)
{
    char *end;

    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 10)
        return false;
    unsigned long value = strtoul(text, &end, 10);
    *id = (unsigned)value;
    return value < 0xFFFFFFFFUL;
}

bool socket_access_read(struct socket_access *out, const char *mode, const char *owner,
                        const char *group, char *problem, size_t problem_size)
{
    char *end;

    *out = (struct socket_access){ (mode_t)strtoul(mode, &end, 8), (uid_t)-1, (gid_t)-1 };
    if (mode[0] == '\0' || *end != '\0' || (out->mode & ~(mode_t)0777) != 0)
        return say(problem, problem_size,
                   "heeler_socket_mode: \"%s\" is no mode such as 0722 or 0777", mode);
    if (owner[0] != '\0' && !read_id(owner, &out->owner)) {
        const struct passwd *user = getpwnam(owner);
        if (user == NULL)
            return say(problem, problem_size,
                       "heeler_socket_owner: there is no user \"%s\" here", owner);
        out->owner = user->pw_uid;
    }
    if (group[0] != '\0' && !read_id(group, &out->group)) {
        const struct group *found = getgrnam(group);
        if (found == NULL)
            return say(problem, problem_size,
                       "heeler_socket_group: there is no group \"%s\" here", group);
        out->group = found->gr_gid;
    }
    return true;
}

/* ---- the path ---------------------------------------------------------- */

/* Makes every folder that leads to the file. */
static bool make_folders(const char *path, char *problem, size_t problem_size)
{
    char folder[SOCKET_PATH_SIZE];
    struct stat found;

    for (const char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
        if (mkdir(folder, 0755) == 0 || errno == EEXIST || stat(folder, &found) == 0)
            continue;
        return say(problem, problem_size, "cannot make the folder %s: %s", folder,
                   strerror(errno));
    }
    return true;
}

/* 0: somebody listens there; else why connecting failed. */
static int probe(const struct sockaddr_un *address, int type)
{
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    int why = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
    close(fd);
    return why;
}

/* The path is taken: removes what a dead server left. False with a sentence when
 * it is anything else. */
static bool remove_stale(const struct sockaddr_un *address, int type, char *problem,
                         size_t problem_size)
{
    const char *path = address->sun_path;
    struct stat found;

    if (lstat(path, &found) != 0)
        return errno == ENOENT || say(problem, problem_size, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(found.st_mode))
        return say(problem, problem_size, "%s exists and is no socket; it was not touched",
                   path);
    switch (probe(address, type)) {
    case ECONNREFUSED:
        if (unlink(path) == 0 || errno == ENOENT)
            return true;
        return say(problem, problem_size, "%s: a dead server's socket cannot be removed: %s",
                   path, strerror(errno));
    case ENOENT:
        return true;
    case 0:
    case EAGAIN:     /* its backlog is full */
    case EPROTOTYPE: /* of the other type */
        return say(problem, problem_size, "%s is in use: another server listens there", path);
    default:
        return say(problem, problem_size,
                   "%s exists, and whether a server listens there cannot be found out: %s",
                   path, strerror(errno));
    }
}

static bool bind_path(int fd, int type, const struct sockaddr_un *address, char *problem,
                      size_t problem_size)
{
    for (int i = 0; i < BIND_TRIES; i++) {
        if (bind(fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return true;
        if (errno != EADDRINUSE)
            return say(problem, problem_size, "cannot bind %s: %s", address->sun_path,
                       strerror(errno));
        if (!remove_stale(address, type, problem, problem_size))
            return false;
    }
    return say(problem, problem_size, "%s is in use: another server starts there",
               address->sun_path);
}

static bool set_access(const char *path, const struct socket_access *access, char *problem,
                       size_t problem_size)
{
    if ((access->owner != (uid_t)-1 || access->group != (gid_t)-1) &&
        lchown(path, access->owner, access->group) != 0)
        return say(problem, problem_size, "%s: owner and group cannot be set: %s", path,
                   strerror(errno));
    if (chmod(path, access->mode) != 0)
        return say(problem, problem_size, "%s: the mode cannot be set: %s", path,
                   strerror(errno));
    return true;
}

bool socket_file_bind(struct socket_file *out, int fd, const char *path,
                      const struct socket_access *access, char *problem, size_t problem_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat made;
    int type = SOCK_DGRAM;

    *out = (struct socket_file){ .device = 0 };
    if (strlen(path) >= sizeof address.sun_path)
        return say(problem, problem_size, "the path %s is longer than %zu bytes", path,
                   sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof type });
    (void)fchmod(fd, 0); /* the mode that bind gives the file */
    if (!make_folders(path, problem, problem_size) ||
        !bind_path(fd, type, &address, problem, problem_size))
        return false;
    if (lstat(path, &made) != 0)
        return say(problem, problem_size, "%s: %s", path, strerror(errno));
    strcpy(out->path, path);
    out->device = made.st_dev;
    out->inode = made.st_ino;
    if (type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0)
        say(problem, problem_size, "cannot listen on %s: %s", path, strerror(errno));
    else if (set_access(path, access, problem, problem_size))
        return true;
    socket_file_remove(out);
    return false;
}

void socket_file_adopt(struct socket_file *out, const char *path)
{
    struct stat found;

    *out = (struct socket_file){ .device = 0 };
    if (strlen(path) >= sizeof out->path || lstat(path, &found) != 0 ||
        !S_ISSOCK(found.st_mode))
        return;
    strcpy(out->path, path);
    out->device = found.st_dev;
    out->inode = found.st_ino;
}

void socket_file_remove(struct socket_file *file)
{
    struct stat now;

    if (file->path[0] != '\0' && lstat(file->path, &now) == 0 && S_ISSOCK(now.st_mode) &&
        now.st_dev == file->device && now.st_ino == file->inode)
        (void)unlink(file->path);
    file->path[0] = '\0';
}
