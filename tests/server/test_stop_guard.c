#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/log.h"
#include "server/commands/commands.h"
#include "server/stop_guard.h"
#include "tests/support/temp_file.h"

/* The process of its own hangs as a stop may. */
static void a_process_that_does_not_end_is_ended(void **state)
{
    char path[TEMP_PATH_SIZE];
    int status = 0;
    (void)state;

    temp_file_write(path, "", 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)log_open(LOG_LEVEL_INFO, path, false, false);
        stop_guard_begin(1);
        for (;;)
            pause();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SYSTEM);
    char *text = temp_file_read(path);
    assert_non_null(strstr(text, "ERROR server: the stop hangs beyond heeler_stop_timeout"));
    free(text);
    unlink(path);
}

static void a_stop_that_only_tidies_up_was_a_good_one(void **state)
{
    int status = 0;
    pid_t pid = fork();
    (void)state;

    if (pid == 0) {
        stop_guard_accounted();
        stop_guard_begin(1);
        for (;;)
            pause();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_does_not_end_is_ended),
        cmocka_unit_test(a_stop_that_only_tidies_up_was_a_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
