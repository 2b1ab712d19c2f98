/* calendar/main.c: heeler-calendar, a program that knows when what recurs does so.
 *
 *   heeler-calendar <RECURRENCES >OCCURRENCES
 *
 * Both forms are in flush/monitors/calendar.h. It is a program of its own so that a server
 * never has libical's memory, and so that no rule of strangers can hold it up
 * (config/limits.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar/occur.h"
#include "config/limits.h"

enum {
    MEMORY_MAX = 256 << 20, /* of addresses: ICU's data is mapped, and hardly read */
    ROOM = DOWNTIME_RECURRENCES_MAX * (CALENDAR_OCCURRENCES_MAX + 2)
};

/* Exit statuses; what is wrong is a sentence on standard error. */
enum { ANSWERED = 0, NOT_POSSIBLE = 1, BAD_RULE = 2 };

static int complain(int status, const char *sentence)
{
    fprintf(stderr, "heeler-calendar: %s\n", sentence);
    return status;
}

static int by_start(const void *a, const void *b)
{
    const struct occurrence *one = a, *other = b;

    return (one->start_s > other->start_s) - (one->start_s < other->start_s);
}

static int answer(struct occurrence *at, size_t n)
{
    qsort(at, n, sizeof *at, by_start);
    for (size_t i = 0; i < n; i++)
        if (printf("%" PRId64 "\t%" PRId64 "\n", at[i].start_s, at[i].end_s) < 0)
            return complain(NOT_POSSIBLE, strerror(errno));
    return fflush(stdout) == 0 ? ANSWERED : complain(NOT_POSSIBLE, strerror(errno));
}

int main(int n, char **words)
{
    static struct occurrence all[ROOM];
    char line[CALENDAR_LINE_MAX], problem[CALENDAR_LINE_MAX];
    size_t n_all = 0;

    if (n == 2 && strcmp(words[1], "--version") == 0)
        return puts("heeler-calendar " HEELER_VERSION) < 0 ? NOT_POSSIBLE : ANSWERED;
    if (n > 1)
        return complain(BAD_RULE, "usage: heeler-calendar <RECURRENCES >OCCURRENCES");
    if (!limits_set(MEMORY_MAX))
        return complain(NOT_POSSIBLE, strerror(errno));
    for (int i = 0; i < DOWNTIME_RECURRENCES_MAX && fgets(line, sizeof line, stdin) != NULL;
         i++) {
        size_t found = 0;

        if (!occur_add(slice_trim(slice_of(line), "\n"), all + n_all, &found, problem,
                       sizeof problem))
            return complain(BAD_RULE, problem);
        n_all += found;
    }
    return answer(all, n_all);
}
