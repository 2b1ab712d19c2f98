#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_view.h"
#include "server/monitors/evaluator_internal.h"

enum {
    CHECK_MESSAGE_MAX = 1024,
    AT_ONCE = 256,        /* groups */
    SWEPT_AT_ONCE = 2048, /* the same, of which nothing came */
    ANSWER_KEYS_MAX = 16 * MONITOR_GROUPS_MAX
};

/* ---- one group --------------------------------------------------------- */

/* Whether nothing may be missed yet: we have not watched for so long. */
static bool is_too_early(const struct evaluator *evaluator, const struct monitor *monitor,
                         const struct observation *observation)
{
    return observation->what == OBSERVED_NOTHING &&
           observation->at_s - evaluator->needs.start_s < monitor->rules.no_data_s;
}

/* What is still wrong when muting ends is told then, whether it was told before or not. That it
 * is muted no more is written down, or a successor would take that for the end. */
static void end_muting(struct evaluator *evaluator, struct watched_monitor *monitor,
                       struct watched_group *group, uint32_t states, int64_t at_s)
{
    struct transition transition;

    group->is_muted = false;
    if (group_state_tell(&group->state, states, at_s, &transition))
        evaluation_tell(evaluator, monitor, group, &transition, at_s);
    else if (group->state.state != MONITOR_OK)
        group_keep(evaluator, monitor, group, NULL, NULL);
}

/* Remembered with the group, for when it is silent, and for a successor. */
static void locate(struct evaluator *evaluator, const struct watched_monitor *monitor,
                   struct watched_group *group)
{
    struct slice host = monitor->monitor.wants_address ? watched_group_host(group) : SLICE("");

    if (host.len > 0)
        watched_group_locate(group, evaluator->needs.address(evaluator->needs.self, host));
}

/* A program before this one looked at that minute, and what came of it is written down. It knew
 * more: its last values may be on no disk. */
static bool is_settled(const struct group_state *state, int64_t at_s)
{
    return state->changed_s == at_s || state->last_told_s == at_s;
}

/* One that is well and falls silent while no process looks is missed by the next only if it
 * knows of it. So many at once would leave no room for what changes. */
static void keep_for_its_silence(struct evaluator *evaluator,
                                 const struct watched_monitor *monitor,
                                 struct watched_group *group)
{
    enum missing_data missing = monitor->monitor.rules.missing;

    if (group->is_kept || !group->state.had_data || evaluator->may_keep == 0 ||
        (missing != MISSING_NOTIFIES && missing != MISSING_SHOWS))
        return;
    evaluator->may_keep--;
    group->is_kept = true;
    group_keep(evaluator, monitor, group, NULL, NULL);
}

void evaluation_observe(struct evaluator *evaluator, struct watched_monitor *monitor,
                        struct watched_group *group, struct observation *observation)
{
    const struct monitor *of = &monitor->monitor;
    uint32_t end_states = 0, cancel_states = 0;
    struct transition transition;
    bool mutes_recovery, was_muted = group->is_muted;
    bool is_muted = evaluation_is_muted(evaluator, monitor, group, observation->at_s,
                                        &end_states, &cancel_states, &mutes_recovery);

    if (is_too_early(evaluator, of, observation) ||
        is_settled(&group->state, observation->at_s))
        observation->what = OBSERVED_TOO_LITTLE;
    group->is_muted = is_muted;
    observation->is_muted = is_muted;
    locate(evaluator, monitor, group);
    if (group_state_step(&group->state, &of->rules, observation, &transition)) {
        if (transition.is_told)
            evaluation_tell(evaluator, monitor, group, &transition, observation->at_s);
        else
            group_keep(evaluator, monitor, group, NULL, NULL);
    } else if (was_muted && !is_muted) {
        end_muting(evaluator, monitor, group, group->end_states, observation->at_s);
    } else {
        keep_for_its_silence(evaluator, monitor, group);
    }
    group->end_states = end_states;
    group->cancel_states = cancel_states;
}

/* Nothing came of it in this evaluation. */
static void miss(struct evaluator *evaluator, struct watched_monitor *monitor,
                 struct watched_group *group, int64_t at_s)
{
    struct observation nothing = { .what = OBSERVED_NOTHING, .at_s = at_s };

    evaluation_observe(evaluator, monitor, group, &nothing);
}

/* What was written down says when one changed, and not that it was seen since: nobody is missed
 * before this process began. */
