#include "config/log_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/files.h"
#include "config/log_writer.h"

/* Of old files, where the setting has no bound. */
enum { ROLLS_MAX = 9999 };

bool log_size_parse(const char *text, uint64_t *bytes)
{
    static const char units[] = "kmg";
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    while (*end == ' ')
        end++;
    const char *unit = *end != '\0' ? strchr(units, tolower((unsigned char)*end)) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned)(unit + 1 - units) : 0;

    end += unit != NULL;
    end += *end == 'b' || *end == 'B';
    *bytes = (uint64_t)number << shift;
    return *end == '\0' && errno == 0 && *bytes >> shift == number;
}

static int open_as(const char *path, int access)
{
    return open(path, access | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* The size is that of a regular file; 0 for anything else. */
static int open_file(const char *path, uint64_t *bytes)
{
    struct stat found;
    bool is_fifo = stat(path, &found) == 0 && S_ISFIFO(found.st_mode);
    int fd = is_fifo ? open_as(path, O_RDWR) : -1;

    if (fd < 0)
        fd = open_as(path, O_WRONLY);
    if (fd < 0 || fstat(fd, &found) != 0)
        return fd;
    *bytes = S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0;
    (void)fcntl(fd, F_SETFL, O_APPEND); /* from now on it may wait */
    return fd;
}

struct log_file *log_file_open(const char *path)
{
    struct log_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->path = strdup(path);
    file->fd = file->path != NULL ? open_file(path, &file->bytes) : -1;
    if (file->fd < 0) {
        int why = errno;

        log_file_free(file);
        errno = why;
        return NULL;
    }
    return file;
}

void log_file_free(struct log_file *given)
{
    if (given->fd >= 0)
        close(given->fd);
    free(given->path);
    free(given);
}

bool log_file_reopen(struct log_file *file)
{
    uint64_t bytes = 0;
    int fresh = open_file(file->path, &bytes);

    if (fresh < 0)
        return false;
    close(file->fd);
    file->fd = fresh;
    file->bytes = bytes;
    file->torn = false;
    return true;
}

/* ---- rolling ----------------------------------------------------------- */

/* "FILE.3"; 0 is the file itself. Owned; NULL without memory. */
static char *name_of(const struct log_file *file, uint64_t roll)
{
    char *name = NULL;
    int n = roll == 0 ? asprintf(&name, "%s", file->path)
                      : asprintf(&name, "%s.%u", file->path, (unsigned)roll);

    return n >= 0 ? name : NULL;
}

static bool exists(const struct log_file *file, uint64_t roll)
{
    struct stat ignored;
    char *name = name_of(file, roll);
    bool found = name != NULL && lstat(name, &ignored) == 0;

    free(name);
    return found;
}

static void move_up(const struct log_file *file, uint64_t roll)
{
    char *from = name_of(file, roll), *to = name_of(file, roll + 1);

    if (from != NULL && to != NULL)
        (void)rename(from, to);
    free(from);
    free(to);
}

/* Renames old files up to the first name that is free. If none is free the oldest is
 * overwritten. */
static void roll(struct log_file *file)
{
    uint64_t most = atomic_load_explicit(&file->max_rolls, memory_order_relaxed);
    uint64_t last = 1;

    if (most == 0 || most > ROLLS_MAX)
        most = ROLLS_MAX;
    while (last < most && exists(file, last))
        last++;
    for (uint64_t i = last; i > 0; i--)
        move_up(file, i - 1);
    (void)log_file_reopen(file);
    file->bytes =
        0; /* if renaming failed, it is tried again when as much was written once more */
}

static bool is_full(const struct log_file *file, size_t more)
{
    uint64_t max = atomic_load_explicit(&file->max_bytes, memory_order_relaxed);
    struct stat found;

    return max > 0 && file->bytes > 0 && file->bytes + more > max &&
           fstat(file->fd, &found) == 0 && S_ISREG(found.st_mode);
}

bool log_file_write(struct log_file *file, const char *lines, size_t len)
{
    if (is_full(file, len))
        roll(file);
    if (file->torn && files_write(file->fd, "\n", 1) == 0)
        return false;
    size_t written = files_write(file->fd, lines, len);

    file->torn = written > 0 && written < len;
    file->bytes += written;
    return written == len;
}
