#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/parse.h"
#include "protocol/scan.h"
#include "tests/support/guard.h"

enum { MOST_BYTES = 3 * SCAN_WINDOW };

static uint64_t next_random(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

/* Bytes that mean something, the first few of them rarely if common is small. */
static struct slice random_datagram(size_t len, unsigned common)
{
    static const char letters[] = "\n\r:|#@Tcgs1.0x_,ab";
    static char bytes[MOST_BYTES];

    for (size_t i = 0; i < len; i++) {
        uint64_t random = next_random();
        bool special = (random >> 32) % 100 < common;

        bytes[i] = special ? letters[random % (sizeof letters - 1)] : (char)('a' + random % 8);
    }
    return guarded(bytes, len);
}

/* A datagram of plausible lines of one length, each ending in last. */
static struct slice packed_datagram(size_t line_len, size_t len, char last)
{
    static char bytes[MOST_BYTES];
    size_t colon = line_len < 40 ? line_len / 3 : 13;

    for (size_t i = 0; i < len; i++) {
        size_t at = i % (line_len + 1);

        bytes[i] = (char)('a' + at % 26);
        if (at >= colon && at < colon + 6)
            bytes[i] = ":5|c|#"[at - colon];
        else if (at == line_len - 1)
            bytes[i] = last;
        else if (at == line_len)
            bytes[i] = '\n';
    }
    return guarded(bytes, len);
}

static bool same_marks(struct marks a, struct marks b)
{
    return a.colon == b.colon && a.pipe == b.pipe && a.type_end == b.type_end &&
           a.one_field == b.one_field;
}

static void expect_the_lines_and_marks_of_the_plain_way(struct slice datagram,
                                                        bool need_newline)
{
    struct lines lines = lines_of(datagram, need_newline);
    struct slice expected;
    struct scan scan;

    scan_start(&scan, datagram, need_newline);
    while (lines_next(&lines, &expected)) {
        struct marked_line next = scan_next(&scan, &scan.next);
        assert_ptr_equal(next.line.at, expected.at);
        assert_int_equal(next.line.len, expected.len);
        assert_true(same_marks(next.marks, marks_of(expected)));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(scan_next(&scan, &scan.next).line.len, 0);
    assert_int_equal(scan.unterminated.len > 0, lines.unterminated);
}

static void finds_the_lines_and_marks_of_the_plain_way(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        expect_the_lines_and_marks_of_the_plain_way(random_datagram(len, 50), false);
        expect_the_lines_and_marks_of_the_plain_way(random_datagram(len, 10), true);
    }
    for (int i = 0; i < 300; i++) {
        size_t len = next_random() % MOST_BYTES;

        expect_the_lines_and_marks_of_the_plain_way(random_datagram(len, 10), i % 2 == 0);
        expect_the_lines_and_marks_of_the_plain_way(random_datagram(len, 1), i % 2 == 0);
    }
    expect_the_lines_and_marks_of_the_plain_way(random_datagram(MOST_BYTES, 0), false);
}

static void finds_lines_of_every_length_at_every_place(void **state)
{
    (void)state;
    for (size_t line_len = 9; line_len < 200; line_len++) {
        expect_the_lines_and_marks_of_the_plain_way(packed_datagram(line_len, 1432, '|'),
                                                    false);
        expect_the_lines_and_marks_of_the_plain_way(packed_datagram(line_len, 1432, 'z'), true);
    }
    for (size_t len = SCAN_WINDOW - 70; len < SCAN_WINDOW + 70; len++)
        expect_the_lines_and_marks_of_the_plain_way(packed_datagram(77, len, '|'),
                                                    len % 2 == 0);
}

/* Datagrams of that length, and a last one of what is left. */
static void expect_the_lines_of_each(struct slice bytes, size_t each)
{
    struct datagrams datagrams = { bytes, each, (bytes.len + each - 1) / each };
    struct slice rest = bytes, expected;
    struct scan scan;

    scan_start_many(&scan, datagrams);
    for (size_t i = 0; i < datagrams.n; i++) {
        size_t len = rest.len < each ? rest.len : each;
        struct lines lines = lines_of((struct slice){ rest.at, len }, false);

        while (lines_next(&lines, &expected)) {
            struct marked_line next = scan_next(&scan, &scan.next);
            assert_ptr_equal(next.line.at, expected.at);
            assert_int_equal(next.line.len, expected.len);
            assert_true(same_marks(next.marks, marks_of(expected)));
        }
        rest = slice_skip(rest, len);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(scan_next(&scan, &scan.next).line.len, 0);
    assert_int_equal(scan.unterminated.len, 0);
}

static void no_line_lies_in_two_datagrams(void **state)
{
    (void)state;
    for (size_t each = 1; each < 200; each++) {
        expect_the_lines_of_each(random_datagram(each * 3, 50), each);
        expect_the_lines_of_each(random_datagram(each * 4 + 1, 10), each);
        expect_the_lines_of_each(packed_datagram(77, 1000, 'z'), each);
    }
    for (size_t each = 1; each < 1500; each++)
        expect_the_lines_of_each(packed_datagram(77, SCAN_WINDOW, '|'), each);
    for (int i = 0; i < 300; i++) {
        size_t len = 2 + next_random() % (SCAN_WINDOW - 1),
               each = 1 + next_random() % (len - 1);

        expect_the_lines_of_each(random_datagram(len, 10), each);
        expect_the_lines_of_each(random_datagram(len, 1), each);
    }
}

/* Nobody looks at the bytes again, so nobody sees that they have changed. */
static void uses_the_bits_for_ordinary_lines(void **state)
{
    struct slice datagram = packed_datagram(77, 1432, 'z');
    struct marks marks = marks_of((struct slice){ datagram.at, 77 });
    struct scan scan;
    (void)state;

    scan_start(&scan, datagram, false);
    memset((char *)datagram.at, 'z', datagram.len);
    for (int i = 0; i < 18; i++) {
        struct marked_line next = scan_next(&scan, &scan.next);
        assert_int_equal(next.line.len, 77);
        assert_true(same_marks(next.marks, marks));
    }
}

static void makes_the_bits_of_the_plain_path(void **state)
{
    static struct scan_bits plain, bits;
    (void)state;

    for (size_t len = 0; len < 400; len++) {
        struct slice bytes = random_datagram(len, 60);

        memset(&plain, 0x55, sizeof plain);
        bits = plain;
        scan_fill(SCAN_plain, bytes, &plain);
        scan_fill((enum scan_path)scan_step.used, bytes, &bits);
        assert_memory_equal(&plain, &bits, sizeof plain);
    }
}

static void expect_same_sample(const struct sample *a, const struct sample *b)
{
    assert_true(slice_equal(a->name, b->name));
    assert_true(slice_equal(a->tags, b->tags));
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->plain, b->plain);
    assert_int_equal(a->n_values, b->n_values);
    assert_int_equal(a->time_s, b->time_s);
    assert_memory_equal(&a->rate, &b->rate, sizeof a->rate);
    if (a->type == METRIC_SET)
        assert_true(slice_equal(sample_member(a), sample_member(b)));
    else
        assert_memory_equal(a->values, b->values, a->n_values * sizeof(double));
}

enum { MOST_AT_ONCE = 5 };

/* The next line of the plain way is what the samples ended at. */
static void expect_the_same_stop(struct lines *lines, struct parser *plain,
                                 const struct parsed *stop, const struct sample *sample,
                                 bool timed)
{
    struct sample expected;
    struct slice line;

    assert_true(lines_next(lines, &line));
    assert_ptr_equal(line.at, stop->line.at);
    assert_int_equal(line.len, stop->line.len);
    assert_int_equal(parse_kind(line), stop->kind);
    if (stop->kind != LINE_METRIC)
        return;
    assert_int_equal(parse_sample(plain, line, &expected), stop->result);
    if (stop->result != PARSE_OK)
        return;
    assert_int_equal(expected.time_s != 0, !timed);
    expect_same_sample(sample, &expected);
}

/* As ingest.c does: a sample with a time, or without one, leads to those of its kind. */
static void expect_the_samples_of_the_plain_way(struct slice datagram, uint32_t at_once)
{
    static double pool[MOST_BYTES], plain_pool[MOST_BYTES];
    struct parser parser = { .pool = pool }, plain = { .pool = plain_pool };
    struct lines lines = lines_of(datagram, false);
    struct parsed stop = { .line.len = 1 };
    struct sample samples[MOST_AT_ONCE], expected;
    struct slice line;
    struct scan scan;
    bool timed = false;

    scan_start(&scan, datagram, false);
    while (stop.line.len > 0) {
        uint32_t n =
            (timed ? parse_timed : parse_samples)(&parser, &scan, samples, at_once, &stop);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(lines_next(&lines, &line));
            assert_int_equal(parse_kind(line), LINE_METRIC);
            assert_int_equal(parse_sample(&plain, line, &expected), PARSE_OK);
            assert_int_equal(expected.time_s != 0, timed);
            expect_same_sample(&samples[i], &expected);
        }
        if (n < at_once && stop.line.len > 0)
            expect_the_same_stop(&lines, &plain, &stop, &samples[n], timed);
        assert_int_equal(parser.n_pooled, plain.n_pooled);
        assert_memory_equal(parser.values, plain.values, sizeof plain.values);
        if (n == at_once)
            stop.line.len = 1; /* nothing ended it */
        else if (stop.kind == LINE_METRIC && stop.result == PARSE_OK)
            timed = !timed;
    }
    assert_false(lines_next(&lines, &line));
}

