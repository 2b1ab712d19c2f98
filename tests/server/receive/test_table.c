/* One subject: the states of an id, each test from one of them to another on the same bench. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/parcels/chunk.h"
#include "flush/series/rules.h"
#include "server/receive/table.h"
#include "tests/support/with_settings.h"

enum { INTERVAL_S = 10, IDLE_INTERVALS = 2 };
#define INTERVAL_NS (INTERVAL_S * INT64_C(1000000000))

/* A table and the flusher's side of it. */
struct bench {
    struct inbox inbox;
    _Alignas(64) struct worker_account account;
    struct arena_budget budget;
    struct worker_ledger ledger;
    struct table_config config;
    struct table *table;
    struct parcel *taken; /* and not yet handled */
    int64_t now_ns;
};

static void open_table(struct bench *bench)
{
    bench->config.inbox = &bench->inbox;
    bench->config.account = &bench->account;
    bench->config.budget = &bench->budget;
    bench->config.ledger = &bench->ledger;
    bench->table = table_new(&bench->config, 0, 0);
    assert_non_null(bench->table);
}

static void bench_open(struct bench *bench, uint32_t max_contexts)
{
    *bench = (struct bench){ .config = { .max_contexts = max_contexts,
                                         .idle_intervals = IDLE_INTERVALS,
                                         .histogram_exact_values = 100,
                                         .max_behind = 64 << 20 } };
    arena_budget_init(&bench->budget, 64 << 20);
    assert_true(table_make_secret());
    assert_true(inbox_open(&bench->inbox));
    open_table(bench);
}

/* The oldest parcel; NULL when there is none. */
static struct parcel *next_parcel(struct bench *bench)
{
    if (bench->taken == NULL)
        bench->taken = inbox_take(&bench->inbox);
    struct parcel *parcel = bench->taken;
    if (parcel != NULL)
        bench->taken = parcel->next;
    return parcel;
}

/* As the flusher does when it has handled one. */
static void finish_parcel(struct bench *bench, struct parcel *given)
{
    atomic_fetch_add(&bench->account.handled_bytes, given->bytes);
    if (given->kind == PARCEL_BUCKET) {
        atomic_fetch_add(&bench->account.handled_buckets, 1);
        rules_release(((struct bucket *)given)->rules);
        bucket_free((struct bucket *)given);
    } else {
        chunk_free((struct chunk *)given);
    }
}

static void bench_close(struct bench *bench)
{
    struct parcel *parcel;

    table_free(bench->table);
    while ((parcel = next_parcel(bench)) != NULL)
        finish_parcel(bench, parcel);
    assert_int_equal(atomic_load(&bench->budget.left), 64 << 20);
    inbox_close(&bench->inbox);
}

enum { ROW = 16, LINE_MAX_BYTES = 64 };

/* As ingest does: all are looked for before the first is added. */
static void add_row(struct bench *bench, char (*lines)[LINE_MAX_BYTES], int n)
{
    static double pool[ROW * LINE_MAX_BYTES];
    struct parser parser = { .pool = pool };
    struct sample samples[ROW];
    struct table_spot spots[ROW];

    for (int i = 0; i < n; i++) {
        struct sample *sample = &samples[i];
        assert_int_equal(parse_sample(&parser, slice_of(lines[i]), sample), PARSE_OK);
        counter_add(&bench->ledger.values[sample->type], sample->n_values);
    }
    table_place(bench->table, samples, spots, (uint32_t)n);
    table_look(bench->table, spots, (uint32_t)n);
    table_add(bench->table, samples, spots, (uint32_t)n, bench->now_ns + STAMP_NS);
    bench->now_ns += n * STAMP_NS;
}

static void add(struct bench *bench, const char *line)
{
    char row[1][LINE_MAX_BYTES];

    snprintf(row[0], sizeof row[0], "%s", line);
    add_row(bench, row, 1);
}

static bool seal(struct bench *bench)
{
    int64_t next_s = bench->now_ns / INTERVAL_NS * INTERVAL_S + INTERVAL_S;

    bench->now_ns = next_s * 1000000000;
    return table_seal(bench->table, next_s, bench->now_ns);
}

/* The next bucket; births before it are written as "0=a 1=b{tags} " into births. */
static struct bucket *next_bucket(struct bench *bench, char *births, size_t size)
{
    struct parcel *parcel;

