/* Reading order, which is the way of a sample: table_place(), table_look() and table_add();
 * add_usual(), which is all that nearly every line needs; add_unusual(), with add_to_cell()
 * for any kind of cell; find_cell(), with give_birth() and revive(), for a context that is new
 * or comes back.
 * When the interval ends: table_seal(), then turn_to_next(), which ages the contexts
 * and retires those that were not seen; then clear_dead(), move(), keeps() and free_left(),
 * which make their ids free again. The drawing of these states is in table.h.
 *
 * One subject: an id, from its birth until it is free. Births and seals change the same marks
 * (idle, stamp, lowest_free, the slots) and rely on what the other left there, so apart they
 * would be harder to check; and the way of a sample is inlined only where all of it is seen. */
#include "server/receive/table.h"

#include <math.h>
#include <stdlib.h>

#include "config/sane.h"
#include "flush/memory/pages.h"
#include "flush/parcels/chunk.h"
#include "flush/series/rules.h"
#include "server/receive/table_internal.h"

/* While the flusher has not handled so many buckets it is given no other: the interval then
 * stays open, and its bucket takes the values of the next interval too. */
enum { BUCKETS_BEHIND_MAX = 4 };

/* A handful of dead contexts is not worth new slots. STEPS_AT_ONCE steps of laying them out
 * take less than a millisecond. */
enum { DEAD_MIN = 64, STEPS_AT_ONCE = 1024 };

/* What idle[id] says: for how many intervals a live context was not seen, or one of these
 * states. DEAD: the context is retired, but its slot still points at the id. LEAVES: the
 * same, and the slots that are being laid out do not have it; once they are in use nothing
 * points at the id any more, and it becomes FREE. See the drawing in table.h. */
enum { DEAD = TABLE_IDLE_MAX + 1, LEAVES, FREE };

/* The cell of a dead context bears this stamp. The path of a sample reads the cell anyway,
 * so it learns from the stamp what it would otherwise have to read in idle[], which costs
 * another cache line. */
#define STAMP_DEAD UINT32_MAX

struct table {
    struct table_config config;
    struct slots slots;
    uint32_t looked_builds; /* slots.builds at the last table_look() */
    struct cell nowhere; /* of a context that was not found: dead, so that none is added to */
    uint32_t dead;       /* ids that are DEAD or LEAVES */
    uint32_t live;
    uint32_t end;         /* ids below are live, dead or free */
    uint32_t lowest_free; /* no free id below */
    uint16_t *idle;       /* pages, max_contexts of them */
    struct cell *cells;   /* pages, max_contexts of them: the open bucket */
    int64_t start_s, base_ns;
    struct arena arena;
    struct chunk *births, *records; /* open chunks or NULL */
    uint64_t pushed_bytes;
    uint32_t pushed_buckets;
    struct rules *next; /* owned; the next bucket takes them along; NULL: they stay */
    uint32_t next_idle_intervals;
    uint32_t naming; /* the number that the rules now in use give to their way of naming */
    bool partial;    /* what is pushed is not a whole interval */
};

bool table_make_secret(void)
{
    return fingerprint_make_secret();
}

/* ---- making ------------------------------------------------------------ */

static size_t cells_bytes(const struct table *table)
{
    return (size_t)table->config.max_contexts * sizeof(struct cell);
}

static size_t idle_bytes(const struct table *table)
{
    return (size_t)table->config.max_contexts * sizeof(uint16_t);
}

struct table *table_new(const struct table_config *config, int64_t start_s, int64_t base_ns)
{
    struct table *table = own_lines(sizeof *table);

    if (table == NULL)
        return NULL;
    table->config = *config;
    bool made = slots_open(&table->slots);
    table->idle = pages_map(idle_bytes(table));
    table->cells = pages_map(cells_bytes(table));
    table->start_s = start_s;
    table->base_ns = base_ns;
    table->nowhere.stamp = STAMP_DEAD;
    arena_init(&table->arena, config->budget);
    if (!made || table->idle == NULL || table->cells == NULL) {
        table_free(table);
        return NULL;
    }
    return table;
}

