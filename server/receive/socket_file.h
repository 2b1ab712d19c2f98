/* server/receive/socket_file.h: the place of a unix socket in the file system.
 *
 * A path belongs to whoever listens there. A file that a dead server left behind
 * is replaced; a live server's socket, or a file of another kind, never is. Who
 * may send is decided by the file's mode and owner. The file gets its mode when it is made,
 * and nothing is done by its name afterwards: somebody who may write in the folder could
 * have put a link to another file there. Call at the start, on one thread: the umask is
 * set aside for a moment. */
#ifndef SERVER_RECEIVE_SOCKET_FILE_H
#define SERVER_RECEIVE_SOCKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { SOCKET_PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path) };

struct socket_access {
    mode_t mode;
    uid_t owner; /* (uid_t)-1: the server's own */
    gid_t group; /* (gid_t)-1: the server's own */
};

struct socket_file {
    char path[SOCKET_PATH_SIZE]; /* "": there is none */
    dev_t device;
    ino_t inode;
};

/* Reads mode ("0722"), owner and group (name or number, "": the server's own).
 * False with a sentence. */
bool socket_access_read(struct socket_access *out, const char *mode, const char *owner,
                        const char *group, char *problem, size_t problem_size);

bool socket_access_changes_owner(const struct socket_access *access);

/* Whether others may replace what stands in the path's folder: they may write there, and
 * it is not sticky, as /tmp is. No owner and no group are set there. */
bool socket_folder_is_open(const char *path);
#define SOCKET_FOLDER_OPEN \
    "%s: everybody may write in its folder, so another user can put a socket of his own there"
#define SOCKET_FOLDER_REFUSED                                                            \
    "heeler_socket_owner and heeler_socket_group: everybody may write in the folder of " \
    "%s, so they could be set on a file that another user put there; take the write "    \
    "permission of others away, or make the folder sticky"

/* Binds fd to path and, a stream socket, listens; missing folders are made (0755).
 * False with a sentence, and nothing is left in the file system but folders. */
bool socket_file_bind(struct socket_file *out, int fd, const char *path,
                      const struct socket_access *access, char *problem, size_t problem_size);

/* Takes the file of an inherited socket. */
void socket_file_adopt(struct socket_file *out, const char *path);

/* Removes the file, if it is still the one that was bound: call before the socket
 * is closed, so that its inode number cannot be another file's by then. */
void socket_file_remove(struct socket_file *file);

#endif
