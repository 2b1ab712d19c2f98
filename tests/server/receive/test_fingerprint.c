#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/receive/fingerprint.h"
#include "tests/support/guard.h"

enum { MOST_BYTES = 3000 };

typedef struct fingerprint hash(struct slice name, struct slice tags, unsigned kind);

static bool equal(struct fingerprint a, struct fingerprint b)
{
    return a.low == b.low && a.high == b.high;
}

static const char *some_bytes(void)
{
    static char bytes[MOST_BYTES];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 7);
    return bytes;
}

/* As a copy that ends where nothing may be read. */
static struct fingerprint hash_guarded(hash *way, size_t name, size_t tags, unsigned kind)
{
    static char copy[MOST_BYTES];

    memcpy(copy, some_bytes(), name);
    return way((struct slice){ copy, name }, guarded(some_bytes(), tags), kind);
}

static void depends_on_every_byte(hash *way)
{
    static const size_t lengths[] = { 1, 15, 16, 17, 63, 64, 65, 128, 1023, 1024, 1025, 2500 };
    char bytes[MOST_BYTES];

    memcpy(bytes, some_bytes(), sizeof bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct slice text = { bytes, lengths[i] };
        struct fingerprint name = way(text, SLICE("tag:x"), 1);
        struct fingerprint tags = way(SLICE("name"), text, 1);

        for (size_t at = 0; at < lengths[i]; at++) {
            bytes[at] ^= 1;
            assert_false(equal(way(text, SLICE("tag:x"), 1), name));
            assert_false(equal(way(SLICE("name"), text, 1), tags));
            bytes[at] ^= 1;
        }
        assert_true(equal(way(text, SLICE("tag:x"), 1), name));
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fingerprint));
}

/* Every split of equal bytes into name and tags, zero bytes at the end, and the kinds. */
static void depends_on_lengths_and_kind(hash *way)
{
    enum { LONGEST = 140, KINDS = 6 };
    static struct fingerprint prints[LONGEST * LONGEST + KINDS];
    static const char zeros[LONGEST];
    size_t n = 0;

    for (size_t name = 1; name < LONGEST; name++)
        for (size_t tags = 0; tags < LONGEST; tags++)
            prints[n++] = way((struct slice){ zeros, name }, (struct slice){ zeros, tags }, 0);
    for (unsigned kind = 1; kind < KINDS; kind++)
        prints[n++] = way((struct slice){ zeros, 1 }, (struct slice){ zeros, 0 }, kind);
    qsort(prints, n, sizeof prints[0], compare);
    for (size_t i = 1; i < n; i++)
        assert_false(equal(prints[i], prints[i - 1]));
}

static void reads_nothing_behind_the_end(hash *way)
{
    for (size_t length = 0; length < 200; length++) {
        struct fingerprint guarded_print = hash_guarded(way, length + 1, length, 2);
        struct slice name = { some_bytes(), length + 1 }, tags = { some_bytes(), length };

        assert_true(equal(guarded_print, way(name, tags, 2)));
    }
}

static void check_way(hash *way)
{
    depends_on_every_byte(way);
    depends_on_lengths_and_kind(way);
    reads_nothing_behind_the_end(way);
}

static void the_portable_way_tells_identities_apart(void **state)
{
    (void)state;
    check_way(fingerprint_hash_portable);
}

static void the_vector_way_tells_identities_apart(void **state)
{
    (void)state;
#ifdef __x86_64__
    if (fingerprint_has_vector()) {
        check_way(fingerprint_hash_vector);
        return;
    }
#endif
    skip();
}

static void another_secret_gives_another_hash(void **state)
{
    struct fingerprint before = fingerprint_hash(SLICE("name"), SLICE("a:b"), 0);

    (void)state;
    assert_true(fingerprint_make_secret());
    assert_false(equal(fingerprint_hash(SLICE("name"), SLICE("a:b"), 0), before));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_portable_way_tells_identities_apart),
        cmocka_unit_test(the_vector_way_tells_identities_apart),
        cmocka_unit_test(another_secret_gives_another_hash),
    };

    return fingerprint_make_secret() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
