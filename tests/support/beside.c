#include "tests/support/beside.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 8 };

/* False: there is no process for it. */
static bool start(const struct CMUnitTest *test)
{
    fflush(NULL); /* or it would be said twice */
    pid_t pid = fork();

    if (pid == 0)
        exit(_cmocka_run_group_tests(test->name, test, 1, NULL, NULL));
    if (pid < 0)
        perror(test->name);
    return pid > 0;
}

/* Whether the one that ends next has failed. */
static int await_one(void)
{
    int status = 1;

    return wait(&status) < 0 || status != 0;
}

int beside_run(const struct CMUnitTest *tests, size_t n)
{
    int failed = 0, running = 0;

    for (size_t i = 0; i < n; i++) {
        if (running == AT_ONCE) {
            failed += await_one();
            running--;
        }
        if (start(&tests[i]))
            running++;
        else
            failed++;
    }
    for (; running > 0; running--)
        failed += await_one();
    return failed;
}
