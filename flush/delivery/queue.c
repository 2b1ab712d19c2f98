#include "flush/delivery/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "config/clock.h"

enum {
    SPILL_FILES = 16, /* written in one step */
    SPILL_BYTES = 4 << 20,
    SPOOL_RETRY_MS = 10000, /* after the disk failed */
    READ_PAUSE_MS = 1000,   /* after a file could not be read; then the next is tried */
};

/* Those found on disk count down from here, new ones up. */
static const uint64_t first_order = UINT64_C(1) << 63;

/* ---------------------------------------------------------------- accounts */

static void observe(struct queue *queue)
{
    delivery_ledger_check(queue->ledger);
    if (queue->config.observe != NULL)
        queue->config.observe(queue->config.observe_context, queue->ledger);
}

static struct delivery_count *account_of(struct queue *queue, const struct errand *errand)
{
    return errand->file != 0 ? &queue->ledger->spooled : &queue->ledger->queued;
}

static void hold(struct queue *queue, struct errand *errand, struct payload *payload)
{
    errand->payload = payload;
    payload->holders++;
    tally(&queue->ledger->queued_bytes, outbox_weight(payload));
}

static void release(struct queue *queue, struct errand *errand)
{
    struct payload *payload = errand->payload;

    if (payload == NULL)
        return;
    errand->payload = NULL;
    tally(&queue->ledger->queued_bytes, -(uint64_t)outbox_weight(payload));
    if (--payload->holders == 0)
        outbox_settle(queue->outbox, payload);
}

static void note_spool_bytes(struct queue *queue)
{
    atomic_store_explicit(&queue->ledger->spooled_bytes, queue->spool.bytes,
                          memory_order_relaxed);
}

static void remove_file(struct queue *queue, struct errand *errand)
{
    if (errand->file == 0)
        return;
    spool_remove(&queue->spool, errand->created_s, errand->file, errand->size);
    note_spool_bytes(queue);
}

/* It is no longer in flight, if it was. */
static struct errand *leave_out(struct queue *queue, struct errand *errand)
{
    if (errand->in_flight)
        backlog_take(&queue->out, errand);
    errand->in_flight = false;
    return errand;
}

void queue_free_errand(struct queue *queue, struct errand *given)
{
    leave_out(queue, given);
    release(queue, given);
    free(given);
}

void queue_settle(struct queue *queue, struct errand *given, struct delivery_count *account)
{
    uncount(account_of(queue, given), given->points);
    count(account, given->points);
    remove_file(queue, given);
    queue_free_errand(queue, given);
    observe(queue);
}

/* ----------------------------------------------------------------- waiting */

size_t queue_waiting(const struct queue *queue)
{
    return queue->memory.n + queue->disk.n;
}

static void wait_in_memory(struct queue *queue, struct errand *given)
{
    backlog_put(&queue->memory, given);
    queue->waiting_bytes += outbox_weight(given->payload);
}

static struct errand *leave_memory(struct queue *queue, struct errand *taken)
{
    if (taken != NULL)
        queue->waiting_bytes -= outbox_weight(taken->payload);
    return taken;
}

/* On the account queued, its payload held. */
static struct errand *errand_new(struct queue *queue, struct payload *payload, uint64_t order,
                                 int64_t since_ms)
{
    struct errand *errand = calloc(1, sizeof *errand);

    if (errand == NULL)
        return NULL;
    errand->order = order;
    errand->since_ms = since_ms;
    errand->created_s = payload->created_s;
    errand->points = payload->points;
    errand->size = payload->size;
    hold(queue, errand, payload);
    count(&queue->ledger->queued, errand->points);
    return errand;
}

void queue_accept(struct queue *queue, struct payload *payload, uint64_t order, int64_t now_ms)
{
    struct errand *errand = errand_new(queue, payload, first_order + order, now_ms);

    count(&queue->ledger->accepted, payload->points);
    if (errand != NULL)
        wait_in_memory(queue, errand);
    else
        count(&queue->ledger->shed[UNSENT_NO_MEMORY], payload->points);
    observe(queue);
}

void queue_put_back(struct queue *queue, struct errand *given)
{
    leave_out(queue, given);
    if (given->file == 0) {
        wait_in_memory(queue, given);
    } else {
        release(queue, given);
        backlog_put(&queue->disk, given);
    }
    observe(queue);
}

/* ------------------------------------------------------------ from the disk */

static struct errand *give_up(struct queue *queue, struct errand *given,
                              enum delivery_shed shed)
{
    unsigned before;

