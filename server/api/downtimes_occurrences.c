/* When a downtime holds within some days, for who draws it: of one that recurs heeler-calendar
 * is asked, and the answer comes later. */
#include <inttypes.h>
#include <stdlib.h>

#include "flush/monitors/calendar.h"
#include "server/api/api.h"
#include "server/api/downtimes_shared.h"
#include "server/http/server_view.h"
#include "server/monitors/evaluator.h"

enum { SPAN_MAX_S = 32 * 86400 };

#define TIME_MAX_S INT64_C(253402300799) /* 9999-12-31 */

static void write_occurrence(struct json_out *out, const struct occurrence *one)
{
    json_out_begin(out, NULL, '{');
    json_out_signed(out, "start", one->start_s);
    if (one->end_s == DOWNTIME_FOR_EVER)
        json_out_null(out, "end");
    else
        json_out_signed(out, "end", one->end_s);
    json_out_end(out, '}');
}

static void reply(struct desk_job *given, const struct occurrences *occurrences, int64_t from_s,
                  int64_t to_s)
{
    int64_t known_s = occurrences->known_until_s < to_s ? occurrences->known_until_s : to_s;
    struct json_out out = { .comma = false };

    json_out_begin(&out, NULL, '{');
    json_out_begin(&out, "occurrences", '[');
    for (size_t i = 0; i < occurrences->n; i++) {
        const struct occurrence *one = &occurrences->at[i];

        if (one->start_s < to_s && (one->end_s == DOWNTIME_FOR_EVER || one->end_s > from_s))
            write_occurrence(&out, one);
    }
    json_out_end(&out, ']');
    json_out_signed(&out, "from", from_s);
    json_out_signed(&out, "to", known_s);
    json_out_end(&out, '}');
    api_reply(given, 200, &out);
}

struct asker {
    struct desk_job *job;
    int64_t from_s, to_s;
};

static void hear(void *argument, const struct occurrences *occurrences, const char *sentence)
{
    struct asker *asker = argument;

    if (occurrences != NULL)
        reply(asker->job, occurrences, asker->from_s, asker->to_s);
    else
        api_refuse(asker->job, 503, "%s", sentence);
    free(asker);
}

static void ask(struct desk_job *given, const struct server_view *view,
                const struct downtime *downtime, int64_t from_s, int64_t to_s)
{
    struct asker *asker = view->evaluator != NULL ? malloc(sizeof *asker) : NULL;

    if (asker == NULL) {
        api_refuse(given, 503, "not enough memory");
        return;
    }
    *asker = (struct asker){ given, from_s, to_s };
    evaluator_ask_occurrences(view->evaluator, downtime, from_s, to_s, hear, asker);
}

static bool read_span(struct desk_job *job, const struct http_request *request, int64_t *from_s,
                      int64_t *to_s)
{
    *from_s = *to_s = -1;
    if (!api_read_number(job, request, "from", 0, TIME_MAX_S, from_s) ||
        !api_read_number(job, request, "to", 0, TIME_MAX_S, to_s))
        return false;
    if (*from_s >= 0 && *to_s > *from_s && *to_s - *from_s <= SPAN_MAX_S)
        return true;
    api_refuse(job, 400, "expected from and to, in seconds since 1970, 32 days apart at most");
    return false;
}

void downtimes_v2_occurrences(struct desk_job *given, const struct http_request *request,
                              void *argument)
{
    const struct definition *found = downtimes_v2_need(given, request, argument);
    struct downtime_sight sight;
    struct occurrences once;
    int64_t from_s, to_s;

    if (found == NULL || !read_span(given, request, &from_s, &to_s))
        return;
    downtime_form_look(found, NULL, from_s, &sight);
    if (sight.problem[0] != '\0') {
        api_refuse(given, 409, "it mutes nothing: %s", sight.problem);
    } else if (sight.downtime.n_recurrences > 0) {
        ask(given, argument, &sight.downtime, from_s, to_s);
    } else {
        calendar_once(&sight.downtime, &once);
        reply(given, &once, from_s, to_s);
    }
    downtime_form_look_away(&sight);
}
