#include "flush/delivery/dead_letter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 64 };

static const char suffix[] = ".letter";

static bool is_letter(const char *name)
{
    size_t len = strlen(name);

    return len < NAME_SIZE && len > sizeof suffix - 1 &&
           strcmp(name + len - (sizeof suffix - 1), suffix) == 0;
}

struct census {
    size_t files;
    uint64_t bytes;
    char oldest[NAME_SIZE]; /* names sort by age */
};

static bool take_census(int folder_fd, struct census *out)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat stat;

    *out = (struct census){ 0 };
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (!is_letter(entry->d_name) ||
            fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
            S_ISDIR(stat.st_mode))
            continue;
        out->files++;
        out->bytes += (uint64_t)stat.st_size;
        if (out->oldest[0] == '\0' || strcmp(entry->d_name, out->oldest) < 0)
            snprintf(out->oldest, NAME_SIZE, "%s", entry->d_name);
    }
    int error = errno;

    closedir(folder);
    errno = error;
    return error == 0;
}

/* Removes the oldest files until one more of that size fits within the bounds of the folder.
 * False with errno: the folder cannot be read, or a file cannot be removed. */
static bool make_room(int folder_fd, uint64_t size)
{
    struct census census;

    for (;;) {
        if (!take_census(folder_fd, &census))
            return false;
        if (census.files == 0 ||
            (census.files < DEAD_LETTERS_MAX && census.bytes + size <= DEAD_LETTER_BYTES_MAX))
            return true;
        if (unlinkat(folder_fd, census.oldest, 0) != 0)
            return false;
    }
}

static bool write_letter(int fd, const struct dead_letter *letter)
{
    const struct payload *payload = letter->payload;
    const char *encoding = payload_content_encoding(payload->compression);
    FILE *file = fdopen(fd, "w");

    if (file == NULL) {
        close(fd);
        return false;
    }
    fprintf(file,
            "endpoint: %s\nroute: %s\nflushed: %" PRId64 "\npoints: %" PRIu32
            "\ncontent-encoding: %s\nbytes: %zu\nstatus: %ld\nanswer: %s\n\n",
            letter->endpoint, payload_route_path(payload->route), payload->created_s,
            payload->points, encoding != NULL ? encoding : "identity", payload->size,
            letter->status, letter->answer);
    fwrite(payload->bytes, 1, payload->size, file);
    bool written = ferror(file) == 0;

    return fclose(file) == 0 && written;
}

bool dead_letter_write(const char *folder, const struct dead_letter *letter)
{
    char name[NAME_SIZE];

    mkdir(folder, 0700);
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder_fd < 0)
        return false;
    snprintf(name, sizeof name, "%020" PRId64 "%s", letter->now_ns, suffix);
    int fd = make_room(folder_fd, letter->payload->size)
                 ? openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                 : -1;
    bool written = fd >= 0 && write_letter(fd, letter);
    int error = errno;

    if (fd >= 0 && !written)
        unlinkat(folder_fd, name, 0);
    close(folder_fd);
    errno = error;
    return written;
}