    births[0] = '\0';
    while ((parcel = next_parcel(bench)) != NULL && parcel->kind != PARCEL_BUCKET) {
        struct birth birth;
        struct slice name, tags;
        size_t offset = 0, used = strlen(births);
        while (parcel->kind == PARCEL_BIRTHS &&
               chunk_next_birth((struct chunk *)parcel, &offset, &birth, &name, &tags)) {
            snprintf(births + used, size - used, "%u=%.*s{%.*s} ", birth.id, (int)name.len,
                     name.at, (int)tags.len, tags.at);
            used = strlen(births);
        }
        finish_parcel(bench, parcel);
    }
    return (struct bucket *)parcel;
}

/* Seals, and expects these births and ids retired ("0 2 "). */
static void expect(struct bench *bench, const char *births, const char *retired)
{
    char seen[4096], ids[256] = "";

    assert_true(seal(bench));
    struct bucket *bucket = next_bucket(bench, seen, sizeof seen);
    assert_non_null(bucket);
    for (uint32_t i = 0; i < bucket->n_retired; i++)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%u ", bucket->retired[i]);
    assert_string_equal(seen, births);
    assert_string_equal(ids, retired);
    finish_parcel(bench, &bucket->parcel);
}

static uint64_t shed(const struct bench *bench, enum shed_reason reason)
{
    return counter_read(&bench->ledger.shed[reason]);
}

/* ---- identities -------------------------------------------------------- */

static void each_identity_is_born_once_before_its_bucket(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    add(&bench, "a:1|c");
    add(&bench, "a:5|c|@0.5");
    add(&bench, "a:1|c|#x");
    add(&bench, "a:1|g");
    add(&bench, "a:1|h");
    add(&bench, "a:1|ms"); /* the same as h */
    add(&bench, "a:1|c|#x|c:container");
    add(&bench, "x:1|c|#a");
    expect(&bench, "0=a{} 1=a{x} 2=a{} 3=a{} 4=x{a} ", "");
    add(&bench, "a:1|c");
    expect(&bench, "", "");
    assert_int_equal(counter_read(&bench.ledger.contexts), 5);
    assert_int_equal(counter_read(&bench.ledger.births), 5);
    bench_close(&bench);
}

static void a_quiet_context_is_retired_and_its_id_used_again(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 2);
    add(&bench, "a:1|c");
    add(&bench, "b:1|c");
    expect(&bench, "0=a{} 1=b{} ", "");
    for (int i = 0; i < IDLE_INTERVALS; i++) {
        add(&bench, "b:1|c");
        expect(&bench, "", "");
    }
    add(&bench, "b:1|c");
    expect(&bench, "", "0 ");
    assert_int_equal(counter_read(&bench.ledger.contexts), 1);
    add(&bench, "new:1|c"); /* needs a's id, after the bucket that retired it */
    add(&bench, "b:1|c");
    expect(&bench, "0=new{} ", "");
    bench_close(&bench);
}

static void a_retired_context_seen_again_is_born_under_its_id(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    add(&bench, "a:1|c");
    expect(&bench, "0=a{} ", "");
    for (int i = 0; i < IDLE_INTERVALS; i++)
        expect(&bench, "", "");
    expect(&bench, "", "0 ");
    add(&bench, "a:1|c");
    add(&bench, "a:1|c");
    expect(&bench, "0=a{} ", "");
    assert_int_equal(counter_read(&bench.ledger.contexts), 1);
    bench_close(&bench);
}

/* Only what has no value in this interval may be retired in it. */
static void a_context_seen_in_the_last_interval_stays(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    for (int i = 0; i < 12; i++) {
        if (i % (IDLE_INTERVALS + 1) == 0)
            add(&bench, "a:1|c");
        expect(&bench, i == 0 ? "0=a{} " : "", "");
    }
    bench_close(&bench);
}

/* ---- bounds ------------------------------------------------------------ */

static void new_contexts_beyond_the_bound_are_shed_and_known_ones_go_on(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 2);
    add(&bench, "a:1|c");
    add(&bench, "b:1|c");
    add(&bench, "c:1:2:3|c");
    add(&bench, "a:1|c");
    assert_int_equal(shed(&bench, SHED_CONTEXTS_FULL), 3);
    expect(&bench, "0=a{} 1=b{} ", "");
    bench_close(&bench);
}

