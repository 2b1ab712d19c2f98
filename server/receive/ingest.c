#include "server/receive/ingest.h"

#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/memory/pages.h"
#include "protocol/check.h"
#include "protocol/event.h"

/* Samples go through the row in groups, and a whole group takes one step before the next
 * step begins. The steps of different samples do not depend on each other, so the processor
 * works on many of them at the same time if no other code stands between. Hashing, looking
 * and adding are a group apart, because memory takes some hundred nanoseconds to answer. */
enum { GROUP = 32, ROW_SIZE = 4 * GROUP, POOL_SPARE = 2048 };
#define STAMP_AHEAD_MAX_NS INT64_C(1000000000)

/* Counts since the last settling; those of values are the parser's. */
struct tally {
    uint64_t lines[LINE_KIND_COUNT];
    uint64_t accepted;
    uint64_t rejected[PARSE_RESULT_COUNT];
};

struct ingest {
    struct ingest_config config;
    struct table *table;
    struct parser parser;
    size_t pool_size;
    struct tally tally;
    struct log_limit refusals;
    int64_t stamp_ns; /* of the last sample added */
    /* The row. Samples [placed, head) are parsed; those of [looked, placed) have asked for
     * their lines of slots, and those of [tail, looked) for their cells. The numbers only
     * grow while samples wait; a sample's place in the row is its number modulo ROW_SIZE,
     * so a group lies in one piece. */
    uint32_t head, placed, looked, tail;
    _Alignas(OWN_LINE) struct sample samples[ROW_SIZE];
    struct table_spot spots[ROW_SIZE];
};

static size_t pool_bytes(const struct ingest *ingest)
{
    return ingest->pool_size * sizeof *ingest->parser.pool;
}

struct ingest *ingest_new(const struct ingest_config *config, struct table *table)
{
    struct ingest *ingest = own_lines(sizeof *ingest);

    if (ingest == NULL)
        return NULL;
    ingest->config = *config;
    ingest->table = table;
    /* The values of a whole datagram of packed values must fit behind those of the lines that
     * wait. */
    ingest->pool_size = config->buffer_size / 2 + 1 + POOL_SPARE;
    ingest->parser.ignore_time = config->ignore_time;
    ingest->parser.pool = pages_map(pool_bytes(ingest));
    if (ingest->parser.pool == NULL) {
        free(ingest);
        return NULL;
    }
    return ingest;
}

void ingest_free(struct ingest *given)
{
    if (given == NULL)
        return;
    pages_unmap(given->parser.pool, pool_bytes(given));
    free(given);
}

/* All samples of a batch have the same receive time. Each nevertheless gets a stamp of its own,
 * so that of two spellings of one gauge, too, the later sample wins. Under a flood the stamps
 * run ahead of the clock, but not far. */
static void catch_up(struct ingest *ingest, int64_t now_ns)
{
    if (ingest->stamp_ns < now_ns || ingest->stamp_ns > now_ns + STAMP_AHEAD_MAX_NS)
        ingest->stamp_ns = now_ns;
}

static void place_until(struct ingest *ingest, uint32_t end)
{
    uint32_t at = ingest->placed % ROW_SIZE;

    table_place(ingest->table, &ingest->samples[at], &ingest->spots[at], end - ingest->placed);
    ingest->placed = end;
}

static void look_until(struct ingest *ingest, uint32_t end)
{
    table_look(ingest->table, &ingest->spots[ingest->looked % ROW_SIZE], end - ingest->looked);
    ingest->looked = end;
}

static void add_until(struct ingest *ingest, uint32_t end)
{
    uint32_t at = ingest->tail % ROW_SIZE, n = end - ingest->tail;

    table_add(ingest->table, &ingest->samples[at], &ingest->spots[at], n,
              ingest->stamp_ns + STAMP_NS);
    ingest->stamp_ns += n * STAMP_NS;
    ingest->tail = end;
}