bool evaluation_is_over(const struct evaluation *evaluation,
                        const struct watched_monitor *monitor,
                        const struct watched_group *group)
{
    int64_t start_s = evaluation->evaluator->needs.start_s;
    int64_t since_s = group->seen_s > start_s ? group->seen_s : start_s;

    return evaluation->at_s - since_s >= monitor->monitor.group_retention_s;
}

/* Those of which nothing came. True: there are more. */
static bool sweep(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    for (size_t n = 0; n < SWEPT_AT_ONCE && evaluation->swept < monitor->n_groups; n++) {
        struct watched_group *group = monitor->groups[evaluation->swept];

        if (group->seen_s != evaluation->at_s)
            miss(evaluation->evaluator, monitor, group, evaluation->at_s);
        if (monitor->monitor.condition.n_by > 0 &&
            evaluation_is_over(evaluation, monitor, group)) {
            group_forget_kept(evaluation->evaluator, monitor, group);
            watched_monitor_drop(monitor, group);
            continue;
        }
        evaluation->swept++;
    }
    return evaluation->swept < monitor->n_groups;
}

/* ---- of a value -------------------------------------------------------- */

static struct slice text_of(struct slice object, const char *name, char *room, size_t size)
{
    struct slice value = json_view_member(object, name);

    if (value.len > size)
        return (struct slice){ room, 0 };
    return (struct slice){ room, json_view_text(value, room) };
}

static int64_t whole_of(struct slice object, const char *name)
{
    int64_t number = 0;

    (void)json_view_whole(json_view_member(object, name), &number);
    return number;
}

static bool is_full(const struct monitor *monitor, struct slice object)
{
    return condition_is_full(&monitor->condition,
                             json_view_kind(json_view_member(object, "first")) ==
                                 JSON_KIND_TRUE,
                             whole_of(object, "buckets"));
}

/* When a group was seen first that is seen now; 0: it was there from the beginning. After a
 * start that are all that come as long as a new one has time: what is written down has only
 * those that ever changed. */
static int64_t first_seen_s(const struct evaluation *evaluation,
                            const struct watched_monitor *monitor)
{
    return monitor->knows_groups ? evaluation->at_s : 0;
}

/* A group that was not there when the monitor was looked at first has time to begin; not one
 * that was there before the clock went back. */
static bool is_new(const struct watched_monitor *monitor, const struct watched_group *group,
                   int64_t at_s)
{
    int64_t first_s = group->state.first_seen_s;

    return monitor->monitor.condition.n_by > 0 && first_s > 0 && first_s <= at_s &&
           at_s - first_s < monitor->monitor.new_group_delay_s;
}

static void read_value(struct evaluation *evaluation, struct watched_monitor *monitor,
                       struct slice object)
{
    char name_room[EVALUATION_NAME_MAX], host_room[EVALUATION_NAME_MAX];
    struct slice name = text_of(object, "group", name_room, sizeof name_room);
    struct slice host = text_of(object, "host", host_room, sizeof host_room);
    int64_t first_s = first_seen_s(evaluation, monitor);
    /* What lies back because we look back is no silence. */
    int64_t data_s = whole_of(object, "last_s") + monitor->monitor.evaluation_delay_s;
    struct observation observation = { .what = OBSERVED_VALUE,
                                       .at_s = evaluation->at_s,
                                       .data_s = data_s };

    if (!json_view_number(json_view_member(object, "value"), &observation.value) ||
        name.len == 0)
        return; /* as one that is not there */
    observation.is_share =
        json_view_number(json_view_member(object, "recovery"), &observation.recovery);
    struct watched_group *group = watched_monitor_need(monitor, name, host, first_s);

    if (group == NULL)
        return;
    group->seen_s = evaluation->at_s;
    if (is_new(monitor, group, evaluation->at_s))
        return;
    if (monitor->monitor.require_full_window && !is_full(&monitor->monitor, object))
        observation.what = OBSERVED_TOO_LITTLE;
    evaluation_observe(evaluation->evaluator, monitor, group, &observation);
}

/* ---- of a check -------------------------------------------------------- */

