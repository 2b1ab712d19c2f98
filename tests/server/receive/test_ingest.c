/* One subject: what becomes of lines on their way through a worker, each test on a world of its
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/log.h"
#include "flush/parcels/chunk.h"
#include "server/receive/ingest.h"
#include "tests/support/guard.h"

enum { BUFFER = 8192, NOW_S = 1700000000 };
#define NOW_NS INT64_C(1000000000)

/* A worker without its thread: what ingest writes to is here to look at. */
struct world {
    struct inbox inbox;
    struct worker_account account;
    struct arena_budget budget;
    struct worker_ledger ledger;
    struct table *table;
    struct ingest *ingest;
};

static struct world *world_new(bool ignore_time)
{
    struct world *world = aligned_alloc(64, (sizeof *world + 63) / 64 * 64);

    memset(world, 0, sizeof *world);
    assert_true(inbox_open(&world->inbox));
    assert_true(table_make_secret());
    atomic_init(&world->budget.left, 1 << 24);
    struct table_config table = {
        .max_contexts = 10000,
        .idle_intervals = 2,
        .histogram_exact_values = 16384,
        .max_behind = 1 << 20,
        .inbox = &world->inbox,
        .account = &world->account,
        .budget = &world->budget,
        .ledger = &world->ledger,
    };
    struct ingest_config config = { .buffer_size = BUFFER,
                                    .ignore_time = ignore_time,
                                    .ledger = &world->ledger };
    world->table = table_new(&table, NOW_S, NOW_NS);
    world->ingest = ingest_new(&config, world->table);
    assert_non_null(world->ingest);
    return world;
}

static void free_parcels(struct world *world)
{
    struct parcel *parcel = inbox_take(&world->inbox);

    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        if (parcel->kind == PARCEL_BUCKET)
            bucket_free((struct bucket *)parcel);
        else
            chunk_free((struct chunk *)parcel);
        parcel = next;
    }
}

static void world_free(struct world *world)
{
    free_parcels(world);
    ingest_free(world->ingest);
    table_free(world->table);
    inbox_close(&world->inbox);
    free(world);
}

/* Without settling: what waits is not added yet. */
static void give(struct world *world, const char *text, bool need_newline)
{
    ingest_datagram(world->ingest, guarded_text(text), need_newline, "a test", NOW_NS, NOW_S);
}

static void take(struct world *world, const char *text)
{
    give(world, text, false);
    ingest_settle(world->ingest);
}

static uint64_t all_values(const struct world *world)
{
    return ledger_values_parsed(&world->ledger);
}

/* Seals; the only bucket is the caller's. Births and records are freed. */
static struct bucket *seal(struct world *world)
{
    struct bucket *bucket = NULL;

    assert_true(table_seal(world->table, NOW_S + 10, NOW_NS + 10 * NOW_NS));
    for (struct parcel *parcel = inbox_take(&world->inbox), *next; parcel != NULL;
         parcel = next) {
        next = parcel->next;
        if (parcel->kind == PARCEL_BUCKET)
            bucket = (struct bucket *)parcel;
        else
            chunk_free((struct chunk *)parcel);
    }
    assert_non_null(bucket);
    return bucket;
}

/* The same bytes as datagrams of that length, at once or one by one. */
static struct world *take_each(struct slice bytes, size_t each, bool at_once)
{
    struct world *world = world_new(false);
    struct datagrams datagrams = { bytes, each, (bytes.len + each - 1) / each };

    if (at_once)
        ingest_datagrams(world->ingest, datagrams, "a test", NOW_NS, NOW_S);
    for (size_t at = 0; at < bytes.len && !at_once; at += each) {
        size_t len = bytes.len - at < each ? bytes.len - at : each;

        ingest_datagram(world->ingest, (struct slice){ bytes.at + at, len }, false, "a test",
                        NOW_NS, NOW_S);
    }
    ingest_settle(world->ingest);
    return world;
}

/* Cut anywhere, amid lines too: all is counted as of single datagrams, and the same contexts
 * are born. */
