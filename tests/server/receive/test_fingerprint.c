/* Every code path that the processor has runs through all of this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/receive/fingerprint_internal.h"
#include "tests/support/guard.h"

enum { MOST_BYTES = 3000 };

static bool equal(struct fingerprint a, struct fingerprint b)
{
    return a.low == b.low && a.high == b.high;
}

static struct fingerprint hash(struct slice name, struct slice tags)
{
    return fingerprint_hash(name, tags, 1);
}

static void fill_text(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + i % 7);
}

/* ---- what counts ------------------------------------------------------- */

static void expect_every_byte_to_count(char *bytes, size_t len)
{
    struct slice text = { bytes, len };
    struct fingerprint name = hash(text, SLICE("tag:x")), tags = hash(SLICE("name"), text);

    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= 1;
        if (equal(hash(text, SLICE("tag:x")), name) || equal(hash(SLICE("name"), text), tags))
            fail_msg("byte %zu of %zu does not count", at, len);
        bytes[at] ^= 1;
    }
    assert_true(equal(hash(text, SLICE("tag:x")), name));
}

static void every_byte_counts(void **state)
{
    static const size_t longer[] = { 1023, 1024, 1025, 1039, 1040, 1041, 1088, 2500 };
    char bytes[MOST_BYTES];
    (void)state;

    fill_text(bytes, sizeof bytes);
    for (size_t len = 1; len < 330; len++)
        expect_every_byte_to_count(bytes, len);
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        expect_every_byte_to_count(bytes, longer[i]);
}

static void swap_16(char *a, char *b)
{
    char kept[16];

    memcpy(kept, a, 16);
    memcpy(a, b, 16);
    memcpy(b, kept, 16);
}

/* Any two of them, also of the name and of the tags. */
static void the_place_of_16_bytes_counts(void **state)
{
    enum { PLACES = 80 };
    static char bytes[16 * PLACES];
    static const size_t names[] = { 1, 2, 3, 4, 8, 15, 17, 40, 79 };
    (void)state;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i / 16);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct slice name = { bytes, 16 * names[i] };
        struct slice tags = { bytes + name.len, sizeof bytes - name.len };
        struct fingerprint before = hash(name, tags);

        for (size_t a = 0; a < PLACES; a++)
            for (size_t b = 0; b < a; b++) {
                swap_16(bytes + 16 * a, bytes + 16 * b);
                assert_false(equal(hash(name, tags), before));
                swap_16(bytes + 16 * a, bytes + 16 * b);
            }
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fingerprint));
}

/* Every split of the same bytes into name and tags, with more of them and fewer, and the
 * kinds. If they are zeros, only the lengths tell them apart. */
static void expect_lengths_and_kind_to_count(const char *bytes)
{
    enum { LONGEST = 140, KINDS = 6 };
    static struct fingerprint prints[LONGEST * LONGEST + KINDS];
    size_t n = 0;

    for (size_t name = 1; name < LONGEST; name++)
        for (size_t tags = 0; tags < LONGEST; tags++)
            prints[n++] =
                fingerprint_hash((struct slice){ bytes, name },
                                 (struct slice){ bytes + (tags % 2 == 0 ? 0 : name), tags }, 0);
    for (unsigned kind = 1; kind < KINDS; kind++)
        prints[n++] =
            fingerprint_hash((struct slice){ bytes, 1 }, (struct slice){ bytes, 0 }, kind);
    qsort(prints, n, sizeof prints[0], compare);
    for (size_t i = 1; i < n; i++)
        assert_false(equal(prints[i], prints[i - 1]));
}

static void lengths_and_kind_count(void **state)
{
    static const char zeros[300];
    char text[300];
    (void)state;

    fill_text(text, sizeof text);
    expect_lengths_and_kind_to_count(zeros);
    expect_lengths_and_kind_to_count(text);
}

/* ---- what does not ----------------------------------------------------- */

/* Both end where nothing may be read, or begin behind such a place. */
static void what_stands_around_does_not_count(void **state)
{
    static char around[MOST_BYTES];
    char text[MOST_BYTES];
    (void)state;

    fill_text(text, sizeof text);
    for (size_t len = 0; len < 200; len++) {
        struct slice name = { text, len + 1 }, tags = { text, len };
        struct fingerprint print = hash(name, tags);
        struct slice last = guarded(text, len);

        assert_true(equal(hash(guarded(text, len + 1), last), print));
        for (int other = 0; other < 3; other++) {
            memset(around, other * 0x55, sizeof around);
            memcpy(around + 100, text, len + 1);
            name.at = around + 100;
            assert_true(equal(hash(name, last), print));
        }
    }
}

static void another_secret_gives_another_hash(void **state)
{
    struct fingerprint before = hash(SLICE("name"), SLICE("a:b"));
    (void)state;

    assert_true(fingerprint_make_secret());
    assert_false(equal(hash(SLICE("name"), SLICE("a:b")), before));
}

/* ---- by the book ------------------------------------------------------- */

/* The pieces and rounds of fingerprint.h, byte by byte. */

static uint8_t times_two(uint8_t x)
{
    return (uint8_t)(x << 1 ^ (x >> 7) * 0x1b);
}

static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;

    for (; b != 0; b >>= 1, a = times_two(a))
        product ^= (uint8_t)((b & 1) * a);
    return product;
}

