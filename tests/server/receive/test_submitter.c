#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "flush/memory/own_lines.h"
#include "server/receive/submitter.h"

enum { INDEX = 3 };

struct rig {
    struct inbox inbox;
    struct worker_account *account;
    struct worker_ledger *ledger;
    struct submitter *submitter;
};

static struct rig rig;

static int make(void **state)
{
    (void)state;
    rig = (struct rig){ .account = own_lines(sizeof *rig.account),
                        .ledger = own_lines(sizeof *rig.ledger) };
    struct submitter_config config = { &rig.inbox, rig.account, rig.ledger, INDEX };

    rig.submitter = submitter_new(&config);
    return inbox_open(&rig.inbox) && rig.submitter != NULL ? 0 : -1;
}

static int end(void **state)
{
    struct parcel *next;
    (void)state;

    for (struct parcel *at = inbox_take(&rig.inbox); at != NULL; at = next) {
        next = at->next;
        chunk_free((struct chunk *)at);
    }
    submitter_free(rig.submitter);
    inbox_close(&rig.inbox);
    free(rig.account);
    free(rig.ledger);
    return 0;
}

static void add(uint32_t n)
{
    static struct submitted_point points[SUBMITTED_POINTS_MAX];
    struct submitted submitted = { .kind = SUBMITTED_POINTS,
                                   .type = SUBMITTED_COUNT,
                                   .interval_s = 10,
                                   .name = SLICE("name"),
                                   .tags = SLICE("a:1,host:h"),
                                   .unit = SLICE("byte"),
                                   .values = points,
                                   .n = n };

    for (uint32_t i = 0; i < n; i++)
        points[i] = (struct submitted_point){ 1700000000 + i, i };
    submitter_add(rig.submitter, &submitted);
}

static void what_was_begun_comes_as_one_chunk(void **state)
{
    struct record record;
    struct slice body;
    size_t offset = 0;
    (void)state;

    assert_int_equal(submitter_begin(rig.submitter), SUBMITTER_READY);
    add(2);
    submitter_add_line(rig.submitter, LINE_CHECK, SLICE("_sc|a|0"), 17);
    assert_null(inbox_take(&rig.inbox));
    submitter_end(rig.submitter);
    struct chunk *chunk = (struct chunk *)inbox_take(&rig.inbox);

    assert_int_equal(chunk->parcel.kind, PARCEL_RECORDS);
    assert_int_equal(chunk->parcel.worker, INDEX);
    assert_int_equal(chunk->submitted, 2);
    assert_true(chunk_next_record(chunk, &offset, &record, &body));
    assert_int_equal(record.kind, SUBMITTED_POINTS);
    struct submitted read = submitted_read(&record, body);

    assert_int_equal(read.n, 2);
    assert_int_equal(read.type, SUBMITTED_COUNT);
    assert_int_equal(read.interval_s, 10);
    assert_true(slice_equal(read.name, SLICE("name")));
    assert_true(slice_equal(read.unit, SLICE("byte")));
    assert_true(slice_equal(read.tags, SLICE("a:1,host:h")));
    assert_int_equal(submitted_point(&read, 1).time_s, 1700000001);
    assert_true(submitted_point(&read, 1).value == 1);
    assert_true(chunk_next_record(chunk, &offset, &record, &body));
    assert_int_equal(record.kind, LINE_CHECK);
    assert_int_equal(record.time_s, 17);
    assert_true(slice_equal(body, SLICE("_sc|a|0")));
    assert_false(chunk_next_record(chunk, &offset, &record, &body));
    assert_int_equal(counter_read(&rig.ledger->values[METRIC_COUNT]), 2);
    chunk_free(chunk);
}

/* The flusher says what it has handled. */
static void whoever_is_ahead_has_to_wait(void **state)
{
    uint64_t pushed = 0;
    (void)state;

    for (int i = 0; i < 1000 && submitter_begin(rig.submitter) == SUBMITTER_READY; i++) {
        for (int n = 0; n < 8; n++)
            add(SUBMITTED_POINTS_MAX);
        submitter_end(rig.submitter);
        struct parcel *next;

        for (struct parcel *at = inbox_take(&rig.inbox); at != NULL; at = next) {
            next = at->next;
            pushed += at->bytes;
            chunk_free((struct chunk *)at);
        }
    }
    assert_in_range(pushed, SUBMITTER_BYTES_MAX, SUBMITTER_BYTES_MAX + (2 << 20));
    assert_int_equal(submitter_begin(rig.submitter), SUBMITTER_BEHIND);
    atomic_store(&rig.account->handled_bytes, pushed);
    assert_int_equal(submitter_begin(rig.submitter), SUBMITTER_READY);
    submitter_end(rig.submitter);
}

static void behind_the_gate_nothing_begins(void **state)
{
    (void)state;
    submitter_gate(rig.submitter);
    assert_int_equal(submitter_begin(rig.submitter), SUBMITTER_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_begun_comes_as_one_chunk, make, end),
        cmocka_unit_test_setup_teardown(whoever_is_ahead_has_to_wait, make, end),
        cmocka_unit_test_setup_teardown(behind_the_gate_nothing_begins, make, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
