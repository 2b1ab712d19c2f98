#include "flush/history/whole.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flush/history/sql.h"

enum {
    LOG_HEADER = 32,   /* "salts" at 16 */
    FRAME_HEADER = 24, /* the number of the page at 0, "salts" at 8 */
    SALTS_AT = 16,
    FRAME_SALTS_AT = 8,
    SALTS = 8,
    LOCKED_BYTE = 0x40000000, /* its page is never used */
};

/* What lies behind the end of the file. */
struct missing {
    int64_t first, n; /* pages */
    int64_t left;     /* of them, what was not found */
    bool *found;
};

static uint32_t big_endian(const unsigned char at[static 4])
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void find(struct missing *missing, int64_t page)
{
    if (page < missing->first || page >= missing->first + missing->n ||
        missing->found[page - missing->first])
        return;
    missing->found[page - missing->first] = true;
    missing->left--;
}

/* Frames with other salts are of a log before this one. */
static void look_through_log(struct missing *missing, int log_fd, int64_t frame_size)
{
    unsigned char header[LOG_HEADER], frame[FRAME_HEADER];

    if (pread(log_fd, header, sizeof header, 0) != (ssize_t)sizeof header)
        return;
    for (off_t at = LOG_HEADER;
         pread(log_fd, frame, sizeof frame, at) == (ssize_t)sizeof frame &&
         memcmp(frame + FRAME_SALTS_AT, header + SALTS_AT, SALTS) == 0;
         at += frame_size)
        find(missing, big_endian(frame));
}

/* What a file says of its own size may be anything: a log has room for so many pages at most,
 * and one page is nowhere by right. */
static int look_for(struct missing *missing, int log_fd, int64_t page_size)
{
    int64_t frame_size = FRAME_HEADER + page_size;
    struct stat stats;

    if (fstat(log_fd, &stats) != 0)
        return SQLITE_IOERR;
    if (missing->n > stats.st_size / frame_size + 1)
        return SQLITE_CORRUPT;
    missing->found = calloc((size_t)missing->n, sizeof *missing->found);
    if (missing->found == NULL)
        return SQLITE_NOMEM;
    find(missing, LOCKED_BYTE / page_size + 1);
    look_through_log(missing, log_fd, frame_size);
    free(missing->found);
    return missing->left == 0 ? SQLITE_OK : SQLITE_CORRUPT;
}

int whole_look(sqlite3 *handle, const char *path)
{
    char log[PATH_MAX];
    int64_t pages, page_size;
    struct stat stats;
    int result = sql_number(handle, "PRAGMA page_count", &pages);

    if (result == SQLITE_OK)
        result = sql_number(handle, "PRAGMA page_size", &page_size);
    if (result != SQLITE_OK)
        return result;
    if (page_size <= 0 || stat(path, &stats) != 0)
        return SQLITE_IOERR;
    if (pages == 0 && stats.st_size > 0) /* less than a head, which SQLite takes for nothing */
        return SQLITE_NOTADB;
    int64_t there = stats.st_size / page_size;
    struct missing missing = { .first = there + 1, .n = pages - there, .left = pages - there };

    if (missing.n <= 0)
        return SQLITE_OK;
    if (snprintf(log, sizeof log, "%s-wal", path) >= (int)sizeof log)
        return SQLITE_CANTOPEN;
    int log_fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (log_fd < 0)
        return SQLITE_CORRUPT;
    result = look_for(&missing, log_fd, page_size);
    close(log_fd);
    return result;
}
