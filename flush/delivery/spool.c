/* flush/delivery/spool.c: payloads as files.
 *
 *   000001700000020-5f3a....payload        creation time, number
 *
 *   0   8  magic, with the version in it
 *   8   4  route           12  4  compression
 *   16  4  points          20  4  items
 *   24  8  created_s
 *   32  8  raw size        40  8  size
 *   48  8  checksum (XXH3-64) of the bytes
 *   56  8  checksum of the header up to here
 *   64     the bytes
 *
 * Numbers are little-endian. */
#include "flush/delivery/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include "config/files.h"
#include "flush/memory/wire.h"

enum {
    HEADER_SIZE = 64,
    HEADER_CHECKED = 56,
    BLOCK = 4096,
    NAME_SIZE = 64,
};

static const char magic[8] = "HEELER\0\1";
static const char temporary[] = "unfinished";

/* ---- headers ----------------------------------------------------------- */

static void write_header(unsigned char header[HEADER_SIZE], const struct payload *payload)
{
    memcpy(header, magic, sizeof magic);
    fixed_put(header + 8, payload->route, 4);
    fixed_put(header + 12, payload->compression, 4);
    fixed_put(header + 16, payload->points, 4);
    fixed_put(header + 20, payload->items, 4);
    fixed_put(header + 24, (uint64_t)payload->created_s, 8);
    fixed_put(header + 32, payload->raw_size, 8);
    fixed_put(header + 40, payload->size, 8);
    fixed_put(header + 48, XXH3_64bits(payload->bytes, payload->size), 8);
    fixed_put(header + 56, XXH3_64bits(header, HEADER_CHECKED), 8);
}

/* Fills all of *out but its bytes. */
static bool read_header(const unsigned char header[HEADER_SIZE], struct payload *out)
{
    uint64_t route = fixed_get(header + 8, 4), compression = fixed_get(header + 12, 4);

    if (memcmp(header, magic, sizeof magic) != 0 || route >= ROUTE_COUNT ||
        compression >= COMPRESSION_COUNT ||
        fixed_get(header + 56, 8) != XXH3_64bits(header, HEADER_CHECKED))
        return false;
    *out = (struct payload){
        .route = (enum payload_route)route,
        .compression = (enum compression)compression,
        .points = (uint32_t)fixed_get(header + 16, 4),
        .items = (uint32_t)fixed_get(header + 20, 4),
        .created_s = (int64_t)fixed_get(header + 24, 8),
        .raw_size = (size_t)fixed_get(header + 32, 8),
        .size = (size_t)fixed_get(header + 40, 8),
    };
    return payload_is_sane(out);
}

/* ---- folder ------------------------------------------------------------ */

static void file_name(char name[NAME_SIZE], int64_t created_s, uint64_t number)
{
    snprintf(name, NAME_SIZE, "%015" PRId64 "-%016" PRIx64 ".payload", created_s, number);
}