static void values_that_are_not_finite_are_shed(void **state)
{
    static const struct {
        const char *line;
        int shed;
    } cases[] = {
        { "a:nan|c", 1 },           { "a:1:inf:2|c", 1 }, { "a:1|c|@0", 1 }, /* 1/0 */
        { "g:inf|g", 1 },           { "g:1|g|@0", 0 }, /* no rate for gauges */
        { "h:nan|h", 1 },           { "h:1|h|@0", 0 }, /* counts as 1 */
        { "h:1e300|h|@1e-300", 1 }, { "d:-inf|d", 1 },    { "d:1|d|@0", 0 },
        { "a:1e300|c|@1e-300", 1 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_open(&bench, 10);
        add(&bench, cases[i].line);
        if (shed(&bench, SHED_NOT_FINITE) != (uint64_t)cases[i].shed)
            fail_msg("%s", cases[i].line);
        bench_close(&bench);
    }
}

static void a_table_whose_flusher_is_behind_sheds_what_is_new(void **state)
{
    struct bench bench;
    char line[64];
    (void)state;

    bench_open(&bench, 100000);
    bench.config.max_behind = 2 * (CHUNK_BYTES + sizeof(struct chunk));
    table_free(bench.table);
    open_table(&bench);
    for (int i = 0; i < 30000; i++) {
        snprintf(line, sizeof line, "many:1|c|#id:%d", i);
        add(&bench, line);
    }
    uint64_t behind = shed(&bench, SHED_BEHIND);
    assert_true(behind > 0);
    assert_int_equal(counter_read(&bench.ledger.contexts) + behind, 30000);
    add(&bench, "many:1|c|#id:0");
    assert_int_equal(shed(&bench, SHED_BEHIND), behind); /* known ones go on */
    assert_false(table_record(bench.table, SLICE("_sc|a|0"), LINE_CHECK, 1));
    for (struct parcel *p; (p = next_parcel(&bench)) != NULL;)
        finish_parcel(&bench, p);
    assert_true(table_record(bench.table, SLICE("_sc|a|0"), LINE_CHECK, 1));
    add(&bench, line);
    assert_int_equal(shed(&bench, SHED_BEHIND), behind);
    bench_close(&bench);
}

static void a_seal_is_refused_while_the_flusher_has_many_buckets(void **state)
{
    struct bench bench;
    char births[64];
    int sealed = 0;
    (void)state;

    bench_open(&bench, 100);
    add(&bench, "a:1|c");
    while (seal(&bench))
        assert_true(++sealed < 100);
    add(&bench, "a:1|c"); /* into the bucket that stays open */
    struct bucket *bucket = next_bucket(&bench, births, sizeof births);
    finish_parcel(&bench, &bucket->parcel);
    int64_t start_s = table_start_s(bench.table);
    assert_true(seal(&bench));
    for (int i = 1; i < sealed; i++)
        finish_parcel(&bench, &next_bucket(&bench, births, sizeof births)->parcel);
    bucket = next_bucket(&bench, births, sizeof births);
    assert_int_equal(bucket->start_s, start_s);
    assert_float_equal(bucket->cells[0].value, 1, 0);
    finish_parcel(&bench, &bucket->parcel);
    bench_close(&bench);
}

static void without_memory_for_members_their_values_are_shed(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 100);
    atomic_store(&bench.budget.left, 0);
    add(&bench, "s:x|s");
    add(&bench, "h:1:2|h");
    add(&bench, "d:1|d");
    add(&bench, "a:1|c");
    assert_int_equal(shed(&bench, SHED_MEMORY), 4);
    atomic_store(&bench.budget.left, 64 << 20);
    bench_close(&bench);
}

/* ---- cells ------------------------------------------------------------- */

static struct bucket *sealed_bucket(struct bench *bench)
{
    char births[1024];

    assert_true(seal(bench));
    return next_bucket(bench, births, sizeof births);
}

