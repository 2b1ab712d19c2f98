/* server/receive/table.h: one worker's contexts and the open bucket.
 *
 *   sample -> 128-bit hash of its identity -> context id -> cell of the open bucket
 *
 * Private to one worker, so there is no lock, no atomic read-modify-write and no
 * shared cache line on the path of a sample; workers scale because they share
 * nothing. The table keeps no strings: an identity (kind, name and raw tag
 * section; not value, rate or origin) is its hash under a random secret of the
 * process, wide enough that no two contexts are taken for one. What the strings are is
 * told once, in a *birth*, to the flusher. See server/receive/fingerprint.h.
 *
 *   slots   96 bits of the hash -> id
 *   cells   value, stamp and count, by id: the open bucket
 *   idle    intervals since a context was last seen, by id
 *
 * 96 bits: a million contexts meet by accident once in 10^17 runs.
 *
 * Adding takes three steps, some samples apart, so that memory is fetched while
 * other samples are parsed: table_place() hashes and asks for the line of slots,
 * table_look() finds the slot in it and asks for the cell, table_add() adds.
 *
 * A context that was not seen for the expiry time is *retired*: the sealed bucket lists
 * its id, so the flusher takes that id to mean nothing from then on. The slot of the
 * context still points at the id, though, because nothing is ever removed from slots:
 * they are laid out anew without it, some time later and in small steps. Until the last
 * of these steps the id must not mean another context. So an id is in one of these states:
 *
 *             give_birth()          retire(), at a seal
 *     free -----------------> live -------------------> dead
 *      ^                      ^  ^                      |  |
 *      |                      |  `------ revive() ------'  |  keeps(), asked by slots_move():
 *      |                      |                            v  left out of the new slots
 *      |                      `--------- revive() ------ leaves
 *      |                                                   |
 *      `---- free_left(): the new slots are the answer ----'
 *
 * revive(): the context was seen again before its id was free, and is born anew under it.
 * When a reload changes how series are named, forget_contexts() makes all ids free at once. */
#ifndef SERVER_RECEIVE_TABLE_H
#define SERVER_RECEIVE_TABLE_H

#include "config/must_check.h"
#include "flush/parcels/bucket.h"
#include "flush/parcels/ledger.h"
#include "server/receive/slots.h"

/* Where a sample on its way to its cell has come: its context's hash, then its cell. */
struct table_spot {
    struct fingerprint print;
    struct cell *cell;
};

struct table_config {
    uint32_t worker;
    uint32_t max_contexts;
    uint32_t idle_intervals; /* unseen for more than this: retired */
    size_t histogram_exact_values;
    bool copy_histograms; /* histogram_copy_to_distribution */
    bool gauge_deltas;    /* heeler_statsd_gauge_deltas */
    size_t max_behind;    /* bytes of parcels that the flusher may be behind */
    struct inbox *inbox;
    struct worker_account *account;
    struct arena_budget *budget;
    struct worker_ledger *ledger;
};

struct table;
struct rules;

/* Once per process, before any table: the secret of all hashes. False when the
 * system has no random bytes. */
MUST_CHECK bool table_make_secret(void);

/* Intervals that a context is idle are counted up to here. */
enum { TABLE_IDLE_MAX = UINT16_MAX - 3 };

/* NULL without memory. start_s: when the first interval starts, by the wall clock; base_ns:
 * the same moment by the monotonic clock. */
struct table *table_new(const struct table_config *config, int64_t start_s, int64_t base_ns);

/* Pushes nothing: what the open bucket and the open chunks hold is lost. */
void table_free(struct table *given);

/* The first two of the three steps, each for n samples and their spots: no sample needs what
 * a step found for another, so the processor fetches the memory of all of them at the same
 * time. */
void table_place(const struct table *table, const struct sample *samples,
                 struct table_spot *spots, uint32_t n);
void table_look(struct table *table, struct table_spot *spots, uint32_t n);

/* The third, for those that table_look() looked for last, and nothing may have been asked of
 * the table since. Adds every value of each sample to its context's cell, which is born if it
 * is new. now_ns: monotonic receive time of the first; the others follow STAMP_NS apart,
 * because order matters (the last gauge wins). What cannot be added is counted as shed. */
void table_add(struct table *table, const struct sample *samples, struct table_spot *spots,
               uint32_t n, int64_t now_ns);

/* Sends an event or a check on as it came. False: it is shed, because the flusher is behind. */
MUST_CHECK bool table_record(struct table *table, struct slice line, enum line_kind kind,
                             int64_t received_s);

/* Sends on what was read in a count or gauge with a time of its own, which table_place()
 * hashed. False: as above. */
MUST_CHECK bool table_timed(struct table *table, const struct sample *sample,
                            const struct table_spot *spot);

/* Pushes the chunk of records that is open, if there is one. */
void table_push_records(struct table *table);
bool table_has_records(const struct table *table);

/* Pushes what is open and the bucket, and opens the next one. False without
 * memory or when the flusher is several buckets behind: the bucket then stays
 * open and takes the next interval's values too. */
MUST_CHECK bool table_seal(struct table *table, int64_t next_start_s, int64_t next_base_ns);

/* Goes on laying out the slots, for less than a millisecond, so that the memory of a spike
 * of contexts is given back even when no new context comes. True: there is more to do. The
 * worker calls it between reads, from a seal on, until it says false. */
bool table_tidy(struct table *table);

/* The next bucket carries these rules to the flusher; from the bucket after it on, the table
 * follows their settings too. If the rules name series in another way than the rules before,
 * the table forgets all contexts with that bucket: nobody has their raw bytes any more, so
 * each of them is born anew when it is seen again. */
void table_follow(struct table *table, struct rules *given, uint32_t idle_intervals);

/* The last push of all: the bucket that is open goes to the flusher as a part of its
 * interval, because a successor goes on with the rest. False as for table_seal(). */
MUST_CHECK bool table_hand_over(struct table *table);

/* Gives the open interval up, when the last push was tried in vain for too long: what its
 * cells hold is counted as shed. The records need no bucket, so the flusher still gets them.
 * Returns the number of values; nothing may be added afterwards. */
uint64_t table_give_up(struct table *table);

/* Start of the open interval. */
int64_t table_start_s(const struct table *table);

#ifdef HEELER_CHECKS
/* The states of the ids below end add up, no id below lowest_free is free, and the slots
 * point at each id that is live or dead, once. */
bool table_sane(const struct table *table);
#endif

#endif
