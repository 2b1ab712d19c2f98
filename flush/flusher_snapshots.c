/* Which snapshot takes a bucket, and when it is sealed. */
#include "flush/flusher_internal.h"

struct snapshot *flusher_open(struct flusher *flusher, int64_t start_s, int64_t now_ns)
{
    struct snapshot *snapshot =
        snapshot_new(start_s, now_ns, flusher->max_series, flusher->config.budget);
    struct snapshot **end = &flusher->open;

    if (snapshot == NULL)
        return NULL;
    snapshot->fill_zeros = start_s % flusher->interval_s == 0;
    while (*end != NULL)
        end = &(*end)->next;
    *end = snapshot;
    return snapshot;
}

struct snapshot *flusher_snapshot_for(struct flusher *flusher, const struct bucket *bucket,
                                      int64_t now_ns)
{
    struct snapshot *newest = NULL;

    for (struct snapshot *s = flusher->open; s != NULL; s = s->next) {
        if (s->start_s == bucket->start_s)
            return s;
        newest = s;
    }
    if (!timeline_is_over(&flusher->timeline, bucket->start_s))
        return flusher_open(flusher, bucket->start_s, now_ns);
    counter_add(&flusher->config.ledger->late_buckets, 1);
    if (newest != NULL)
        return newest;
    newest = flusher_open(flusher, bucket->start_s, now_ns);
    if (newest != NULL)
        newest->fill_zeros = flusher->config.workers == 1; /* the clock stepped back */
    return newest;
}

void flusher_seal(struct flusher *flusher, struct snapshot *snapshot)
{
    struct snapshot **at = &flusher->open;
    int64_t stamp_s = timeline_seal(&flusher->timeline, snapshot->start_s);

    while (*at != snapshot)
        at = &(*at)->next;
    *at = snapshot->next;
    snapshot->next = NULL;
    snapshot->rules = rules_hold(flusher->rules);
    snapshot_seal(snapshot, flusher->catalogue, stamp_s);
    counter_set(&flusher->config.ledger->last_stamp_s, (uint64_t)stamp_s);
    for (at = &flusher->sealed; *at != NULL;)
        at = &(*at)->next;
    *at = snapshot;
}

/* When the buckets of all workers have come, no worker has one of an earlier interval left. So
 * the snapshots that are open from before are sealed first, and stamps ascend. A late bucket
 * counts as one of the snapshot that took it, because its worker is in a later interval by
 * now. */
void flusher_arrived(struct flusher *flusher, struct snapshot *snapshot, uint32_t worker)
{
    uint64_t all = flusher->config.workers == WORKERS_MAX
                       ? UINT64_MAX
                       : (UINT64_C(1) << flusher->config.workers) - 1;

    snapshot->arrived |= UINT64_C(1) << worker;
    if (snapshot->arrived != all)
        return;
    while (flusher->open != snapshot)
        flusher_seal(flusher, flusher->open);
    flusher_seal(flusher, snapshot);
}

void flusher_free_snapshots(struct snapshot *given)
{
    while (given != NULL) {
        struct snapshot *next = given->next;
        snapshot_free(given);
        given = next;
    }
}
