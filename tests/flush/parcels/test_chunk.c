#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/parcels/chunk.h"
#include "flush/values/cell_kind.h"
#include "protocol/parse.h"

static bool add_birth(struct chunk *chunk, uint32_t id, struct slice name, struct slice tags)
{
    struct birth birth = { id, (uint32_t)name.len, (uint32_t)tags.len, CELL_COUNT };

    return chunk_append(chunk, &birth, sizeof birth, name, tags);
}

static void births_are_read_as_they_were_written(void **state)
{
    static const struct {
        const char *name, *tags;
    } cases[] = {
        { "a", "" },
        { "a.longer.name", "x:1,y:2" },
        { "b", "," },
        { "", "" },
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct chunk *chunk = chunk_new(PARCEL_BIRTHS, 3, 1);
    struct birth birth;
    struct slice name, tags;
    size_t offset = 0;
    (void)state;

    for (uint32_t i = 0; i < CASES; i++)
        assert_true(add_birth(chunk, i, slice_of(cases[i].name), slice_of(cases[i].tags)));
    for (uint32_t i = 0; i < CASES; i++) {
        assert_true(chunk_next_birth(chunk, &offset, &birth, &name, &tags));
        assert_int_equal(birth.id, i);
        assert_true(slice_equal(name, slice_of(cases[i].name)));
        assert_true(slice_equal(tags, slice_of(cases[i].tags)));
    }
    assert_false(chunk_next_birth(chunk, &offset, &birth, &name, &tags));
    assert_int_equal(chunk->parcel.worker, 3);
    chunk_free(chunk);
}

static void records_are_read_as_they_were_written(void **state)
{
    struct chunk *chunk = chunk_new(PARCEL_RECORDS, 0, 1);
    struct record record = { .time_s = 1700000000, .len = 7, .kind = LINE_CHECK }, read;
    struct slice line = { 0 };
    size_t offset = 0;
    (void)state;

    assert_true(chunk_append(chunk, &record, sizeof record, SLICE("_sc|a|0"),
                             (struct slice){ NULL, 0 }));
    assert_true(chunk_next_record(chunk, &offset, &read, &line));
    assert_memory_equal(&read, &record, sizeof record);
    assert_true(slice_equal(line, SLICE("_sc|a|0")));
    assert_false(chunk_next_record(chunk, &offset, &read, &line));
    chunk_free(chunk);
}

/* Behind a record of seven bytes, so that nothing is aligned. */
static void timed_samples_are_read_as_they_were_written(void **state)
{
    static const double values[] = { 1.5, -2, 1e300 };
    static const struct timed_sample cases[] = {
        { { 1, 2 }, SLICE("name"), SLICE("a:1,b"), values, 3, CELL_COUNT, 5 },
        { { UINT64_MAX, 0 }, SLICE("n"), { NULL, 0 }, values + 1, 1, CELL_GAUGE, INT64_MAX },
    };
    struct record record = { .len = 7, .kind = LINE_CHECK };
    struct chunk *chunk = chunk_new(PARCEL_RECORDS, 0, 1);
    struct slice body = { 0 };
    size_t offset = 0;
    (void)state;

    assert_true(chunk_append(chunk, &record, sizeof record, SLICE("_sc|a|0"), SLICE("")));
    for (size_t i = 0; i < 2; i++)
        assert_true(chunk_append_timed(chunk, &cases[i]));
    assert_true(chunk_next_record(chunk, &offset, &record, &body));
    for (size_t i = 0; i < 2; i++) {
        assert_true(chunk_next_record(chunk, &offset, &record, &body));
        assert_int_equal(record.kind, LINE_METRIC);
        struct timed_sample read = chunk_timed(&record, body);
        assert_memory_equal(read.print, cases[i].print, sizeof read.print);
        assert_true(slice_equal(read.name, cases[i].name));
        assert_true(slice_equal(read.tags, cases[i].tags));
        assert_int_equal(read.cell, cases[i].cell);
        assert_int_equal(read.time_s, cases[i].time_s);
        assert_int_equal(read.n_values, cases[i].n_values);
        for (uint32_t k = 0; k < read.n_values; k++)
            assert_float_equal(timed_value(&read, k), values[i + k], 0);
    }
    assert_false(chunk_next_record(chunk, &offset, &record, &body));
    chunk_free(chunk);
}

static void a_full_chunk_takes_nothing_in_part(void **state)
{
    struct chunk *chunk = chunk_new(PARCEL_BIRTHS, 0, 1);
    char name[1000] = "x";
    size_t before;
    (void)state;

    do
        before = chunk->used;
    while (add_birth(chunk, 0, (struct slice){ name, sizeof name }, SLICE("t")));
    assert_int_equal(chunk->used, before);
    assert_true(chunk->capacity - chunk->used < sizeof name + 1 + sizeof(struct birth));
    struct timed_sample timed = { .name = { name, sizeof name } };
    assert_false(chunk_append_timed(chunk, &timed));
    assert_int_equal(chunk->used, before);
    chunk_free(chunk);
}

static void a_chunk_is_as_large_as_what_must_fit(void **state)
{
    enum { LONG = 2 * CHUNK_BYTES };
    char *name = calloc(1, LONG);
    struct chunk *chunk = chunk_new(PARCEL_BIRTHS, 0, LONG + sizeof(struct birth));
    (void)state;

    assert_true(add_birth(chunk, 0, (struct slice){ name, LONG }, SLICE("")));
    chunk_free(chunk);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_are_read_as_they_were_written),
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(timed_samples_are_read_as_they_were_written),
        cmocka_unit_test(a_full_chunk_takes_nothing_in_part),
        cmocka_unit_test(a_chunk_is_as_large_as_what_must_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
