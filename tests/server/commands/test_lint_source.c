#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#include "protocol/dog.h"
#include "server/commands/lint_line.h"
#include "server/commands/lint_source.h"

/* "1:line 2:line", of so many bytes; behind them why it ended, unless all was read. */
static char *read_all(const char *bytes, size_t n)
{
    struct lint_source *source = lint_source_new(fmemopen((void *)(uintptr_t)bytes, n, "r"));
    struct slice line;
    struct lint_place place;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(source);
    for (const char *between = ""; lint_source_next(source, &line, &place); between = " ")
        fprintf(out, "%s%d:%.*s", between, (int)place.number, (int)line.len, line.at);
    if (lint_source_problem(source) != NULL)
        fprintf(out, " %s", lint_source_problem(source));
    lint_source_free(source);
    fclose(out);
    return text;
}

static void lines_end_in_newlines_or_with_the_file(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "a\n", "1:a" },
        { "a", "1:a" },
        { "a\r\nb\r\n", "1:a 2:b" },
        { "a\n\nb", "1:a 2: 3:b" }, /* an empty one has its number */
        { "\n", "1:" },
        { "a\rb\n", "1:a\rb" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = read_all(cases[i].text, strlen(cases[i].text));

        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void a_line_without_end_is_cut(void **state)
{
    size_t n = 3 * LINT_LINE_MAX;
    char *bytes = malloc(n);
    (void)state;

    memset(bytes, 'x', n);
    bytes[n - 2] = '\n';
    char *got = read_all(bytes, n);

    assert_int_equal(strlen(got), 2 + LINT_LINE_MAX + 4);
    assert_string_equal(got + 2 + LINT_LINE_MAX, " 2:x");
    free(got);
    free(bytes);
}

/* As /dev/zero has one: whoever waits for its end waits for ever. */
static void a_line_that_does_not_end_is_told(void **state)
{
    struct lint_source *source = lint_source_new(fopen("/dev/zero", "re"));
    struct lint_place place;
    struct slice line;
    (void)state;

    assert_non_null(source);
    assert_false(lint_source_next(source, &line, &place));
    assert_string_equal(lint_source_problem(source),
                        "a line of more than 64 MiB: this is no file of lines");
    lint_source_free(source);
}

/* ---- captures ---------------------------------------------------------- */

static void put_record(FILE *out, const char *payload)
{
    struct dog_record record = { .time_ns = 1, .pid = 4711, .payload = slice_of(payload) };
    unsigned char front[DOG_FRONT_MAX];
    size_t n = dog_write_front(&record, front);

    fwrite(front, 1, n, out);
    fputs(payload, out);
}

/* Of these datagrams; owned. */
static char *make_capture(const char *const *payloads, size_t *n)
{
    unsigned char header[DOG_HEADER_BYTES], end[DOG_END_BYTES];
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, n);

    dog_write_header(header);
    dog_write_end(end);
    fwrite(header, 1, sizeof header, out);
    for (; *payloads != NULL; payloads++)
        put_record(out, *payloads);
    fwrite(end, 1, sizeof end, out);
    fclose(out);
    return bytes;
}

static void a_capture_has_the_lines_of_its_datagrams(void **state)
{
    static const char *const payloads[] = { "a:1|c\nb:1|c", "\n", "c:1|c\r\n", NULL };
    size_t n;
    char *bytes = make_capture(payloads, &n), *got = read_all(bytes, n);
    (void)state;

    assert_string_equal(got, "1:a:1|c 1:b:1|c 3:c:1|c");
    free(got);
    got = read_all(bytes, n - DOG_END_BYTES - 1); /* cut amid the last record */
    assert_int_equal(strncmp(got, "1:a:1|c 1:b:1|c byte ", 21), 0);
    free(got);
    free(bytes);
}

static void a_capture_knows_who_sent(void **state)
{
    static const char *const payloads[] = { "a:1|c", NULL };
    struct lint_place place;
    struct slice line;
    size_t n;
    char *bytes = make_capture(payloads, &n);
    struct lint_source *source = lint_source_new(fmemopen(bytes, n, "r"));
    (void)state;

    assert_true(lint_source_next(source, &line, &place));
    assert_int_equal(place.sender, 4711);
    lint_source_free(source);
    free(bytes);
}

static void a_compressed_capture_is_one_too(void **state)
{
    static const char *const payloads[] = { "a:1|c", NULL };
    size_t n;
    char *bytes = make_capture(payloads, &n), packed[512];
    (void)state;

    size_t size = ZSTD_compress(packed, sizeof packed, bytes, n, 1);
    assert_false(ZSTD_isError(size));
    char *got = read_all(packed, size);

    assert_string_equal(got, "1:a:1|c");
    free(got);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_newlines_or_with_the_file),
        cmocka_unit_test(a_line_without_end_is_cut),
        cmocka_unit_test(a_line_that_does_not_end_is_told),
        cmocka_unit_test(a_capture_has_the_lines_of_its_datagrams),
        cmocka_unit_test(a_capture_knows_who_sent),
        cmocka_unit_test(a_compressed_capture_is_one_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