    if (log_limit_pass(&queue->give_up_limit, clock_monotonic_ns() / 1000000, &before))
        log_warn("delivery: %s: a spooled payload of %" PRIu32 " points is %s",
                 queue->config.name, given->points,
                 shed == UNSENT_SPOOL_LOST ? "no longer there" : "damaged");
    queue_settle(queue, given, &queue->ledger->shed[shed]);
    return NULL;
}

/* It cannot be read now; errno says why. It is not in the way of the others, and tried
 * again with all that are set aside. */
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

/* With its payload in memory, or NULL when it has none or has to wait. */
static struct errand *load(struct queue *queue, struct errand *taken, int64_t now_ms)
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
    /* Cannot be, but the books are kept by what the header said at first. */
    payload->points = taken->points;
    outbox_adopt(queue->outbox, payload);
    hold(queue, taken, payload);
    return taken;
}

/* A file that is loaded counts against the memory bound; one may always be out. */
static bool may_load(const struct queue *queue, int in_flight)
{
    uint64_t bytes = atomic_load_explicit(&queue->ledger->queued_bytes, memory_order_relaxed);

    return in_flight == 0 || bytes + queue->disk.newest->size <= queue->config.memory_bytes;
}

/* The newest that waits is a file, and it may be read now. */
static bool is_disks_turn(const struct queue *queue, int in_flight, int64_t now_ms)
{
    const struct errand *memory = queue->memory.newest, *disk = queue->disk.newest;

    return disk != NULL && now_ms >= queue->read_again_ms &&
           (memory == NULL || memory->order < disk->order) && may_load(queue, in_flight);
}

static struct errand *take(struct queue *queue, int in_flight, int64_t now_ms)
{
    while (is_disks_turn(queue, in_flight, now_ms)) {
        struct errand *taken = load(queue, backlog_take_newest(&queue->disk), now_ms);

        if (taken != NULL)
            return taken;
    }
    return leave_memory(queue, backlog_take_newest(&queue->memory));
}

struct errand *queue_take(struct queue *queue, int in_flight, int64_t now_ms)
{
    struct errand *taken = take(queue, in_flight, now_ms);

    if (taken != NULL) {
        taken->in_flight = true;
        taken->taken_ms = now_ms;
        backlog_put(&queue->out, taken);
    }
    return taken;
}

/* ------------------------------------------------------------------- split */

static struct errand *half_new(struct queue *queue, struct payload *half,
                               const struct errand *whole)
{
    struct errand *errand = errand_new(queue, half, whole->order, whole->since_ms);

    if (errand != NULL)
        outbox_adopt(queue->outbox, half);
    return errand;
}

bool queue_split(struct queue *queue, struct errand *given, struct payload *halves[2])
{
    struct errand *first = half_new(queue, halves[0], given);
    struct errand *second = half_new(queue, halves[1], given);

    if (first == NULL || second == NULL) {
        for (int i = 0; i < 2; i++) {
            struct errand *half = i == 0 ? first : second;

            if (half == NULL) {
                payload_free(halves[i]);
                continue;
            }
            uncount(&queue->ledger->queued, half->points);
            queue_free_errand(queue, half);
        }
        return false;
    }
    wait_in_memory(queue, first);
    wait_in_memory(queue, second);
    uncount(account_of(queue, given), given->points);
    tally(&queue->ledger->split.payloads, 1);
    remove_file(queue, given);
    queue_free_errand(queue, given);
    observe(queue);
    return true;
}

/* ------------------------------------------------------------ the disk's state */

static bool wants_spool(const struct queue *queue)
{
    return queue->config.folder != NULL && queue->config.spool_limits.max_bytes > 0;
}

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

/* The file's points are on the account spooled from now on. */
static void count_recovered(struct queue *queue, struct errand *errand)
{
    count(&queue->ledger->recovered, errand->points);
    count(&queue->ledger->spooled, errand->points);
    backlog_put(&queue->disk, errand);
}

