/* Whatever rows the table of kinds has, each holds what it will be asked for, and what an
 * object writes is read again. A new row needs no line here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "flush/values/cell_kind.h"

enum { VALUES = 5000, EXACT = 100 }; /* so that histograms and sets estimate, too */

static struct arena_budget budget;
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_budget_init(&budget, 64 << 20);
    arena_init(&arena, &budget);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void each_row_has_what_it_is_asked_for(void **state)
{
    (void)state;
    for (int kind = 0; kind < CELL_KIND_COUNT; kind++) {
        const struct cell_kind_row *row = &cell_kinds[kind];
        const struct object_ops *ops = row->object;

        assert_true(row->word[0] != '\0');
        for (int other = 0; other < kind; other++)
            assert_true(row->letter == 0 || row->letter != cell_kinds[other].letter);
        if (ops == NULL) {
            assert_true(kind == CELL_COUNT || kind == CELL_GAUGE); /* others know these two */
            continue;
        }
        assert_true(ops->make && ops->add && ops->merge && ops->write && ops->read);
        assert_true(row->shown != SHOWN_RATE); /* a rate adds up, an object does not */
        if (row->shown == SHOWN_AGGREGATES)
            assert_int_equal(row->letter, 0);
        else
            assert_true(ops->pack && ops->unpack && ops->summary);
    }
}

/* An object that n samples went into. */
static void *filled(const struct object_ops *ops, int n)
{
    struct exactness exactness = { .values = EXACT };
    void *object = NULL;

    for (int i = 0; i < n; i++) {
        char line[16]; /* a set's member stands in it */
        double value = i % 700 - 100;
        struct sample sample = {
            .values = &value, .n_values = 1, .type = METRIC_TIMING, .rate = 0.5
        };
        sample.name = (struct slice){ line, 1 };
        if (ops == &object_set)
            sample.member_len = (size_t)snprintf(line, sizeof line, "a:%d", i) - 2;
        assert_int_equal(ops->add(&object, &arena, &sample, &exactness).values, 1);
    }
    return object;
}

static struct state written(const struct object_ops *ops, void *object)
{
    struct state_writer *out = state_writer_new();
    struct state found;
    char problem[160];

    state_begin(out, STATE_SERIES);
    assert_true(ops->write(out, object, &arena));
    int fd = state_writer_end(out);
    assert_true(state_map(&found, fd, problem, sizeof problem));
    close(fd);
    return found;
}

static void assert_written_alike(const struct object_ops *ops, void *object)
{
    struct state first = written(ops, object);
    struct state_reader in = first.parts[STATE_SERIES];
    size_t len = (size_t)(in.end - in.at);
    const uint8_t *at = in.at;
    void *again = ops->read(&in, &arena);

    assert_true(again != NULL && !in.failed && in.at == in.end);
    struct state second = written(ops, again);
    in = second.parts[STATE_SERIES];
    assert_int_equal(in.end - in.at, len);
    assert_memory_equal(in.at, at, len);
    state_done(&first);
    state_done(&second);
}

static void assert_packed_alike(const struct object_ops *ops, void *object)
{
    struct bytes first = { 0 }, second = { 0 };
    struct object_summary of = ops->summary(object);

    assert_true(ops->pack(&first, object, &arena));
    void *again = ops->unpack(first.at, first.len, &arena), *merged = ops->make(&arena);
    assert_non_null(again);
    struct object_summary of_again = ops->summary(again);
    assert_memory_equal(&of, &of_again, sizeof of);
    assert_true(ops->merge(merged, &arena, again, NULL));
    assert_true(ops->pack(&second, merged, &arena));
    assert_int_equal(second.len, first.len);
    assert_memory_equal(second.at, first.at, first.len);
    assert_null(ops->unpack(first.at, first.len - 1, &arena));
    bytes_free(&first);
    bytes_free(&second);
}

static void what_an_object_writes_is_read_again(void **state)
{
    static const int sizes[] = { 1, 3, VALUES };
    (void)state;

    for (int kind = 0; kind < CELL_KIND_COUNT; kind++) {
        const struct object_ops *ops = cell_kinds[kind].object;

        for (size_t i = 0; ops != NULL && i < sizeof sizes / sizeof sizes[0]; i++) {
            void *object = filled(ops, sizes[i]);
            assert_written_alike(ops, object);
            if (ops->pack != NULL)
                assert_packed_alike(ops, object);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_what_it_is_asked_for),
        cmocka_unit_test_setup_teardown(what_an_object_writes_is_read_again, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
