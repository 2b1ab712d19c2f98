#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "config/clock.h"
#include "flush/delivery/queue_internal.h"

enum {
    SPOOL_RETRY_MS = 10000, /* after the disk failed */
    READ_PAUSE_MS = 1000,   /* after a file could not be read; then the next is tried */
};

static void note_spool_bytes(struct queue *queue)
{
    atomic_store_explicit(&queue->ledger->spooled_bytes, queue->spool.bytes,
                          memory_order_relaxed);
}

void queue_remove_file(struct queue *queue, struct errand *errand)
{
    if (errand->file == 0)
        return;
    spool_remove(&queue->spool, errand->created_s, errand->file, errand->size);
    note_spool_bytes(queue);
}

/* ---- open -------------------------------------------------------------- */

static const char *explain(int error)
{
    return error == ENOSPC ? "the disk is full, or over forwarder_storage_max_disk_ratio"
                           : strerrordesc_np(error);
}

static void spool_fails(struct queue *queue, const char *what, const char *why, int64_t now_ms)
{
    if (!queue->spool_failing)
        log_warn("delivery: %s: spool %s: %s: %s; payloads stay in memory", queue->config.name,
                 queue->config.folder, what, why);
    queue->spool_failing = true;
    queue->spool_retry_ms = now_ms + SPOOL_RETRY_MS;
}

static void spool_works(struct queue *queue)
{
    if (queue->spool_failing)
        log_info("delivery: %s: spool %s works again", queue->config.name,
                 queue->config.folder);
    queue->spool_failing = false;
}

/* Counts the points of a file that was found, which are on the account spooled from now on. */
static void count_recovered(struct queue *queue, struct errand *errand)
{
    count(&queue->ledger->recovered, errand->points);
    count(&queue->ledger->spooled, errand->points);
    backlog_put(&queue->disk, errand);
}

static void recover_file(struct queue *queue, const struct spool_file *file, uint64_t order)
{
    struct errand *errand = calloc(1, sizeof *errand);

    if (errand == NULL) { /* the file stays, and the next process finds it */
        count(&queue->ledger->recovered, file->points);
        count(&queue->ledger->shed[UNSENT_NO_MEMORY], file->points);
        return;
    }
    *errand = (struct errand){ .order = order,
                               .file = file->number,
                               .created_s = file->created_s,
                               .size = file->size,
                               .points = file->points };
    if (file->size > 0)
        count_recovered(queue, errand);
    else
        backlog_put(&queue->unread, errand);
}

static void say_recovered(const struct queue *queue, const struct spool_scan *found)
{
    size_t n = found->n - queue->unread.n;

    if (n > 0)
        log_info("delivery: %s: %zu payloads of %" PRIu64 " points found in the spool",
                 queue->config.name, n,
                 atomic_load_explicit(&queue->ledger->recovered.points, memory_order_relaxed));
    if (queue->unread.n > 0)
        log_warn("delivery: %s: %zu payloads in the spool %s cannot be read now; they stay "
                 "there and are tried again",
                 queue->config.name, queue->unread.n, queue->config.folder);
    if (found->damaged > 0)
        log_warn("delivery: %s: %zu damaged files removed from the spool", queue->config.name,
                 found->damaged);
    if (found->foreign > 0)
        log_warn("delivery: %s: %zu names of payloads in the spool %s are left alone: they are "
                 "no files, or another user may have made them",
                 queue->config.name, found->foreign, queue->config.folder);
}

/* Makes errands of the files in the folder. False with errno: it cannot be read now. */
static bool recover(struct queue *queue, int64_t now_ms)
{
    struct spool_scan found;

    if (!spool_scan(&queue->spool, &found))
        return false;
    queue->recovered = true;
    queue->oldest_order -= found.n;
    for (size_t i = 0; i < found.n; i++)
        recover_file(queue, &found.files[i], queue->oldest_order + i);
    queue->unread_again_ms = now_ms + SPOOL_RETRY_MS;
    tally(&queue->ledger->damaged_files, found.damaged);
    note_spool_bytes(queue);
    queue_moved(queue);
    say_recovered(queue, &found);
    free(found.files);
    return true;
}

/* Opens the spool, at first or again. If the folder was removed, its files still count as bytes
 * until their errands are settled one by one. Before the files that were there are known
 * nothing is written, so that no file of ours is found as if it were an old one. */
bool queue_open_spool(struct queue *queue, int64_t now_ms)
{
    uint64_t bytes = queue->spool.bytes;
    const char *problem;

    queue->spool_open =
        spool_open(&queue->spool, queue->config.folder, queue->config.spool_limits, &problem);
    queue->spool.bytes = bytes;
    if (!queue->spool_open) {
        spool_fails(queue, "cannot be opened", problem, now_ms);
        return false;
    }
    if (!queue->recovered && !recover(queue, now_ms)) {
        spool_fails(queue, "cannot be read", explain(errno), now_ms);
        spool_close(&queue->spool);
        queue->spool_open = false;
        return false;
    }
    spool_works(queue);
    return true;
}

bool queue_spool_usable(struct queue *queue, int64_t now_ms)
{
    if (!queue_wants_spool(queue) || (queue->spool_failing && now_ms < queue->spool_retry_ms))
        return false;
    return queue->spool_open || queue_open_spool(queue, now_ms);
}

/* ---- write ------------------------------------------------------------- */

static void shed_oldest_file(struct queue *queue)
{
    struct errand *oldest = backlog_take_oldest(&queue->disk);

    if (!queue->shedding)
        log_warn("delivery: %s: the spool is full, the oldest payloads are dropped",
                 queue->config.name);
    queue->shedding = true;
    queue_settle(queue, oldest, &queue->ledger->shed[UNSENT_SPOOL_FULL]);
}