void table_free(struct table *given)
{
    if (given == NULL)
        return;
    slots_close(&given->slots);
    pages_unmap(given->idle, idle_bytes(given));
    pages_unmap(given->cells, cells_bytes(given));
    arena_free(&given->arena);
    free(given->births);
    free(given->records);
    rules_release(given->next);
    free(given);
}

/* ---- finding ----------------------------------------------------------- */

void table_place(const struct table *table, const struct sample *samples,
                 struct table_spot *spots, uint32_t n)
{
    table_place_by[hash_step.used](&table->slots, samples, spots, n);
}

void table_look(struct table *table, struct table_spot *spots, uint32_t n)
{
    for (struct table_spot *spot = spots; spot < spots + n; spot++) {
        uint32_t id = slots_find_usual(&table->slots, spot->print);

        spot->cell =
            __builtin_expect(id != SLOTS_UNKNOWN, 1) ? &table->cells[id] : &table->nowhere;
        __builtin_prefetch(spot->cell, 1);
    }
    table->looked_builds = table->slots.builds;
}

/* ---- parcels ----------------------------------------------------------- */

static bool is_behind(const struct table *table, size_t more)
{
    uint64_t handled =
        atomic_load_explicit(&table->config.account->handled_bytes, memory_order_relaxed);

    return table->pushed_bytes - handled + more > table->config.max_behind;
}

static void push(struct table *table, struct parcel *given, size_t bytes)
{
    given->bytes = bytes;
    table->pushed_bytes += bytes;
    inbox_push(table->config.inbox, given);
}

static void push_chunk(struct table *table, struct chunk **chunk)
{
    struct chunk *given = *chunk;

    if (given == NULL)
        return;
    *chunk = NULL;
    push(table, &given->parcel, sizeof *given + given->capacity);
}

void table_push_records(struct table *table)
{
    push_chunk(table, &table->records);
}

bool table_has_records(const struct table *table)
{
    return table->records != NULL;
}

/* Pushes the chunk that is full, and opens another one with room for size bytes. False: the
 * flusher is behind, or there is no memory. The test is made only here, when a chunk is
 * opened, so an open chunk can always be filled and its bytes were counted before. */
static bool open_chunk(struct table *table, struct chunk **chunk, enum parcel_kind kind,
                       size_t size)
{
    push_chunk(table, chunk);
    if (is_behind(table, sizeof(struct chunk) + CHUNK_BYTES))
        return false;
    if (kind == PARCEL_RECORDS && size <= CHUNK_BYTES)
        *chunk = inbox_take_spare(table->config.account);
    if (*chunk == NULL)
        *chunk = chunk_new(kind, table->config.worker, size);
    return *chunk != NULL;
}

/* Appends to the open chunk, or else to a new one. */
static bool append(struct table *table, struct chunk **chunk, enum parcel_kind kind,
                   const void *head, size_t head_size, struct slice first, struct slice second)
{
    if (*chunk != NULL && chunk_append(*chunk, head, head_size, first, second))
        return true;
    return open_chunk(table, chunk, kind, head_size + first.len + second.len) &&
           chunk_append(*chunk, head, head_size, first, second);
}

bool table_record(struct table *table, struct slice line, enum line_kind kind,
                  int64_t received_s)
{
    struct record head = { .time_s = received_s,
                           .len = (uint32_t)line.len,
                           .kind = (uint16_t)kind };

    return append(table, &table->records, PARCEL_RECORDS, &head, sizeof head, line,
                  (struct slice){ NULL, 0 });
}

bool table_timed(struct table *table, const struct sample *sample,
                 const struct table_spot *spot)
{
    struct timed_sample timed = { .print = { spot->print.low, spot->print.high },
                                  .name = sample->name,
                                  .tags = sample->tags,
                                  .values = sample->values,
                                  .n_values = sample->n_values,
                                  .cell = cell_kind_of(sample->type),
                                  .time_s = sample->time_s };

    if (table->records != NULL && chunk_append_timed(table->records, &timed))
        return true;
    return open_chunk(table, &table->records, PARCEL_RECORDS, chunk_timed_size(&timed)) &&
           chunk_append_timed(table->records, &timed);
}

/* ---- births ------------------------------------------------------------ */

static void free_dead(struct table *table, uint32_t id)
{
    table->idle[id] = FREE;
    table->cells[id].stamp = 0;
    if (id < table->lowest_free)
        table->lowest_free = id;
}