static void recover_file(struct queue *queue, const struct spool_file *file, uint64_t order)
{
    struct errand *errand = calloc(1, sizeof *errand);

    if (errand == NULL) { /* the file stays for the next process */
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

/* False with errno: the folder cannot be read now. */
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
    observe(queue);
    say_recovered(queue, &found);
    free(found.files);
    return true;
}

/* The bytes of files that are gone with their folder are given back one by one. Nothing
 * is written before what was there is known, so that no file is found twice. */
static bool reopen(struct queue *queue, int64_t now_ms)
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

/* ------------------------------------------------------ what cannot be read now */

/* A file that no look at has succeeded so far. */
static void look_again(struct queue *queue, struct errand *given)
{
    struct spool_file file = { .created_s = given->created_s, .number = given->file };
    enum spool_read result = spool_look(&queue->spool, &file);

    given->size = file.size;
    given->points = file.points;
    if (result == SPOOL_READ) {
        count_recovered(queue, given);
        note_spool_bytes(queue);
        observe(queue);
        return;
    }
    if (result == SPOOL_LATER) {
        backlog_put(&queue->unread, given);
        return;
    }
    tally(&queue->ledger->damaged_files, result == SPOOL_DAMAGED);
    if (result == SPOOL_DAMAGED)
        remove_file(queue, given);
    free(given);
}

static void retry_unread(struct queue *queue, int64_t now_ms)
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

/* ------------------------------------------------------------ may it be written */

/* May something be written now? Opens what is not open yet. */
static bool spool_usable(struct queue *queue, int64_t now_ms)
{
    if (!wants_spool(queue) || (queue->spool_failing && now_ms < queue->spool_retry_ms))
        return false;
    return queue->spool_open || reopen(queue, now_ms);
}

/* ------------------------------------------------------------------- spill */

static void shed_oldest_file(struct queue *queue)
{
    struct errand *oldest = backlog_take_oldest(&queue->disk);

    if (!queue->shedding)
        log_warn("delivery: %s: the spool is full, the oldest payloads are dropped",
                 queue->config.name);
    queue->shedding = true;
    queue_settle(queue, oldest, &queue->ledger->shed[UNSENT_SPOOL_FULL]);
}

static bool memory_is_over(const struct queue *queue)
{
    return atomic_load_explicit(&queue->ledger->queued_bytes, memory_order_relaxed) >
           queue->config.memory_bytes;
}

/* Sheds nothing when even all of it would not be enough, as the disk is full of
 * what is not ours, nor while there is room in memory: a disk may get room again.
 * last: memory ends with the process. */
static bool make_room(struct queue *queue, size_t size, bool last)
{
    int64_t cost = (int64_t)spool_cost(size);

    while (spool_room(&queue->spool) < cost) {
        if (queue->disk.n == 0 ||
            spool_room(&queue->spool) + (int64_t)queue->spool.bytes < cost)
            return false;
        if (spool_bound_room(&queue->spool) >= cost && !last && !memory_is_over(queue))
            return false;
        shed_oldest_file(queue);
    }
    return true;
}

/* Gives a waiting errand, or one in flight, a file; errno says why not. last: the
 * process ends. */
static bool write_file(struct queue *queue, struct errand *errand, bool last)
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

/* The disk did not take it; errno says why. */
static void on_unwritten(struct queue *queue, int64_t now_ms)
{
    bool gone = errno == ENOENT;

    spool_fails(queue, "cannot be written", explain(errno), now_ms);
    if (!gone)
        return;
    spool_close(&queue->spool); /* the folder is: a new one at the next step */
    queue->spool_open = false;
    queue->spool_retry_ms = now_ms;
}

static bool spill_one(struct queue *queue, struct errand *errand, int64_t now_ms)
{
    if (!write_file(queue, errand, false)) {
        on_unwritten(queue, now_ms);
        return false;
    }
    spool_works(queue);
    if (!errand->in_flight) {
        backlog_take(&queue->memory, errand);
        leave_memory(queue, errand);
        release(queue, errand);
        backlog_put(&queue->disk, errand);
    }
    observe(queue);
    return true;
}

/* When what is in memory alone has to be on disk. */
struct spill {
    int64_t now_ms, age_ms; /* as soon as it is that old */
    size_t limit;           /* or this much waits */
};

static bool is_due(const struct spill *spill, const struct errand *errand)
{
    return errand->file == 0 && spill->now_ms - errand->since_ms >= spill->age_ms;
}

/* The next to be written, or NULL. */
static struct errand *next_due(const struct queue *queue, const struct spill *spill)
{
    struct errand *waits = queue->memory.oldest;

    for (struct errand *out = queue->out.oldest; out != NULL; out = out->previous)
        if (is_due(spill, out))
            return out;
    return waits != NULL && (queue->waiting_bytes > spill->limit || is_due(spill, waits))
               ? waits
               : NULL;
}

/* In how many milliseconds the next is due; -1: there is none. */
static int64_t next_due_ms(const struct queue *queue, const struct spill *spill)
{
    const struct errand *oldest = queue->memory.oldest;

    for (const struct errand *out = queue->out.newest; out != NULL; out = out->next)
        if (out->file == 0 && (oldest == NULL || out->since_ms < oldest->since_ms))
            oldest = out;
    if (!wants_spool(queue) || oldest == NULL)
        return -1;
    int64_t due_ms =
        next_due(queue, spill) != NULL ? spill->now_ms : oldest->since_ms + spill->age_ms;

    if (queue->spool_failing && due_ms < queue->spool_retry_ms)
        due_ms = queue->spool_retry_ms;
    return due_ms > spill->now_ms ? due_ms - spill->now_ms : 0;
}

static void spill(struct queue *queue, const struct spill *spill)
{
    struct errand *due;
    size_t bytes = 0;

    for (int i = 0; i < SPILL_FILES && bytes < SPILL_BYTES; i++) {
        due = next_due(queue, spill);
        if (due == NULL || !spool_usable(queue, spill->now_ms))
            return;
        bytes += due->size;
        if (!spill_one(queue, due, spill->now_ms))
            return;
    }
}

static void shed_outdated(struct queue *queue, int64_t now_s)
{
    while (queue->config.outdated_s > 0 && queue->disk.n > 0 &&
           now_s - queue->disk.oldest->created_s > queue->config.outdated_s)
        queue_settle(queue, backlog_take_oldest(&queue->disk),
                     &queue->ledger->shed[UNSENT_SPOOL_OUTDATED]);
}

static void shed_memory(struct queue *queue)
{
    while (queue->memory.n > 0 && memory_is_over(queue)) {
        if (!queue->shedding)
            log_warn("delivery: %s: the retry queue is full, the oldest payloads are dropped",
                     queue->config.name);
        queue->shedding = true;
        queue_settle(queue, leave_memory(queue, backlog_take_oldest(&queue->memory)),
                     &queue->ledger->shed[UNSENT_QUEUE_FULL]);
    }
}

/* The intake may be dead, and nobody knows yet. */
static bool is_silent(const struct queue *queue, int64_t now_ms)
{
    for (const struct errand *out = queue->out.newest; out != NULL; out = out->next)
        if (now_ms - out->taken_ms >= QUEUE_DURABLE_MS)
            return true;
    return false;
}

/* The sooner of two waits; -1: never. */
static int64_t sooner_ms(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* In how many milliseconds files are tried that could not be read; -1: there are none. */
static int64_t next_retry_ms(const struct queue *queue, int64_t now_ms)
{
    if (queue->unread.n == 0 || !queue->spool_open)
        return -1;
    return queue->unread_again_ms > now_ms ? queue->unread_again_ms - now_ms : 0;
}

int64_t queue_trim(struct queue *queue, bool blocked, int64_t now_ms, int64_t now_s)
{
    bool at_once = blocked || is_silent(queue, now_ms);
    struct spill step = { now_ms, at_once ? 0 : QUEUE_DURABLE_MS,
                          queue->config.memory_bytes / 2 };

    spill(queue, &step);
    retry_unread(queue, now_ms);
    int64_t more_ms = next_due_ms(queue, &step);

    shed_outdated(queue, now_s);
    if (more_ms != 0) /* otherwise there is still room on disk */
        shed_memory(queue);
    return sooner_ms(more_ms, next_retry_ms(queue, now_ms));
}

/* -------------------------------------------------------------- open, close */

void queue_open(struct queue *queue, const struct queue_config *config, struct outbox *outbox,
                struct delivery_ledger *ledger, int64_t now_ms, int64_t now_s)
{
    *queue = (struct queue){ .config = *config,
                             .outbox = outbox,
                             .ledger = ledger,
                             .oldest_order = first_order,
                             .spool = { .folder_fd = -1, .lock_fd = -1 } };
    spool_usable(queue, now_ms);
    shed_outdated(queue, now_s);
}

static void keep(struct queue *queue, struct errand *errand)
{
    if (errand->file != 0)
        return;
    if (!queue->spool_open || !write_file(queue, errand, true)) {
        uncount(&queue->ledger->queued, errand->points);
        count(&queue->ledger->shed[UNSENT_STOPPED], errand->points);
    }
    observe(queue);
}

/* The newest first: if the disk takes no more, the oldest are lost. A spool that could not
 * be opened so far may be there by now. */
void queue_keep_rest(struct queue *queue)
{
    struct errand *errand;

    if (wants_spool(queue) && !queue->spool_open && queue->memory.n + queue->out.n > 0)
        (void)reopen(queue, clock_monotonic_ns() / 1000000);
    for (errand = queue->out.newest; errand != NULL; errand = errand->next)
        keep(queue, errand);
    while ((errand = leave_memory(queue, backlog_take_newest(&queue->memory))) != NULL) {
        keep(queue, errand);
        queue_free_errand(queue, errand);
    }
}

/* ---------------------------------------------------------- a successor */

void queue_write(struct state_writer *out, const struct payload *payload)
{
    state_put_number(out, 1);
    state_put_number(out, payload->route);
    state_put_number(out, payload->compression);
    state_put_number(out, payload->points);
    state_put_number(out, payload->items);
    state_put_signed(out, payload->created_s);
    state_put_number(out, payload->raw_size);
    state_put_text(out, (struct slice){ (const char *)payload->bytes, payload->size });
}

void queue_hand_over_end(struct state_writer *out)
{
    state_put_number(out, 0);
}

/* The oldest that is in memory alone, here or behind it; NULL. */
static struct errand *unwritten(struct errand *errand)
{
    while (errand != NULL && errand->file != 0)
        errand = errand->previous;
    return errand;
}

void queue_hand_over(const struct queue *queue, struct state_writer *out)
{
    const struct backlog *both[] = { &queue->out, &queue->memory };

    for (int i = 0; i < 2; i++)
        for (struct errand *errand = unwritten(both[i]->oldest); errand != NULL;
             errand = unwritten(errand->previous))
            queue_write(out, errand->payload);
    queue_hand_over_end(out);
}

static void close_account(struct queue *queue, const struct errand *errand)
{
    uncount(&queue->ledger->queued, errand->points);
    count(&queue->ledger->handed_over, errand->points);
    observe(queue);
}

void queue_handed_over(struct queue *queue)
{
    struct errand *errand;

    while ((errand = unwritten(queue->out.oldest)) != NULL)
        close_account(queue, leave_out(queue, errand));
    while ((errand = leave_memory(queue, backlog_take_oldest(&queue->memory))) != NULL) {
        close_account(queue, errand);
        queue_free_errand(queue, errand);
    }
}

/* False: no payload of ours looks like that. */
static bool read_head(struct state_reader *in, struct payload *head, struct slice *bytes)
{
    uint64_t route = state_get_number(in), compression = state_get_number(in);
    uint64_t points = state_get_number(in), items = state_get_number(in);
    int64_t created_s = state_get_signed(in);
    uint64_t raw_size = state_get_number(in);

    *bytes = state_get_text(in);
    if (in->failed || route > ROUTE_REDIS || compression >= COMPRESSION_COUNT ||
        points > UINT32_MAX || items > UINT32_MAX)
        return false;
    *head = (struct payload){ .route = (enum payload_route)route,
                              .compression = (enum compression)compression,
                              .points = (uint32_t)points,
                              .items = (uint32_t)items,
                              .created_s = created_s,
                              .raw_size = (size_t)raw_size,
                              .size = bytes->len };
    return payload_is_sane(head);
}

struct payload *queue_read(struct state_reader *in)
{
    struct payload head;
    struct slice bytes;

    if (state_get_number(in) != 1)
        return NULL;
    struct payload *payload =
        read_head(in, &head, &bytes) ? malloc(sizeof *payload + head.size) : NULL;

    in->failed = payload == NULL;
    if (payload == NULL)
        return NULL;
    *payload = head;
    memcpy(payload->bytes, bytes.at, bytes.len);
    return payload;
}

bool queue_take_over(struct queue *queue, struct payload *payload, uint64_t order)
{
    struct errand *errand =
        errand_new(queue, payload, first_order + order, clock_monotonic_ns() / 1000000);

    if (errand == NULL)
        return false;
    outbox_adopt(queue->outbox, payload);
    count(&queue->ledger->recovered, payload->points);
    wait_in_memory(queue, errand);
    observe(queue);
    return true;
}

void queue_close(struct queue *queue)
{
    struct errand *errand;

    while ((errand = leave_memory(queue, backlog_take_newest(&queue->memory))) != NULL)
        queue_free_errand(queue, errand);
    while ((errand = backlog_take_newest(&queue->disk)) != NULL)
        queue_free_errand(queue, errand);
    while ((errand = backlog_take_newest(&queue->unread)) != NULL)
        queue_free_errand(queue, errand);
    spool_close(&queue->spool);
    free(queue->config.folder);
    queue->config.folder = NULL;
}