/* Called when a group is parsed: the oldest group is added, and those between move up. */
static void move_up(struct ingest *ingest)
{
    add_until(ingest, ingest->looked);
    look_until(ingest, ingest->placed);
    place_until(ingest, ingest->head);
}

static void add_waiting(struct ingest *ingest)
{
    uint32_t end = ingest->head;

    while (ingest->tail != end) {
        if (ingest->placed == ingest->looked && ingest->placed != end)
            place_until(ingest, end);
        add_until(ingest, ingest->looked);
        look_until(ingest, ingest->placed);
    }
    ingest->head = ingest->placed = ingest->looked = ingest->tail = 0;
    ingest->parser.n_pooled = 0;
}

static void refuse(struct ingest *ingest, struct slice line, enum parse_result why,
                   const char *sender, int64_t now_ns)
{
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))) =
        ingest->config.quiet ? log_debug : log_warn;
    char quoted[200];
    unsigned suppressed;

    ingest->tally.rejected[why]++;
    if (!log_enabled(ingest->config.quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN))
        return;
    if (!log_limit_pass(&ingest->refusals, now_ns / 1000000, &suppressed))
        return;
    log_quote(line.at, line.len, quoted, sizeof quoted);
    if (suppressed > 0)
        say("ingest: %u refused lines were not shown", suppressed);
    say("ingest: refused \"%s\" from %s: %s", quoted, sender, parse_result_sentence(why));
}

/* SHED_NOTHING: a sample with such a time can be sent. Otherwise why not. */
static enum shed_reason refuse_timed(const struct sample *sample, int64_t now_s)
{
    enum cell_kind kind = cell_kind_of(sample->type);

    if (kind != CELL_COUNT && kind != CELL_GAUGE)
        return SHED_UNSUPPORTED_TIME;
    return sample->time_s > now_s + CLOCK_AHEAD_MAX_S ? SHED_REFUSED_TIME : SHED_NOTHING;
}

/* A sample with a time of its own is not aggregated. */
static void take_timed(struct ingest *ingest, const struct sample *sample,
                       const struct table_spot *spot, int64_t now_s)
{
    enum shed_reason why = refuse_timed(sample, now_s);

    if (why == SHED_NOTHING && !table_timed(ingest->table, sample, spot))
        why = SHED_BEHIND;
    if (why != SHED_NOTHING)
        counter_add(&ingest->config.ledger->shed[why], sample->n_values);
}

static void take_timed_group(struct ingest *ingest, const struct sample *samples, uint32_t n,
                             int64_t now_s)
{
    struct table_spot spots[GROUP];

    ingest->tally.lines[LINE_METRIC] += n;
    ingest->tally.accepted += n;
    table_place(ingest->table, samples, spots, n);
    for (uint32_t i = 0; i < n; i++)
        take_timed(ingest, &samples[i], &spots[i], now_s);
}

static enum parse_result take_record(struct ingest *ingest, struct slice line,
                                     enum line_kind kind, int64_t now_s)
{
    struct event event;
    struct check check;
    enum parse_result result =
        kind == LINE_EVENT ? event_parse(line, &event) : check_parse(line, &check);

    if (result == PARSE_OK && !table_record(ingest->table, line, kind, now_s))
        counter_add(&ingest->config.ledger->records_shed, 1);
    return result;
}

/* A line that is no sample, or a refused one. */
static void take_line(struct ingest *ingest, const struct parsed *parsed, const char *sender,
                      int64_t now_ns, int64_t now_s)
{
    enum parse_result result = parsed->kind == LINE_METRIC
                                   ? parsed->result
                                   : take_record(ingest, parsed->line, parsed->kind, now_s);

    ingest->tally.lines[parsed->kind]++;
    if (result != PARSE_OK)
        refuse(ingest, parsed->line, result, sender, now_ns);
    else
        ingest->tally.accepted++;
}