static void cells_hold_sums_and_last_values(void **state)
{
    static const struct {
        const char *lines[3];
        double value;
        uint32_t values;
    } cases[] = {
        { { "a:1|c", "a:2:3|c" }, 6, 3 }, { { "a:1|c|@0.1", "a:-4|c" }, 6, 2 },
        { { "a:1|g", "a:7:4|g" }, 4, 3 }, { { "a:5|g", "a:-3|g" }, -3, 2 },
        { { "a:5|g", "a:nan|g" }, 5, 1 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_open(&bench, 10);
        for (int line = 0; cases[i].lines[line] != NULL; line++)
            add(&bench, cases[i].lines[line]);
        struct bucket *bucket = sealed_bucket(&bench);
        assert_float_equal(bucket->cells[0].value, cases[i].value, 1e-12);
        assert_int_equal(bucket->cells[0].values, cases[i].values);
        finish_parcel(&bench, &bucket->parcel);
        bench_close(&bench);
    }
}

/* Sixteen samples one step apart, the first at that step: before the interval begins, and
 * where a stamp has no more bits, the stamps stand still. */
static void stamps_grow_by_one_within_their_range(void **state)
{
    static const int64_t firsts[] = {
        -20, -5, 0, 1, 1000, STAMP_MAX - 20, STAMP_MAX - 5, (int64_t)STAMP_MAX + 5
    };
    (void)state;

    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        struct bench bench;
        char row[ROW][LINE_MAX_BYTES];

        bench_open(&bench, ROW);
        for (int again = 0; again < 2; again++) { /* new contexts, then known ones */
            bench.now_ns = (firsts[i] - 1) * STAMP_NS;
            for (int j = 0; j < ROW; j++)
                snprintf(row[j], sizeof row[j], "n%d:1|%c", j, "cg"[j % 2]);
            add_row(&bench, row, ROW);
        }
        bench.now_ns = 0;
        struct bucket *bucket = sealed_bucket(&bench);
        for (int j = 0; j < ROW; j++) {
            int64_t step = firsts[i] + j;
            assert_int_equal(bucket->cells[j].stamp, step < 1           ? 1
                                                     : step > STAMP_MAX ? STAMP_MAX
                                                                        : step);
            assert_int_equal(bucket->cells[j].values, 2);
        }
        finish_parcel(&bench, &bucket->parcel);
        bench_close(&bench);
    }
}

static void signs_are_deltas_only_when_asked_for(void **state)
{
    static const struct {
        const char *lines[3];
        double value;
        bool relative; /* to what the series had before the interval */
    } cases[] = {
        { { "a:+5|g" }, 5, true },
        { { "a:+5|g", "a:-2|g" }, 3, true },
        { { "a:10|g", "a:-2|g" }, 8, false },
        { { "a:+5|g", "a:10|g" }, 10, false },
        { { "a:+5|g", "a:nan|g" }, 5, true }, /* the NaN is nothing at all */
        { { "a:nan|g", "a:+5|g" }, 5, true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        bench_open(&bench, 10);
        bench.config.gauge_deltas = true;
        table_free(bench.table);
        open_table(&bench);
        for (int line = 0; cases[i].lines[line] != NULL; line++)
            add(&bench, cases[i].lines[line]);
        struct bucket *bucket = sealed_bucket(&bench);
        bool relative = (bucket->cells[0].stamp & STAMP_RELATIVE) != 0;
        if (bucket->cells[0].value != cases[i].value || relative != cases[i].relative)
            fail_msg("%s: %g", cases[i].lines[0], bucket->cells[0].value);
        finish_parcel(&bench, &bucket->parcel);
        bench_close(&bench);
    }
}

/* The largest relative stamp is not the mark of a dead context. */
static void a_delta_in_an_interval_that_stayed_open_is_no_birth(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 10);
    bench.config.gauge_deltas = true;
    table_free(bench.table);
    open_table(&bench);
    bench.now_ns = 100 * INTERVAL_NS;
    add(&bench, "a:+5|g");
    add(&bench, "a:+5|g");
    expect(&bench, "0=a{} ", "");
    assert_int_equal(counter_read(&bench.ledger.contexts), 1);
    bench_close(&bench);
}

static void a_histogram_is_copied_to_a_distribution_of_its_own(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 10);
    bench.config.copy_histograms = true;
    table_free(bench.table);
    open_table(&bench);
    add(&bench, "h:1:2|h");
    add(&bench, "h:3|d"); /* a client's own is another context */
    add(&bench, "c:1|c");
    assert_int_equal(counter_read(&bench.ledger.values_copied), 2);
    expect(&bench, "0=h{} 1=h{} 2=h{} 3=c{} ", "");
    bench_close(&bench);
}

