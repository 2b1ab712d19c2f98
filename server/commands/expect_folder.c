#include "server/commands/expect_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"

static const char prefix[] = "heeler-expect-";

/* Between making a folder and locking it nobody sees whose it is. */
enum { YOUNG_S = 60, OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* Where $TMPDIR is too long for a socket it is /tmp. */
static const char *parent(void)
{
    const char *path = getenv("TMPDIR");

    return path != NULL && path[0] == '/' &&
                   strlen(path) + sizeof prefix + 8 < EXPECT_FOLDER_SIZE
               ? path
               : "/tmp";
}

bool expect_folder_make(struct expect_folder *out)
{
    snprintf(out->path, sizeof out->path, "%s/%sXXXXXX", parent(), prefix);
    out->lock = -1;
    if (mkdtemp(out->path) == NULL)
        return false;
    out->lock = open(out->path, OPEN_FOLDER);
    if (out->lock >= 0 && flock(out->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    int why = errno;

    expect_folder_remove(out);
    errno = why;
    return false;
}

/* There are no folders in it. */
static void empty(int folder)
{
    int fd = dup(folder);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    rewinddir(entries);
    while ((entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(folder, entry->d_name, 0);
    closedir(entries);
}

void expect_folder_remove(struct expect_folder *given)
{
    if (given->lock < 0)
        given->lock = open(given->path, OPEN_FOLDER);
    if (given->lock >= 0) {
        empty(given->lock);
        close(given->lock);
    }
    (void)rmdir(given->path);
    given->lock = -1;
}

/* Whether it is one of ours that nobody has. */
static bool is_left_behind(int folder)
{
    struct stat stat;

    return fstat(folder, &stat) == 0 && stat.st_uid == geteuid() &&
           stat.st_mtime + YOUNG_S < clock_wall_s() && flock(folder, LOCK_EX | LOCK_NB) == 0;
}

static void sweep_one(int above, const char *name)
{
    int folder = openat(above, name, OPEN_FOLDER);

    if (folder < 0)
        return;
    if (is_left_behind(folder)) {
        empty(folder);
        (void)unlinkat(above, name, AT_REMOVEDIR);
    }
    close(folder);
}

void expect_folder_sweep(void)
{
    DIR *entries = opendir(parent());
    const struct dirent *entry;

    if (entries == NULL)
        return;
    while ((entry = readdir(entries)) != NULL)
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0)
            sweep_one(dirfd(entries), entry->d_name);
    closedir(entries);
}