static void many_datagrams_are_what_each_of_them_is(void **state)
{
    static const char lines[] = "a:1|c\na:2:3|c|#t\r\n\nb:4.5|g|@0.5\nc:6|c|#u|T1000\n"
                                "_e{1,1}:t|x\n_sc|a|0\nlong.enough:7|ms|#env:prod,pod:8,zone:9";
    char text[40 * sizeof lines];
    (void)state;

    for (size_t at = 0; at < sizeof text; at++)
        text[at] = at % sizeof lines < sizeof lines - 1 ? lines[at % sizeof lines] : '\n';
    for (size_t each = 1; each < 400; each++) {
        struct slice bytes = guarded(text, sizeof text);
        struct world *one = take_each(bytes, each, false), *many = take_each(bytes, each, true);

        assert_memory_equal(many->ledger.lines, one->ledger.lines, sizeof one->ledger.lines);
        assert_memory_equal(many->ledger.rejected, one->ledger.rejected,
                            sizeof one->ledger.rejected);
        assert_memory_equal(many->ledger.values, one->ledger.values, sizeof one->ledger.values);
        assert_int_equal(counter_read(&many->ledger.accepted),
                         counter_read(&one->ledger.accepted));
        assert_int_equal(counter_read(&many->ledger.births), counter_read(&one->ledger.births));
        world_free(one);
        world_free(many);
    }
}

/* ---- counting ---------------------------------------------------------- */

static void lines_are_counted_by_kind_and_by_reason(void **state)
{
    static const struct {
        const char *line;
        enum line_kind kind;
        enum parse_result result;
    } cases[] = {
        { "a:1|c", LINE_METRIC, PARSE_OK },
        { "a", LINE_METRIC, PARSE_NO_TYPE },
        { ":1|c", LINE_METRIC, PARSE_NO_NAME },
        { "a:x|c", LINE_METRIC, PARSE_BAD_VALUE },
        { "a:1|q", LINE_METRIC, PARSE_BAD_TYPE },
        { "a:1|c|@x", LINE_METRIC, PARSE_BAD_RATE },
        { "a:1|c|Tx", LINE_METRIC, PARSE_BAD_TIME },
        { "_e{1,1}:t|x", LINE_EVENT, PARSE_OK },
        { "_e{9,9}:t|x", LINE_EVENT, PARSE_EVENT_LENGTH },
        { "_sc|a|0", LINE_CHECK, PARSE_OK },
        { "_sc|a|9", LINE_CHECK, PARSE_CHECK_STATUS },
        { "_sc|a", LINE_CHECK, PARSE_CHECK_FORMAT },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = world_new(false);
        char text[128];

        /* Its neighbours are taken whatever it is. */
        snprintf(text, sizeof text, "before:1|c\n%s\n\nafter:1|c", cases[i].line);
        take(world, text);
        for (int kind = 0; kind < LINE_KIND_COUNT; kind++) {
            uint64_t want = (uint64_t)(kind == LINE_METRIC ? 2 : 0) +
                            (uint64_t)(kind == (int)cases[i].kind);
            if (counter_read(&world->ledger.lines[kind]) != want)
                fail_msg("%s: %llu lines of kind %d", cases[i].line,
                         (unsigned long long)counter_read(&world->ledger.lines[kind]), kind);
        }
        assert_int_equal(counter_read(&world->ledger.accepted),
                         cases[i].result == PARSE_OK ? 3 : 2);
        for (int reason = PARSE_OK; reason < PARSE_RESULT_COUNT; reason++)
            if (counter_read(&world->ledger.rejected[reason]) !=
                (uint64_t)(reason != PARSE_OK && reason == (int)cases[i].result))
                fail_msg("%s: reason %d", cases[i].line, reason);
        world_free(world);
    }
}

static void values_are_counted_by_type_after_unpacking(void **state)
{
    struct world *world = world_new(false);
    static const uint64_t want[METRIC_TYPE_COUNT] = {
        [METRIC_COUNT] = 3,     [METRIC_GAUGE] = 1,  [METRIC_SET] = 1,
        [METRIC_HISTOGRAM] = 2, [METRIC_TIMING] = 1, [METRIC_DISTRIBUTION] = 4,
    };
    (void)state;

    take(world, "a:1:2:3|c\nb:1|g\nc:1:2:3|s\nd:1:2|h\ne:1|ms\nf:1:2:3:4|d\ng:1:x|c");
    for (int type = 0; type < METRIC_TYPE_COUNT; type++)
        assert_int_equal(counter_read(&world->ledger.values[type]), want[type]);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_BAD_VALUE]), 1);
    world_free(world);
}