static void a_bucket_brings_the_workers_own_counts(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 1);
    add(&bench, "a:1:2|c");
    add(&bench, "b:1:2:3|c");
    struct bucket *bucket = sealed_bucket(&bench);
    assert_int_equal(bucket->values_parsed, 5);
    assert_int_equal(bucket->values_shed, 3);
    assert_int_equal(bucket->n_cells, 1);
    finish_parcel(&bench, &bucket->parcel);
    bench_close(&bench);
}

/* ---- churn ------------------------------------------------------------- */

/* Every value must arrive at the name that its id meant when its bucket was sealed. */
enum { CHURN_CONTEXTS = 40000 };

struct meanings {
    uint32_t name_of[CHURN_CONTEXTS]; /* id to name + 1; 0: none */
    uint64_t values, births;
};

static void learn(struct meanings *meanings, const struct chunk *chunk)
{
    struct birth birth;
    struct slice name, tags;
    char text[16];
    size_t offset = 0;

    while (chunk_next_birth(chunk, &offset, &birth, &name, &tags)) {
        if (meanings->name_of[birth.id] != 0)
            fail_msg("id %u was not retired", birth.id);
        snprintf(text, sizeof text, "%.*s", (int)tags.len, tags.at);
        meanings->name_of[birth.id] = (uint32_t)atoi(text) + 1;
        meanings->births++;
    }
}

static void check_cells(struct meanings *meanings, const struct bucket *bucket)
{
    for (uint32_t id = 0; id < bucket->n_cells; id++) {
        if (bucket->cells[id].values == 0)
            continue;
        meanings->values += bucket->cells[id].values;
        if (bucket->cells[id].value != bucket->cells[id].values * (double)meanings->name_of[id])
            fail_msg("id %u: a value of another name", id);
    }
    for (uint32_t i = 0; i < bucket->n_retired; i++)
        meanings->name_of[bucket->retired[i]] = 0;
}

static void take_parcels(struct bench *bench, struct meanings *meanings)
{
    for (struct parcel *p; (p = next_parcel(bench)) != NULL;) {
        if (p->kind == PARCEL_BUCKET)
            check_cells(meanings, (struct bucket *)p);
        else
            learn(meanings, (struct chunk *)p);
        finish_parcel(bench, p);
    }
}

/* So many rows in each interval; name says what comes at that place of them. */
static void churn(uint32_t contexts, uint32_t intervals, uint32_t rows,
                  uint32_t (*name)(uint32_t interval, uint32_t place))
{
    static struct meanings meanings;
    struct bench bench;
    char row[ROW][LINE_MAX_BYTES];

    meanings = (struct meanings){ .values = 0 };
    bench_open(&bench, contexts);
    for (uint32_t interval = 0; interval < intervals; interval++) {
        for (uint32_t i = 0; i < rows * ROW; i++) {
            uint32_t number = name(interval, i);
            snprintf(row[i % ROW], sizeof row[0], "n:%u|c|#%u", number + 1, number);
            if (i % ROW == ROW - 1)
                add_row(&bench, row, ROW);
        }
        assert_true(seal(&bench));
        take_parcels(&bench, &meanings);
    }
    assert_int_equal(shed(&bench, SHED_CONTEXTS_FULL), 0);
    assert_int_equal(meanings.values, (uint64_t)intervals * rows * ROW);
    assert_int_equal(meanings.births, counter_read(&bench.ledger.births));
    bench_close(&bench);
}

enum { CHURN_ROWS = 44, RETURN_ROWS = 300 };

/* Some stay, some come back. */
static uint32_t fresh_or_staying(uint32_t interval, uint32_t place)
{
    return place % 7 == 0 ? place : interval * CHURN_ROWS * ROW + place;
}

static void ids_keep_their_meaning_under_churn(void **state)
{
    (void)state;
    churn(3000, 142, CHURN_ROWS, fresh_or_staying);
}

/* In each row some new names, and behind them some that were retired at the last seal. */
static uint32_t fresh_or_retired(uint32_t interval, uint32_t place)
{
    uint32_t ago = place % ROW < ROW / 2 ? 0 : IDLE_INTERVALS + 2;
    uint32_t half = place % (ROW / 2) + place / ROW * (ROW / 2);

    return interval < ago ? place : (interval - ago) * RETURN_ROWS * ROW + half;
}

