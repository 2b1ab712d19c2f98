#include "config/files.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t files_write(int fd, const void *from, size_t len)
{
    const char *at = from;
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, at + done, len - done);

        if (n < 0 && errno == EAGAIN) /* somebody who shares the descriptor made it not block */
            poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, -1);
        else if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    return done;
}

/* mkdir may say EROFS or the like also of a folder that is there. */
static bool make_folder(const char *path, mode_t mode)
{
    struct stat found;

    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return true;
    int why = errno;
    bool is_there = stat(path, &found) == 0;

    errno = why;
    return is_there;
}

bool files_make_folders(const char *path, size_t len, mode_t mode, size_t *failed)
{
    char folder[PATH_MAX];

    *failed = len;
    if (len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t end = 1; end <= len; end++) {
        if (end < len && path[end] != '/')
            continue;
        memcpy(folder, path, end);
        folder[end] = '\0';
        if (!make_folder(folder, mode)) {
            *failed = end;
            return false;
        }
    }
    return true;
}

bool files_beside_program(char out[PATH_MAX], const char *name)
{
    ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (len <= 0)
        return false;
    out[len] = '\0';
    char *slash = strrchr(out, '/'); /* of "/usr/bin/heeler (deleted)", too */
    if (slash == NULL || (size_t)(slash + 1 - out) + strlen(name) >= PATH_MAX)
        return false;
    memcpy(slash + 1, name, strlen(name) + 1);
    return true;
}