static bool is_dead(const struct table *table, uint32_t id)
{
    return table->idle[id] == DEAD || table->idle[id] == LEAVES;
}

/* slots_move() asks this for each context that it comes by. A dead one is left out of the
 * new slots; the old ones, which still are the answer, keep it. */
static bool keeps(void *argument, uint32_t id)
{
    struct table *table = argument;

    if (!is_dead(table, id))
        return true;
    table->idle[id] = LEAVES;
    return false;
}

/* Called when the new slots have become the answer: no slot points at the ids that leave, so
 * they are free. A dead id that does not leave was retired after its line had been copied; it
 * waits for the next time. Pages behind the highest id in use are given back: they are
 * what a spike of contexts took. */
static void free_left(struct table *table)
{
    for (uint32_t id = 0; id < table->end; id++) {
        if (table->idle[id] != LEAVES)
            continue;
        free_dead(table, id);
        table->dead--;
    }
    while (table->end > 0 && table->idle[table->end - 1] == FREE)
        table->end--;
    pages_forget(table->idle, table->end * sizeof *table->idle, idle_bytes(table));
    if (table->lowest_free > table->end)
        table->lowest_free = table->end;
}

static void move(struct table *table, uint64_t steps)
{
    if (slots_move(&table->slots, steps, table->dead > 0 ? keeps : NULL, table))
        free_left(table);
}

/* Lays out the slots in one go, which may take milliseconds: only for a context that cannot be
 * added otherwise. */
static bool rebuild(struct table *table)
{
    if (!slots_begin(&table->slots, table->live))
        return false;
    move(table, SLOTS_ALL);
    return true;
}

/* Makes sure that the slots can take one more context. They are laid out anew from 5/8 full
 * on, one step for each birth, so that the new ones are in use before the old ones are 7/8
 * full; rebuild() is needed only if there was no memory for that in time. */
static bool make_room(struct table *table)
{
    if (slots_crowded(&table->slots) && !slots_moving(&table->slots))
        (void)slots_begin(&table->slots, table->live); /* without memory: some room is left */
    move(table, 1);
    return !slots_full(&table->slots) || rebuild(table);
}

static uint32_t take_id(struct table *table)
{
    while (table->lowest_free < table->end && table->idle[table->lowest_free] != FREE)
        table->lowest_free++;
    return table->lowest_free < table->end ? table->lowest_free : table->end;
}

/* A sample whose context may have to be born. */
struct newcomer {
    const struct sample *sample;
    struct fingerprint print;
    enum cell_kind kind;
};

static bool write_birth(struct table *table, const struct newcomer *newcomer, uint32_t id)
{
    const struct sample *sample = newcomer->sample;
    struct birth birth = { id, (uint32_t)sample->name.len, (uint32_t)sample->tags.len,
                           (uint32_t)newcomer->kind };

    return append(table, &table->births, PARCEL_BIRTHS, &birth, sizeof birth, sample->name,
                  sample->tags);
}

static void note_birth(struct table *table, uint32_t id)
{
    table->idle[id] = 0;
    table->live++;
    counter_add(&table->config.ledger->births, 1);
    counter_set(&table->config.ledger->contexts, table->live);
}

/* A dead context is seen again while its slot still points at its id: it is born again under
 * this id. The flusher has been told that the id is retired, so it needs the strings anew. */
static enum shed_reason revive(struct table *table, uint32_t id,
                               const struct newcomer *newcomer)
{
    if (table->live >= table->config.max_contexts)
        return SHED_CONTEXTS_FULL;
    if (!write_birth(table, newcomer, id))
        return SHED_BEHIND;
    if (table->idle[id] == LEAVES)
        slots_keep(&table->slots, newcomer->print, id);
    table->dead--;
    table->cells[id].stamp = 0;
    note_birth(table, id);
    return SHED_NOTHING;
}

