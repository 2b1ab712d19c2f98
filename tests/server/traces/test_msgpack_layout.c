#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/traces/msgpack_layout.h"
#include "tests/support/msgpack_out.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A thing of each type of member. */
struct thing {
    struct slice text;
    uint64_t u64;
    int64_t i64;
    uint32_t u32;
    int32_t i32;
    double number;
    bool truth;
    int parts; /* how often something was said of it */
};

static bool count_part(struct msgpack_reader *reader, void *whole)
{
    struct thing *thing = whole;

    thing->parts++;
    return msgpack_skip(reader);
}

static const struct msgpack_field fields[] = {
    MSGPACK_FIELD("text", struct thing, text, msgpack_text_member),
    MSGPACK_FIELD("u64", struct thing, u64, msgpack_u64_member),
    MSGPACK_FIELD("i64", struct thing, i64, msgpack_i64_member),
    MSGPACK_FIELD("u32", struct thing, u32, msgpack_u32_member),
    MSGPACK_FIELD("i32", struct thing, i32, msgpack_i32_member),
    MSGPACK_FIELD("number", struct thing, number, msgpack_double_member),
    MSGPACK_FIELD("truth", struct thing, truth, msgpack_bool_member),
    MSGPACK_FIELD_OF_ALL("part", count_part),
};

struct world {
    struct bytes body;
    struct arena_budget budget;
    struct arena arena;
    struct msgpack_reader reader;
};

static int set_up(void **state)
{
    static struct world world;

    world.body = (struct bytes){ 0 };
    arena_budget_init(&world.budget, 1 << 20);
    arena_init(&world.arena, &world.budget);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    bytes_free(&world->body);
    arena_free(&world->arena);
    return 0;
}

static struct msgpack_reader *reader_of(struct world *world, const char *notation)
{
    bytes_clear(&world->body);
    msgpack_out(&world->body, notation);
    msgpack_reader_start(&world->reader, msgpack_out_body(&world->body), &world->arena);
    return &world->reader;
}

static void members_are_found_in_any_order(void **state)
{
    struct world *world = *state;
    struct thing thing = { .i32 = 77 };
    struct msgpack_reader *reader =
        reader_of(world, "8a 'truth' c3 'part' 90 'text' 'a' 'number' 05 'tex' c0 'part' 80 "
                         "'u64' ff 'i64' fe 'u32' 07 'text' 'b' 00");

    assert_true(msgpack_read_fields(reader, fields, COUNT(fields), &thing));
    assert_int_equal(msgpack_left(reader), 1);
    assert_true(thing.truth);
    assert_int_equal(thing.parts, 2);
    assert_true(slice_equal(thing.text, SLICE("b")));
    assert_true(thing.number == 5);
    assert_true(thing.u64 == UINT64_MAX);
    assert_int_equal(thing.i64, -2);
    assert_int_equal(thing.u32, 7);
    assert_int_equal(thing.i32, 77);
}

static void a_fault_in_a_member_names_it(void **state)
{
    struct world *world = *state;
    struct thing thing = { .i32 = 77 };
    struct msgpack_reader *reader = reader_of(world, "82 'i32' 05 'u32' 'x'");

    assert_false(msgpack_read_fields(reader, fields, COUNT(fields), &thing));
    assert_string_equal(reader->place, "u32");
    assert_string_equal(reader->sentence, "expected a whole number");

    reader = reader_of(world, "91 c0");
    assert_false(msgpack_read_fields(reader, fields, COUNT(fields), &thing));
    assert_string_equal(reader->place, "");
    reader = reader_of(world, "c0");
    assert_true(msgpack_read_fields(reader, fields, COUNT(fields), &thing));
    assert_int_equal(thing.i32, 5);
}

static bool read_thing(struct msgpack_reader *reader, void *item)
{
    struct thing *thing = item;

    *thing = (struct thing){ .parts = 0 };
    return msgpack_read_u64(reader, &thing->u64);
}

static const struct msgpack_items things = { "thing", sizeof(struct thing), false, read_thing };

/* One byte each, so the array grows many times. */
static void an_array_grows_as_its_items_come(void **state)
{
    enum { THINGS = 1000 };
    struct world *world = *state;
    struct thing *items;
    uint32_t n;

    msgpack_out_list(&world->body, THINGS);
    for (uint32_t i = 0; i < THINGS; i++)
        msgpack_out_uint(&world->body, i % 128);
    msgpack_reader_start(&world->reader, msgpack_out_body(&world->body), &world->arena);
    assert_true(msgpack_read_items(&world->reader, &things, &items, &n));
    assert_int_equal(n, THINGS);
    for (uint32_t i = 0; i < THINGS; i++)
        assert_int_equal(items[i].u64, i % 128);
}

static void an_empty_list_is_no_array(void **state)
{
    struct world *world = *state;
    struct thing *items = (struct thing *)world;
    uint32_t n = 5;

    assert_true(msgpack_read_items(reader_of(world, "90"), &things, &items, &n));
    assert_null(items);
    assert_int_equal(n, 0);
    items = (struct thing *)world;
    assert_true(msgpack_read_items(reader_of(world, "c0"), &things, &items, &n));
    assert_null(items);
    assert_int_equal(world->arena.bytes, 0);
}

/* A hundred thousand things would be seven megabytes. */
static void a_length_that_lies_takes_what_the_body_has(void **state)
{
    enum { BODY = 100 * 1000 };
    struct world *world = *state;
    struct thing *items;
    uint32_t n;

    msgpack_out_head(&world->body, 0xdd, BODY);
    msgpack_out(&world->body, "05 c1");
    while (world->body.len < BODY + 5)
        bytes_add(&world->body, "", 1);
    msgpack_reader_start(&world->reader, msgpack_out_body(&world->body), &world->arena);
    assert_false(msgpack_read_items(&world->reader, &things, &items, &n));
    assert_string_equal(world->reader.place, "thing 2");
    assert_in_range(world->arena.bytes, 1, BODY + 2 * sizeof(struct thing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members_are_found_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_in_a_member_names_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_array_grows_as_its_items_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_list_is_no_array, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_length_that_lies_takes_what_the_body_has, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
