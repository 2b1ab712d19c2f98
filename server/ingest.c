#include "server/ingest.h"

#include <stdlib.h>

#include "config/log.h"
#include "protocol/check.h"
#include "protocol/event.h"

/* A sample's slot is looked for SLOT_LAG samples after its line was asked for, its
 * cell CELL_LAG samples after it came: memory answers within some hundred
 * nanoseconds. */
enum { ROW_SIZE = 64, SLOT_LAG = 16, CELL_LAG = 32, POOL_SPARE = 2048 };
#define STAMP_AHEAD_MAX_NS INT64_C(1000000000)

struct waiting {
    struct parsed line;
    struct table_place place;
};

/* Counts since the last settling. */
struct tally {
    uint64_t lines[LINE_KIND_COUNT];
    uint64_t accepted;
    uint64_t rejected[PARSE_RESULT_COUNT];
    uint64_t values[METRIC_TYPE_COUNT];
};

struct ingest {
    struct ingest_config config;
    struct table *table;
    struct parser parser;
    size_t pool_size;
    struct tally tally;
    struct log_limit refusals;
    int64_t stamp_ns; /* of the last sample added */
    /* The row: [tail, looked) have their cells asked for, [looked, head) their
     * lines of slots. Counted on for ever; the place is the remainder by ROW_SIZE. */
    uint32_t head, looked, tail;
    struct waiting row[ROW_SIZE];
};

struct ingest *ingest_new(const struct ingest_config *config, struct table *table)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);

    if (ingest == NULL)
        return NULL;
    ingest->config = *config;
    ingest->table = table;
    /* A whole datagram of packed values, behind those of the lines that wait. */
    ingest->pool_size = config->buffer_size / 2 + 1 + POOL_SPARE;
    ingest->parser.ignore_time = config->ignore_time;
    ingest->parser.pool = malloc(ingest->pool_size * sizeof *ingest->parser.pool);
    if (ingest->parser.pool == NULL) {
        free(ingest);
        return NULL;
    }
    return ingest;
}

void ingest_free(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    free(ingest->parser.pool);
    free(ingest);
}

/* Samples of one batch have one receive time; each gets a stamp of its own, so
 * that the last one wins also where two spellings of a series meet. Stamps may
 * run ahead of the clock under a flood, but not far. */
static void catch_up(struct ingest *ingest, int64_t now_ns)
{
    if (ingest->stamp_ns < now_ns || ingest->stamp_ns > now_ns + STAMP_AHEAD_MAX_NS)
        ingest->stamp_ns = now_ns;
}

static struct waiting *in_row(struct ingest *ingest, uint32_t number)
{
    return &ingest->row[number % ROW_SIZE];
}

static inline void ask_for_cell(struct ingest *ingest)
{
    table_look(ingest->table, &in_row(ingest, ingest->looked++)->place);
}

static inline void add_oldest(struct ingest *ingest)
{
    struct waiting *oldest = in_row(ingest, ingest->tail++);

    table_add(ingest->table, &oldest->line.sample, &oldest->place,
              ingest->stamp_ns += STAMP_NS);
}

static void add_waiting(struct ingest *ingest)
{
    while (ingest->looked != ingest->head)
        ask_for_cell(ingest);
    while (ingest->tail != ingest->head)
        add_oldest(ingest);
    ingest->parser.n_pooled = 0;
}

static void refuse(struct ingest *ingest, struct slice line, enum parse_result why,
                   const char *sender, int64_t now_ns)
{
    char quoted[200];
    unsigned suppressed;

    ingest->tally.rejected[why]++;
    if (!log_limit_pass(&ingest->refusals, now_ns / 1000000, &suppressed))
        return;
    log_quote(line.at, line.len, quoted, sizeof quoted);
    if (suppressed > 0)
        log_warn("ingest: %u refused lines were not shown", suppressed);
    log_warn("ingest: refused \"%s\" from %s: %s", quoted, sender, parse_result_sentence(why));
}

