#include "flush/monitors/calendar.h"

#include <inttypes.h>
#include <stdio.h>

#include "protocol/number.h"

static void ask_one(const char *zone, const struct recurrence *recurrence, int64_t from_s,
                    int64_t until_s, struct bytes *out)
{
    char line[CALENDAR_LINE_MAX], start[32];

    if (recurrence->start[0] != '\0')
        snprintf(start, sizeof start, "%s", recurrence->start);
    else
        snprintf(start, sizeof start, "@%" PRId64, recurrence->start_s);
    int len = snprintf(line, sizeof line,
                       "%s\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%s\n", zone,
                       start, recurrence->duration_days, recurrence->duration_s, from_s,
                       until_s, recurrence->rule);

    bytes_add(out, line, (size_t)len);
}

void calendar_ask(const struct downtime *downtime, int64_t from_s, int64_t until_s,
                  struct bytes *out)
{
    for (size_t i = 0; i < downtime->n_recurrences; i++)
        ask_one(downtime->zone, &downtime->recurrences[i], from_s, until_s, out);
}

static bool read_one(struct slice line, struct occurrence *out)
{
    return number_int64(slice_cut(&line, '\t'), &out->start_s) &&
           number_int64(line, &out->end_s) && out->start_s < out->end_s;
}

bool calendar_read(struct slice answer, int64_t from_s, int64_t until_s,
                   struct occurrences *out)
{
    *out = (struct occurrences){ .known_from_s = from_s, .known_until_s = until_s };
    while (answer.len > 0) {
        struct occurrence one;

        if (!read_one(slice_cut(&answer, '\n'), &one) ||
            (out->n > 0 && one.start_s < out->at[out->n - 1].start_s))
            return false;
        if (out->n == CALENDAR_OCCURRENCES_MAX) {
            out->known_until_s = one.start_s;
            return true;
        }
        out->at[out->n++] = one;
    }
    return true;
}

void calendar_once(const struct downtime *downtime, struct occurrences *out)
{
    *out = (struct occurrences){ .at = { { downtime->start_s, downtime->end_s } },
                                 .n = 1,
                                 .known_from_s = INT64_MIN,
                                 .known_until_s = INT64_MAX };
}

const struct occurrence *occurrences_at(const struct occurrences *occurrences, int64_t now_s)
{
    for (size_t i = 0; i < occurrences->n; i++) {
        const struct occurrence *one = &occurrences->at[i];

        if (one->start_s <= now_s && (one->end_s == DOWNTIME_FOR_EVER || now_s < one->end_s))
            return one;
    }
    return NULL;
}
