#include "tests/support/chart_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* name: behind that of heeler. */
static void find(const char *name, char path[CHART_PROGRAM_SIZE])
{
    const char *starter = getenv("HEELER_STARTER");
    char own[400];

    if (starter != NULL) {
        snprintf(path, CHART_PROGRAM_SIZE, "%s%s", starter, name);
        return;
    }
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);

    assert_true(len > 0);
    own[len] = '\0';
    char *tests = strstr(own, "/tests/");
    assert_non_null(tests);
    snprintf(path, CHART_PROGRAM_SIZE, "%.*s/heeler%s", (int)(tests - own), own, name);
    if (access(path, X_OK) != 0)
        fail_msg("%s is not built", path);
}

void chart_program_find(char path[CHART_PROGRAM_SIZE])
{
    find("-chart", path);
}

void calendar_program_find(char path[CHART_PROGRAM_SIZE])
{
    find("-calendar", path);
}
