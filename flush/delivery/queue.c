#include <stdlib.h>

#include "config/clock.h"
#include "config/sane.h"
#include "flush/delivery/queue_internal.h"
#include "flush/payloads/payload_state.h"

enum {
    SPILL_FILES = 16, /* written in one step */
    SPILL_BYTES = 4 << 20,
};

/* The orders of new errands count up from here, those of errands found on disk down. */
static const uint64_t first_order = UINT64_C(1) << 63;

/* ---- accounts ---------------------------------------------------------- */

#ifdef HEELER_CHECKS
enum { LOOK_AT = 64 };

static bool memory_is_sane(const struct queue *queue)
{
    size_t bytes = 0, n = 0;

    for (const struct errand *e = queue->memory.newest; e != NULL && n < LOOK_AT;
         e = e->next, n++) {
        if (e->payload == NULL || e->payload->holders == 0 || e->file != 0 || e->in_flight)
            return false;
        bytes += outbox_weight(e->payload);
    }
    return n == queue->memory.n ? bytes == queue->waiting_bytes : bytes < queue->waiting_bytes;
}

static bool disk_is_sane(const struct queue *queue)
{
    uint64_t bytes = 0;
    size_t n = 0;

    for (const struct errand *e = queue->disk.newest; e != NULL && n < LOOK_AT;
         e = e->next, n++) {
        if (e->payload != NULL || e->file == 0 || e->in_flight)
            return false;
        bytes += spool_cost(e->size);
    }
    return !queue->spool_open || bytes <= queue->spool.bytes;
}

bool queue_sane(const struct queue *queue)
{
    for (const struct errand *e = queue->out.newest; e != NULL; e = e->next)
        if (!e->in_flight)
            return false;
    return backlog_sane(&queue->memory) && backlog_sane(&queue->disk) &&
           backlog_sane(&queue->unread) && backlog_sane(&queue->out) && memory_is_sane(queue) &&
           disk_is_sane(queue);
}
#endif

void queue_moved(struct queue *queue)
{
    SANE(queue_sane(queue));
    delivery_ledger_check(queue->ledger);
    if (queue->config.observe != NULL)
        queue->config.observe(queue->config.observe_argument, queue->ledger);
}

static struct delivery_count *account_of(struct queue *queue, const struct errand *errand)
{
    return errand->file != 0 ? &queue->ledger->spooled : &queue->ledger->queued;
}

void queue_hold(struct queue *queue, struct errand *errand, struct payload *payload)
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
    outbox_let_go(queue->outbox, payload);
}

/* If the errand was in flight, it is no longer. */
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
    queue_remove_file(queue, given);
    queue_free_errand(queue, given);
    queue_moved(queue);
}

/* ---- waiting ----------------------------------------------------------- */

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

/* Makes an errand that holds the payload and is on the account queued. */
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
    queue_hold(queue, errand, payload);
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
    queue_moved(queue);
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
    queue_moved(queue);
}

/* ---- take -------------------------------------------------------------- */

/* A file that is loaded counts as memory, so it must fit within the bound; if nothing is in
 * flight, one may be loaded in any case. */
static bool may_load(const struct queue *queue, int in_flight)
{
    uint64_t bytes = atomic_load_explicit(&queue->ledger->queued_bytes, memory_order_relaxed);

    return in_flight == 0 || bytes + queue->disk.newest->size <= queue->config.memory_bytes;
}

/* Whether the newest that waits is a file, and may be read now. */
static bool is_disks_turn(const struct queue *queue, int in_flight, int64_t now_ms)
{
    const struct errand *memory = queue->memory.newest, *disk = queue->disk.newest;

    return disk != NULL && now_ms >= queue->read_again_ms &&
           (memory == NULL || memory->order < disk->order) && may_load(queue, in_flight);
}

