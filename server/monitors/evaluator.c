#include "server/monitors/evaluator.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/monitors/evaluator_internal.h"

enum { WAITING_BYTES_MAX = 64 << 20 };

enum { MINUTE_S = 60, LATE_S = 30 /* rollups and calendar are not waited for longer */ };

static void forget_kept(void *self, const struct watched_monitor *monitor,
                        const struct watched_group *group)
{
    group_forget_kept(self, monitor, group);
}

struct evaluator *evaluator_new(const struct evaluator_needs *needs)
{
    struct evaluator *evaluator = calloc(1, sizeof *evaluator);

    if (evaluator == NULL)
        return NULL;
    evaluator->needs = *needs;
    if (needs->waiting_bytes_max == 0)
        evaluator->needs.waiting_bytes_max = WAITING_BYTES_MAX;
    evaluator->monitors.on_drop = forget_kept;
    evaluator->monitors.self = evaluator;
    for (size_t i = 0; i < EVALUATOR_ASKED_MAX; i++)
        evaluator->evaluations[i].evaluator = evaluator;
    return evaluator;
}

void evaluator_free(struct evaluator *given)
{
    if (given == NULL)
        return;
    for (size_t i = 0; i < EVALUATOR_ASKED_MAX; i++)
        bytes_free(&given->evaluations[i].answer);
    told_free_all(given);
    tellings_drop(given);
    notification_free_all(given->waiting);
    lately_free_all(given);
    downtimes_drop(given);
    host_tags_drop(given);
    monitors_free(&given->monitors);
    free(given);
}

const struct monitors *evaluator_monitors(const struct evaluator *evaluator)
{
    return &evaluator->monitors;
}

const struct monitor_ledger *evaluator_ledger(const struct evaluator *evaluator)
{
    return &evaluator->ledger;
}

void evaluator_follow(struct evaluator *evaluator, const struct receivers *receivers)
{
    evaluator->needs.receivers = receivers;
}

bool evaluator_define(struct evaluator *evaluator, int64_t number, struct slice body,
                      char *problem, size_t problem_size)
{
    return monitors_define(&evaluator->monitors, number, body, problem, problem_size);
}

void evaluator_forget(struct evaluator *evaluator, int64_t number)
{
    const struct watched_monitor *monitor = monitors_find(&evaluator->monitors, number);

    for (size_t i = 0; monitor != NULL && i < monitor->n_groups; i++)
        group_forget_kept(evaluator, monitor, monitor->groups[i]);
    monitors_forget(&evaluator->monitors, number);
}

/* ---- rounds ------------------------------------------------------------ */

static bool is_due(const struct evaluator *evaluator, const struct watched_monitor *monitor)
{
    const struct condition *condition = &monitor->monitor.condition;

    return (condition->kind == CONDITION_COMPOSITE) == evaluator->is_of_composites &&
           (evaluator->at_s % condition_period_s(condition) == 0 || monitor->evaluated_s == 0);
}

static struct watched_monitor *next_due(const struct evaluator *evaluator)
{
    struct watched_monitor *at = monitors_next(&evaluator->monitors, evaluator->cursor);

    while (at != NULL && !is_due(evaluator, at))
        at = monitors_next(&evaluator->monitors, at->number);
    return at;
}

void evaluator_send_waiting(struct evaluator *evaluator)
{
    while (evaluator->waiting != NULL) {
        struct notification *first = evaluator->waiting;

        evaluator->waiting = first->next;
        first->next = NULL;
        evaluator->needs.send(evaluator->needs.self, first);
    }
}

/* What the monitors are at the end of a round, or when the last of them is gone. */
static void tally(struct evaluator *evaluator)
{
    struct monitor_ledger *ledger = &evaluator->ledger;
    uint64_t states[MONITOR_STATE_COUNT] = { 0 }, groups = 0, problems = 0;

    for (size_t i = 0; i < evaluator->monitors.n; i++) {
        const struct watched_monitor *at = evaluator->monitors.at[i];

        states[at->evaluated_s > 0 ? at->found : MONITOR_NO_DATA]++;
        groups += at->n_groups;
        problems += at->problem[0] != '\0';
    }
    for (int state = 0; state < MONITOR_STATE_COUNT; state++)
        counter_set(&ledger->states[state], states[state]);
    counter_set(&ledger->groups, groups);
    counter_set(&ledger->problems, problems);
}

