#include "server/monitors/evaluator_internal.h"

/* Where what is said begins: with the window, with that to which it is compared, or with the
 * time in which nothing came. */
static int64_t own_from_s(const struct monitor *monitor, enum monitor_state to, int64_t at_s)
{
    int64_t window_s = monitor->condition.window_s + monitor->condition.shift_s;

    if (to == MONITOR_NO_DATA && monitor->rules.no_data_s > window_s)
        window_s = monitor->rules.no_data_s;
    return at_s - monitor->evaluation_delay_s - window_s;
}

/* Of a composite with the earliest of its monitors. */
static int64_t from_s(const struct evaluator *evaluator, const struct monitor *monitor,
                      enum monitor_state to, int64_t at_s)
{
    const struct condition *condition = &monitor->condition;
    int64_t earliest_s = at_s;

    if (condition->kind != CONDITION_COMPOSITE)
        return own_from_s(monitor, to, at_s);
    for (size_t i = 0; i < condition->n_operands; i++) {
        const struct watched_monitor *operand =
            monitors_find(&evaluator->monitors, condition->operands[i]);

        if (operand == NULL)
            continue;
        int64_t own_s = own_from_s(&operand->monitor, watched_monitor_state(operand), at_s);

        earliest_s = own_s < earliest_s ? own_s : earliest_s;
    }
    return earliest_s;
}

void evaluation_add_doubts(const struct evaluator *evaluator, const struct monitor *monitor,
                           enum monitor_state to, int64_t at_s, struct bytes *out)
{
    int64_t since_s = from_s(evaluator, monitor, to, at_s);

    if (evaluator->needs.lost_s(evaluator->needs.self) >= since_s)
        bytes_add_text(out,
                       "\n\nValues were lost or shed within this window: what it says may be "
                       "less than what happened.");
    if (evaluator->needs.start_s > since_s)
        bytes_add_text(out,
                       "\n\nThe server started within this window: it has seen a part of it.");
}