static enum shed_reason give_birth(struct table *table, const struct newcomer *newcomer,
                                   uint32_t *id)
{
    if (atomic_load_explicit(&table->config.account->crowded, memory_order_relaxed))
        return SHED_MEMORY;
    if (!make_room(table))
        return SHED_MEMORY;
    *id = take_id(table);
    if (*id >= table->config.max_contexts && table->dead > 0 && rebuild(table))
        *id = take_id(table);
    if (*id >= table->config.max_contexts)
        return SHED_CONTEXTS_FULL;
    if (!write_birth(table, newcomer, *id))
        return SHED_BEHIND;
    slots_put(&table->slots, newcomer->print, *id);
    if (*id == table->end)
        table->end++;
    table->cells[*id].stamp = 0; /* it may have been a dead one's */
    note_birth(table, *id);
    return SHED_NOTHING;
}

/* The cell of the sample's context, born if need be; NULL and the reason when it cannot be. */
static struct cell *find_cell(struct table *table, const struct newcomer *newcomer,
                              enum shed_reason *why)
{
    uint32_t id = slots_find(&table->slots, newcomer->print);

    *why = id == SLOTS_UNKNOWN                    ? give_birth(table, newcomer, &id)
           : table->cells[id].stamp == STAMP_DEAD ? revive(table, id, newcomer)
                                                  : SHED_NOTHING;
    return *why == SHED_NOTHING ? &table->cells[id] : NULL;
}

/* ---- adding ------------------------------------------------------------ */

static inline uint32_t stamp_of(const struct table *table, int64_t now_ns)
{
    int64_t passed_ns = now_ns - table->base_ns;
    uint64_t stamp = passed_ns < STAMP_NS ? 1 : (uint64_t)passed_ns / STAMP_NS;

    return stamp > STAMP_MAX ? STAMP_MAX : (uint32_t)stamp;
}

static void shed(struct table *table, enum shed_reason reason, uint64_t values)
{
    counter_add(&table->config.ledger->shed[reason], values);
}

static void add_count(struct table *table, struct cell *cell, const struct sample *sample)
{
    double scale = __builtin_expect(sample->rate == 1, 1) ? 1 : 1 / sample->rate;

    for (uint32_t i = 0; i < sample->n_values; i++) {
        double value = sample->values[i] * scale;

        if (__builtin_expect(!isfinite(value), 0)) {
            shed(table, SHED_NOT_FINITE, 1);
            continue;
        }
        cell->value += value;
        cell->values++;
    }
}

/* True for "+5" and "-5": the first byte behind the name's colon. */
static bool is_delta(const struct table *table, const struct sample *sample)
{
    char first = sample->name.at[sample->name.len + 1];

    return table->config.gauge_deltas && (first == '+' || first == '-');
}

static void add_gauge(struct table *table, struct cell *cell, const struct sample *sample,
                      uint32_t *stamp)
{
    bool delta = is_delta(table, sample);

    for (uint32_t i = 0; i < sample->n_values; i++) {
        double value = sample->values[i];

        if (__builtin_expect(!isfinite(value), 0)) {
            shed(table, SHED_NOT_FINITE, 1);
            continue;
        }
        if (!delta)
            cell->value = value;
        else
            cell->value = cell->values > 0 ? cell->value + value : value;
        cell->values++;
        /* A worker does not know the gauge's value of the interval before. So a cell that
         * begins with a delta is relative, and the flusher adds it to that value. The first
         * plain value ends this: deltas after it build on it. */
        if (delta && (cell->values == 1 || (cell->stamp & STAMP_RELATIVE) != 0))
            *stamp |= STAMP_RELATIVE;
    }
}

static void add_object(struct table *table, struct cell *cell, const struct sample *sample,
                       const struct object_ops *ops)
{
    struct exactness exactness = { .values = table->config.histogram_exact_values };

    if (cell->values == 0)
        cell->object = NULL;
    struct object_added added = ops->add(&cell->object, &table->arena, sample, &exactness);

    cell->values += added.values;
    if (added.not_finite > 0)
        shed(table, SHED_NOT_FINITE, added.not_finite);
    if (added.no_memory > 0)
        shed(table, SHED_MEMORY, added.no_memory);
    if (exactness.switched > 0)
        counter_add(&table->config.ledger->histograms_switched, exactness.switched);
}

static void add_to_cell(struct table *table, struct cell *cell, const struct sample *sample,
                        enum cell_kind kind, int64_t now_ns)
{
    uint32_t stamp = stamp_of(table, now_ns), before = cell->values;