/* The births of a row may end the laying out of the slots, and with it set free the ids that
 * were found for those behind them. */
static void ids_found_before_the_slots_changed_are_not_used(void **state)
{
    (void)state;
    churn(CHURN_CONTEXTS, 60, RETURN_ROWS, fresh_or_retired);
}

static uint64_t births_of_all_parcels(struct bench *bench)
{
    for (struct parcel *parcel; (parcel = next_parcel(bench)) != NULL;)
        finish_parcel(bench, parcel);
    return counter_read(&bench->ledger.births);
}

/* A spike's slots are laid out anew in slices; who comes back amid that is there once. */
static void a_spike_is_tidied_in_slices(void **state)
{
    enum { SPIKE = 3000 * ROW };
    struct bench bench;
    char row[ROW][LINE_MAX_BYTES];
    uint32_t slices = 1;
    (void)state;

    bench_open(&bench, SPIKE + 10);
    for (uint32_t i = 0; i < SPIKE; i++) {
        snprintf(row[i % ROW], sizeof row[0], "n:1|c|#%u", i);
        if (i % ROW == ROW - 1)
            add_row(&bench, row, ROW);
    }
    for (int i = 0; i < IDLE_INTERVALS + 2; i++) {
        assert_true(seal(&bench));
        assert_int_equal(births_of_all_parcels(&bench), SPIKE);
    }
    assert_int_equal(counter_read(&bench.ledger.contexts), 0);
    for (; table_tidy(bench.table); slices++) {
        snprintf(row[0], sizeof row[0], "n:1|c|#%u", slices * 1000); /* dead, or gone */
        add_row(&bench, row, 1);
    }
    assert_true(slices > 4);
    for (uint32_t i = 1; i < slices; i++) {
        snprintf(row[0], sizeof row[0], "n:1|c|#%u", i * 1000);
        add_row(&bench, row, 1);
    }
    assert_int_equal(births_of_all_parcels(&bench), SPIKE + slices - 1);
    assert_int_equal(counter_read(&bench.ledger.contexts), slices - 1);
    assert_false(table_tidy(bench.table));
    bench_close(&bench);
}

static void records_are_pushed_when_asked(void **state)
{
    struct bench bench;
    (void)state;

    bench_open(&bench, 10);
    assert_false(table_has_records(bench.table));
    assert_true(table_record(bench.table, SLICE("_sc|a|0"), LINE_CHECK, 77));
    assert_true(table_has_records(bench.table));
    table_push_records(bench.table);
    assert_false(table_has_records(bench.table));
    struct parcel *parcel = next_parcel(&bench);
    assert_int_equal(parcel->kind, PARCEL_RECORDS);
    finish_parcel(&bench, parcel);
    bench_close(&bench);
}

/* ---- reloads ----------------------------------------------------------- */

static struct flusher_ledger flusher_ledger;

static struct rules *make_rules(uint32_t naming, char *set)
{
    char problem[256];
    struct settings *settings = calloc(1, sizeof *settings);

    assert_non_null(settings);
    assert_true(with_settings(settings, &set, 1));
    struct rules *rules = rules_new(settings, "h", &flusher_ledger, problem, sizeof problem);
    assert_non_null(rules);
    rules->owned = settings;
    rules->naming = naming;
    return rules;
}

