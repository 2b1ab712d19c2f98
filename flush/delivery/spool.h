/* flush/delivery/spool.h: a folder of payloads on disk, for one endpoint.
 *
 * A file is one payload behind a header with its length and a checksum. It is
 * written under another name and renamed, so that under its own name it is whole
 * whenever the process dies; a file that a failure of the machine cut
 * short is found by length and checksum, removed and never sent. The syncer brings files to
 * the disk. The API key is in no
 * file: payloads are sent with the key of the day. A lock keeps a second process out.
 * The folder and its files must be ours alone: what another user owns, or may write to, could
 * hold points that nobody sent us. Such a folder is refused, and such a file is left alone.
 *
 * A disk or a file server that says no is not a damaged file: what cannot be read now
 * stays where it is and is looked at again later.
 *
 * Bounded twice: in bytes, each file in whole blocks, and by a share of the disk
 * that must stay free. The spool keeps no list: the errands are the list, by
 * creation time and number of their file. One thread; every call does the I/O
 * of at most one payload, but for spool_scan. */
#ifndef FLUSH_DELIVERY_SPOOL_H
#define FLUSH_DELIVERY_SPOOL_H

#include "config/must_check.h"
#include "flush/delivery/syncer.h"
#include "flush/payloads/payload.h"

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
 * half-written. False with errno and a static sentence. */
MUST_CHECK bool spool_open(struct spool *spool, const char *folder, struct spool_limits limits,
                           const char **problem);
void spool_close(struct spool *given);

/* Could the folder be opened, or made? Makes nothing and takes no lock. False with a
 * static sentence. */
MUST_CHECK bool spool_check(const char *folder, const char **problem);

/* What a file says about itself; its bytes are not looked at yet. */
struct spool_file {
    int64_t created_s;
    uint64_t number; /* never 0 */
    size_t size;     /* of the payload's bytes; 0: the file cannot be read now */
    uint32_t points;
};

struct spool_scan {
    struct spool_file *files; /* oldest first, owned; NULL when there are none */
    size_t n;
    size_t damaged; /* removed, as their header or length is wrong */
    size_t foreign; /* have names like ours, but another user may have made them: left alone */
};

/* Finds all files. False with errno: the folder cannot be read now. */
MUST_CHECK bool spool_scan(struct spool *spool, struct spool_scan *out);

/* How many more bytes our bound allows; and how many both the bound and the disk allow. Below
 * 0: how many are too many. */
int64_t spool_bound_room(const struct spool *spool);
int64_t spool_room(const struct spool *spool);

/* How many bytes of the bound a payload of that size takes. */
uint64_t spool_cost(size_t size);

/* Writes a file; 0 with errno when it cannot. syncer: NULL: the kernel decides when
 * it is on the disk itself. */
MUST_CHECK uint64_t spool_write(struct spool *spool, const struct payload *payload,
                                struct syncer *syncer);

enum spool_read {
    SPOOL_READ,
    SPOOL_DAMAGED, /* the file is no good, and will not get better */
    SPOOL_MISSING, /* there is no file of ours with that name */
    SPOOL_LATER,   /* errno: the disk fails, or the machine is out of something */
};

/* A file that could not be read at the scan: fills the rest of *file. */
MUST_CHECK enum spool_read spool_look(struct spool *spool, struct spool_file *file);

/* The payload is the caller's. */
MUST_CHECK enum spool_read spool_read(const struct spool *spool, int64_t created_s,
                                      uint64_t number, struct payload **out);

/* size: of the payload's bytes. */
void spool_remove(struct spool *spool, int64_t created_s, uint64_t number, size_t size);

#endif
