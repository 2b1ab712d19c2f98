#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flush/series/identities.h"

static struct flusher_ledger ledger;

static struct identity intern(struct identities *identities, const char *name,
                              const char *const *texts, size_t n)
{
    struct slice tags[8];
    struct identity id;

    for (size_t i = 0; i < n; i++)
        tags[i] = slice_of(texts[i]);
    assert_true(identities_intern(identities, slice_of(name), SLICE("host"), tags, n, &id));
    return id;
}

static bool same(struct identity a, struct identity b)
{
    return a.name == b.name && a.host == b.host && a.tags == b.tags;
}

static void equal_texts_are_equal_numbers(void **state)
{
    static const char *const tags[] = { "a:1", "b:2" };
    struct identities *identities = identities_new(&ledger);
    struct identity first = intern(identities, "x", tags, 2);
    (void)state;

    assert_true(same(first, intern(identities, "x", tags, 2)));
    assert_false(same(first, intern(identities, "y", tags, 2)));
    assert_false(same(first, intern(identities, "x", tags, 1)));
    assert_true(slice_equal(identities_text(identities, first.name), SLICE("x")));
    assert_int_equal(identities_find_text(identities, SLICE("host")), first.host);
    identities_free(identities);
}

static void tags_are_read_back_in_their_order(void **state)
{
    static const char *const texts[] = { "a:1", "b:2", "c:3" };
    struct identities *identities = identities_new(&ledger);
    struct identity id = intern(identities, "x", texts, 3);
    size_t n;
    (void)state;

    const struct slice *tags = identities_tags(identities, id.tags, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(slice_equal(tags[i], slice_of(texts[i])));
    const uint32_t *ids = identities_tag_ids(identities, id.tags, &n);
    assert_int_equal(n, 3);
    assert_int_equal(ids[1], identities_find_tag(identities, SLICE("b:2")));
    identities_free(identities);
}

static void texts_go_with_the_last_who_holds_them(void **state)
{
    static const char *const tags[] = { "a:1", "b:2" };
    struct identities *identities = identities_new(&ledger);
    struct identity id = intern(identities, "x", tags, 2);
    size_t n;
    (void)state;

    identities_hold(identities, id);
    identities_release(identities, id);
    assert_int_equal(identities_find_text(identities, SLICE("x")), id.name);
    assert_true(slice_equal(identities_tags(identities, id.tags, &n)[0], SLICE("a:1")));
    identities_release(identities, id);
    assert_int_equal(identities_find_text(identities, SLICE("x")), STRINGS_NONE);
    assert_int_equal(identities_find_tag(identities, SLICE("a:1")), STRINGS_NONE);
    assert_int_equal(counter_read(&ledger.strings), 0);
    identities_free(identities);
}

/* A histogram's "x.max" lives on when "x" is gone. */
static void another_name_holds_the_rest_too(void **state)
{
    static const char *const tags[] = { "a:1" };
    struct identities *identities = identities_new(&ledger);
    struct identity id = intern(identities, "x", tags, 1), made;
    (void)state;

    assert_true(identities_hold_named(identities, id, SLICE("x.max"), &made));
    identities_release(identities, id);
    assert_int_equal(identities_find_text(identities, SLICE("x")), STRINGS_NONE);
    assert_true(slice_equal(identities_text(identities, made.name), SLICE("x.max")));
    assert_true(slice_equal(identities_text(identities, made.host), SLICE("host")));
    assert_int_equal(identities_find_tag(identities, SLICE("a:1")),
                     *identities_tag_ids(identities, made.tags, &(size_t){ 0 }));
    identities_release(identities, made);
    assert_int_equal(counter_read(&ledger.strings), 0);
    identities_free(identities);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_equal_numbers),
        cmocka_unit_test(tags_are_read_back_in_their_order),
        cmocka_unit_test(texts_go_with_the_last_who_holds_them),
        cmocka_unit_test(another_name_holds_the_rest_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