    if (kind == CELL_COUNT)
        add_count(table, cell, sample);
    else if (kind == CELL_GAUGE)
        add_gauge(table, cell, sample, &stamp);
    else
        add_object(table, cell, sample, cell_kinds[kind].object);
    if (cell->values != before)
        cell->stamp = stamp;
    else if (cell->stamp == 0)
        cell->stamp = 1; /* no value could be added, but the context was seen */
}

/* What nearly every line is: one finite value, unsampled, of a counter or gauge that is
 * known. */
static inline bool add_usual(const struct sample *sample, struct cell *cell, uint32_t stamp,
                             bool gauge_deltas)
{
    if (!sample->plain || cell->stamp == STAMP_DEAD)
        return false;
    if (sample->type == METRIC_COUNT)
        cell->value += sample->values[0];
    else if (sample->type == METRIC_GAUGE && !gauge_deltas)
        cell->value = sample->values[0];
    else
        return false;
    cell->values++;
    cell->stamp = stamp;
    return true;
}

static void add_new(struct table *table, const struct newcomer *newcomer, int64_t now_ns)
{
    enum shed_reason why;
    struct cell *cell = find_cell(table, newcomer, &why);

    if (cell == NULL)
        shed(table, why, newcomer->sample->n_values);
    else
        add_to_cell(table, cell, newcomer->sample, newcomer->kind, now_ns);
}

/* histogram_copy_to_distribution: the same values in a second context. */
static void add_copy(struct table *table, const struct sample *sample, int64_t now_ns)
{
    struct newcomer copy = {
        sample,
        fingerprint_hash(sample->name, sample->tags, CELL_DISTRIBUTION_COPY),
        CELL_DISTRIBUTION_COPY,
    };

    counter_add(&table->config.ledger->values_copied, sample->n_values);
    add_new(table, &copy, now_ns);
}

__attribute__((noinline)) static void add_unusual(struct table *table,
                                                  const struct sample *sample,
                                                  const struct table_spot *spot, int64_t now_ns)
{
    enum cell_kind kind = cell_kind_of(sample->type);

    if (spot->cell->stamp == STAMP_DEAD)
        add_new(table, &(struct newcomer){ sample, spot->print, kind }, now_ns);
    else
        add_to_cell(table, spot->cell, sample, kind, now_ns);
    if (kind == CELL_HISTOGRAM && table->config.copy_histograms)
        add_copy(table, sample, now_ns);
}

/* The first of n samples, and the others are still to be added. */
__attribute__((noinline)) static void add_slowly(struct table *table,
                                                 const struct sample *samples,
                                                 struct table_spot *spots, uint32_t n,
                                                 int64_t now_ns)
{
    add_unusual(table, samples, spots, now_ns);
    /* A birth may have been the last step of laying out the slots anew, so that an id that was
     * found before may mean another context by now. */
    if (table->looked_builds != table->slots.builds)
        table_look(table, spots, n);
}

void table_add(struct table *table, const struct sample *samples, struct table_spot *spots,
               uint32_t n, int64_t now_ns)
{
    /* The stamps grow by one from sample to sample, but at the ends of their range. */
    uint32_t stamp = stamp_of(table, now_ns);
    bool deltas = table->config.gauge_deltas;
    bool in_range = now_ns - table->base_ns >= STAMP_NS && stamp + n <= STAMP_MAX;
    int64_t end_ns = now_ns + n * STAMP_NS;

    for (const struct sample *end = samples + n; samples < end; samples++, spots++, stamp++) {
        uint32_t left = (uint32_t)(end - samples);
#ifdef HEELER_FAULT_lose_value
        static _Atomic(int) lost;
        if (samples->n_values == 1 && atomic_exchange(&lost, 1) == 0)
            continue;
#endif
        if (__builtin_expect(!in_range || !add_usual(samples, spots->cell, stamp, deltas), 0))
            add_slowly(table, samples, spots, left, end_ns - left * STAMP_NS);
    }
}

/* ---- sealing ----------------------------------------------------------- */

static bool list_retired(struct bucket *bucket, uint32_t id, uint32_t *capacity)
{
    if (bucket->n_retired == *capacity) {
        uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
        uint32_t *grown = realloc(bucket->retired, wanted * sizeof *grown);
        if (grown == NULL)
            return false; /* the context stays live, and is listed at a later seal */
        bucket->retired = grown;
        *capacity = wanted;
    }
    bucket->retired[bucket->n_retired++] = id;
    return true;
}