/* Lines put together from pieces, so that many are good. */
static struct slice random_lines(size_t count)
{
    static const char *const pieces[][8] = {
        { "a", "requests.total", "", "service.requests.count.of.a.long.name.that.fills.blocks",
          "_e{", "_sc", "_", "x" },
        { ":", ":", ":", ":", ":", ":", "|", "" },
        { "1", "12345678", "1.5", "-3", ".25", "1:2:3", "x", "123456789.125" },
        { "|", "|", "|", "|", "|", "|", "||", ":" },
        { "c", "g", "ms", "s", "h", "d", "x", "" },
        { "", "|#a:b", "|@0.5", "|T5", "|c:x", "|#", "|", "|@x" },
        { "", "|#env:prod,service:checkout,region:eu-west-1,az:eu-west-1a", "", "|T7", "", "|?",
          "", "" },
        { "\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n", "" },
    };
    static char bytes[MOST_BYTES];
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t place = 0; place < sizeof pieces / sizeof pieces[0]; place++) {
            const char *piece = pieces[place][next_random() % 8];
            memcpy(bytes + n, piece, strlen(piece));
            n += strlen(piece);
        }
    return guarded(bytes, n);
}

static void parses_as_the_plain_way_does(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++)
        expect_the_samples_of_the_plain_way(random_lines(1 + (size_t)i % 12),
                                            1 + (uint32_t)i % MOST_AT_ONCE);
    for (int i = 0; i < 2000; i++)
        expect_the_samples_of_the_plain_way(random_datagram(next_random() % 300, 60),
                                            1 + (uint32_t)i % MOST_AT_ONCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_lines_and_marks_of_the_plain_way),
        cmocka_unit_test(finds_lines_of_every_length_at_every_place),
        cmocka_unit_test(no_line_lies_in_two_datagrams),
        cmocka_unit_test(uses_the_bits_for_ordinary_lines),
        cmocka_unit_test(makes_the_bits_of_the_plain_path),
        cmocka_unit_test(parses_as_the_plain_way_does),
    };

    int failed = 0;

    for (scan_step.used = 0; scan_step.used < scan_step.n; scan_step.used++)
        if (cpu_has(scan_step.paths[scan_step.used].needs))
            failed += cmocka_run_group_tests_name(scan_step.paths[scan_step.used].word, tests,
                                                  NULL, NULL);
    return failed;
}
