/* Any bytes as a configuration file: read whole or refused with sentences of printable
 * ASCII, without a crash, a hang or memory without bound. What was read prints. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/load.h"
#include "config/settings_print.h"

static void assert_printable(const struct string_list *sentences)
{
    for (size_t i = 0; i < sentences->n; i++)
        for (const char *at = sentences->at[i]; *at != '\0'; at++)
            if (*at < ' ' || *at > '~')
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
    static FILE *null;
    struct settings settings;
    struct problems problems = { .n_unlisted = 0 };
    char path[64];
    int fd = memfd_create("yaml", MFD_CLOEXEC);

    if (null == NULL)
        null = fopen("/dev/null", "we");
    if (fd < 0 || write(fd, at, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct settings_source source = { .file = path };
    bool loaded = settings_load(&settings, &source, &problems);

    if (loaded != (problems.errors.n == 0))
        abort();
    assert_printable(&problems.errors);
    assert_printable(&problems.warnings);
    assert_printable(&problems.notes);
    assert_printable(&problems.ignored);
    settings_print(&settings, null);
    settings_free(&settings);
    problems_free(&problems);
    close(fd);
    return 0;
}
