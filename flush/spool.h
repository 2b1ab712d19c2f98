/* flush/spool.h: a folder of payloads on disk, for one endpoint.
 *
 * A file is one payload behind a header with its length and a checksum. It is
 * written under another name and renamed, so that under its own name it is whole
 * whenever the process dies; what the machine cut short is found by length and
 * checksum, removed and never sent. The syncer brings it to the disk. The API key is in no
 * file: payloads are sent with the key of the day. A lock keeps a second process out.
 *
 * Bounded twice: in bytes, each file in whole blocks, and by a share of the disk
 * that must stay free. The spool keeps no list: the errands are the list, by
 * creation time and number of their file. One thread; every call does the I/O
 * of at most one payload, but for spool_scan. */
#ifndef FLUSH_SPOOL_H
#define FLUSH_SPOOL_H

#include "flush/payload.h"
#include "flush/syncer.h"

struct spool_limits {
    uint64_t max_bytes;    /* 0: no spool */
    double max_disk_ratio; /* of the disk in use, ours and others */
};

struct spool {
    struct spool_limits limits;
    uint64_t bytes; /* of the files */
    int folder_fd;  /* -1: closed */
    int lock_fd;
};

/* Makes the folder (0700), takes the lock and clears what a killed process left
 * half-written. False with errno, EWOULDBLOCK: another process has it. */
bool spool_open(struct spool *spool, const char *folder, struct spool_limits limits);
void spool_close(struct spool *spool);

/* What a file says about itself; its bytes are not looked at yet. */
struct spool_file {
    int64_t created_s;
    uint64_t number; /* never 0 */
    size_t size;     /* of the payload's bytes */
    uint32_t points;
};

/* All files, oldest first, owned; *damaged says how many were removed because
 * their header or length is wrong. NULL and *n = 0 when there are none. */
struct spool_file *spool_scan(struct spool *spool, size_t *n, size_t *damaged);

/* How many bytes more the bound allows, and how many both it and the disk; below 0:
 * so many are too many. */
int64_t spool_bound_room(const struct spool *spool);
int64_t spool_room(const struct spool *spool);

/* What a payload of that size takes. */
uint64_t spool_cost(size_t size);

/* Writes a file; 0 with errno when it cannot. syncer: NULL: the kernel decides when
 * it is on the disk itself. */
uint64_t spool_write(struct spool *spool, const struct payload *payload, struct syncer *syncer);

enum spool_read {
    SPOOL_READ,
    SPOOL_DAMAGED,
    SPOOL_MISSING, /* or cannot be opened */
    SPOOL_LATER,   /* the machine is out of something */
};

/* The payload is the caller's. */
enum spool_read spool_read(const struct spool *spool, int64_t created_s, uint64_t number,
                           struct payload **out);

/* size: of the payload's bytes. */
void spool_remove(struct spool *spool, int64_t created_s, uint64_t number, size_t size);

#endif
