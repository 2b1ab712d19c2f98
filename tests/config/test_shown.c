#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/shown.h"

typedef void put_function(FILE *out, const char *at, size_t n);

static char *put(put_function *function, const char *at, size_t n)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    function(out, at, n);
    fclose(out);
    return text;
}

struct shown_case {
    const char *text, *shown, *json;
};

static const struct shown_case cases[] = {
    { "requests.total", "requests.total", "requests.total" },
    { "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>", /* a page's to escape */
      "<img src=x onerror=alert(1)>" },
    { "\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07",
      "\\u001b[2J\\u001b]0;title\\u0007" },
    { "a\x7f", "a\\x7f", "a\\u007f" },
    { "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd", "a\nb\tc\nd" },
    { "\xc2\x9b\x33m", "\\xc2\\x9b3m", "\\u009b3m" }, /* CSI in C1 */
    { "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
      "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80" }, /* letters stay */
    { "\xe2\x80\xae"
      "cod.exe",
      "\\xe2\\x80\\xae"
      "cod.exe",
      "\\u202e"
      "cod.exe" }, /* RLO */
    { "\xe2\x81\xa6x\xe2\x81\xa9", "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9", "\\u2066x\\u2069" },
    { "a\xe2\x80\x8b"
      "b",
      "a\\xe2\\x80\\x8b"
      "b",
      "a\\u200b"
      "b" }, /* a space of no width */
    { "a\xc2\xad"
      "b",
      "a\\xc2\\xad"
      "b",
      "a\\u00ad"
      "b" },                                                          /* a soft hyphen */
    { "\xef\xbb\xbfx", "\\xef\\xbb\\xbfx", "\\ufeffx" },              /* a byte order mark */
    { "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028" },                 /* an end of a line */
    { "\xf3\xa0\x80\xa0", "\\xf3\\xa0\\x80\\xa0", "\\udb40\\udc20" }, /* a tag character */
    { "\xff\xc3", "\\xff\\xc3", "\\ufffd\\ufffd" },                   /* no UTF-8 */
    { "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd" },   /* half a surrogate */
    { "\\x1b", "\\x1b", "\\x1b" }, /* typed so: a backslash stands for itself */
    { "", "", "" },
};

static void what_a_terminal_obeys_is_shown_as_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = put(shown_put, cases[i].text, strlen(cases[i].text));

        assert_string_equal(text, cases[i].shown);
        free(text);
    }
}

static void json_says_the_same_in_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = put(shown_put_json, cases[i].text, strlen(cases[i].text));

        assert_string_equal(text, cases[i].json);
        free(text);
    }
}

/* Of any three bytes: what is shown has none that a terminal obeys, in any encoding. */
static void no_bytes_at_all_reach_a_terminal_that_obeys_them(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second += 3) {
            const char bytes[] = { (char)first, (char)second, 'x' };
            char *text = put(shown_put, bytes, sizeof bytes);
            size_t n = strlen(text), len;

            for (size_t i = 0; i < n; i += len)
                assert_true(shown_is_plain(text + i, n - i, &len));
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_obeys_is_shown_as_bytes),
        cmocka_unit_test(json_says_the_same_in_escapes),
        cmocka_unit_test(no_bytes_at_all_reach_a_terminal_that_obeys_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
