/* flush/delivery/mirror_list.h: the payloads that the mirror's sink keeps, in order.
 *
 *   head -> [answered, kept | sent, not answered | cursor: to be sent next ...] -> end
 *
 * The sink sends from the cursor on and says what was answered; the list counts what becomes
 * of each payload in the ledger, drops what is old or too much, and goes back when all from
 * some entry on is to be sent anew. On delivery's thread. */
#ifndef FLUSH_DELIVERY_MIRROR_LIST_H
#define FLUSH_DELIVERY_MIRROR_LIST_H

#include "flush/delivery/delivery_ledger.h"
#include "flush/memory/state.h"
#include "flush/payloads/outbox.h"

struct mirror_entry {
    struct mirror_entry *next;
    struct payload *payload;
    uint64_t order, barrier; /* barrier: the order of the barrier before it */
    size_t offset;           /* of the next command to send */
    uint32_t unanswered;
    uint32_t refused; /* points that Redis will never take */
    bool again;       /* a command failed, so the entry is sent once more */
    bool settled;     /* it was answered, and counted, once */
    int64_t settled_ms;
};

struct mirror_list {
    struct mirror_entry *head, **end;
    struct mirror_entry *cursor; /* the next to be sent; NULL: there is none */
    size_t bytes, n_unsettled;
    uint64_t taken, last_barrier, last_shed;

    struct delivery_ledger *ledger;
    struct outbox *outbox; /* that payloads come from */
    size_t max_bytes;
    int64_t resend_ms; /* so long an answered payload is kept */
};

static inline bool mirror_entry_is_answered(const struct mirror_entry *entry)
{
    return entry->offset == entry->payload->size && entry->unanswered == 0 && !entry->again;
}

static inline bool mirror_entry_is_barrier(const struct mirror_entry *entry)
{
    return entry->payload->points == 0;
}

/* A view: held, and no longer weighed by the outbox, as it may stay for long after it was
 * answered. Without memory it is shed. sends: whether it may become the next to be sent. */
void mirror_list_append(struct mirror_list *list, struct payload *payload, bool sends);

/* Closes the account of an entry that was answered or given up. */
void mirror_list_settle(struct mirror_list *list, struct mirror_entry *entry);

/* Drops answered entries that are old enough; then, while the list is too heavy, the oldest
 * entries of any kind. */
void mirror_list_trim(struct mirror_list *list);

/* NULL: it was dropped. */
struct mirror_entry *mirror_list_find(struct mirror_list *list, uint64_t order);

/* Everything from that entry on is sent anew; NULL: nothing. */
void mirror_list_rewind(struct mirror_list *list, struct mirror_entry *from);

/* Writes, in order, what is not answered, and the end, for a successor; then, as it is sure
 * that he gets it, closes the accounts. */
void mirror_list_hand_over(const struct mirror_list *list, struct state_writer *out);
void mirror_list_handed_over(struct mirror_list *list);

/* All of it is given up. */
void mirror_list_shed(struct mirror_list *list, enum delivery_shed why);

void mirror_list_free(struct mirror_list *given);

#endif