static void other_names_make_every_context_be_born_anew(void **state)
{
    char births[256];
    struct bench bench;
    (void)state;

    bench_open(&bench, 3);
    for (int i = 0; i < IDLE_INTERVALS + 2; i++) { /* one dead, two live */
        add(&bench, "a:1|c");
        add(&bench, "b:1|c");
        if (i == 0)
            add(&bench, "dead:1|c");
        assert_true(seal(&bench));
        finish_parcel(&bench, &next_bucket(&bench, births, sizeof births)->parcel);
    }
    add(&bench, "b:1|c");
    struct rules *rules = make_rules(1, "tags=x");
    table_follow(bench.table, make_rules(7, "tags=never"), 1); /* replaced */
    table_follow(bench.table, rules_hold(rules), IDLE_INTERVALS);
    assert_true(seal(&bench));
    struct bucket *bucket = next_bucket(&bench, births, sizeof births);
    assert_string_equal(births, ""); /* nothing is new up to the seal */
    assert_ptr_equal(bucket->rules, rules);
    assert_true(bucket->all_retired);
    assert_int_equal(bucket->cells[1].values, 1);
    for (uint32_t id = 0; id < bucket->n_cells; id++)
        if (id != 1)
            assert_int_equal(bucket->cells[id].stamp, 0);
    finish_parcel(&bench, &bucket->parcel);
    assert_int_equal(counter_read(&bench.ledger.contexts), 0);

    add(&bench, "b:1|c");
    add(&bench, "c:1|c");
    add(&bench, "d:1|c"); /* all the room there is */
    expect(&bench, "0=b{} 1=c{} 2=d{} ", "");
    table_follow(bench.table, rules, IDLE_INTERVALS); /* the same names: they stay */
    expect(&bench, "", "");
    add(&bench, "d:1|c");
    expect(&bench, "", "");
    bench_close(&bench);
}

static void the_other_settings_count_from_the_next_bucket_on(void **state)
{
    char births[256];
    struct bench bench;
    (void)state;

    bench_open(&bench, 10);
    add(&bench, "a:1|h");
    table_follow(bench.table, make_rules(0, "histogram_copy_to_distribution=true"), 0);
    add(&bench, "a:1|h");
    expect(&bench, "0=a{} ", "");
    add(&bench, "a:1|h");
    assert_true(seal(&bench));
    struct bucket *bucket = next_bucket(&bench, births, sizeof births);
    assert_string_equal(births, "1=a{} ");
    assert_false(bucket->all_retired);
    finish_parcel(&bench, &bucket->parcel);
    expect(&bench, "", "0 1 "); /* no interval of rest any more */
    bench_close(&bench);
}

/* A table that cannot seal keeps the rules for the seal that succeeds. */
static void rules_wait_for_a_seal_that_succeeds(void **state)
{
    char births[256];
    struct bench bench;
    (void)state;

    bench_open(&bench, 10);
    while (seal(&bench))
        ;
    table_follow(bench.table, make_rules(1, "tags=x"), 1);
    assert_false(seal(&bench));
    struct bucket *bucket;
    while ((bucket = next_bucket(&bench, births, sizeof births)) != NULL) {
        assert_null(bucket->rules);
        finish_parcel(&bench, &bucket->parcel);
    }
    assert_true(seal(&bench));
    bucket = next_bucket(&bench, births, sizeof births);
    assert_non_null(bucket->rules);
    finish_parcel(&bench, &bucket->parcel);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_names_make_every_context_be_born_anew),
        cmocka_unit_test(the_other_settings_count_from_the_next_bucket_on),
        cmocka_unit_test(rules_wait_for_a_seal_that_succeeds),
        cmocka_unit_test(each_identity_is_born_once_before_its_bucket),
        cmocka_unit_test(a_quiet_context_is_retired_and_its_id_used_again),
        cmocka_unit_test(a_retired_context_seen_again_is_born_under_its_id),
        cmocka_unit_test(a_context_seen_in_the_last_interval_stays),
        cmocka_unit_test(new_contexts_beyond_the_bound_are_shed_and_known_ones_go_on),
        cmocka_unit_test(values_that_are_not_finite_are_shed),
        cmocka_unit_test(a_table_whose_flusher_is_behind_sheds_what_is_new),
        cmocka_unit_test(a_seal_is_refused_while_the_flusher_has_many_buckets),
        cmocka_unit_test(without_memory_for_members_their_values_are_shed),
        cmocka_unit_test(cells_hold_sums_and_last_values),
        cmocka_unit_test(stamps_grow_by_one_within_their_range),
        cmocka_unit_test(signs_are_deltas_only_when_asked_for),
        cmocka_unit_test(a_delta_in_an_interval_that_stayed_open_is_no_birth),
        cmocka_unit_test(a_histogram_is_copied_to_a_distribution_of_its_own),
        cmocka_unit_test(a_bucket_brings_the_workers_own_counts),
        cmocka_unit_test(ids_keep_their_meaning_under_churn),
        cmocka_unit_test(ids_found_before_the_slots_changed_are_not_used),
        cmocka_unit_test(a_spike_is_tidied_in_slices),
        cmocka_unit_test(records_are_pushed_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