/* A sample with a time of its own is not aggregated. */
static void take_timed(struct ingest *ingest, const struct sample *sample, struct slice line,
                       int64_t now_s)
{
    if (!table_record(ingest->table, line, LINE_METRIC, sample->n_values, now_s))
        counter_add(&ingest->config.ledger->shed[SHED_BEHIND], sample->n_values);
}

/* The line in the next place of the row is a good sample: it stays there, unless
 * it has a time of its own. */
static void take_sample(struct ingest *ingest, int64_t now_s)
{
    struct waiting *next = in_row(ingest, ingest->head);
    const struct sample *sample = &next->line.sample;

    ingest->tally.values[sample->type] += sample->n_values;
    if (__builtin_expect(sample->time_s != 0, 0)) {
        take_timed(ingest, sample, next->line.line, now_s);
        return;
    }
    table_place(ingest->table, sample, table_kind(sample->type), &next->place);
    ingest->head++;
    if (ingest->head - ingest->looked > SLOT_LAG)
        ask_for_cell(ingest);
    if (ingest->head - ingest->tail > CELL_LAG)
        add_oldest(ingest);
}

static enum parse_result take_record(struct ingest *ingest, struct slice line,
                                     enum line_kind kind, int64_t now_s)
{
    struct event event;
    struct check check;
    enum parse_result result =
        kind == LINE_EVENT ? event_parse(line, &event) : check_parse(line, &check);

    if (result == PARSE_OK && !table_record(ingest->table, line, kind, 0, now_s))
        counter_add(&ingest->config.ledger->records_shed, 1);
    return result;
}

static void take_line(struct ingest *ingest, const char *sender, int64_t now_ns, int64_t now_s)
{
    struct parsed *parsed = &in_row(ingest, ingest->head)->line;
    enum parse_result result = parsed->kind == LINE_METRIC
                                   ? parsed->result
                                   : take_record(ingest, parsed->line, parsed->kind, now_s);

    ingest->tally.lines[parsed->kind]++;
    if (__builtin_expect(result != PARSE_OK, 0)) {
        refuse(ingest, parsed->line, result, sender, now_ns);
        return;
    }
    ingest->tally.accepted++;
    if (parsed->kind == LINE_METRIC)
        take_sample(ingest, now_s);
}

void ingest_datagram(struct ingest *ingest, struct slice datagram, bool need_newline,
                     const char *sender, int64_t now_ns, int64_t now_s)
{
    struct scan scan;

    if (ingest->parser.n_pooled + datagram.len / 2 + 1 > ingest->pool_size)
        add_waiting(ingest);
    catch_up(ingest, now_ns);
    scan_start(&scan, datagram, need_newline);
    while (parse_next(&ingest->parser, &scan, &in_row(ingest, ingest->head)->line))
        take_line(ingest, sender, now_ns, now_s);
    if (scan.unterminated) {
        ingest->tally.lines[LINE_METRIC]++;
        refuse(ingest, (struct slice){ "", 0 }, PARSE_UNTERMINATED, sender, now_ns);
    }
}

static void publish(struct counter *counters, uint64_t *counts, int n)
{
    for (int i = 0; i < n; i++) {
        if (counts[i] != 0)
            counter_add(&counters[i], counts[i]);
        counts[i] = 0;
    }
}

void ingest_settle(struct ingest *ingest)
{
    struct worker_ledger *ledger = ingest->config.ledger;

    add_waiting(ingest);
    publish(ledger->lines, ingest->tally.lines, LINE_KIND_COUNT);
    publish(&ledger->accepted, &ingest->tally.accepted, 1);
    publish(ledger->rejected, ingest->tally.rejected, PARSE_RESULT_COUNT);
    publish(ledger->values, ingest->tally.values, METRIC_TYPE_COUNT);
}
