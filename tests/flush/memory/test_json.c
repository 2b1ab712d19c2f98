#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "flush/memory/json.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

/* Fails with both texts. */
static void assert_text(const struct bytes *got, const char *want)
{
    assert_false(got->failed);
    if (!slice_equal(bytes_view(got), slice_of(want)))
        fail_msg("got %.*s, want %s", (int)got->len, (const char *)got->at, want);
}

static void strings_are_escaped(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        { "", "\"\"" },
        { "plain /text/", "\"plain /text/\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "\n\r\t\b\f", "\"\\n\\r\\t\\b\\f\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
        { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
        { "\xff", "\"\\ufffd\"" },
        { "a\x80z", "\"a\\ufffdz\"" },                              /* a lone continuation */
        { "\xc3", "\"\\ufffd\"" },                                  /* cut off */
        { "\xe2\x82", "\"\\ufffd\\ufffd\"" },                       /* one for each byte */
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },                       /* overlong */
        { "\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"" },            /* overlong */
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },            /* surrogate */
        { "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* above U+10FFFF */
        { "\xe2\x82"
          "A",
          "\"\\ufffd\\ufffdA\"" },
    };
    struct bytes out = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes_clear(&out);
        json_add_string(&out, slice_of(cases[i].text));
        assert_text(&out, cases[i].json);
        json_decref(json_loadb((char *)out.at, out.len, JSON_DECODE_ANY, NULL));
    }
    bytes_clear(&out);
    json_add_string(&out, (struct slice){ "a\0b", 3 });
    assert_text(&out, "\"a\\u0000b\"");
    bytes_free(&out);
}

/* Eight plain bytes are taken at a time. */
static void a_byte_is_escaped_wherever_it_stands(void **state)
{
    char text[24];
    struct bytes out = { 0 }, alone = { 0 };
    (void)state;

    for (int byte = 0; byte < 256; byte++) {
        char one = (char)byte;
        bytes_clear(&alone);
        json_add_escaped(&alone, (struct slice){ &one, 1 });
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = one;
            bytes_clear(&out);
            json_add_escaped(&out, (struct slice){ text, sizeof text });
            assert_int_equal(out.len, sizeof text - 1 + alone.len);
            assert_memory_equal(out.at + at, alone.at, alone.len);
        }
    }
    bytes_free(&alone);
    bytes_free(&out);
}

static void any_bytes_make_a_json_string_that_parses(void **state)
{
    struct bytes out = { 0 };
    char text[32];
    uint64_t seed = 44;
    (void)state;

    for (int i = 0; i < 20000; i++) {
        size_t len = next_random(&seed) % sizeof text;

        for (size_t k = 0; k < len; k++)
            text[k] = (char)(next_random(&seed) % 3 == 0 ? next_random(&seed) % 128
                                                         : 128 + next_random(&seed) % 128);
        bytes_clear(&out);
        json_add_string(&out, (struct slice){ text, len });
        json_t *read =
            json_loadb((char *)out.at, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

        assert_non_null(read);
        json_decref(read);
    }
    bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(any_bytes_make_a_json_string_that_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
