#include <stdio.h>

#include "server/monitors/evaluator_internal.h"

/* ---- the history of notifications -------------------------------------- */

static void told_set(struct told *told, enum notification_end end, uint32_t attempts,
                     int64_t at_s, const char *answer)
{
    told->line.end = end;
    told->line.attempts = attempts;
    told->line.at_s = at_s;
    snprintf(told->answer, sizeof told->answer, "%s", answer);
    told->line.answer = told->answer;
}

void told_note(struct evaluator *evaluator, const struct notification *of,
               enum notification_end end, const char *answer, int64_t now_s)
{
    struct notification plain = *of;

    /* What no line shows would be 64 MiB of a thousand long messages. */
    plain.picture = (struct bytes){ .at = NULL };
    plain.text = plain.tags = plain.link = plain.query = SLICE("");
    struct notification *copy = notification_new(&plain);
    struct told *told = &evaluator->told[evaluator->next_told];

    if (copy == NULL)
        return;
    notification_free(told->notification);
    *told = (struct told){ .notification = copy,
                           .line = { .id = slice_of(copy->id),
                                     .monitor_name = copy->monitor_name,
                                     .group = copy->group,
                                     .receiver = copy->receiver,
                                     .title = copy->title,
                                     .monitor = copy->monitor,
                                     .to = copy->transition.to } };
    told_set(told, end, 0, now_s, answer);
    evaluator->next_told = (evaluator->next_told + 1) % EVALUATOR_TOLD_MAX;
    if (evaluator->n_told < EVALUATOR_TOLD_MAX)
        evaluator->n_told++;
}

const struct told_line *evaluator_told(const struct evaluator *evaluator, size_t i)
{
    if (i >= evaluator->n_told)
        return NULL;
    const struct told *told =
        &evaluator
             ->told[(evaluator->next_told + EVALUATOR_TOLD_MAX - 1 - i) % EVALUATOR_TOLD_MAX];

    return &told->line;
}

void told_free_all(struct evaluator *evaluator)
{
    for (size_t i = 0; i < evaluator->n_told; i++)
        notification_free(evaluator->told[i].notification);
    evaluator->n_told = 0;
}

static struct told *find_told(struct evaluator *evaluator, struct slice id,
                              struct slice receiver)
{
    for (size_t i = 0; i < evaluator->n_told; i++) {
        struct told *told = &evaluator->told[i];

        if (slice_equal(told->line.id, id) && slice_equal(told->line.receiver, receiver))
            return told;
    }
    return NULL;
}

/* ---- what became of it ------------------------------------------------- */

/* It is forgotten where it waited, and what is written down of the group says so, too. */
static void end_waiting(struct evaluator *evaluator, const struct notification *of)
{
    struct watched_monitor *monitor = monitors_find(&evaluator->monitors, of->monitor);
    struct watched_group *group =
        monitor != NULL ? watched_monitor_find(monitor, of->group) : NULL;

    if (group != NULL && watched_group_ended(group, slice_of(of->id), of->receiver))
        group_keep(evaluator, monitor, group, NULL, NULL);
}

void evaluator_hear(struct evaluator *evaluator, struct notification *given, struct slice id,
                    struct slice receiver, enum notification_end end, uint32_t attempts,
                    const char *answer, int64_t now_s)
{
    struct told *told = find_told(evaluator, id, receiver);

    if (told != NULL)
        told_set(told, end, attempts, now_s, answer);
    if (given != NULL) {
        evaluator->waiting_bytes -= given->size - given->picture.len;
        end_waiting(evaluator, given);
    }
    notification_free(given);
}

void evaluator_send(struct evaluator *evaluator, struct notification *given)
{
    if (evaluator->waiting != NULL)
        evaluator_wait(evaluator, given);
    else
        evaluator->needs.send(evaluator->needs.self, given);
}

/* Behind the others. */
void evaluator_wait(struct evaluator *evaluator, struct notification *given)
{
    struct notification **last = &evaluator->waiting;

    while (*last != NULL)
        last = &(*last)->next;
    given->next = NULL;
    *last = given;
}