static void counts_are_published_when_the_row_is_settled(void **state)
{
    struct world *world = world_new(false);
    (void)state;

    give(world, "a:1|c", false);
    assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), 0);
    ingest_settle(world->ingest);
    assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), 1);
    ingest_settle(world->ingest);
    assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), 1);
    world_free(world);
}

static void a_last_line_without_newline_is_refused_where_one_is_required(void **state)
{
    static const struct {
        const char *text;
        bool need_newline;
        uint64_t lines, refused;
    } cases[] = {
        { "a:1|c\nb:1|c", true, 2, 1 },
        { "a:1|c\nb:1|c\n", true, 2, 0 },
        { "a:1|c", true, 1, 1 },
        { "a:1|c\nb:1|c", false, 2, 0 },
        { "", true, 0, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = world_new(false);

        give(world, cases[i].text, cases[i].need_newline);
        ingest_settle(world->ingest);
        assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), cases[i].lines);
        assert_int_equal(counter_read(&world->ledger.rejected[PARSE_UNTERMINATED]),
                         cases[i].refused);
        assert_int_equal(counter_read(&world->ledger.accepted),
                         cases[i].lines - cases[i].refused);
        world_free(world);
    }
}

static void the_log_shows_the_line_that_has_no_newline(void **state)
{
    char path[] = "/tmp/heeler_ingest_XXXXXX", text[512] = "";
    int fd = mkstemp(path);
    struct world *world = world_new(false);
    (void)state;

    assert_true(fd >= 0);
    assert_true(log_open(LOG_LEVEL_WARN, path, false, false));
    give(world, "a:1|c\nb:1|c", true);
    log_close();
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "refused \"b:1|c\" from a test: the last line"));
    close(fd);
    unlink(path);
    world_free(world);
}

static void quiet_logs_show_no_refused_line_unless_at_level_debug(void **state)
{
    (void)state;

    for (enum log_level level = LOG_LEVEL_WARN; level <= LOG_LEVEL_DEBUG; level++) {
        char path[] = "/tmp/heeler_ingest_XXXXXX", text[512] = "";
        int fd = mkstemp(path);
        struct world *world = world_new(false);

        assert_true(fd >= 0);
        struct ingest_config quiet = { .buffer_size = BUFFER,
                                       .quiet = true,
                                       .ledger = &world->ledger };
        ingest_free(world->ingest);
        world->ingest = ingest_new(&quiet, world->table);
        assert_non_null(world->ingest);
        assert_true(log_open(level, path, false, false));
        take(world, "a:one|c");
        log_close();
        assert_true(read(fd, text, sizeof text - 1) >= 0);
        assert_int_equal(strstr(text, "DEBUG ingest: refused") != NULL,
                         level == LOG_LEVEL_DEBUG);
        assert_null(strstr(text, "WARN"));
        assert_int_equal(counter_read(&world->ledger.rejected[PARSE_BAD_VALUE]), 1);
        close(fd);
        unlink(path);
        world_free(world);
    }
}

/* ---- the row that waits ------------------------------------------------ */

/* To its context, whatever stands around it in the row. */
static void every_line_of_a_long_datagram_is_added(void **state)
{
    static const int counts[] = { 1, 31, 32, 33, 64, 65, 96, 97, 128, 129, 500 };
    enum { CONTEXTS = 7 };
    (void)state;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct world *world = world_new(false);
        double sums[CONTEXTS] = { 0 };
        char text[BUFFER];
        size_t used = 0;

        for (int line = 0; line < counts[i]; line++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "a%d:%d|c\n",
                                     line % CONTEXTS, line);
            sums[line % CONTEXTS] += line;
        }
        take(world, text);
        struct bucket *bucket = seal(world);
        assert_int_equal(bucket->n_cells, counts[i] < CONTEXTS ? counts[i] : CONTEXTS);
        for (uint32_t id = 0; id < bucket->n_cells; id++)
            assert_float_equal(bucket->cells[id].value, sums[id], 0);
        bucket_free(bucket);
        world_free(world);
    }
}