/* From the first monitor on, somebody waits for rounds. */
static void note_whether_any(struct evaluator *evaluator, int64_t now_s)
{
    bool is_any = evaluator->monitors.n > 0;
    bool was_any = counter_read(&evaluator->ledger.evaluated_s) > 0;

    if (is_any == was_any)
        return;
    counter_set(&evaluator->ledger.evaluated_s, is_any ? (uint64_t)now_s : 0);
    tally(evaluator);
}

/* Nothing is told at night because a program has just begun; nor is nothing told for long. */
static bool waits_for_calendar(struct evaluator *evaluator, int64_t now_s)
{
    if (downtimes_are_known(evaluator, now_s)) {
        evaluator->unknown_from_s = 0;
        return false;
    }
    if (evaluator->unknown_from_s == 0 || evaluator->unknown_from_s > now_s)
        evaluator->unknown_from_s = now_s;
    return now_s < evaluator->unknown_from_s + LATE_S;
}

static bool waits_for_rollups(const struct evaluator *evaluator, int64_t minute_s,
                              int64_t now_s)
{
    return evaluator->needs.flushed_s(evaluator->needs.self) < minute_s &&
           now_s < minute_s + LATE_S;
}

void evaluator_tick(struct evaluator *evaluator, int64_t now_s)
{
    int64_t minute_s = (now_s - EVALUATOR_WAIT_S) / MINUTE_S * MINUTE_S;

    note_whether_any(evaluator, now_s);
    downtimes_look_ahead(evaluator, now_s);
    host_tags_look(evaluator, now_s);
    tellings_look(evaluator, now_s);
    evaluator_write_told(evaluator);
    lately_begin(evaluator, now_s);
    if (lately_is_settled(evaluator, now_s))
        evaluator_send_waiting(evaluator);
    if (!evaluator->is_running && evaluator->at_s > now_s)
        evaluator->at_s = 0; /* the clock went back: that minute is not waited for again */
    if (evaluator->is_running || minute_s <= evaluator->at_s || evaluator->monitors.n == 0)
        return;
    if (waits_for_rollups(evaluator, minute_s, now_s) || waits_for_calendar(evaluator, now_s))
        return;
    evaluator->at_s = minute_s;
    evaluator->cursor = INT64_MIN;
    evaluator->is_running = true;
    evaluator->is_of_composites = false;
    evaluator->may_keep = KEPT_A_ROUND;
}

static void hear_answer(void *argument, int status, struct slice json)
{
    struct evaluation *evaluation = argument;

    bytes_clear(&evaluation->answer);
    bytes_add(&evaluation->answer, json.at, json.len);
    evaluation->status = evaluation->answer.failed ? 503 : status;
    evaluation->is_answered = true;
}

static void ask(struct evaluator *evaluator, struct evaluation *evaluation,
                const struct watched_monitor *watched)
{
    const struct monitor *monitor = &watched->monitor;
    const struct condition *condition = &monitor->condition;
    int64_t to_s = evaluator->at_s - monitor->evaluation_delay_s;
    struct inquiry inquiry = {
        .kind = condition->kind == CONDITION_CHECK ? INQUIRY_CHECKS : INQUIRY_MONITOR,
        .text = condition->kind == CONDITION_CHECK ? condition->check : condition->text,
        .from_s = to_s - condition->window_s,
        .to_s = to_s,
        .limit = (uint32_t)monitor->trigger_window_s,
        .offset = (uint32_t)monitor->recovery_window_s,
    };

    evaluator->needs.ask(evaluator->needs.self, &inquiry, hear_answer, evaluation);
}