/* The inverse, which is the 254th power, and an affine map (FIPS 197, 5.1.1). */
static uint8_t substitute(uint8_t x)
{
    static uint8_t known[256];
    static bool is_known[256];
    uint8_t power = 1;

    if (is_known[x])
        return known[x];
    for (int i = 0; i < 254; i++)
        power = multiply(power, x);
    uint8_t out = 0x63;
    for (int turn = 0; turn < 5; turn++)
        out ^= (uint8_t)(power << turn | power >> (8 - turn));
    is_known[x] = true;
    return known[x] = out;
}

/* Of 16 bytes, which are four columns. */
static void aes_round(uint8_t *state, const uint8_t *key)
{
    uint8_t moved[16];

    for (int i = 0; i < 16; i++) {
        state[i] ^= key[i];
        moved[(i + 16 - 4 * (i % 4)) % 16] = substitute(state[i]);
    }
    for (int i = 0; i < 16; i++) {
        const uint8_t *column = moved + i / 4 * 4;

        state[i] = times_two(column[i % 4]) ^ times_two(column[(i + 1) % 4]) ^
                   column[(i + 1) % 4] ^ column[(i + 2) % 4] ^ column[(i + 3) % 4];
    }
}

/* Keys are four rows as wide as a piece. */
static void four_rounds(uint8_t *piece, size_t width, const uint8_t *keys)
{
    for (size_t lane = 0; lane < width; lane += 16)
        for (size_t row = 0; row < 4; row++)
            aes_round(piece + lane, keys + row * width + lane);
}

static void add_piece(uint8_t *sum, size_t width, const char *at, size_t len,
                      const uint8_t *keys)
{
    uint8_t piece[64] = { 0 };

    memcpy(piece, at, len);
    four_rounds(piece, width, keys);
    for (size_t i = 0; i < width; i++)
        sum[i] ^= piece[i];
}

static void add_text(uint8_t *sum, size_t width, struct slice text, const uint8_t *keys,
                     size_t bytes_with_place)
{
    const char *last = text.at + text.len - width;
    size_t place = 0, at = 0;

    if (text.len == 0)
        return;
    if (text.len <= width) {
        add_piece(sum, width, text.at, text.len, keys);
    } else if (text.len <= 4 * width) {
        add_piece(sum, width, text.at, width, keys);
        add_piece(sum, width, last, width, keys + 4 * width);
        if (text.len <= 2 * width)
            return;
        add_piece(sum, width, text.at + width, width, keys + 8 * width);
        add_piece(sum, width, last - width, width, keys + 12 * width);
    } else {
        for (; at + width < text.len; at += width) {
            add_piece(sum, width, text.at + at, width, keys + 4 * place * width);
            place++;
            if (place * width == bytes_with_place) {
                four_rounds(sum, width, fingerprint_secret.turn);
                place = 0;
            }
        }
        add_piece(sum, width, last, width, keys + 4 * place * width);
    }
}

static struct fingerprint hash_by_the_book(struct slice name, struct slice tags, size_t width)
{
    uint64_t lengths = htole64((uint64_t)name.len << 34 ^ (uint64_t)tags.len << 4 ^ 1);
    uint8_t sum[64] = { 0 };
    struct fingerprint print;

    memcpy(sum + 8, &lengths, sizeof lengths);
    add_text(sum, width, name, fingerprint_secret.name, FINGERPRINT_NAME);
    add_text(sum, width, tags, fingerprint_secret.tags, FINGERPRINT_TAGS);
    for (size_t i = 16; i < width; i++)
        sum[i % 16] ^= sum[i];
    memcpy(&print, sum, sizeof print);
    return print;
}

static size_t width_in_use(void)
{
    const char *word = hash_step.paths[hash_step.used].word;

    return strcmp(word, "vaes512") == 0   ? 64
           : strcmp(word, "vaes256") == 0 ? 32
           : strcmp(word, "aes") == 0     ? 16
                                          : 0;
}

static void pieces_go_through_four_rounds(void **state)
{
    static const size_t more[] = { 340, 600, 1024, 1025, 2048, 2500 };
    size_t width = width_in_use();
    char bytes[MOST_BYTES];
    (void)state;

    if (width == 0)
        skip(); /* XXH3 has a book of its own */
    fill_text(bytes, sizeof bytes);
    for (size_t i = 0; i < 300 + sizeof more / sizeof more[0]; i++) {
        size_t len = i < 300 ? i : more[i - 300];
        struct slice text = { bytes, len }, longer = { bytes + 1, len + 1 };

        assert_true(equal(hash(longer, text), hash_by_the_book(longer, text, width)));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(the_place_of_16_bytes_counts),
        cmocka_unit_test(lengths_and_kind_count),
        cmocka_unit_test(what_stands_around_does_not_count),
        cmocka_unit_test(another_secret_gives_another_hash),
        cmocka_unit_test(pieces_go_through_four_rounds),
    };
    int failed = !fingerprint_make_secret();

    for (hash_step.used = 0; hash_step.used < hash_step.n; hash_step.used++)
        if (cpu_has(hash_step.paths[hash_step.used].needs))
            failed += cmocka_run_group_tests_name(hash_step.paths[hash_step.used].word, tests,
                                                  NULL, NULL);
    return failed;
}