static void lines_of_several_datagrams_may_wait_together(void **state)
{
    struct world *world = world_new(false);
    (void)state;

    give(world, "a:1|g", false);
    give(world, "a:2|g\na:3|g", false);
    ingest_settle(world->ingest);
    struct bucket *bucket = seal(world);
    assert_int_equal(bucket->n_cells, 1);
    assert_float_equal(bucket->cells[0].value, 3, 0); /* the last one in order */
    assert_int_equal(bucket->cells[0].values, 3);
    bucket_free(bucket);
    world_free(world);
}

/* As many values as bytes allow, several datagrams in a row, refused ones among
 * them: the pool of values never overflows (AddressSanitizer watches). */
static void packed_values_fit_the_pool_however_they_come(void **state)
{
    struct world *world = world_new(false);
    char text[BUFFER + 1];
    uint64_t values = 0;
    (void)state;

    memset(text, ':', BUFFER);
    for (size_t i = 2; i + 2 < BUFFER; i += 2)
        text[i] = '1';
    text[0] = 'a';
    text[BUFFER - 2] = '|';
    text[BUFFER - 1] = 'c';
    text[BUFFER] = '\0';
    for (int i = 0; i < 5; i++) {
        give(world, "short:1:2:3|c", false);
        give(world, text, false);
        text[BUFFER - 1] = i == 1 ? 'q' : 'c'; /* parsed to its end, then refused */
        values += 3;
    }
    ingest_settle(world->ingest);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_BAD_TYPE]), 1);
    values += 4 * ((BUFFER - 4) / 2);
    assert_int_equal(all_values(world), values);
    struct bucket *bucket = seal(world);
    double sum = 0;
    for (uint32_t id = 0; id < bucket->n_cells; id++)
        sum += bucket->cells[id].value;
    assert_float_equal(sum, (double)(values - 15 + 5 * 6), 0);
    assert_int_equal(bucket->values_parsed, values);
    assert_int_equal(bucket->lines, bucket->lines_accounted);
    bucket_free(bucket);
    world_free(world);
}

/* ---- records ----------------------------------------------------------- */

/* A line, or "name{tags}kind@time value value" of a timestamped sample. */
static void describe_record(const struct record *record, struct slice body, char *out,
                            size_t size)
{
    if (record->kind != LINE_METRIC) {
        assert_int_equal(record->time_s, NOW_S);
        snprintf(out, size, "%.*s", (int)body.len, body.at);
        return;
    }
    struct timed_sample sample = chunk_timed(record, body);
    int len = snprintf(out, size, "%.*s{%.*s}%s@%lld", (int)sample.name.len, sample.name.at,
                       (int)sample.tags.len, sample.tags.len > 0 ? sample.tags.at : "",
                       cell_kinds[sample.cell].word, (long long)sample.time_s);

    for (uint32_t i = 0; i < sample.n_values; i++)
        len += snprintf(out + len, size - (size_t)len, " %g", timed_value(&sample, i));
}

/* The records that were pushed, in order; the texts are joined by commas. */
static void assert_records(struct world *world, const char *want, uint64_t values)
{
    char text[1024] = "";
    uint64_t sum = 0;

    table_push_records(world->table);
    for (struct parcel *parcel = inbox_take(&world->inbox), *next; parcel != NULL;
         parcel = next) {
        struct record record;
        struct slice body;
        size_t offset = 0;
        next = parcel->next;
        while (parcel->kind == PARCEL_RECORDS &&
               chunk_next_record((struct chunk *)parcel, &offset, &record, &body)) {
            describe_record(&record, body, text + strlen(text), sizeof text - strlen(text));
            snprintf(text + strlen(text), sizeof text - strlen(text), ",");
            sum += record.values;
        }
        if (parcel->kind == PARCEL_BUCKET)
            bucket_free((struct bucket *)parcel);
        else
            chunk_free((struct chunk *)parcel);
    }
    assert_string_equal(text, want);
    assert_int_equal(sum, values);
}

static void what_is_not_aggregated_goes_on(void **state)
{
    struct world *world = world_new(false);
    (void)state;

    take(world, "a:1|c\nb:1:2|g|T100\n_e{1,1}:t|x\n_sc|c|1\nd:1|c|#t\nb:3|c|@0.1|#x,y|T1");
    assert_true(table_has_records(world->table));
    assert_records(world, "b{}g@100 1 2,_e{1,1}:t|x,_sc|c|1,b{x,y}c@1 3,", 3);
    assert_int_equal(all_values(world), 5);
    struct bucket *bucket = seal(world);
    assert_int_equal(bucket->n_cells, 2); /* a and d */
    bucket_free(bucket);
    world_free(world);
}