/* Appends "key:value" or "host:name". False: it has none. */
static bool add_key(struct slice object, struct slice key, struct bytes *out)
{
    struct slice inside = json_view_inside(json_view_member(object, "tags")), item;
    char room[EVALUATION_NAME_MAX];

    if (slice_equal(key, SLICE("host"))) {
        struct slice host = text_of(object, "host", room, sizeof room);

        bytes_add(out, "host:", strlen("host:"));
        bytes_add(out, host.at, host.len);
        return host.len > 0;
    }
    while (json_view_next_item(&inside, &item)) {
        if (item.len > sizeof room)
            continue;
        struct slice tag = { room, json_view_text(item, room) }, rest = tag;

        if (memchr(tag.at, ':', tag.len) == NULL || !slice_equal(slice_cut(&rest, ':'), key))
            continue;
        bytes_add(out, tag.at, tag.len);
        return true;
    }
    return false;
}

/* All its tags, and its host: a group of its own. */
static void add_all_tags(struct slice object, struct bytes *out)
{
    struct slice inside = json_view_inside(json_view_member(object, "tags")), item;
    char room[EVALUATION_NAME_MAX];

    (void)add_key(object, SLICE("host"), out);
    while (json_view_next_item(&inside, &item)) {
        if (item.len > sizeof room)
            continue;
        bytes_add(out, ",", 1);
        bytes_add(out, room, json_view_text(item, room));
    }
}

static int compare_tags(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* As the groups of values are, so that one is called the same in both. */
static void sort_tags(struct bytes *name)
{
    struct slice tags[EVALUATION_TAGS_MAX], rest = bytes_view(name);
    struct bytes sorted = { 0 };
    size_t n = 0;

    while (rest.len > 0 && n < EVALUATION_TAGS_MAX)
        tags[n++] = slice_cut(&rest, ',');
    if (rest.len > 0 || n < 2)
        return;
    qsort(tags, n, sizeof *tags, compare_tags);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            bytes_add(&sorted, ",", 1);
        bytes_add_slice(&sorted, tags[i]);
    }
    bytes_free(name);
    *name = sorted;
}

/* False: it belongs to no group. */
static bool group_of_check(const struct condition *condition, struct slice object,
                           struct bytes *out)
{
    if (condition->n_by == 1 && slice_equal(condition->by[0], SLICE("*"))) {
        add_all_tags(object, out);
        sort_tags(out);
        return true;
    }
    if (condition->n_by == 0)
        bytes_add(out, "*", 1);
    for (size_t i = 0; i < condition->n_by; i++) {
        if (i > 0)
            bytes_add(out, ",", 1);
        if (!add_key(object, condition->by[i], out))
            return false;
    }
    sort_tags(out);
    return true;
}

static bool has_tag(struct slice object, struct slice wanted)
{
    struct slice inside = json_view_inside(json_view_member(object, "tags")), item;
    char room[EVALUATION_NAME_MAX];

    if (slice_starts(wanted, SLICE("host:")) &&
        slice_equal(text_of(object, "host", room, sizeof room), slice_skip(wanted, 5)))
        return true;
    while (json_view_next_item(&inside, &item))
        if (item.len <= sizeof room &&
            slice_equal((struct slice){ room, json_view_text(item, room) }, wanted))
            return true;
    return false;
}

static bool is_over_check(const struct condition *condition, struct slice object)
{
    for (size_t i = 0; i < condition->n_over; i++)
        if (!slice_equal(condition->over[i], SLICE("*")) &&
            !has_tag(object, condition->over[i]))
            return false;
    for (size_t i = 0; i < condition->n_exclude; i++)
        if (has_tag(object, condition->exclude[i]))
            return false;
    return true;
}

/* So many of the same status in a row make a state; fewer leave it as it is. */
static enum monitor_state state_of_check(const struct check_counts *counts, int64_t status,
                                         int64_t in_a_row, enum monitor_state before)
{
    static const enum monitor_state states[] = { MONITOR_OK, MONITOR_WARN, MONITOR_ALERT };
    const uint32_t needed[] = { counts->ok, counts->warning, counts->critical };

    if (status < 0 || status > 2 || in_a_row < (int64_t)needed[status])
        return before;
    return states[status];
}

/* Several of one group: the worst counts. */
static void read_check(struct evaluation *evaluation, struct watched_monitor *monitor,
                       struct slice object)
{
    const struct monitor *of = &monitor->monitor;
    struct bytes name = { 0 };
    int64_t at_s = whole_of(object, "at_s");

