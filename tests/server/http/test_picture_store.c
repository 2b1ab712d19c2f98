#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/http/picture_store.h"

enum { NOW_S = 1700000000 };

static struct bytes picture_of(size_t len, unsigned char byte)
{
    struct bytes bytes = { 0 };

    memset(bytes_room(&bytes, len), byte, len);
    bytes.len = len;
    return bytes;
}

static void keep(struct picture_store *store, size_t len, unsigned char byte, int64_t now_s,
                 char name[PICTURE_NAME_SIZE])
{
    struct bytes picture = picture_of(len, byte);

    assert_true(picture_store_add(store, &picture, now_s, name));
    assert_null(picture.at);
}

static bool has(struct picture_store *store, const char *name, int64_t now_s)
{
    return picture_store_find(store, slice_of(name), now_s).len > 0;
}

static void a_picture_is_found_by_its_name_for_a_day(void **state)
{
    struct picture_store store = { 0 };
    char one[PICTURE_NAME_SIZE], two[PICTURE_NAME_SIZE];
    (void)state;

    keep(&store, 100, 'a', NOW_S, one);
    keep(&store, 200, 'b', NOW_S + 60, two);
    assert_int_equal(strlen(one), PICTURE_NAME_SIZE - 1);
    assert_int_equal(strspn(one, "0123456789abcdef"), PICTURE_NAME_SIZE - 1);
    assert_string_not_equal(one, two);
    struct slice found = picture_store_find(&store, slice_of(two), NOW_S + 60);
    assert_int_equal(found.len, 200);
    assert_int_equal(found.at[199], 'b');
    assert_true(has(&store, one, NOW_S + PICTURE_STORE_S - 1));
    assert_false(has(&store, one, NOW_S + PICTURE_STORE_S));
    assert_true(has(&store, two, NOW_S + PICTURE_STORE_S));
    picture_store_expire(&store, NOW_S + PICTURE_STORE_S + 60);
    assert_null(store.oldest);
    assert_int_equal(store.bytes, 0);
}

static void nobody_guesses(void **state)
{
    struct picture_store store = { 0 };
    char name[PICTURE_NAME_SIZE];
    (void)state;

    assert_false(has(&store, "", NOW_S));
    keep(&store, 100, 'a', NOW_S, name);
    assert_false(has(&store, "", NOW_S));
    assert_int_equal(picture_store_find(&store, (struct slice){ name, 31 }, NOW_S).len, 0);
    assert_int_equal(picture_store_find(&store, (struct slice){ name, 33 }, NOW_S).len, 0);
    picture_store_clear(&store);
}

static void the_oldest_make_room(void **state)
{
    enum { LEN = 1 << 20, FIT = PICTURE_STORE_BYTES / LEN - 1, ALL = FIT + 5 };
    static char names[ALL][PICTURE_NAME_SIZE];
    struct picture_store store = { 0 };
    (void)state;

    for (int i = 0; i < ALL; i++) {
        keep(&store, LEN, 'x', NOW_S + i, names[i]);
        assert_true(store.bytes <= PICTURE_STORE_BYTES);
    }
    for (int i = 0; i < ALL; i++)
        assert_int_equal(has(&store, names[i], NOW_S + ALL), i >= ALL - FIT);
    struct bytes large = picture_of(PICTURE_STORE_BYTES, 'x');
    char name[PICTURE_NAME_SIZE];
    assert_false(picture_store_add(&store, &large, NOW_S + ALL, name));
    assert_null(large.at);
    assert_true(has(&store, names[ALL - 1], NOW_S + ALL)); /* nothing went for it */
    picture_store_clear(&store);
}

/* One kept before the clock was set back a month does not live for a month. */
static void a_clock_that_is_set_back_keeps_none_for_longer(void **state)
{
    struct picture_store store = { 0 };
    char name[PICTURE_NAME_SIZE];
    (void)state;

    keep(&store, 100, 'a', NOW_S, name);
    assert_true(has(&store, name, NOW_S));
    assert_false(has(&store, name, NOW_S - 30 * 86400));
    picture_store_clear(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_found_by_its_name_for_a_day),
        cmocka_unit_test(nobody_guesses),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(a_clock_that_is_set_back_keeps_none_for_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