static struct errand *take(struct queue *queue, int in_flight, int64_t now_ms)
{
    while (is_disks_turn(queue, in_flight, now_ms)) {
        struct errand *taken = queue_load(queue, backlog_take_newest(&queue->disk), now_ms);

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

/* ---- split ------------------------------------------------------------- */

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
    queue_remove_file(queue, given);
    queue_free_errand(queue, given);
    queue_moved(queue);
    return true;
}

/* ---- spill ------------------------------------------------------------- */

static bool spill_one(struct queue *queue, struct errand *errand, int64_t now_ms)
{
    if (!queue_spill_file(queue, errand, now_ms))
        return false;
    if (!errand->in_flight) {
        backlog_take(&queue->memory, errand);
        leave_memory(queue, errand);
        release(queue, errand);
        backlog_put(&queue->disk, errand);
    }
    queue_moved(queue);
    return true;
}

/* When something that is only in memory is to be written to disk. */
struct spill {
    int64_t now_ms, age_ms; /* when it is as old as age_ms */
    size_t limit;           /* or when more bytes than this wait */
};

static bool is_due(const struct spill *spill, const struct errand *errand)
{
    return errand->file == 0 && spill->now_ms - errand->since_ms >= spill->age_ms;
}

/* The next errand to be written, or NULL. */
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

/* In how many milliseconds the next errand is to be written; -1: there is none. */
static int64_t next_due_ms(const struct queue *queue, const struct spill *spill)
{
    const struct errand *oldest = queue->memory.oldest;

    for (const struct errand *out = queue->out.newest; out != NULL; out = out->next)
        if (out->file == 0 && (oldest == NULL || out->since_ms < oldest->since_ms))
            oldest = out;
    if (!queue_wants_spool(queue) || oldest == NULL)
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
        if (due == NULL || !queue_spool_usable(queue, spill->now_ms))
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
    while (queue->memory.n > 0 && queue_is_over(queue)) {
        if (!queue->shedding)
            log_warn("delivery: %s: the retry queue is full, the oldest payloads are dropped",
                     queue->config.name);
        queue->shedding = true;
        queue_settle(queue, leave_memory(queue, backlog_take_oldest(&queue->memory)),
                     &queue->ledger->shed[UNSENT_QUEUE_FULL]);
    }
}

/* Whether a request waits for its answer so long that the intake may be dead, though no attempt
 * has failed yet. */
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

int64_t queue_trim(struct queue *queue, bool blocked, int64_t now_ms, int64_t now_s)
{
    bool at_once = blocked || is_silent(queue, now_ms);
    struct spill step = { now_ms, at_once ? 0 : QUEUE_DURABLE_MS,
                          queue->config.memory_bytes / 2 };

    spill(queue, &step);
    queue_retry_unread(queue, now_ms);
    int64_t more_ms = next_due_ms(queue, &step);

    shed_outdated(queue, now_s);
    if (more_ms != 0) /* otherwise there is still room on disk */
        shed_memory(queue);
    return sooner_ms(more_ms, queue_next_retry_ms(queue, now_ms));
}

/* ---- open, close ------------------------------------------------------- */

void queue_open(struct queue *queue, const struct queue_config *config, struct outbox *outbox,
                struct delivery_ledger *ledger, int64_t now_ms, int64_t now_s)
{
    *queue = (struct queue){ .config = *config,
                             .outbox = outbox,
                             .ledger = ledger,
                             .oldest_order = first_order,
                             .spool = { .folder_fd = -1, .lock_fd = -1 } };
    queue_spool_usable(queue, now_ms);
    shed_outdated(queue, now_s);
}

static void keep(struct queue *queue, struct errand *errand)
{
    if (errand->file != 0)
        return;
    if (!queue->spool_open || !queue_write_file(queue, errand, true)) {
        uncount(&queue->ledger->queued, errand->points);
        count(&queue->ledger->shed[UNSENT_STOPPED], errand->points);
    }
    queue_moved(queue);
}

/* Writes the newest first, so that the oldest are lost if the disk takes no more. Tries to open
 * a spool that could not be opened before. */
void queue_keep_rest(struct queue *queue)
{
    struct errand *errand;

    if (queue_wants_spool(queue) && !queue->spool_open && queue->memory.n + queue->out.n > 0)
        (void)queue_open_spool(queue, clock_monotonic_ms());
    for (errand = queue->out.newest; errand != NULL; errand = errand->next)
        keep(queue, errand);
    while ((errand = leave_memory(queue, backlog_take_newest(&queue->memory))) != NULL) {
        keep(queue, errand);
        queue_free_errand(queue, errand);
    }
}

/* ---- a successor ------------------------------------------------------- */

/* The first errand that has no file: this one, or a newer one; NULL: there is none. */
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
            payload_state_write(out, errand->payload);
    payload_state_end(out);
}

static void close_account(struct queue *queue, const struct errand *errand)
{
    uncount(&queue->ledger->queued, errand->points);
    count(&queue->ledger->handed_over, errand->points);
    queue_moved(queue);
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

bool queue_take_over(struct queue *queue, struct payload *payload, uint64_t order)
{
    struct errand *errand =
        errand_new(queue, payload, first_order + order, clock_monotonic_ms());

    if (errand == NULL)
        return false;
    outbox_adopt(queue->outbox, payload);
    count(&queue->ledger->recovered, payload->points);
    wait_in_memory(queue, errand);
    queue_moved(queue);
    return true;
}

void queue_close(struct queue *given)
{
    struct errand *errand;

    while ((errand = leave_memory(given, backlog_take_newest(&given->memory))) != NULL)
        queue_free_errand(given, errand);
    while ((errand = backlog_take_newest(&given->disk)) != NULL)
        queue_free_errand(given, errand);
    while ((errand = backlog_take_newest(&given->unread)) != NULL)
        queue_free_errand(given, errand);
    spool_close(&given->spool);
    free(given->config.folder);
    given->config.folder = NULL;
}