/* The parser has written n good samples into the row, from its head on. */
static void take_samples(struct ingest *ingest, uint32_t n)
{
    ingest->tally.lines[LINE_METRIC] += n;
    ingest->tally.accepted += n;
    ingest->head += n;
    if (ingest->head - ingest->placed == GROUP)
        move_up(ingest);
}

/* The parser has come to a good sample, which is not of the kind that it was asked for. */
static bool is_sample(const struct parsed *parsed)
{
    return parsed->line.len > 0 && parsed->kind == LINE_METRIC && parsed->result == PARSE_OK;
}

/* The parser has come to a sample with a time of its own, at the head of the row. Mostly others
 * follow, so it goes on with these. *stop becomes what they end at; if that is a sample for the
 * row, it is taken, too. */
static void take_timed_run(struct ingest *ingest, struct scan *scan, struct parsed *stop,
                           int64_t now_s)
{
    struct sample samples[GROUP];
    uint32_t n = 1;

    samples[0] = ingest->samples[ingest->head % ROW_SIZE];
    for (;; n = 0) {
        n += parse_timed(&ingest->parser, scan, samples + n, GROUP - n, stop);
        take_timed_group(ingest, samples, n, now_s);
        if (n < GROUP)
            break;
    }
    if (is_sample(stop)) {
        ingest->samples[ingest->head % ROW_SIZE] = samples[n];
        take_samples(ingest, 1);
    }
}

/* Before so many bytes. */
static inline void make_ready(struct ingest *ingest, size_t bytes, int64_t now_ns)
{
    if (ingest->parser.n_pooled + bytes / 2 + 1 > ingest->pool_size)
        add_waiting(ingest);
    catch_up(ingest, now_ns);
}

/* All lines that there are. Inlined into both: a call can be seen in a single datagram's time.
 */
__attribute__((always_inline)) static inline void take_lines(struct ingest *ingest,
                                                             struct scan *scan,
                                                             const char *sender, int64_t now_ns,
                                                             int64_t now_s)
{
    struct parsed stop;

    for (;;) {
        uint32_t room = GROUP - (ingest->head - ingest->placed);
        uint32_t n = parse_samples(&ingest->parser, scan,
                                   &ingest->samples[ingest->head % ROW_SIZE], room, &stop);

        take_samples(ingest, n);
        if (n == room)
            continue;
        if (is_sample(&stop))
            take_timed_run(ingest, scan, &stop, now_s);
        if (is_sample(&stop))
            continue;
        if (stop.line.len == 0)
            break;
        take_line(ingest, &stop, sender, now_ns, now_s);
    }
}

void ingest_datagram(struct ingest *ingest, struct slice datagram, bool need_newline,
                     const char *sender, int64_t now_ns, int64_t now_s)
{
    struct scan scan;

    make_ready(ingest, datagram.len, now_ns);
    scan_start(&scan, datagram, need_newline);
    take_lines(ingest, &scan, sender, now_ns, now_s);
    if (scan.unterminated.len > 0) {
        ingest->tally.lines[LINE_METRIC]++;
        refuse(ingest, scan.unterminated, PARSE_UNTERMINATED, sender, now_ns);
    }
}

void ingest_datagrams(struct ingest *ingest, struct datagrams datagrams, const char *sender,
                      int64_t now_ns, int64_t now_s)
{
    struct scan scan;

    make_ready(ingest, datagrams.bytes.len, now_ns);
    scan_start_many(&scan, datagrams);
    take_lines(ingest, &scan, sender, now_ns, now_s);
}

void ingest_counted(const struct ingest *ingest, uint64_t *lines, uint64_t *values)
{
    *lines = *values = 0;
    for (int i = 0; i < LINE_KIND_COUNT; i++)
        *lines += ingest->tally.lines[i];
    for (int i = 0; i < METRIC_TYPE_COUNT; i++)
        *values += ingest->parser.values[i];
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
    publish(ledger->values, ingest->parser.values, METRIC_TYPE_COUNT);
}