static void retire(struct table *table, struct bucket *bucket, struct cell *next, uint32_t id,
                   uint32_t *capacity)
{
    if (!list_retired(bucket, id, capacity))
        return;
    table->idle[id] = DEAD;
    next[id].stamp = STAMP_DEAD;
    table->dead++;
    table->live--;
}

/* The flusher had refused these contexts for want of room, and now has room for them: they are
 * retired, so that they are born anew when they are seen again. The list comes from another
 * thread and may be old: an id may mean another context by now, which is then born anew for
 * nothing. That does no harm. */
static void retire_refused(struct table *table, struct bucket *bucket, struct cell *next,
                           uint32_t *capacity)
{
    struct id_list *again =
        atomic_exchange_explicit(&table->config.account->again, NULL, memory_order_acquire);

    for (uint32_t i = 0; again != NULL && i < again->n; i++)
        if (again->ids[i] < table->end && table->idle[again->ids[i]] <= TABLE_IDLE_MAX)
            retire(table, bucket, next, again->ids[i], capacity);
    free(again);
}

/* table->cells are those of the interval that ends, and go away with the bucket; next are the
 * cells of the interval that begins. A dead context has no values, so its mark is taken out of
 * the bucket, where a stamp would mean that it was seen, and set in the next cells. */
static void age_contexts(struct table *table, struct bucket *bucket, struct cell *next)
{
    uint32_t capacity = 0;

    for (uint32_t id = 0; id < table->end; id++) {
        if (is_dead(table, id)) {
            table->cells[id].stamp = 0;
            next[id].stamp = STAMP_DEAD;
        }
        if (table->idle[id] > TABLE_IDLE_MAX)
            continue;
        if (table->cells[id].stamp != 0) {
            table->idle[id] = 0;
            continue;
        }
        if (table->idle[id] < TABLE_IDLE_MAX)
            table->idle[id]++;
        if (table->idle[id] > table->config.idle_intervals)
            retire(table, bucket, next, id, &capacity);
    }
    retire_refused(table, bucket, next, &capacity);
    counter_set(&table->config.ledger->contexts, table->live);
}

/* All contexts go at once. The bucket says so in one word and lists no ids. The slots are
 * empty afterwards, so every id is free at once, too. */
static void forget_contexts(struct table *table, struct bucket *bucket)
{
    for (uint32_t id = 0; id < table->end; id++)
        if (is_dead(table, id))
            table->cells[id].stamp = 0;
    slots_clear(&table->slots);
    pages_forget(table->idle, 0, table->end * sizeof *table->idle);
    free(atomic_exchange_explicit(&table->config.account->again, NULL, memory_order_acquire));
    bucket->all_retired = true;
    table->dead = table->live = table->end = table->lowest_free = 0;
    counter_set(&table->config.ledger->contexts, 0);
}

/* Once a quarter of the slots in use belongs to dead contexts, they are laid out anew for the
 * live ones. make_room() would not do it: without births it is never called. */
static void clear_dead(struct table *table)
{
    if (!slots_moving(&table->slots) && table->dead >= DEAD_MIN &&
        table->dead >= table->slots.now.used / 4)
        (void)slots_begin(&table->slots, table->live); /* without memory: at a later seal */
    move(table, STEPS_AT_ONCE);
}

bool table_tidy(struct table *table)
{
    move(table, STEPS_AT_ONCE);
    return slots_moving(&table->slots);
}

/* The cells count twice: those of the open bucket, and those of the one before, which the
 * flusher is folding. */
static size_t table_bytes(const struct table *table)
{
    return slots_bytes(&table->slots) +
           table->end * (2 * sizeof *table->cells + sizeof *table->idle);
}

