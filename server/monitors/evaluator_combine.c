#include <stdio.h>

#include "server/monitors/evaluator_internal.h"

enum { COMBINED_AT_ONCE = 256, LOOKED_AT_AT_ONCE = 2048 /* groups */ };

/* The group of an operand that belongs to that one of the composite; NULL: it has none. */
static const struct watched_group *operand_group(const struct watched_monitor *operand,
                                                 struct slice group)
{
    return operand->monitor.condition.n_by == 0 ? watched_monitor_find(operand, SLICE("*"))
                                                : watched_monitor_find(operand, group);
}

/* Whether something may come of it yet: we have not watched for so long, and who is the
 * opposite of it would tell of that we began. */
static bool is_too_early(const struct evaluator *evaluator,
                         const struct watched_monitor *operand)
{
    return watched_monitor_shown(operand) != watched_monitor_state(operand) &&
           evaluator->at_s - evaluator->needs.start_s < operand->monitor.rules.no_data_s;
}

/* Of all groups the worst, where the composite itself has none. */
static bool operand_state(const struct evaluator *evaluator,
                          const struct watched_monitor *operand, struct slice group,
                          enum monitor_state *out)
{
    if (operand == NULL || operand->n_groups == 0 || is_too_early(evaluator, operand))
        return false;
    if (slice_equal(group, SLICE("*"))) {
        *out = watched_monitor_state(operand);
        return true;
    }
    const struct watched_group *found = operand_group(operand, group);

    if (found != NULL)
        *out = found->state.state;
    return found != NULL;
}

/* "a.value", "b.value": of the operands in their order. */
bool evaluation_operand_value(const struct evaluator *evaluator,
                              const struct watched_monitor *monitor, struct slice group,
                              struct slice name, double *out)
{
    const struct condition *condition = &monitor->monitor.condition;
    size_t i = name.len > 0 ? (size_t)(unsigned char)name.at[0] - 'a' : CONDITION_OPERANDS_MAX;

    if (condition->kind != CONDITION_COMPOSITE || i >= condition->n_operands ||
        !slice_equal(slice_skip(name, 1), SLICE(".value")))
        return false;
    const struct watched_monitor *operand =
        monitors_find(&evaluator->monitors, condition->operands[i]);
    const struct watched_group *found = operand != NULL ? operand_group(operand, group) : NULL;

    if (found == NULL || found->state.state == MONITOR_NO_DATA || !found->state.had_data ||
        !condition_has_value(&operand->monitor.condition))
        return false;
    *out = found->state.value;
    return true;
}

/* That there is none is a state of those that say so; of others the last one stays. */
static void settle_no_data(const struct watched_monitor *monitor,
                           struct observation *observation)
{
    if (monitor->monitor.rules.missing == MISSING_KEEPS)
        observation->what = OBSERVED_TOO_LITTLE;
    if (monitor->monitor.rules.missing == MISSING_RESOLVES)
        observation->state = MONITOR_OK;
}

static void combine_group(struct evaluator *evaluator, struct watched_monitor *monitor,
                          const struct watched_monitor *const *operand, struct slice name)
{
    const struct condition *condition = &monitor->monitor.condition;
    enum monitor_state states[CONDITION_OPERANDS_MAX];
    struct observation observation = { .what = OBSERVED_STATE,
                                       .at_s = evaluator->at_s,
                                       .data_s = evaluator->at_s };

    for (size_t i = 0; i < condition->n_operands; i++)
        if (!operand_state(evaluator, operand[i], name, &states[i]))
            return;
    observation.state = condition_combine(condition, states);
    if (observation.state == MONITOR_NO_DATA)
        settle_no_data(monitor, &observation);
    struct watched_group *group = watched_monitor_need(monitor, name, SLICE(""), 0);

    if (group == NULL)
        return;
    group->seen_s = evaluator->at_s;
    evaluation_observe(evaluator, monitor, group, &observation);
}

/* Its groups are those of the first operand that has some. */
static const struct watched_monitor *grouped_operand(
    const struct watched_monitor *const *operand, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (operand[i] != NULL && operand[i]->monitor.condition.n_by > 0)
            return operand[i];
    return NULL;
}

/* True: there are more. */
static bool combine_groups(struct evaluation *evaluation, struct watched_monitor *monitor,
                           const struct watched_monitor *const *operand)
{
    const struct watched_monitor *grouped =
        grouped_operand(operand, monitor->monitor.condition.n_operands);

    if (grouped == NULL) {
        combine_group(evaluation->evaluator, monitor, operand, SLICE("*"));
        return false;
    }
    for (size_t n = 0; n < COMBINED_AT_ONCE && evaluation->settled < grouped->n_groups; n++)
        combine_group(evaluation->evaluator, monitor, operand,
                      grouped->groups[evaluation->settled++]->name);
    return evaluation->settled < grouped->n_groups;
}

/* True: there are more to look at. */
static bool forget_silent(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    for (size_t n = 0; n < LOOKED_AT_AT_ONCE && evaluation->swept < monitor->n_groups; n++) {
        struct watched_group *group = monitor->groups[evaluation->swept];

        if (!evaluation_is_over(evaluation, monitor, group)) {
            evaluation->swept++;
            continue;
        }
        group_forget_kept(evaluation->evaluator, monitor, group);
        watched_monitor_drop(monitor, group);
    }
    return evaluation->swept < monitor->n_groups;
}

/* The operands, NULL where there is none; the monitor says which. */
static void find_operands(const struct evaluator *evaluator, struct watched_monitor *monitor,
                          const struct watched_monitor **operand)
{
    const struct condition *condition = &monitor->monitor.condition;

    monitor->problem[0] = '\0';
    for (size_t i = 0; i < condition->n_operands; i++) {
        operand[i] = monitors_find(&evaluator->monitors, condition->operands[i]);
        if (operand[i] == NULL)
            snprintf(monitor->problem, sizeof monitor->problem, "there is no monitor %lld",
                     (long long)condition->operands[i]);
        else if (operand[i]->monitor.condition.kind == CONDITION_COMPOSITE) {
            /* Two of each other would change each minute. */
            snprintf(monitor->problem, sizeof monitor->problem,
                     "monitor %lld is a composite: no composite is made of others",
                     (long long)condition->operands[i]);
            operand[i] = NULL;
        }
    }
}

/* The operands are looked up once a piece, and not for each of so many groups. */
bool evaluation_combine(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    const struct watched_monitor *operand[CONDITION_OPERANDS_MAX];

    find_operands(evaluation->evaluator, monitor, operand);
    if (!evaluation->is_read && combine_groups(evaluation, monitor, operand))
        return true;
    evaluation->is_read = true;
    if (forget_silent(evaluation, monitor))
        return true;
    monitor->evaluated_s = evaluation->at_s;
    return false;
}
