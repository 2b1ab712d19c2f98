/* What the workers are told: how much of what they sent is handled, and whether there is room
 * for more. Each has an account of its own, which it reads without waiting. */
#include "flush/flusher_internal.h"

/* For those who look at what takes the memory. */
static void show_memory(struct flusher *flusher)
{
    struct flusher_ledger *ledger = flusher->config.ledger;
    uint64_t tables = 0;

    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        tables += flusher->table_bytes[worker];
    counter_set(&ledger->tables_bytes, tables);
    counter_set(&ledger->catalogue_bytes, catalogue_memory(flusher->catalogue));
}

/* One bound holds for contexts everywhere. So what the workers' tables take is not left to the
 * catalogue; and what the catalogue keeps only for the rollups counts as theirs. */
static void share_memory(struct flusher *flusher)
{
    size_t left = flusher->config.contexts_bytes;

    if (left == 0)
        return;
    if (flusher->rollup != NULL)
        left += rollup_held_bytes(flusher->rollup);
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        left -= left > flusher->table_bytes[worker] ? flusher->table_bytes[worker] : left - 1;
    catalogue_limit(flusher->catalogue, left);
}

void flusher_tell_workers(struct flusher *flusher)
{
    share_memory(flusher);
    show_memory(flusher);
    bool crowded = catalogue_is_crowded(flusher->catalogue);

    for (uint32_t worker = 0; worker < flusher->config.workers; worker++)
        atomic_store_explicit(&flusher->config.accounts[worker].crowded, crowded,
                              memory_order_relaxed);
}

/* Contexts that were refused for want of room may come again if there is room now. */
void flusher_offer_room(struct flusher *flusher)
{
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++) {
        struct worker_account *account = &flusher->config.accounts[worker];

        if (atomic_load_explicit(&account->again, memory_order_relaxed) == NULL)
            atomic_store_explicit(&account->again,
                                  catalogue_refused(flusher->catalogue, worker),
                                  memory_order_release); /* with table_seal's exchange */
    }
}

/* The worker compares it with what it has sent: above a bound it sheds what is new. */
void flusher_tell_handled(struct flusher *flusher, const struct parcel *done)
{
    struct worker_account *account = &flusher->config.accounts[done->worker];
    uint64_t bytes = atomic_load_explicit(&account->handled_bytes, memory_order_relaxed);
    uint32_t buckets = atomic_load_explicit(&account->handled_buckets, memory_order_relaxed);

    atomic_store_explicit(&account->handled_bytes, bytes + done->bytes, memory_order_relaxed);
    if (done->kind == PARCEL_BUCKET)
        atomic_store_explicit(&account->handled_buckets, buckets + 1, memory_order_relaxed);
}

/* Only the flusher fills a place that is empty, so it stays empty until then. */
void flusher_give_back(struct flusher *flusher, struct chunk *given)
{
    uint32_t worker = given->parcel.worker;
    struct worker_account *account = &flusher->config.accounts[worker];

    given->used = 0;
    flusher->gave_back[worker] = true;
    for (int i = 0; i < SPARE_CHUNKS; i++)
        if (atomic_load_explicit(&account->spares[i], memory_order_relaxed) == NULL) {
            atomic_store_explicit(&account->spares[i], given,
                                  memory_order_release); /* with inbox_take_spare() */
            return;
        }
    chunk_free(given);
}

void flusher_free_spares(struct flusher *flusher, uint32_t worker)
{
    struct chunk *spare;

    while ((spare = inbox_take_spare(&flusher->config.accounts[worker])) != NULL)
        chunk_free(spare);
}

void flusher_tidy_spares(struct flusher *flusher)
{
    for (uint32_t worker = 0; worker < flusher->config.workers; worker++) {
        if (!flusher->gave_back[worker])
            flusher_free_spares(flusher, worker);
        flusher->gave_back[worker] = false;
    }
}
