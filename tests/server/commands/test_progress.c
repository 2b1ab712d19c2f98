#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/commands/progress.h"

#define SECOND_NS INT64_C(1000000000)
#define MIB       UINT64_C(1048576)

static void a_line_says_how_far_it_is(void **state)
{
    static const struct {
        uint64_t done, all;
        int64_t after_ns;
        const char *line;
    } rows[] = {
        { 0, 0, 0, "0.0 MiB" },
        { 3 * MIB / 2, 0, SECOND_NS, "1.5 MiB" }, /* a pipe has no size */
        { 0, MIB, 0, "[>                           ] 0.0 of 1.0 MiB" },
        { MIB, 4 * MIB, 20 * SECOND_NS,
          "[=======>                    ] 1.0 of 4.0 MiB, 1:00 left" },
        { MIB, 2 * MIB, 3661 * SECOND_NS,
          "[==============>             ] 1.0 of 2.0 MiB, 1:01:01 left" },
        { 2 * MIB, 2 * MIB, SECOND_NS,
          "[============================] 2.0 of 2.0 MiB, 0:00 left" },
        { 3 * MIB, 2 * MIB, SECOND_NS, /* the file has grown */
          "[============================] 3.0 of 2.0 MiB, 0:00 left" },
    };
    char line[PROGRESS_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        progress_write(rows[i].done, rows[i].all, rows[i].after_ns, line);
        assert_string_equal(line, rows[i].line);
    }
    progress_write(1, UINT64_MAX, INT64_MAX, line); /* it is cut where it is too long */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_how_far_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
