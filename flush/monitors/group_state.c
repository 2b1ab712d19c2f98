#include "flush/monitors/group_state.h"

static bool exceeds(const struct alert_rules *rules, const struct level *level, double value)
{
    return level->set && comparator_holds(rules->comparator, value, level->value);
}

/* Whether the value has come back behind the recovery threshold, which holds where the
 * comparator with that number does not. Without one it has, but for a share, which must not be
 * wrong in its own window. */
static bool has_recovered(const struct alert_rules *rules, const struct level *level,
                          const struct level *recovery, const struct observation *observation)
{
    if (!observation->is_share)
        return !exceeds(rules, recovery, observation->value);
    return recovery->set ? observation->recovery <= recovery->value
                         : !exceeds(rules, level, observation->recovery);
}

static enum monitor_state state_of(enum monitor_state before, const struct alert_rules *rules,
                                   const struct observation *observation)
{
    double value = observation->value;
    bool was_alert = before == MONITOR_ALERT;
    bool was_wrong = was_alert || before == MONITOR_WARN;

    if (exceeds(rules, &rules->critical, value) ||
        (was_alert &&
         !has_recovered(rules, &rules->critical, &rules->critical_recovery, observation)))
        return MONITOR_ALERT;
    if (exceeds(rules, &rules->warning, value) ||
        (was_wrong && rules->warning.set &&
         !has_recovered(rules, &rules->warning, &rules->warning_recovery, observation)))
        return MONITOR_WARN;
    return MONITOR_OK;
}

/* Nothing came. The state that this makes; the same: none. */
static enum monitor_state state_without_data(struct group_state *group,
                                             const struct alert_rules *rules, int64_t at_s)
{
    int64_t silent_s = at_s - group->last_data_s;

    if (!group->had_data)
        return group->state;
    if (rules->timeout_s > 0 && silent_s >= rules->timeout_s && group->state != MONITOR_OK) {
        group->had_data = false;
        return MONITOR_OK;
    }
    if (silent_s < rules->no_data_s)
        return group->state;
    switch (rules->missing) {
    case MISSING_SHOWS:
    case MISSING_NOTIFIES:
        return MONITOR_NO_DATA;
    case MISSING_RESOLVES:
        group->had_data = false;
        return MONITOR_OK;
    case MISSING_KEEPS:
        break;
    }
    return group->state;
}

static void note_change(struct group_state *group, enum monitor_state to, int64_t at_s)
{
    if (to == MONITOR_OK) {
        group->last_resolved_s = at_s;
    } else {
        if (group->state == MONITOR_OK)
            group->first_triggered_s = at_s;
        group->last_triggered_s = at_s;
    }
    if (to == MONITOR_NO_DATA)
        group->last_no_data_s = at_s;
    group->state = to;
    group->changed_s = at_s;
    group->told_again = 0;
}

static bool change(struct group_state *group, const struct alert_rules *rules,
                   enum monitor_state to, int64_t at_s, struct transition *out)
{
    bool is_told = to == MONITOR_OK        ? group->unresolved
                   : to == MONITOR_NO_DATA ? rules->missing == MISSING_NOTIFIES
                                           : true;

    *out =
        (struct transition){ .from = group->state, .to = to, .at_s = at_s, .is_told = is_told };
    note_change(group, to, at_s);
    if (is_told) {
        group->last_told_s = at_s;
        group->unresolved = to != MONITOR_OK;
    }
    return true;
}

static bool tell_again(struct group_state *group, int64_t at_s, struct transition *out)
{
    group->last_told_s = at_s;
    group->unresolved = true;
    *out = (struct transition){ .from = group->state,
                                .to = group->state,
                                .at_s = group->changed_s,
                                .again = ++group->told_again,
                                .is_told = true };
    return true;
}

static bool is_due_again(const struct group_state *group, const struct alert_rules *rules,
                         const struct observation *observation)
{
    int64_t at_s = observation->at_s;

    if (observation->is_muted || group->state == MONITOR_OK || rules->renotify_s <= 0 ||
        !group->unresolved || (rules->renotify_states & 1U << group->state) == 0 ||
        at_s - group->last_told_s < rules->renotify_s)
        return false;
    return rules->renotify_occurrences > 0 ? group->told_again < rules->renotify_occurrences
                                           : at_s - group->first_triggered_s <= RENOTIFY_FOR_S;
}

static void note_data(struct group_state *group, const struct observation *observation)
{
    group->had_data = true;
    group->last_data_s = observation->data_s;
    group->value = observation->value;
}

bool group_state_step(struct group_state *group, const struct alert_rules *rules,
                      const struct observation *observation, struct transition *out)
{
    enum monitor_state to = group->state;

    switch (observation->what) {
    case OBSERVED_TOO_LITTLE:
        break; /* it lasts, as far as anybody knows */
    case OBSERVED_NOTHING:
        to = state_without_data(group, rules, observation->at_s);
        break;
    case OBSERVED_VALUE:
        note_data(group, observation);
        to = state_of(group->state, rules, observation);
        break;
    case OBSERVED_STATE:
        note_data(group, observation);
        to = observation->state;
        break;
    }
    if (to != group->state)
        return change(group, rules, to, observation->at_s, out);
    return is_due_again(group, rules, observation) && tell_again(group, observation->at_s, out);
}

bool group_state_tell(struct group_state *group, uint32_t states, int64_t now_s,
                      struct transition *out)
{
    return group->state != MONITOR_OK && (states & 1U << group->state) != 0 &&
           tell_again(group, now_s, out);
}
