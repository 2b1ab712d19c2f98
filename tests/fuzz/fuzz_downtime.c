/* Any body of a downtime, in both forms, and any answer of heeler-calendar. What is refused is
 * refused with a sentence; what heeler-calendar is asked is a line of seven parts for each
 * recurrence, whatever its texts hold; what an answer is taken for is sorted. */
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_view.h"
#include "flush/monitors/calendar.h"
#include "flush/monitors/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_MAX = 1000, NOW_S = 1796000000, PARTS = 7 };

typedef bool reader_of(struct slice value, int64_t now_s, struct downtime *out, char *problem,
                       size_t problem_size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_asked(const struct downtime *downtime)
{
    struct bytes out = { 0 };
    size_t lines = 0;

    calendar_ask(downtime, NOW_S, NOW_S + 86400, &out);
    struct slice rest = bytes_view(&out);

    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        size_t parts = 0;

        check(line.len < CALENDAR_LINE_MAX - 1);
        for (; line.len > 0; parts++)
            check(slice_cut(&line, '\t').len > 0);
        check(parts == PARTS);
        lines++;
    }
    check(lines == downtime->n_recurrences);
    bytes_free(&out);
}

static void check_rules(const struct downtime *downtime)
{
    for (size_t i = 0; i < downtime->n_recurrences; i++) {
        char problem[128] = "";

        check(rule_check(slice_of(downtime->recurrences[i].rule), problem, sizeof problem) ==
              (problem[0] == '\0'));
    }
}

static void check_times(const struct occurrences *occurrences)
{
    check(occurrences->n <= CALENDAR_OCCURRENCES_MAX);
    for (size_t i = 0; i < occurrences->n; i++) {
        const struct occurrence *one = &occurrences->at[i];

        check(one->end_s == DOWNTIME_FOR_EVER || one->end_s > one->start_s);
        check(i == 0 || one->start_s >= occurrences->at[i - 1].start_s);
        check(occurrences_at(occurrences, one->start_s) != NULL);
    }
}

static void check_downtime(reader_of *read, struct slice value)
{
    static const struct slice tags[] = { { "env:prod", 8 }, { "host:a", 6 } };
    struct downtime downtime;
    struct occurrences once;
    char problem[512] = "";

    if (!read(value, NOW_S, &downtime, problem, sizeof problem)) {
        check(problem[0] != '\0' && downtime.room == NULL);
        return;
    }
    check_asked(&downtime);
    check_rules(&downtime);
    if (downtime.n_recurrences == 0) {
        calendar_once(&downtime, &once);
        check_times(&once);
    }
    for (size_t n = 0; n <= 2; n++)
        (void)downtime_is_about(&downtime, (int64_t)n, tags, 2 - n, tags, n);
    downtime_free(&downtime);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* not a byte more than is named */
    struct slice text = { copy, size }, value;
    struct occurrences occurrences;
    struct json_fault fault;

    check(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (calendar_read(text, NOW_S, NOW_S + 86400, &occurrences))
        check_times(&occurrences);
    if (json_view_check(text, KEYS_MAX, &value, &fault) &&
        json_view_kind(value) == JSON_KIND_OBJECT) {
        check_downtime(downtime_read_v1, value);
        check_downtime(downtime_read_v2, value);
    }
    free(copy);
    return 0;
}