/* What a composite is made of is here. */
static void begin(struct evaluator *evaluator, struct evaluation *evaluation,
                  const struct watched_monitor *watched)
{
    bool is_composite = watched->monitor.condition.kind == CONDITION_COMPOSITE;

    evaluation->is_used = true;
    evaluation->is_answered = is_composite;
    evaluation->number = watched->number;
    evaluation->edition = watched->edition;
    evaluation->at_s = evaluator->at_s;
    evaluation->rest = (struct slice){ NULL, 0 };
    evaluation->is_read = false;
    evaluation->settled = evaluation->swept = 0;
    if (!is_composite)
        ask(evaluator, evaluation, watched);
}

/* True: there is more. */
static bool take_piece(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    return monitor->monitor.condition.kind == CONDITION_COMPOSITE
               ? evaluation_combine(evaluation, monitor)
               : evaluation_read(evaluation, monitor);
}

static void end_evaluation(struct evaluator *evaluator, struct watched_monitor *monitor,
                           int64_t at_s, int64_t now_s)
{
    monitor->found = watched_monitor_shown(monitor);
    counter_add(&evaluator->ledger.evaluations, 1);
    if (now_s > at_s + EVALUATOR_WAIT_S + EVALUATION_LATE_S)
        counter_add(&evaluator->ledger.late, 1);
}

/* True: something was begun. */
static bool begin_next(struct evaluator *evaluator)
{
    struct watched_monitor *monitor;

    for (size_t i = 0; i < EVALUATOR_ASKED_MAX; i++) {
        struct evaluation *evaluation = &evaluator->evaluations[i];

        if (evaluation->is_used || (monitor = next_due(evaluator)) == NULL)
            continue;
        evaluator->cursor = monitor->number;
        begin(evaluator, evaluation, monitor);
        return true;
    }
    return false;
}

/* It is defined otherwise since, and the answer is about what it was: it is asked about anew,
 * as long as its turn is now. */
static void ask_anew(struct evaluator *evaluator, struct evaluation *evaluation,
                     const struct watched_monitor *monitor)
{
    evaluation->is_used = false;
    if (is_due(evaluator, monitor))
        begin(evaluator, evaluation, monitor);
}

/* A piece of one that is answered. True: there was one. */
static bool go_on(struct evaluator *evaluator, int64_t now_s)
{
    for (size_t i = 0; i < EVALUATOR_ASKED_MAX; i++) {
        struct evaluation *evaluation = &evaluator->evaluations[i];

        if (!evaluation->is_used || !evaluation->is_answered)
            continue;
        struct watched_monitor *monitor =
            monitors_find(&evaluator->monitors, evaluation->number);

        if (monitor != NULL && monitor->edition != evaluation->edition) {
            ask_anew(evaluator, evaluation, monitor);
            return true;
        }
        if (monitor != NULL && take_piece(evaluation, monitor))
            return true;
        evaluation->is_used = false;
        if (monitor != NULL)
            end_evaluation(evaluator, monitor, evaluation->at_s, now_s);
        return true;
    }
    return false;
}

static bool is_waiting(const struct evaluator *evaluator)
{
    for (size_t i = 0; i < EVALUATOR_ASKED_MAX; i++)
        if (evaluator->evaluations[i].is_used)
            return true;
    return false;
}

bool evaluator_step(struct evaluator *evaluator, int64_t now_s)
{
    if (!evaluator->is_running)
        return false;
    if (go_on(evaluator, now_s) || begin_next(evaluator))
        return true;
    if (is_waiting(evaluator))
        return false;
    if (!evaluator->is_of_composites) { /* they need the states of the others */
        evaluator->is_of_composites = true;
        evaluator->cursor = INT64_MIN;
        return true;
    }
    evaluator->is_running = false;
    counter_set(&evaluator->ledger.evaluated_s, (uint64_t)evaluator->at_s);
    lately_forget(evaluator, now_s);
    tally(evaluator);
    if (now_s < evaluator->at_s + EVALUATOR_WAIT_S + MINUTE_S)
        evaluator->needs.beat(evaluator->needs.self);
    return false;
}