    if (!is_over_check(&of->condition, object) ||
        evaluation->at_s - at_s >= of->rules.no_data_s ||
        !group_of_check(&of->condition, object, &name) || name.failed) {
        bytes_free(&name);
        return;
    }
    char host[EVALUATION_NAME_MAX];
    struct watched_group *group = watched_monitor_need(
        monitor, bytes_view(&name), text_of(object, "host", host, sizeof host),
        first_seen_s(evaluation, monitor));

    bytes_free(&name);
    if (group == NULL)
        return;
    enum monitor_state state =
        state_of_check(&of->counts, whole_of(object, "status"), whole_of(object, "in_a_row"),
                       group->state.state == MONITOR_NO_DATA ? MONITOR_OK : group->state.state);

    if (group->seen_s != evaluation->at_s || !group->has_worst || state > group->worst) {
        char said[CHECK_MESSAGE_MAX];

        group->worst = state;
        watched_group_say(group, text_of(object, "message", said, sizeof said));
    }
    if (group->seen_s != evaluation->at_s || at_s > group->newest_s)
        group->newest_s = at_s;
    group->has_worst = true;
    group->seen_s = evaluation->at_s;
}

/* All members of the groups are read: what they make together. True: there are more. */
static bool settle_checks(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    for (size_t n = 0; n < AT_ONCE && evaluation->settled < monitor->n_groups;
         n++, evaluation->settled++) {
        struct watched_group *group = monitor->groups[evaluation->settled];

        if (!group->has_worst)
            continue;
        struct observation observation = { .what = OBSERVED_STATE,
                                           .state = group->worst,
                                           .at_s = evaluation->at_s,
                                           .data_s = group->newest_s };

        group->has_worst = false;
        if (!is_new(monitor, group, evaluation->at_s))
            evaluation_observe(evaluation->evaluator, monitor, group, &observation);
    }
    return evaluation->settled < monitor->n_groups;
}

/* ---- of all ------------------------------------------------------------ */

/* One that is not grouped is there, whatever comes. */
static void need_the_one(struct watched_monitor *monitor)
{
    if (monitor->monitor.condition.n_by == 0)
        (void)watched_monitor_need(monitor, SLICE("*"), SLICE(""), 0);
}

/* False: the answer is none; the monitor says why. */
static bool open_answer(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    struct slice text = bytes_view(&evaluation->answer), value;
    bool is_check = monitor->monitor.condition.kind == CONDITION_CHECK;
    struct json_fault fault;

    if (evaluation->status == 200 && text.len > 0 &&
        json_view_check(text, ANSWER_KEYS_MAX, &value, &fault)) {
        monitor->problem[0] = '\0';
        monitor->groups_beyond = 0;
        evaluation->rest =
            json_view_inside(json_view_member(value, is_check ? "checks" : "groups"));
        need_the_one(monitor);
        return true;
    }
    struct slice said = { "", 0 };
    char room[sizeof monitor->problem];

    if (text.len > 0 && json_view_check(text, ANSWER_KEYS_MAX, &value, &fault))
        said = text_of(value, "error", room, sizeof room);
    snprintf(monitor->problem, sizeof monitor->problem, "%d: %.*s", evaluation->status,
             (int)said.len, said.at);
    return false;
}

/* Whatever is alive has come since the start. */
static bool watched_long_enough(const struct evaluation *evaluation,
                                const struct monitor *monitor)
{
    return evaluation->at_s - evaluation->evaluator->needs.start_s >=
           monitor->new_group_delay_s;
}

bool evaluation_read(struct evaluation *evaluation, struct watched_monitor *monitor)
{
    bool is_check = monitor->monitor.condition.kind == CONDITION_CHECK;
    struct slice object;

    if (evaluation->rest.at == NULL && !evaluation->is_read &&
        !open_answer(evaluation, monitor))
        return false;
    for (size_t n = 0; n < AT_ONCE && !evaluation->is_read; n++) {
        if (!json_view_next_item(&evaluation->rest, &object)) {
            evaluation->is_read = true;
            evaluation->settled = 0;
        } else if (is_check) {
            read_check(evaluation, monitor, object);
        } else {
            read_value(evaluation, monitor, object);
        }
    }
    if (!evaluation->is_read || (is_check && settle_checks(evaluation, monitor)) ||
        sweep(evaluation, monitor))
        return true;
    monitor->evaluated_s = evaluation->at_s;
    if (watched_long_enough(evaluation, &monitor->monitor))
        monitor->knows_groups = true;
    return false;
}
