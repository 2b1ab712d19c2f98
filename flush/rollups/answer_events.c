/* The last events in the form that Datadog's clients read (flush/snapshots/recent.h): those of
 * some time, or one. They are few enough for one step. */
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/snapshots/recent.h"

struct events {
    const struct recent *recent;
    const struct inquiry *inquiry;
};

static void *begin(const struct answer_source *source, const struct inquiry *inquiry,
                   struct answer_problem *problem)
{
    struct events *events = malloc(sizeof *events);

    (void)problem;
    if (events != NULL)
        *events = (struct events){ source->recent, inquiry };
    return events;
}

static enum answer_state give(struct json_out *out, struct bytes *answer,
                              struct answer_problem *problem)
{
    enum answer_state state = answer_give(out, answer, problem);

    bytes_free(&out->bytes);
    return state;
}

static enum answer_state step_events(void *self, struct bytes *answer,
                                     struct answer_problem *problem)
{
    const struct events *events = self;
    const struct inquiry *inquiry = events->inquiry;
    struct recent_search search = { .from_s = inquiry->from_s,
                                    .to_s = inquiry->to_s,
                                    .tags = inquiry->text,
                                    .priority = (int)inquiry->limit - 1 };
    struct json_out out = { 0 };

    recent_write_events(events->recent, &search, &out);
    return give(&out, answer, problem);
}

static enum answer_state step_event(void *self, struct bytes *answer,
                                    struct answer_problem *problem)
{
    const struct events *events = self;
    struct json_out out = { 0 };

    if (!recent_write_event(events->recent, events->inquiry->from_s, &out))
        return answer_fail(problem, 404, "no event of that id is kept");
    return give(&out, answer, problem);
}

const struct answer_ops answer_events = { .begin = begin, .step = step_events, .free = free };
const struct answer_ops answer_event = { .begin = begin, .step = step_event, .free = free };
