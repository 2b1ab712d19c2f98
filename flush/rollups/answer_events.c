/* Events in the form that Datadog's clients read: those of some time, or one.
 *
 *   what is in memory (flush/snapshots/recent.h) -> what the disk has of before -> the end
 *
 * If memory has enough for the page nobody asks the disk. If the disk cannot be read, a list is
 * what memory has, which a message says. */
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "flush/rollups/answer_ops.h"
#include "flush/snapshots/recent.h"

enum { EVENTS_A_STEP = 64, BYTES_A_STEP = 256 << 10, ANSWER_MAX = 32 << 20 };

struct events {
    const struct recent *recent;
    const struct past *past; /* NULL: memory is all there is */
    struct recent_search search;
    struct recent_page page;   /* what is still wanted */
    struct past_events wanted; /* of the past */
    uint64_t known[RECENT_EVENTS_MAX];
    struct past_reading *reading;
    struct json_out out;
    bool begun;        /* what memory has is written */
    char message[256]; /* why that is all; empty: it is not */
};

static const char not_there[] = "the past on disk is not there at the moment";

static struct events *begin(const struct answer_source *source, const struct inquiry *inquiry)
{
    struct events *events = calloc(1, sizeof *events);

    if (events == NULL)
        return NULL;
    events->recent = source->recent;
    events->past = source->rollup != NULL ? rollup_past(source->rollup) : NULL;
    events->search = (struct recent_search){ .from_s = inquiry->from_s,
                                             .to_s = inquiry->to_s,
                                             .tags = inquiry->text,
                                             .sources = inquiry->also,
                                             .priority = (int)inquiry->priority - 1 };
    return events;
}

static void *begin_list(const struct answer_source *source, const struct inquiry *inquiry,
                        struct answer_problem *problem)
{
    struct events *events = begin(source, inquiry);

    (void)problem;
    if (events != NULL)
        events->page = (struct recent_page){ inquiry->offset * inquiry->limit, inquiry->limit };
    return events;
}

static void *begin_one(const struct answer_source *source, const struct inquiry *inquiry,
                       struct answer_problem *problem)
{
    struct events *events = begin(source, inquiry);

    (void)problem;
    if (events == NULL)
        return NULL;
    events->search.from_s = INT64_MIN;
    events->search.to_s = INT64_MAX;
    events->search.by_id = true;
    events->search.id = inquiry->from_s;
    events->page = (struct recent_page){ 0, 1 };
    return events;
}

static void free_events(void *given)
{
    struct events *events = given;

    if (events->reading != NULL)
        events->past->ops->free(events->reading);
    bytes_free(&events->out.bytes);
    free(events);
}

/* ---- beyond memory ----------------------------------------------------- */

/* NULL without memory. */
static struct past_reading *find(struct events *events)
{
    struct bytes scratch = { 0 };

    events->wanted = (struct past_events){ .search = &events->search,
                                           .page = events->page,
                                           .known = events->known };
    events->wanted.n_known = recent_marks(events->recent, &scratch, events->known);
    bytes_free(&scratch);
    return events->past->ops->find(events->past->self, &events->wanted);
}

/* False: nobody is asked; the message says why, if there is anybody to ask. */
static bool ask_past(struct events *events)
{
    const struct past *past = events->past;

    if (past == NULL)
        return false;
    if (past->ops->is_open(past->self))
        events->reading = find(events);
    if (events->reading == NULL)
        snprintf(events->message, sizeof events->message, "%s", not_there);
    return events->reading != NULL;
}

/* The next that the past has, written. */
static enum past_state take_one(struct events *events, const char *name)
{
    const struct past_ops *ops = events->past->ops;
    struct slice body;
    enum past_state state = ops->next_event(events->reading, &body);

    if (state == PAST_READY && !recent_write_body(body, name, &events->out))
        state = PAST_MORE; /* it is damaged, which whoever looked for it has seen before us */
    if (state == PAST_FAILED)
        snprintf(events->message, sizeof events->message, "%s", ops->problem(events->reading));
    return state;
}

/* ---- a list ------------------------------------------------------------ */

static enum answer_state end_list(struct events *events, struct bytes *answer,
                                  struct answer_problem *problem)
{
    struct json_out *out = &events->out;
    char message[300];

    json_out_end(out, ']');
    if (events->message[0] != '\0') {
        snprintf(message, sizeof message, "not all events of that time: %s", events->message);
        json_out_text(out, "message", message);
    }
    json_out_end(out, '}');
    return answer_give(out, answer, problem);
}

static bool begin_answer(struct events *events)
{
    json_out_begin(&events->out, NULL, '{');
    json_out_begin(&events->out, "events", '[');
    recent_write_events(events->recent, &events->search, &events->page, NULL, &events->out);
    events->begun = true;
    return events->page.most > 0 && ask_past(events);
}

static enum answer_state step_list(void *self, struct bytes *answer,
                                   struct answer_problem *problem)
{
    struct events *events = self;
    size_t end = events->out.bytes.len + BYTES_A_STEP;
    enum past_state state = PAST_READY;

    if (!events->begun)
        return begin_answer(events) ? ANSWER_MORE : end_list(events, answer, problem);
    for (int i = 0; i < EVENTS_A_STEP && events->out.bytes.len < end &&
                    (state == PAST_READY || state == PAST_MORE);
         i++)
        state = take_one(events, NULL);
    if (events->out.bytes.len > ANSWER_MAX)
        return answer_fail(problem, 503,
                           "the answer takes more than 32 MiB: ask for a shorter time");
    if (state == PAST_WAITS)
        return ANSWER_WAITS;
    return state == PAST_END || state == PAST_FAILED ? end_list(events, answer, problem)
                                                     : ANSWER_MORE;
}

/* ---- one --------------------------------------------------------------- */

static enum answer_state give_one(struct events *events, struct bytes *answer,
                                  struct answer_problem *problem)
{
    json_out_end(&events->out, '}');
    return answer_give(&events->out, answer, problem);
}

static enum answer_state look_in_memory(struct events *events, struct bytes *answer,
                                        struct answer_problem *problem)
{
    json_out_begin(&events->out, NULL, '{');
    recent_write_events(events->recent, &events->search, &events->page, "event", &events->out);
    events->begun = true;
    if (events->page.most == 0)
        return give_one(events, answer, problem);
    if (ask_past(events))
        return ANSWER_MORE;
    return events->past != NULL ? answer_fail(problem, 503, events->message)
                                : answer_fail(problem, 404, "no event of that id is kept");
}

static enum answer_state step_one(void *self, struct bytes *answer,
                                  struct answer_problem *problem)
{
    struct events *events = self;

    if (!events->begun)
        return look_in_memory(events, answer, problem);
    switch (take_one(events, "event")) {
    case PAST_WAITS:
        return ANSWER_WAITS;
    case PAST_READY:
        return give_one(events, answer, problem);
    case PAST_FAILED:
        return answer_fail(problem, 503, events->message);
    case PAST_MORE:
    case PAST_END:
        break;
    }
    return answer_fail(problem, 404, "no event of that id is kept");
}

const struct answer_ops answer_events = { .begin = begin_list,
                                          .step = step_list,
                                          .free = free_events };
const struct answer_ops answer_event = { .begin = begin_one,
                                         .step = step_one,
                                         .free = free_events };