/* Whether we made it, and nobody else may have changed it. */
static bool is_ours(const struct stat *stat)
{
    return stat->st_uid == geteuid() && (stat->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* NULL: the folder is ours. Otherwise says what is wrong with it, with errno. */
static const char *find_fault(int folder_fd)
{
    struct stat stat;

    if (fstat(folder_fd, &stat) != 0)
        return strerrordesc_np(errno);
    if (is_ours(&stat))
        return NULL;
    errno = EPERM;
    return stat.st_uid != geteuid()
               ? "it belongs to another user, who could put points there"
               : "others may write to it and could put points there (chmod go-w)";
}

uint64_t spool_cost(size_t size)
{
    return ((uint64_t)size + HEADER_SIZE + BLOCK - 1) / BLOCK * BLOCK;
}

static bool lock(struct spool *spool)
{
    spool->lock_fd =
        openat(spool->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return spool->lock_fd >= 0 && flock(spool->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

/* NULL: it is open. Otherwise says why not, with errno. */
static const char *try_open(struct spool *spool, const char *folder)
{
    size_t failed;

    if (!files_make_folders(folder, strlen(folder), 0700, &failed)) /* for us alone */
        return strerrordesc_np(errno);
    spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder_fd < 0)
        return strerrordesc_np(errno);
    const char *fault = find_fault(spool->folder_fd);

    if (fault != NULL)
        return fault;
    if (!lock(spool))
        return errno == EWOULDBLOCK ? "another process has it" : strerrordesc_np(errno);
    if (unlinkat(spool->folder_fd, temporary, 0) != 0 && errno != ENOENT)
        return strerrordesc_np(errno);
    return NULL;
}

bool spool_open(struct spool *spool, const char *folder, struct spool_limits limits,
                const char **problem)
{
    *spool = (struct spool){ .limits = limits, .folder_fd = -1, .lock_fd = -1 };
    *problem = try_open(spool, folder);
    if (*problem == NULL)
        return true;
    int error = errno;

    spool_close(spool);
    errno = error;
    return false;
}

/* Looks at the folder or, if it is missing, at the nearest one above it that is there. */
bool spool_check(const char *folder, const char **problem)
{
    char part[PATH_MAX];
    struct stat stats;
    size_t len = strlen(folder);

    *problem = strerrordesc_np(len == 0 ? ENOENT : ENAMETOOLONG);
    if (len == 0 || len >= sizeof part)
        return false;
    memcpy(part, folder, len + 1);
    while (stat(part, &stats) != 0 && errno == ENOENT) {
        char *slash = strrchr(part, '/');

        snprintf(slash != NULL ? slash + (slash == part) : part, 2, slash != NULL ? "" : ".");
    }
    if (stat(part, &stats) != 0)
        *problem = strerrordesc_np(errno);
    else if (!S_ISDIR(stats.st_mode))
        *problem = strerrordesc_np(ENOTDIR);
    else
        *problem = access(part, W_OK | X_OK) == 0 ? NULL : strerrordesc_np(errno);
    return *problem == NULL;
}

void spool_close(struct spool *given)
{
    if (given->lock_fd >= 0)
        close(given->lock_fd);
    if (given->folder_fd >= 0)
        close(given->folder_fd);
    given->lock_fd = given->folder_fd = -1;
}

/* ---- scan -------------------------------------------------------------- */

/* What a read says of a file, from the best to the worst. */
static enum spool_read read_at(int fd, void *out, size_t size, off_t at)
{
    unsigned char *into = out;

    while (size > 0) {
        ssize_t n = pread(fd, into, size, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? SPOOL_LATER : SPOOL_DAMAGED;
        into += n;
        size -= (size_t)n;
        at += n;
    }
    return SPOOL_READ;
}

static int open_file(const struct spool *spool, const char *name)
{
    return openat(spool->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* What it means that a file could not be opened, by errno. There is no file of ours if there is
 * nothing (ENOENT), a link (ELOOP), a socket (ENXIO), or a file that somebody else made
 * (EACCES). Any other error is one of the disk or of the machine, and may pass. */
static enum spool_read unopened(int error)
{
    return error == ENOENT || error == ELOOP || error == ENXIO || error == EACCES
               ? SPOOL_MISSING
               : SPOOL_LATER;
}

/* Reads the header of an open file, and makes sure that the file is ours and as long as the
 * header says. */
static enum spool_read look_at(int fd, unsigned char header[HEADER_SIZE], struct payload *out)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0)
        return SPOOL_LATER;
    if (!S_ISREG(stat.st_mode) || !is_ours(&stat))
        return SPOOL_MISSING;
    enum spool_read result = read_at(fd, header, HEADER_SIZE, 0);

    if (result != SPOOL_READ)
        return result;
    return read_header(header, out) && (uint64_t)stat.st_size == out->size + HEADER_SIZE
               ? SPOOL_READ
               : SPOOL_DAMAGED;
}

enum spool_read spool_look(struct spool *spool, struct spool_file *file)
{
    unsigned char header[HEADER_SIZE];
    char name[NAME_SIZE];
    struct payload found;

    file_name(name, file->created_s, file->number);
    int fd = open_file(spool, name);

    if (fd < 0)
        return unopened(errno);
    enum spool_read result = look_at(fd, header, &found);
    int error = errno;

    close(fd);
    errno = error;
    if (result != SPOOL_READ)
        return result;
    if (found.created_s != file->created_s)
        return SPOOL_DAMAGED;
    file->size = found.size;
    file->points = found.points;
    spool->bytes += spool_cost(found.size);
    return SPOOL_READ;
}

static bool read_name(const char *name, struct spool_file *out)
{
    char expected[NAME_SIZE];

    *out = (struct spool_file){ .number = 0 };
    if (sscanf(name, "%15" SCNd64 "-%16" SCNx64 ".payload", &out->created_s, &out->number) != 2)
        return false;
    file_name(expected, out->created_s, out->number);
    return strcmp(name, expected) == 0 && out->number != 0;
}

static int by_age(const void *a, const void *b)
{
    const struct spool_file *left = a, *right = b;

    if (left->created_s != right->created_s)
        return left->created_s < right->created_s ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static bool add_file(struct spool_scan *scan, size_t *capacity, const struct spool_file *file)
{
    if (scan->n == *capacity) {
        size_t more = *capacity == 0 ? 64 : *capacity * 2;
        struct spool_file *grown = realloc(scan->files, more * sizeof *grown);

        if (grown == NULL)
            return false;
        scan->files = grown;
        *capacity = more;
    }
    scan->files[scan->n++] = *file;
    return true;
}

/* False with errno. */
static bool scan_name(struct spool *spool, const char *name, struct spool_scan *out,
                      size_t *capacity)
{
    struct spool_file file;

    if (!read_name(name, &file))
        return true;
    switch (spool_look(spool, &file)) {
    case SPOOL_READ:
    case SPOOL_LATER:
        return add_file(out, capacity, &file);
    case SPOOL_DAMAGED:
        out->damaged += unlinkat(spool->folder_fd, name, 0) == 0;
        break;
    case SPOOL_MISSING:
        out->foreign++;
        break;
    }
    return true;
}

static bool scan_folder(struct spool *spool, DIR *folder, struct spool_scan *out)
{
    size_t capacity = 0;
    struct dirent *entry;

    while (errno = 0, (entry = readdir(folder)) != NULL)
        if (!scan_name(spool, entry->d_name, out, &capacity))
            return false;
    return errno == 0;
}

bool spool_scan(struct spool *spool, struct spool_scan *out)
{
    int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    *out = (struct spool_scan){ .n = 0 };
    spool->bytes = 0;
    bool whole = folder != NULL && scan_folder(spool, folder, out);
    int error = errno;

    if (folder != NULL)
        closedir(folder);
    else if (fd >= 0)
        close(fd);
    if (!whole) {
        free(out->files);
        *out = (struct spool_scan){ .n = 0 };
    } else if (out->n > 0) {
        qsort(out->files, out->n, sizeof *out->files, by_age);
    }
    errno = error;
    return whole;
}

/* ---- write and read ---------------------------------------------------- */

int64_t spool_bound_room(const struct spool *spool)
{
    return (int64_t)spool->limits.max_bytes - (int64_t)spool->bytes;
}

int64_t spool_room(const struct spool *spool)
{
    struct statvfs disk;
    int64_t room = spool_bound_room(spool);

    if (fstatvfs(spool->folder_fd, &disk) != 0)
        return room;
    double total = (double)disk.f_blocks * (double)disk.f_frsize;
    double allowed = (double)disk.f_bavail * (double)disk.f_frsize -
                     total * (1 - spool->limits.max_disk_ratio);

    return allowed < (double)room ? (int64_t)allowed : room;
}

/* Writes the file under its first name, and returns its descriptor; -1 with errno. */
static int write_unfinished(const struct spool *spool, const struct payload *payload)
{
    unsigned char header[HEADER_SIZE];
    int fd = openat(spool->folder_fd, temporary,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    write_header(header, payload);
    if (files_write(fd, header, sizeof header) == sizeof header &&
        files_write(fd, payload->bytes, payload->size) == payload->size)
        return fd;
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Numbers ascend, and those of another process are different. */
static uint64_t next_number(void)
{
    static uint32_t last;

    return (uint64_t)++last << 32 | arc4random();
}

static void give_to(struct syncer *syncer, int fd, int folder_fd)
{
    if (syncer != NULL)
        syncer_give(syncer, fd, folder_fd);
    else
        close(fd);
}

uint64_t spool_write(struct spool *spool, const struct payload *payload, struct syncer *syncer)
{
    char name[NAME_SIZE];
    uint64_t number = next_number();
    int fd = write_unfinished(spool, payload);

    file_name(name, payload->created_s, number);
    if (fd < 0 || renameat(spool->folder_fd, temporary, spool->folder_fd, name) != 0) {
        int error = errno;

        if (fd >= 0)
            close(fd);
        unlinkat(spool->folder_fd, temporary, 0);
        errno = error;
        return 0;
    }
    give_to(syncer, fd, spool->folder_fd);
    spool->bytes += spool_cost(payload->size);
    return number;
}

static enum spool_read read_open(int fd, struct payload **out)
{
    unsigned char header[HEADER_SIZE];
    struct payload found;
    enum spool_read result = look_at(fd, header, &found);

    if (result != SPOOL_READ)
        return result;
    struct payload *payload = malloc(sizeof *payload + found.size);

    if (payload == NULL)
        return SPOOL_LATER;
    *payload = found;
    result = read_at(fd, payload->bytes, found.size, HEADER_SIZE);
    if (result == SPOOL_READ &&
        fixed_get(header + 48, 8) != XXH3_64bits(payload->bytes, found.size))
        result = SPOOL_DAMAGED;
    if (result == SPOOL_READ)
        *out = payload;
    else
        payload_free(payload);
    return result;
}

enum spool_read spool_read(const struct spool *spool, int64_t created_s, uint64_t number,
                           struct payload **out)
{
    char name[NAME_SIZE];

    file_name(name, created_s, number);
    int fd = open_file(spool, name);

    if (fd < 0)
        return unopened(errno);
    enum spool_read result = read_open(fd, out);
    int error = errno;

    close(fd);
    errno = error;
    return result;
}

void spool_remove(struct spool *spool, int64_t created_s, uint64_t number, size_t size)
{
    char name[NAME_SIZE];

    file_name(name, created_s, number);
    if (spool->folder_fd >= 0)
        unlinkat(spool->folder_fd, name, 0);
    spool->bytes -= spool_cost(size) < spool->bytes ? spool_cost(size) : spool->bytes;
}
