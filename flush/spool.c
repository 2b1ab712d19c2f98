/* flush/spool.c: payloads as files.
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
#include "flush/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

enum {
    HEADER_SIZE = 64,
    HEADER_CHECKED = 56,
    BLOCK = 4096,
    NAME_SIZE = 64,
    SIZE_MAX_BYTES = 256 << 20, /* no payload of ours is near it */
};

static const char magic[8] = "HEELER\0\1";
static const char temporary[] = "unfinished";

/* ---------------------------------------------------------------- headers */

static void put_number(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

static uint64_t get_number(const unsigned char *at, int bytes)
{
    uint64_t number = 0;

    for (int i = 0; i < bytes; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

static void write_header(unsigned char header[HEADER_SIZE], const struct payload *payload)
{
    memcpy(header, magic, sizeof magic);
    put_number(header + 8, payload->route, 4);
    put_number(header + 12, payload->compression, 4);
    put_number(header + 16, payload->points, 4);
    put_number(header + 20, payload->items, 4);
    put_number(header + 24, (uint64_t)payload->created_s, 8);
    put_number(header + 32, payload->raw_size, 8);
    put_number(header + 40, payload->size, 8);
    put_number(header + 48, XXH3_64bits(payload->bytes, payload->size), 8);
    put_number(header + 56, XXH3_64bits(header, HEADER_CHECKED), 8);
}

/* Fills all of *out but its bytes. */
static bool read_header(const unsigned char header[HEADER_SIZE], struct payload *out)
{
    uint64_t route = get_number(header + 8, 4), compression = get_number(header + 12, 4);

    if (memcmp(header, magic, sizeof magic) != 0 || route >= ROUTE_COUNT ||
        compression >= COMPRESSION_COUNT ||
        get_number(header + 56, 8) != XXH3_64bits(header, HEADER_CHECKED))
        return false;
    *out = (struct payload){
        .route = (enum payload_route)route,
        .compression = (enum compression)compression,
        .points = (uint32_t)get_number(header + 16, 4),
        .items = (uint32_t)get_number(header + 20, 4),
        .created_s = (int64_t)get_number(header + 24, 8),
        .raw_size = (size_t)get_number(header + 32, 8),
        .size = (size_t)get_number(header + 40, 8),
    };
    return out->size > 0 && out->size <= SIZE_MAX_BYTES;
}

/* ----------------------------------------------------------------- folder */

static void file_name(char name[NAME_SIZE], int64_t created_s, uint64_t number)
{
    snprintf(name, NAME_SIZE, "%015" PRId64 "-%016" PRIx64 ".payload", created_s, number);
}

/* Every folder of the path that is missing, for us alone. */
static bool make_folders(const char *path)
{
    char part[4096];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return false;
    }
    memcpy(part, path, len + 1);
    for (char *at = part + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

uint64_t spool_cost(size_t size)
{
    return ((uint64_t)size + HEADER_SIZE + BLOCK - 1) / BLOCK * BLOCK;
}

bool spool_open(struct spool *spool, const char *folder, struct spool_limits limits)
{
    *spool = (struct spool){ .limits = limits, .folder_fd = -1, .lock_fd = -1 };
    if (!make_folders(folder))
        return false;
    spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder_fd >= 0)
        spool->lock_fd =
            openat(spool->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (spool->lock_fd < 0 || flock(spool->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;

        spool_close(spool);
        errno = error;
        return false;
    }
    unlinkat(spool->folder_fd, temporary, 0);
    return true;
}

void spool_close(struct spool *spool)
{
    if (spool->lock_fd >= 0)
        close(spool->lock_fd);
    if (spool->folder_fd >= 0)
        close(spool->folder_fd);
    spool->lock_fd = spool->folder_fd = -1;
}

/* ------------------------------------------------------------------- scan */

static bool read_at(int fd, void *out, size_t size, off_t at)
{
    unsigned char *into = out;

    while (size > 0) {
        ssize_t n = pread(fd, into, size, at);

        if (n <= 0)
            return false;
        into += n;
        size -= (size_t)n;
        at += n;
    }
    return true;
}

static int open_file(const struct spool *spool, const char *name)
{
    return openat(spool->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* The header of an open file that is as long as it says. */
static bool look_at(int fd, struct payload *out)
{
    unsigned char header[HEADER_SIZE];
    struct stat stat;

    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
           read_at(fd, header, sizeof header, 0) && read_header(header, out) &&
           (uint64_t)stat.st_size == out->size + HEADER_SIZE;
}

enum look { LOOK_GOOD, LOOK_DAMAGED, LOOK_FOREIGN, LOOK_LATER };

static enum look look_at_name(const struct spool *spool, const char *name,
                              struct spool_file *out)
{
    char expected[NAME_SIZE];
    struct payload found;

    if (sscanf(name, "%15" SCNd64 "-%16" SCNx64 ".payload", &out->created_s, &out->number) != 2)
        return LOOK_FOREIGN;
    file_name(expected, out->created_s, out->number);
    if (strcmp(name, expected) != 0 || out->number == 0)
        return LOOK_FOREIGN;
    int fd = open_file(spool, name);

    if (fd < 0)
        return errno == ELOOP ? LOOK_DAMAGED : LOOK_LATER;
    bool good = look_at(fd, &found) && found.created_s == out->created_s;

    close(fd);
    if (!good)
        return LOOK_DAMAGED;
    out->size = found.size;
    out->points = found.points;
    return LOOK_GOOD;
}

static int by_age(const void *a, const void *b)
{
    const struct spool_file *left = a, *right = b;

    if (left->created_s != right->created_s)
        return left->created_s < right->created_s ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

struct spool_list {
    struct spool_file *at;
    size_t n, capacity;
};

static bool list_add(struct spool_list *list, const struct spool_file *file)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct spool_file *grown = realloc(list->at, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        list->at = grown;
        list->capacity = capacity;
    }
    list->at[list->n++] = *file;
    return true;
}

struct spool_file *spool_scan(struct spool *spool, size_t *n, size_t *damaged)
{
    struct spool_list list = { 0 };
    struct spool_file file = { 0 };
    int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    *n = *damaged = 0;
    spool->bytes = 0;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        enum look look = look_at_name(spool, entry->d_name, &file);

        if (look == LOOK_GOOD && list_add(&list, &file)) {
            spool->bytes += spool_cost(file.size);
        } else if (look == LOOK_DAMAGED) {
            unlinkat(spool->folder_fd, entry->d_name, 0);
            ++*damaged;
        }
    }
    if (folder != NULL)
        closedir(folder);
    else if (fd >= 0)
        close(fd);
    if (list.n > 0)
        qsort(list.at, list.n, sizeof *list.at, by_age);
    *n = list.n;
    return list.at;
}

/* --------------------------------------------------------- write and read */

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

static bool write_whole(int fd, const unsigned char *at, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* The descriptor of the file under its first name, -1 with errno. */
static int write_unfinished(const struct spool *spool, const struct payload *payload)
{
    unsigned char header[HEADER_SIZE];
    int fd = openat(spool->folder_fd, temporary,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    write_header(header, payload);
    if (write_whole(fd, header, sizeof header) &&
        write_whole(fd, payload->bytes, payload->size))
        return fd;
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Later ones are larger, and those of another process do not meet them. */
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

    if (!look_at(fd, &found) || !read_at(fd, header, sizeof header, 0))
        return SPOOL_DAMAGED;
    struct payload *payload = malloc(sizeof *payload + found.size);

    if (payload == NULL)
        return SPOOL_LATER;
    *payload = found;
    if (!read_at(fd, payload->bytes, found.size, HEADER_SIZE) ||
        get_number(header + 48, 8) != XXH3_64bits(payload->bytes, found.size)) {
        free(payload);
        return SPOOL_DAMAGED;
    }
    *out = payload;
    return SPOOL_READ;
}

/* Only what passes by itself is waited for, as what waits is in the way of what is
 * older. */
static enum spool_read unopened(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return SPOOL_LATER;
    case ELOOP:
        return SPOOL_DAMAGED;
    default:
        return SPOOL_MISSING;
    }
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

    close(fd);
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
