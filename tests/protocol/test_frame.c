#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/frame.h"
#include "tests/support/guard.h"

enum { MOST = 300 };

static void takes_whole_frames_and_leaves_the_rest(void **state)
{
    struct slice bytes = guarded("\5\0\0\0a:1|c\1\0\0\0x\2\0\0\0y", 19), payload;
    (void)state;

    assert_int_equal(frame_next(&bytes, MOST, &payload), FRAME_OK);
    assert_true(slice_equal(payload, SLICE("a:1|c")));
    assert_int_equal(frame_next(&bytes, MOST, &payload), FRAME_OK);
    assert_true(slice_equal(payload, SLICE("x")));
    assert_int_equal(frame_next(&bytes, MOST, &payload), FRAME_PARTIAL);
    assert_int_equal(bytes.len, 5); /* header and one byte wait for more */
}

static void judges_a_length_before_its_payload_is_there(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum frame_result result;
    } cases[] = {
        { "", 0, FRAME_PARTIAL },
        { "\5\0\0", 3, FRAME_PARTIAL },
        { "\5\0\0\0", 4, FRAME_PARTIAL },
        { "\54\1\0\0", 4, FRAME_PARTIAL },     /* 300: the most */
        { "\55\1\0\0", 4, FRAME_TOO_BIG },     /* 301 */
        { "\0\0\0\5a:1|c", 9, FRAME_TOO_BIG }, /* big-endian by mistake */
        { "\xFF\xFF\xFF\xFF", 4, FRAME_TOO_BIG },
        { "\0\0\0\0x", 5, FRAME_END },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice bytes = guarded(cases[i].bytes, cases[i].len), payload;

        assert_int_equal(frame_next(&bytes, MOST, &payload), cases[i].result);
        assert_int_equal(bytes.len, cases[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_whole_frames_and_leaves_the_rest),
        cmocka_unit_test(judges_a_length_before_its_payload_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
