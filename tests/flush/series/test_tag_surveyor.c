#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flush/series/tag_surveyor.h"

enum { HELD_MAX = 120000 };

struct rig {
    struct flusher_ledger ledger;
    struct identities *identities;
    struct identity *held;
    size_t n;
    struct tag_surveyor *surveyor;
    tag_survey_box box;
    int64_t now_s;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    *state = rig;
    rig->identities = identities_new(&rig->ledger);
    rig->held = calloc(HELD_MAX, sizeof *rig->held);
    rig->surveyor = tag_surveyor_new();
    rig->now_s = 1000;
    return rig->identities != NULL && rig->held != NULL && rig->surveyor != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    free(tag_survey_take(&rig->box));
    tag_surveyor_free(rig->surveyor);
    identities_free(rig->identities);
    free(rig->held);
    free(rig);
    return 0;
}

/* Series that have one tag each: "KEY:0" and on. */
static void add(struct rig *rig, const char *format, int from, int to)
{
    char text[200];

    for (int i = from; i < to; i++) {
        snprintf(text, sizeof text, format, i);
        struct slice tag = slice_of(text);
        assert_true(identities_intern(rig->identities, SLICE("m"), SLICE("h"), &tag, 1,
                                      &rig->held[rig->n++]));
    }
}

static void drop_newest(struct rig *rig, size_t n)
{
    while (n-- > 0)
        identities_release(rig->identities, rig->held[--rig->n]);
}

static struct tag_survey *step(struct rig *rig)
{
    tag_surveyor_step(rig->surveyor, rig->identities, rig->now_s, &rig->box);
    return tag_survey_take(&rig->box);
}

/* One walk, in as many steps as it takes. */
static struct tag_survey *walk(struct rig *rig)
{
    struct tag_survey *survey = step(rig);

    for (int i = 0; i < 100 && (survey == NULL || !survey->whole); i++) {
        free(survey);
        survey = step(rig);
    }
    assert_non_null(survey);
    assert_true(survey->whole);
    rig->now_s += TAG_SURVEY_EACH_S;
    return survey;
}

static void keys_are_counted_and_the_largest_come_first(void **state)
{
    struct rig *rig = *state;

    add(rig, "user:%d", 0, 300);
    add(rig, "env:%d", 0, 2);
    add(rig, "url:http://%d", 0, 5); /* up to the first colon */
    add(rig, "bare%d", 0, 7);
    struct tag_survey *survey = walk(rig);
    static const struct {
        const char *key;
        uint32_t values;
    } rows[] = { { "user", 300 }, { "", 7 }, { "url", 5 }, { "env", 2 } };

    assert_int_equal(survey->n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(survey->at[i].key, rows[i].key);
        assert_int_equal(survey->at[i].values, rows[i].values);
        assert_false(survey->at[i].grows);
    }
    free(survey);
}

static void what_nobody_holds_is_not_counted(void **state)
{
    struct rig *rig = *state;

    add(rig, "user:%d", 0, 300);
    free(walk(rig));
    drop_newest(rig, 290);
    struct tag_survey *survey = walk(rig);
    assert_int_equal(survey->at[0].values, 10);
    free(survey);
    drop_newest(rig, 10);
    survey = walk(rig);
    assert_int_equal(survey->n, 0);
    free(survey);
}

static void a_key_that_only_grows_is_told_and_one_that_stops_is_not(void **state)
{
    struct rig *rig = *state;
    struct tag_survey *survey;
    int n = 0;

    for (int i = 0; i < TAG_GROWTH_WALKS; i++) {
        add(rig, "id:%d", n, n + 1000);
        n += 1000;
        survey = walk(rig);
        assert_false(survey->at[0].grows);
        free(survey);
    }
    add(rig, "id:%d", n, n + 1000);
    survey = walk(rig);
    assert_true(survey->at[0].grows);
    assert_int_equal(survey->at[0].values, n + 1000);
    free(survey);
    survey = walk(rig); /* no more came */
    assert_false(survey->at[0].grows);
    free(survey);
}

static void few_values_are_no_growth(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 10; i++) {
        add(rig, "pod:%d", i * 50, i * 50 + 50);
        struct tag_survey *survey = walk(rig);
        assert_false(survey->at[0].grows);
        free(survey);
    }
}

/* A million tags are not walked over in one go. */
static void a_step_is_bounded_and_a_walk_goes_on_where_it_was(void **state)
{
    struct rig *rig = *state;
    struct tag_survey *survey;
    int steps = 1;

    add(rig, "id:%d", 0, 100000);
    free(walk(rig));
    for (; (survey = step(rig)) == NULL && steps < 100; steps++)
        ;
    assert_in_range(steps, 3, 5);
    assert_true(survey->whole);
    assert_int_equal(survey->at[0].values, 100000);
    free(survey);
}

/* Nothing was known before it. */
static void the_first_walk_tells_what_it_has_so_far(void **state)
{
    struct rig *rig = *state;
    uint32_t before = 0;
    struct tag_survey *survey = step(rig);

    assert_true(survey->whole); /* over no tags */
    assert_int_equal(survey->n, 0);
    free(survey);
    add(rig, "id:%d", 0, 100000); /* and without a wait: */
    for (survey = step(rig); !survey->whole; survey = step(rig)) {
        assert_int_equal(survey->n, 1);
        assert_in_range(survey->at[0].values, before + 1, 99999);
        assert_false(survey->at[0].grows);
        before = survey->at[0].values;
        free(survey);
    }
    assert_true(before > 0);
    assert_int_equal(survey->at[0].values, 100000);
    free(survey);
}

/* What clients send makes neither the table nor a key longer. */
static void many_keys_and_long_ones_have_their_bounds(void **state)
{
    struct rig *rig = *state;

    add(rig, "key%d:x", 0, 5000);
    add(rig, "0123456789012345678901234567890123456789012345678901234567890123456789%d:x", 0,
        1);
    struct tag_survey *survey = walk(rig);
    assert_int_equal(survey->n, TAG_SURVEY_KEYS);
    free(survey);
    drop_newest(rig, 5001);
    free(walk(rig)); /* the places are free again */
    add(rig, "0123456789012345678901234567890123456789012345678901234567890123456789%d:x", 0,
        1);
    survey = walk(rig);
    assert_int_equal(survey->n, 1);
    assert_int_equal(strlen(survey->at[0].key), TAG_KEY_SIZE - 1);
    free(survey);
}

static void walks_begin_no_more_often_than_they_may(void **state)
{
    struct rig *rig = *state;

    add(rig, "user:%d", 0, 3);
    free(walk(rig));
    rig->now_s -= 1;
    tag_surveyor_step(rig->surveyor, rig->identities, rig->now_s, &rig->box);
    assert_null(tag_survey_take(&rig->box));
    rig->now_s -= 100000; /* the clock was set back */
    free(walk(rig));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(keys_are_counted_and_the_largest_come_first),
        TEST(what_nobody_holds_is_not_counted),
        TEST(a_key_that_only_grows_is_told_and_one_that_stops_is_not),
        TEST(few_values_are_no_growth),
        TEST(a_step_is_bounded_and_a_walk_goes_on_where_it_was),
        TEST(the_first_walk_tells_what_it_has_so_far),
        TEST(many_keys_and_long_ones_have_their_bounds),
        TEST(walks_begin_no_more_often_than_they_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
