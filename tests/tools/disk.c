/* disk: a disk that fails or hangs, for scripts; LD_PRELOAD it into a server.
 *
 *   DISK_FOLDER    calls on what is below it ask
 *   DISK_SAYS      the file that holds the answer: nothing or "works", "fails" (EIO), or
 *                  "hangs": then a call waits until the file says otherwise, and there
 *                  is a file of that name with ".hangs" behind it
 *
 * Knows nothing of the server's code. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_below(int fd)
{
    const char *folder = getenv("DISK_FOLDER");
    char link[32], path[PATH_MAX];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = folder != NULL ? readlink(link, path, sizeof path - 1) : -1;

    return n > 0 && (size_t)n >= strlen(folder) && memcmp(path, folder, strlen(folder)) == 0;
}

static bool says(const char *word)
{
    char text[16] = "";
    FILE *file = fopen(getenv("DISK_SAYS"), "re");

    if (file != NULL && fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    if (file != NULL)
        fclose(file);
    return strncmp(text, word, strlen(word)) == 0;
}

static void tell(void)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s.hangs", getenv("DISK_SAYS"));
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

/* False with errno: the disk fails. */
static bool ask(int fd)
{
    int before = errno;

    if (!is_below(fd))
        return true;
    if (says("hangs"))
        tell();
    while (says("hangs"))
        poll(NULL, 0, 10);
    bool fails = says("fails");

    errno = fails ? EIO : before;
    return !fails;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ssize_t pread64(int fd, void *into, size_t size, off64_t at)
{
    ssize_t (*call)(int, void *, size_t, off64_t) =
        (ssize_t(*)(int, void *, size_t, off64_t))real("pread64");

    return ask(fd) ? call(fd, into, size, at) : -1;
}

ssize_t pread(int fd, void *into, size_t size, off_t at)
{
    return pread64(fd, into, size, at);
}

ssize_t write(int fd, const void *from, size_t size)
{
    ssize_t (*call)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))real("write");

    return ask(fd) ? call(fd, from, size) : -1;
}

int fdatasync(int fd)
{
    int (*call)(int) = (int (*)(int))real("fdatasync");

    return ask(fd) ? call(fd) : -1;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    int (*call)(int, const char *, int, const char *) =
        (int (*)(int, const char *, int, const char *))real("renameat");

    return ask(from_fd) ? call(from_fd, from, to_fd, to) : -1;
}

int unlinkat(int fd, const char *name, int flags)
{
    int (*call)(int, const char *, int) = (int (*)(int, const char *, int))real("unlinkat");

    return ask(fd) ? call(fd, name, flags) : -1;
}