/* Sheds the oldest files until one of that size fits. Sheds none if that would not help,
 * because the disk is full of what is not ours. If it is the disk that is full, and not our
 * bound, sheds none either while there is room in memory, because a disk may get room again.
 * last: the process ends, so memory is no place to wait. */
static bool make_room(struct queue *queue, size_t size, bool last)
{
    int64_t cost = (int64_t)spool_cost(size);

    while (spool_room(&queue->spool) < cost) {
        if (queue->disk.n == 0 ||
            spool_room(&queue->spool) + (int64_t)queue->spool.bytes < cost)
            return false;
        if (spool_bound_room(&queue->spool) >= cost && !last && !queue_is_over(queue))
            return false;
        shed_oldest_file(queue);
    }
    return true;
}

bool queue_write_file(struct queue *queue, struct errand *errand, bool last)
{
    if (!make_room(queue, errand->size, last)) {
        errno = ENOSPC;
        return false;
    }
    uint64_t number =
        spool_write(&queue->spool, errand->payload, last ? NULL : queue->config.syncer);

    if (number == 0)
        return false;
    uncount(&queue->ledger->queued, errand->points);
    errand->file = number;
    count(&queue->ledger->spooled, errand->points);
    note_spool_bytes(queue);
    return true;
}

/* A file could not be written; errno says why. */
static void on_unwritten(struct queue *queue, int64_t now_ms)
{
    bool gone = errno == ENOENT;

    spool_fails(queue, "cannot be written", explain(errno), now_ms);
    if (!gone)
        return;
    spool_close(&queue->spool); /* its folder was removed; the next step makes a new one */
    queue->spool_open = false;
    queue->spool_retry_ms = now_ms;
}

bool queue_spill_file(struct queue *queue, struct errand *errand, int64_t now_ms)
{
    if (!queue_write_file(queue, errand, false)) {
        on_unwritten(queue, now_ms);
        return false;
    }
    spool_works(queue);
    return true;
}

/* ---- read -------------------------------------------------------------- */

static struct errand *give_up(struct queue *queue, struct errand *given,
                              enum delivery_shed shed)
{
    unsigned before;

    if (log_limit_pass(&queue->give_up_limit, clock_monotonic_ms(), &before))
        log_warn("delivery: %s: a spooled payload of %" PRIu32 " points is %s",
                 queue->config.name, given->points,
                 shed == UNSENT_SPOOL_LOST ? "no longer there" : "damaged");
    queue_settle(queue, given, &queue->ledger->shed[shed]);
    return NULL;
}

/* The file cannot be read now; errno says why. It is set aside, where it does not stand in the
 * way of others, and is tried again later with all that were set aside. */
static void set_aside(struct queue *queue, struct errand *given, int64_t now_ms)
{
    unsigned before;

    if (log_limit_pass(&queue->unread_limit, now_ms, &before))
        log_warn("delivery: %s: a payload in the spool %s cannot be read now: %s; it stays "
                 "there and is tried again",
                 queue->config.name, queue->config.folder, strerror(errno));
    if (queue->unread.n == 0)
        queue->unread_again_ms = now_ms + SPOOL_RETRY_MS;
    queue->read_again_ms = now_ms + READ_PAUSE_MS;
    backlog_put(&queue->unread, given);
}

struct errand *queue_load(struct queue *queue, struct errand *taken, int64_t now_ms)
{
    struct payload *payload = NULL;

    switch (spool_read(&queue->spool, taken->created_s, taken->file, &payload)) {
    case SPOOL_READ:
        break;
    case SPOOL_DAMAGED:
        return give_up(queue, taken, UNSENT_SPOOL_DAMAGED);
    case SPOOL_MISSING:
        return give_up(queue, taken, UNSENT_SPOOL_LOST);
    case SPOOL_LATER:
        set_aside(queue, taken, now_ms);
        return NULL;
    }
    /* The points cannot differ from those that the header had at first. If they do all the
     * same, the accounts must go on with those that they were opened with. */
    payload->points = taken->points;
    outbox_adopt(queue->outbox, payload);
    queue_hold(queue, taken, payload);
    return taken;
}

/* ---- what cannot be read now ------------------------------------------- */

/* Looks again at a file of which not even the header could be read so far. */
static void look_again(struct queue *queue, struct errand *given)
{
    struct spool_file file = { .created_s = given->created_s, .number = given->file };
    enum spool_read result = spool_look(&queue->spool, &file);

    given->size = file.size;
    given->points = file.points;
    if (result == SPOOL_READ) {
        count_recovered(queue, given);
        note_spool_bytes(queue);
        queue_moved(queue);
        return;
    }
    if (result == SPOOL_LATER) {
        backlog_put(&queue->unread, given);
        return;
    }
    tally(&queue->ledger->damaged_files, result == SPOOL_DAMAGED);
    if (result == SPOOL_DAMAGED)
        queue_remove_file(queue, given);
    free(given);
}

void queue_retry_unread(struct queue *queue, int64_t now_ms)
{
    struct backlog again = queue->unread;
    struct errand *errand;

    if (again.n == 0 || now_ms < queue->unread_again_ms || !queue->spool_open)
        return;
    queue->unread = (struct backlog){ .n = 0 };
    queue->unread_again_ms = now_ms + SPOOL_RETRY_MS;
    while ((errand = backlog_take_newest(&again)) != NULL) {
        if (errand->size > 0)
            backlog_put(&queue->disk, errand);
        else
            look_again(queue, errand);
    }
}

int64_t queue_next_retry_ms(const struct queue *queue, int64_t now_ms)
{
    if (queue->unread.n == 0 || !queue->spool_open)
        return -1;
    return queue->unread_again_ms > now_ms ? queue->unread_again_ms - now_ms : 0;
}
