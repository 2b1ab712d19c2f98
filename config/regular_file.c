#include "config/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fault_of(int fd)
{
    struct stat found;

    if (fd < 0 || fstat(fd, &found) != 0)
        return strerror(errno);
    if (S_ISDIR(found.st_mode))
        return strerror(EISDIR);
    return S_ISREG(found.st_mode) ? NULL : "it is no regular file";
}

FILE *regular_file_open(const char *path, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *file = NULL;

    *why = fault_of(fd);
    if (*why == NULL) {
        file = fdopen(fd, "r");
        if (file == NULL)
            *why = strerror(errno);
    }
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}