static void fill_bucket(struct table *table, struct bucket *bucket)
{
    const struct worker_ledger *ledger = table->config.ledger;

    bucket->parcel.kind = PARCEL_BUCKET;
    bucket->parcel.worker = table->config.worker;
    bucket->start_s = table->start_s;
    bucket->base_ns = table->base_ns;
    bucket->rules = table->next;
    bucket->partial = table->partial;
    bucket->cells = table->cells;
    bucket->mapped_bytes = cells_bytes(table);
    bucket->table_bytes = table_bytes(table);
    bucket->n_cells = table->end;
    bucket->arena = table->arena;
    bucket->values_parsed = ledger_values_parsed(ledger);
    bucket->values_shed = ledger_values_shed(ledger);
    for (int kind = 0; kind < LINE_KIND_COUNT; kind++)
        bucket->lines += counter_read(&ledger->lines[kind]);
    bucket->lines_accounted = counter_read(&ledger->accepted);
    for (int reason = PARSE_OK + 1; reason < PARSE_RESULT_COUNT; reason++)
        bucket->lines_accounted += counter_read(&ledger->rejected[reason]);
}

static bool too_many_buckets(const struct table *table)
{
    uint32_t handled =
        atomic_load_explicit(&table->config.account->handled_buckets, memory_order_relaxed);

    return table->pushed_buckets - handled >= BUCKETS_BEHIND_MAX;
}

void table_follow(struct table *table, struct rules *given, uint32_t idle_intervals)
{
    rules_release(table->next);
    table->next = given;
    table->next_idle_intervals = idle_intervals;
}

/* The bucket was filled under the old rules and takes the new ones along: the flusher folds
 * it first and follows them then, so it names the births after it in the new way. */
static void turn_to_next(struct table *table, struct bucket *bucket, struct cell *cells)
{
    const struct rules *next = table->next;

    if (next != NULL && next->naming != table->naming) {
        forget_contexts(table, bucket);
    } else {
        age_contexts(table, bucket, cells);
    }
    if (next == NULL)
        return;
    table->naming = next->naming;
    table->config.idle_intervals = table->next_idle_intervals;
    table->config.copy_histograms = next->settings->histogram_copy_to_distribution;
    table->config.histogram_exact_values =
        (size_t)next->settings->heeler_histogram_exact_values;
    table->next = NULL;
}

#ifdef HEELER_CHECKS
bool table_sane(const struct table *table)
{
    uint32_t live = 0, dead = 0, first_free = table->end;

    for (uint32_t id = table->end; id-- > 0;) {
        live += table->idle[id] <= TABLE_IDLE_MAX;
        dead += table->idle[id] == DEAD || table->idle[id] == LEAVES;
        first_free = table->idle[id] == FREE ? id : first_free;
    }
    return table->end <= table->config.max_contexts && live == table->live &&
           dead == table->dead && table->lowest_free <= first_free &&
           table->slots.now.used == live + dead && slots_sane(&table->slots, table->end);
}
#endif

bool table_seal(struct table *table, int64_t next_start_s, int64_t next_base_ns)
{
    if (too_many_buckets(table))
        return false;
    struct bucket *bucket = calloc(1, sizeof *bucket);
    struct cell *cells = pages_map(cells_bytes(table));

    if (bucket == NULL || cells == NULL) {
        free(bucket);
        pages_unmap(cells, cells_bytes(table));
        return false;
    }
    pages_dense(cells, table->end * sizeof *cells);
    push_chunk(table, &table->births);
    push_chunk(table, &table->records);
    fill_bucket(table, bucket);
    bucket->until_s = next_start_s;
    turn_to_next(table, bucket, cells);
    table->cells = cells;
    clear_dead(table);
    arena_init(&table->arena, table->config.budget);
    table->start_s = next_start_s;
    table->base_ns = next_base_ns;
    SANE(table_sane(table));
    counter_add(&table->config.ledger->seals, 1);
    table->pushed_buckets++;
    /* Buckets do not count as bytes that the flusher is behind: too_many_buckets() bounds
     * their number, and the arenas' budget what they hold. */
    push(table, &bucket->parcel, 0);
    return true;
}

bool table_hand_over(struct table *table)
{
    table->partial = true;
    return table_seal(table, table->start_s, table->base_ns);
}

uint64_t table_give_up(struct table *table)
{
    uint64_t values = 0;

    table_push_records(table);
    for (uint32_t id = 0; id < table->end; id++)
        values += table->cells[id].values;
    counter_add(&table->config.ledger->shed[SHED_LAST_INTERVAL], values);
    return values;
}

int64_t table_start_s(const struct table *table)
{
    return table->start_s;
}
