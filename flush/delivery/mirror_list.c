#include "flush/delivery/mirror_list.h"

#include <stdlib.h>

#include "config/clock.h"
#include "flush/payloads/payload_state.h"

static size_t entry_bytes(const struct mirror_entry *entry)
{
    return sizeof *entry + outbox_weight(entry->payload);
}

static void note_bytes(struct mirror_list *list)
{
    atomic_store_explicit(&list->ledger->queued_bytes, list->bytes, memory_order_relaxed);
}

void mirror_list_settle(struct mirror_list *list, struct mirror_entry *entry)
{
    struct delivery_ledger *ledger = list->ledger;
    uint32_t points = entry->payload->points;

    uncount(&ledger->queued, points);
    if (entry->refused == points && points > 0) {
        count(&ledger->refused[REFUSED_OTHER], points);
    } else {
        count(&ledger->delivered, points - entry->refused);
        tally(&ledger->refused[REFUSED_OTHER].points, entry->refused);
    }
    atomic_store_explicit(&ledger->last_success_ms, clock_wall_ms(), memory_order_relaxed);
    delivery_ledger_check(ledger);
    entry->settled = true;
    entry->settled_ms = clock_monotonic_ms();
    list->n_unsettled--;
}

static void shed(struct mirror_list *list, struct mirror_entry *entry, enum delivery_shed why)
{
    struct delivery_ledger *ledger = list->ledger;

    uncount(&ledger->queued, entry->payload->points);
    count(&ledger->shed[why], entry->payload->points);
    delivery_ledger_check(ledger);
    if (entry->payload->points > 0)
        list->last_shed = entry->order;
    list->n_unsettled--;
}

static void drop_head(struct mirror_list *list)
{
    struct mirror_entry *entry = list->head;

    list->head = entry->next;
    if (list->head == NULL)
        list->end = &list->head;
    if (list->cursor == entry)
        list->cursor = entry->next;
    list->bytes -= entry_bytes(entry);
    note_bytes(list);
    outbox_let_go(list->outbox, entry->payload);
    free(entry);
}

void mirror_list_trim(struct mirror_list *list)
{
    int64_t oldest_ms = clock_monotonic_ms() - list->resend_ms;

    while (list->head != NULL && list->head->settled && list->head->unanswered == 0 &&
           list->head != list->cursor && list->head->settled_ms <= oldest_ms)
        drop_head(list);
    while (list->bytes > list->max_bytes && list->head != NULL) {
        if (!list->head->settled)
            shed(list, list->head, UNSENT_QUEUE_FULL);
        drop_head(list);
    }
}

struct mirror_entry *mirror_list_find(struct mirror_list *list, uint64_t order)
{
    struct mirror_entry *entry = list->head;

    while (entry != NULL && entry->order < order)
        entry = entry->next;
    return entry != NULL && entry->order == order ? entry : NULL;
}

void mirror_list_rewind(struct mirror_list *list, struct mirror_entry *from)
{
    for (struct mirror_entry *entry = from; entry != NULL; entry = entry->next) {
        if (entry->offset > 0 && !entry->settled)
            tally(&list->ledger->retries, 1);
        entry->offset = 0;
        entry->unanswered = 0;
        entry->again = false;
        if (!entry->settled)
            entry->refused = 0;
    }
    list->cursor = from;
}

void mirror_list_append(struct mirror_list *list, struct payload *payload, bool sends)
{
    struct mirror_entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL) {
        count(&list->ledger->shed[UNSENT_NO_MEMORY], payload->points);
        delivery_ledger_check(list->ledger);
        list->last_shed = ++list->taken;
        return;
    }
    payload->holders++;
    outbox_release(list->outbox, payload);
    entry->payload = payload;
    entry->order = ++list->taken;
    entry->barrier = list->last_barrier;
    if (mirror_entry_is_barrier(entry))
        list->last_barrier = entry->order;
    count(&list->ledger->queued, payload->points);
    delivery_ledger_check(list->ledger);
    *list->end = entry;
    list->end = &entry->next;
    list->n_unsettled++;
    list->bytes += entry_bytes(entry);
    note_bytes(list);
    if (list->cursor == NULL && sends)
        list->cursor = entry;
}

void mirror_list_hand_over(const struct mirror_list *list, struct state_writer *out)
{
    for (const struct mirror_entry *entry = list->head; entry != NULL; entry = entry->next)
        if (!entry->settled)
            payload_state_write(out, entry->payload);
    payload_state_end(out);
}

void mirror_list_handed_over(struct mirror_list *list)
{
    for (struct mirror_entry *entry = list->head; entry != NULL; entry = entry->next) {
        if (entry->settled)
            continue;
        uncount(&list->ledger->queued, entry->payload->points);
        count(&list->ledger->handed_over, entry->payload->points);
        entry->settled = true;
        list->n_unsettled--;
    }
    delivery_ledger_check(list->ledger);
}

void mirror_list_shed(struct mirror_list *list, enum delivery_shed why)
{
    for (; list->head != NULL; drop_head(list))
        if (!list->head->settled)
            shed(list, list->head, why);
}

void mirror_list_free(struct mirror_list *given)
{
    while (given->head != NULL)
        drop_head(given);
}