/* All mixtures of seven lines, and runs of lines of one kind that are longer than a group. */
static void samples_with_a_time_and_without_may_be_mixed(void **state)
{
    enum { LINES = 7, MOST = 72 };
    char datagram[MOST * 16], want[MOST * 16];
    (void)state;

    for (unsigned mixture = 0; mixture < 1 << LINES; mixture++)
        for (int run = 1; run <= 33; run += 32) {
            struct world *world = world_new(false);
            size_t n = 0, at = 0, len = 0, plain = 0, timed = 0;

            for (; n < LINES && n * (size_t)run < MOST - LINES; n++)
                for (int i = 0; i < run; i++)
                    if (mixture >> n & 1) {
                        len += (size_t)sprintf(datagram + len, "t:%d|g|T%zu\n", i, n + 1);
                        at += (size_t)sprintf(want + at, "t{}g@%zu %d,", n + 1, i);
                        timed++;
                    } else {
                        len += (size_t)sprintf(datagram + len, "p%zu:1|c\n", n);
                        plain++;
                    }
            want[at] = '\0';
            take(world, datagram);
            assert_records(world, want, timed);
            assert_int_equal(all_values(world), plain + timed);
            assert_int_equal(counter_read(&world->ledger.lines[LINE_METRIC]), plain + timed);
            assert_int_equal(counter_read(&world->ledger.accepted), plain + timed);
            struct bucket *bucket = seal(world);
            double sum = 0;

            for (uint32_t id = 0; id < bucket->n_cells; id++)
                sum += bucket->cells[id].value;
            assert_float_equal(sum, (double)plain, 0);
            bucket_free(bucket);
            world_free(world);
        }
}

static void a_run_of_samples_with_a_time_ends_at_any_other_line(void **state)
{
    struct world *world = world_new(false);
    (void)state;

    take(world, "a:1|g|#t|T1\n_e{1,1}:t|x\na:2|g|#t|T2\nbad\na:3|g|#t|T3\na:4|g|#t|T0\n"
                "a:5|g|#t|T5\na:6|h|T6\na:7|g|#t|T7");
    assert_records(world, "a{t}g@1 1,_e{1,1}:t|x,a{t}g@2 2,a{t}g@3 3,a{t}g@5 5,a{t}g@7 7,", 5);
    assert_int_equal(counter_read(&world->ledger.accepted), 7);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_NO_TYPE]), 1);
    assert_int_equal(counter_read(&world->ledger.rejected[PARSE_BAD_TIME]), 1);
    assert_int_equal(counter_read(&world->ledger.shed[SHED_UNSUPPORTED_TIME]), 1);
    world_free(world);
}

static void the_print_of_a_timed_sample_is_that_of_its_identity(void **state)
{
    /* Pairs: the first of each has the print of the case before, the second has not. */
    static const char *const lines[] = {
        "a:1|c|T1",    "a:2:3|c|T2|@0.5|c:id", "a:1|g|T1",    "a:9|g|T9|e:x", "a:1|g|#t|T1",
        "a:1|g|T5|#t", "a:1|g|#u|T1",          "a:1|g|#u|T2", "b:1|g|#u|T1",  NULL,
    };
    struct world *world = world_new(false);
    uint64_t prints[16][2];
    struct record record;
    struct slice body;
    size_t offset = 0, n = 0;
    (void)state;

    for (size_t i = 0; lines[i] != NULL; i++)
        take(world, lines[i]);
    table_push_records(world->table);
    struct chunk *chunk = (struct chunk *)inbox_take(&world->inbox);

    for (; chunk_next_record(chunk, &offset, &record, &body); n++)
        memcpy(prints[n], chunk_timed(&record, body).print, sizeof prints[n]);
    assert_int_equal(n, 9);
    for (size_t i = 1; i < n; i++)
        assert_true((memcmp(prints[i], prints[i - 1], sizeof prints[i]) == 0) == (i % 2 == 1));
    chunk_free(chunk);
    world_free(world);
}

