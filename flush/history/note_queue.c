#include "flush/history/note_queue.h"

#include "flush/history/sql.h"

enum { NOTES_A_BATCH = 256, RECORDS_UNTIL_LOOK = 512 };

static bool is_record(const struct note *note)
{
    return note->is != NOTE_DEFINITION;
}

static size_t add_bytes(_Atomic(size_t) *sum, size_t more)
{
    return atomic_fetch_add_explicit(sum, more, memory_order_relaxed) + more;
}

static void take_off(struct note_queue *queue, size_t size, bool record)
{
    atomic_fetch_sub_explicit(&queue->bytes, size, memory_order_relaxed);
    if (record)
        atomic_fetch_sub_explicit(&queue->records_bytes, size, memory_order_relaxed);
}

static void drop_first(struct note_queue *queue)
{
    struct note *first = queue->waiting;

    queue->waiting = first->next;
    take_off(queue, first->size, is_record(first));
    note_give_back(first);
}

static void append(struct note_queue *queue, struct note *given)
{
    struct note **end = &queue->waiting;

    while (*end != NULL)
        end = &(*end)->next;
    *end = given;
}

/* ---- any thread -------------------------------------------------------- */

bool note_queue_keep(struct note_queue *queue, struct note *given)
{
    bool record = is_record(given);
    size_t records = add_bytes(&queue->records_bytes, record ? given->size : 0);
    bool fits = add_bytes(&queue->bytes, given->size) <= 2 * HISTORY_NOTES_BYTES &&
                (!record || records <= 2 * HISTORY_RECORDS_BYTES);

    if (fits) {
        mailbox_push(&queue->noted, &given->letter);
        return true;
    }
    take_off(queue, given->size, record);
    atomic_fetch_add_explicit(&queue->refused, 1, memory_order_relaxed);
    note_give_back(given);
    return false;
}

bool note_queue_has_room_for_records(const struct note_queue *queue)
{
    return atomic_load_explicit(&queue->records_bytes, memory_order_relaxed) <
           HISTORY_RECORDS_BYTES;
}

/* ---- the thread of the store ------------------------------------------- */

bool note_queue_open(struct note_queue *queue, struct note *given)
{
    *queue = (struct note_queue){ .waiting = given };
    for (const struct note *at = given; at != NULL; at = at->next) {
        (void)add_bytes(&queue->bytes, at->size);
        (void)add_bytes(&queue->records_bytes, is_record(at) ? at->size : 0);
    }
    return mailbox_open(&queue->noted);
}

void note_queue_free(struct note_queue *given)
{
    note_free_all(note_queue_take_all(given));
    mailbox_close(&given->noted);
}

uint64_t note_queue_lost(const struct note_queue *queue)
{
    return queue->given_up + atomic_load_explicit(&queue->refused, memory_order_relaxed);
}

void note_queue_take(struct note_queue *queue)
{
    append(queue, (struct note *)mailbox_take(&queue->noted));
    while (queue->waiting != NULL &&
           atomic_load_explicit(&queue->bytes, memory_order_relaxed) > HISTORY_NOTES_BYTES) {
        drop_first(queue);
        queue->given_up++;
    }
}

int note_queue_write(struct note_queue *queue, struct store *store)
{
    int result = store_begin(store), n = 0;

    for (const struct note *note = queue->waiting;
         note != NULL && n < NOTES_A_BATCH && result == SQLITE_OK; note = note->next, n++)
        result = note_write(note, store);
    if (result == SQLITE_OK)
        result = store_commit(store);
    if (result != SQLITE_OK) {
        store_roll_back(store);
        return result;
    }
    queue->written += (uint64_t)n;
    for (; n > 0; n--) {
        queue->records_written += is_record(queue->waiting);
        drop_first(queue);
    }
    return SQLITE_OK;
}

bool note_queue_wants_look(struct note_queue *queue)
{
    if (queue->records_written < RECORDS_UNTIL_LOOK)
        return false;
    queue->records_written = 0;
    return true;
}

struct note *note_queue_take_all(struct note_queue *queue)
{
    append(queue, (struct note *)mailbox_take(&queue->noted));
    struct note *all = queue->waiting;

    queue->waiting = NULL;
    return all;
}
