#include "server/receive/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/files.h"

/* Another process may take the path between our look at it and our bind. We try so often. */
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

/* Reads an id that is written as a number. (chown would take -1 to mean "unchanged".) */
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

bool socket_access_changes_owner(const struct socket_access *access)
{
    return access->owner != (uid_t)-1 || access->group != (gid_t)-1;
}

/* ---- the path ---------------------------------------------------------- */

/* Makes every folder that leads to the file. */
static bool make_folders(const char *path, char *problem, size_t problem_size)
{
    const char *name = strrchr(path, '/');
    size_t failed;

    return name == NULL || files_make_folders(path, (size_t)(name - path), 0755, &failed) ||
           say(problem, problem_size, "cannot make the folder %.*s: %s", (int)failed, path,
               strerror(errno));
}

/* Opens the folder of the path, so that our look at the name in it and what we do about it
 * happen in the same folder, whatever becomes of the path meanwhile. -1 with errno. *name: a
 * view of the path's last part. */
static int open_folder(const char *path, const char **name)
{
    char folder[SOCKET_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

    *name = slash == NULL ? path : slash + 1;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return open(len > 0 ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool socket_folder_is_open(const char *path)
{
    struct stat folder;
    const char *name;
    size_t len = strlen(path);
    int fd = len > 0 && len < SOCKET_PATH_SIZE ? open_folder(path, &name) : -1;

    if (fd < 0)
        return false;
    bool is_open = fstat(fd, &folder) == 0 && (folder.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
    close(fd);
    return is_open;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Removes the file if it is still the one that was looked at. */
static bool remove_exactly(const char *path, const struct stat *file)
{
    struct stat now;
    const char *name;
    int folder_fd = open_folder(path, &name);
    bool removed = false;

    if (folder_fd < 0)
        return false;
    if (fstatat(folder_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISSOCK(now.st_mode) && is_same(&now, file))
            removed = unlinkat(folder_fd, name, 0) == 0;
        else
            errno = ENOENT; /* the file is gone, and another has its name */
    }
    int why = errno;
    close(folder_fd);
    errno = why;
    return removed;
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

/* Something stands at the path. Removes it if it is the socket of a dead server; false with a
 * sentence if it is anything else. */
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
        if (remove_exactly(path, &found) || errno == ENOENT)
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

/* bind() gives the file the mode of the socket, less the umask. The umask belongs to the whole
 * process, so it is set aside only for this one call. */
static int bind_with_mode(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(0);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    int why = errno;

    umask(mask);
    errno = why;
    return result;
}

static bool bind_path(int fd, int type, const struct sockaddr_un *address, char *problem,
                      size_t problem_size)
{
    for (int i = 0; i < BIND_TRIES; i++) {
        if (bind_with_mode(fd, address) == 0)
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

/* Opens what stands at the path now, following no link, and makes sure that it is a socket of
 * ours, as the one that was just bound is. -1 with a sentence. It might be another socket of
 * ours only if somebody replaced it; whoever can do that in a folder that is not open to
 * others can do anything else as well. */
static int hold_made(const char *path, struct stat *made, char *problem, size_t problem_size)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, made) == 0 && S_ISSOCK(made->st_mode) && made->st_uid == geteuid())
        return fd;
    say(problem, problem_size,
        "%s is no socket of ours right after it was made: another user replaced it, or the "
        "file system changes owners; it was not touched",
        path);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Works on the file: fchown() on the socket's own descriptor would not change it. */
static bool set_owner(int file_fd, const char *path, const struct socket_access *access,
                      char *problem, size_t problem_size)
{
    return !socket_access_changes_owner(access) ||
           fchownat(file_fd, "", access->owner, access->group, AT_EMPTY_PATH) == 0 ||
           say(problem, problem_size, "%s: owner and group cannot be set: %s", path,
               strerror(errno));
}

static bool finish(struct socket_file *out, int fd, int type, const char *path,
                   const struct socket_access *access, char *problem, size_t problem_size)
{
    struct stat made;
    int file_fd = hold_made(path, &made, problem, problem_size);

    if (file_fd < 0)
        return false;
    strcpy(out->path, path);
    out->device = made.st_dev;
    out->inode = made.st_ino;
    bool done = set_owner(file_fd, path, access, problem, problem_size);
    close(file_fd);
    if (done && type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0)
        done = say(problem, problem_size, "cannot listen on %s: %s", path, strerror(errno));
    if (!done)
        socket_file_remove(out);
    return done;
}

bool socket_file_bind(struct socket_file *out, int fd, const char *path,
                      const struct socket_access *access, char *problem, size_t problem_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int type = SOCK_DGRAM;

    *out = (struct socket_file){ .device = 0 };
    if (strlen(path) >= sizeof address.sun_path)
        return say(problem, problem_size, "the path %s is longer than %zu bytes", path,
                   sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof type });
    if (!make_folders(path, problem, problem_size))
        return false;
    if (socket_access_changes_owner(access) && socket_folder_is_open(path))
        return say(problem, problem_size, SOCKET_FOLDER_REFUSED, path);
    if (fchmod(fd, access->mode) != 0) /* the mode that bind gives the file */
        return say(problem, problem_size, "%s: the mode cannot be set: %s", path,
                   strerror(errno));
    return bind_path(fd, type, &address, problem, problem_size) &&
           finish(out, fd, type, path, access, problem, problem_size);
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
    const struct stat bound = { .st_dev = file->device, .st_ino = file->inode };

    if (file->path[0] != '\0')
        (void)remove_exactly(file->path, &bound);
    file->path[0] = '\0';
}