static void a_time_that_cannot_be_sent_is_refused_at_once(void **state)
{
    static const struct {
        const char *line;
        enum shed_reason why;
    } cases[] = {
        { "a:1:2|h|T1", SHED_UNSUPPORTED_TIME },
        { "a:1:2|ms|T1", SHED_UNSUPPORTED_TIME },
        { "a:1:2|d|T1", SHED_UNSUPPORTED_TIME },
        { "a:1:2|d|T9999999999", SHED_UNSUPPORTED_TIME },
        { "a:1:2|c|T9999999999", SHED_REFUSED_TIME },
    };
    struct world *world = world_new(false);
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = counter_read(&world->ledger.shed[cases[i].why]);

        take(world, cases[i].line);
        assert_int_equal(counter_read(&world->ledger.shed[cases[i].why]), before + 2);
    }
    take(world, "a:x:y|s|T1");
    assert_int_equal(counter_read(&world->ledger.shed[SHED_UNSUPPORTED_TIME]), 9);
    assert_false(table_has_records(world->table));
    world_free(world);
}

static void a_timestamp_is_ignored_where_the_setting_says_so(void **state)
{
    struct world *world = world_new(true);
    (void)state;

    take(world, "b:1|g|T1700000000");
    assert_false(table_has_records(world->table));
    struct bucket *bucket = seal(world);
    assert_int_equal(bucket->n_cells, 1);
    bucket_free(bucket);
    world_free(world);
}

/* The bound is 1 MiB of parcels that no flusher takes. */
static void records_are_shed_and_counted_when_the_flusher_is_behind(void **state)
{
    struct world *world = world_new(false);
    enum { ROUNDS = 20000 };
    (void)state;

    for (int i = 0; i < ROUNDS; i++)
        take(world, "timed.metric.of.some.length:1:2|c|T1700000000\n_e{5,5}:title|text5");
    uint64_t shed = counter_read(&world->ledger.shed[SHED_BEHIND]);
    uint64_t records_shed = counter_read(&world->ledger.records_shed);
    assert_true(shed > 0 && shed % 2 == 0 && shed < 2 * ROUNDS);
    assert_true(records_shed > 0 && records_shed < ROUNDS);
    assert_int_equal(all_values(world), 2 * ROUNDS);
    assert_int_equal(counter_read(&world->ledger.accepted), 2 * ROUNDS);

    uint64_t kept_values = 0, kept_events = 0;
    table_push_records(world->table);
    for (struct parcel *parcel = inbox_take(&world->inbox), *next; parcel != NULL;
         parcel = next) {
        struct record record;
        struct slice body;
        size_t offset = 0;
        next = parcel->next;
        while (chunk_next_record((struct chunk *)parcel, &offset, &record, &body)) {
            kept_values += record.values;
            kept_events += record.kind == LINE_EVENT;
        }
        chunk_free((struct chunk *)parcel);
    }
    assert_int_equal(kept_values + shed, 2 * ROUNDS);
    assert_int_equal(kept_events + records_shed, ROUNDS);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_datagrams_are_what_each_of_them_is),
        cmocka_unit_test(lines_are_counted_by_kind_and_by_reason),
        cmocka_unit_test(values_are_counted_by_type_after_unpacking),
        cmocka_unit_test(counts_are_published_when_the_row_is_settled),
        cmocka_unit_test(a_last_line_without_newline_is_refused_where_one_is_required),
        cmocka_unit_test(the_log_shows_the_line_that_has_no_newline),
        cmocka_unit_test(quiet_logs_show_no_refused_line_unless_at_level_debug),
        cmocka_unit_test(every_line_of_a_long_datagram_is_added),
        cmocka_unit_test(lines_of_several_datagrams_may_wait_together),
        cmocka_unit_test(packed_values_fit_the_pool_however_they_come),
        cmocka_unit_test(what_is_not_aggregated_goes_on),
        cmocka_unit_test(samples_with_a_time_and_without_may_be_mixed),
        cmocka_unit_test(a_run_of_samples_with_a_time_ends_at_any_other_line),
        cmocka_unit_test(the_print_of_a_timed_sample_is_that_of_its_identity),
        cmocka_unit_test(a_time_that_cannot_be_sent_is_refused_at_once),
        cmocka_unit_test(a_timestamp_is_ignored_where_the_setting_says_so),
        cmocka_unit_test(records_are_shed_and_counted_when_the_flusher_is_behind),
    };

    log_set_level(LOG_LEVEL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
