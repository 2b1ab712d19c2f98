#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/receive/slots.h"

enum { CONTEXTS = 60000 };

/* What the slots have to answer, by id. */
enum state { ABSENT, PRESENT, DEAD, LEFT };

struct model {
    struct slots slots;
    struct fingerprint prints[CONTEXTS];
    uint8_t states[CONTEXTS];
    uint32_t n, present;
    uint64_t random;
};

static uint64_t next_random(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random;
}

/* A few bits of the low half differ: homes crowd, and contexts overflow. */
static struct model *model_new(uint64_t seed, uint64_t low_mask)
{
    struct model *model = calloc(1, sizeof *model);

    assert_non_null(model);
    model->random = seed * 0x9E3779B97F4A7C15;
    for (uint32_t i = 0; i < CONTEXTS; i++)
        model->prints[i] =
            (struct fingerprint){ next_random(model) & low_mask, next_random(model) };
    assert_true(slots_open(&model->slots));
    return model;
}

static void model_free(struct model *model)
{
    slots_close(&model->slots);
    free(model);
}

static bool keeps(void *argument, uint32_t id)
{
    struct model *model = argument;

    if (model->states[id] == PRESENT)
        return true;
    model->states[id] = LEFT;
    return false;
}

static void move(struct model *model, uint64_t steps)
{
    if (!slots_move(&model->slots, steps, keeps, model))
        return;
    for (uint32_t id = 0; id < model->n; id++)
        if (model->states[id] == LEFT)
            model->states[id] = ABSENT;
}

static void begin(struct model *model)
{
    assert_true(slots_begin(&model->slots, model->present));
}

static void put(struct model *model)
{
    uint32_t id = model->n++;

    if (slots_crowded(&model->slots) && !slots_moving(&model->slots))
        begin(model);
    move(model, 1);
    if (slots_full(&model->slots)) {
        begin(model);
        move(model, SLOTS_ALL);
    }
    assert_false(slots_full(&model->slots));
    slots_put(&model->slots, model->prints[id], id);
    model->states[id] = PRESENT;
    model->present++;
}

static void check(const struct model *model)
{
    for (uint32_t id = 0; id < model->n; id++) {
        uint32_t found = slots_find_usual(&model->slots, model->prints[id]);

        assert_int_equal(found, slots_find(&model->slots, model->prints[id]));
        assert_int_equal(found, model->states[id] == ABSENT ? SLOTS_UNKNOWN : id);
    }
}

static void a_step_a_put_lays_out_in_time(void **state)
{
    struct model *model = model_new(1, UINT64_MAX);
    uint32_t builds = 0;
    (void)state;

    while (model->n < CONTEXTS) {
        put(model);
        assert_true(model->slots.now.used <= (model->slots.now.mask + 1) * LINE_SLOTS / 4 * 3);
        if (builds != model->slots.builds)
            check(model);
        builds = model->slots.builds;
    }
    assert_true(builds >= 5);
    check(model);
    model_free(model);
}

/* Some die and some of those come back, at any moment of any move. */
static void what_lives_is_found_and_what_left_is_not(void **state)
{
    static const uint64_t masks[] = { UINT64_MAX, 0xFF, 0xFFF };
    (void)state;

    for (uint64_t seed = 1; seed <= 9; seed++) {
        struct model *model = model_new(seed, masks[seed % 3]);
        uint32_t most = masks[seed % 3] == 0xFF ? 500 : 8000;

        while (model->n < most) {
            uint64_t dice = next_random(model);
            uint32_t id = model->n > 0 ? (uint32_t)(dice >> 8) % model->n : 0;

            if (dice % 8 < 5 || model->n == 0) {
                put(model);
            } else if (dice % 8 < 7 && model->states[id] == PRESENT) {
                model->states[id] = DEAD;
                model->present--;
            } else if (model->states[id] == DEAD || model->states[id] == LEFT) {
                if (model->states[id] == LEFT)
                    slots_keep(&model->slots, model->prints[id], id);
                model->states[id] = PRESENT;
                model->present++;
            } else if ((dice >> 40) % 64 == 0) {
                begin(model);
            } else {
                move(model, dice >> 60);
            }
            if (model->n % 97 == 0)
                check(model);
        }
        begin(model);
        move(model, SLOTS_ALL);
        check(model);
        assert_int_equal(model->slots.now.used, model->present);
        model_free(model);
    }
}

/* Made for few, then many come. */
static void a_next_that_is_too_small_is_given_up(void **state)
{
    struct model *model = model_new(3, UINT64_MAX);
    (void)state;

    for (int i = 0; i < 50000; i++)
        put(model);
    move(model, SLOTS_ALL);
    for (uint32_t id = 0; id < 49990; id++)
        model->states[id] = DEAD;
    model->present = 10;
    begin(model);
    uint32_t builds = model->slots.builds;
    move(model, 80); /* some lines are copied */
    assert_true(slots_moving(&model->slots));
    while (slots_moving(&model->slots))
        put(model);
    assert_int_equal(model->slots.builds, builds); /* it has not become the answer */
    check(model);
    begin(model);
    move(model, SLOTS_ALL);
    check(model);
    model_free(model);
}

static void cleared_they_are_empty_also_amid_a_move(void **state)
{
    struct model *model = model_new(5, UINT64_MAX);
    (void)state;

    for (int i = 0; i < 1000; i++)
        put(model);
    begin(model);
    move(model, 5);
    uint32_t builds = model->slots.builds;
    slots_clear(&model->slots);
    assert_true(model->slots.builds > builds);
    assert_false(slots_moving(&model->slots));
    for (uint32_t id = 0; id < model->n; id++)
        model->states[id] = ABSENT;
    check(model);
    assert_int_equal(model->slots.now.used, 0);
    model_free(model);
}

#ifdef HEELER_CHECKS
static void a_hole_in_a_line_is_found_out(void **state)
{
    struct model *model = model_new(5, 0); /* all have one home */
    struct slot_line *home = &model->slots.now.at[0];
    (void)state;

    for (uint32_t id = 0; id < LINE_SLOTS; id++)
        slots_put(&model->slots, model->prints[id], id);
    assert_true(slots_sane(&model->slots, LINE_SLOTS));
    assert_false(slots_sane(&model->slots, LINE_SLOTS - 1)); /* an id beyond the end */
    model->slots.now.used--;
    home->id_plus_one[1] = 0; /* whoever overflowed would no longer be found */
    assert_false(slots_sane(&model->slots, LINE_SLOTS));
    model_free(model);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_a_put_lays_out_in_time),
        cmocka_unit_test(what_lives_is_found_and_what_left_is_not),
        cmocka_unit_test(a_next_that_is_too_small_is_given_up),
        cmocka_unit_test(cleared_they_are_empty_also_amid_a_move),
#ifdef HEELER_CHECKS
        cmocka_unit_test(a_hole_in_a_line_is_found_out),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
