/* Any body of a monitor, and any query of one. What is refused is refused with a sentence, and
 * what is taken can be asked all that its evaluation asks: its texts are within what came or
 * its own room, its times are times, its program ends where it should. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flush/memory/json_view.h"
#include "flush/monitors/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS_MAX = 1000 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Each byte is read, so one that is not ours is found. */
static void read_all(struct slice text)
{
    volatile char byte = 0;

    for (size_t i = 0; i < text.len; i++)
        byte = text.at[i];
    (void)byte;
}

static void check_condition(const struct condition *condition)
{
    read_all(condition->text);
    read_all(condition->expression);
    read_all(condition->check);
    for (size_t i = 0; i < condition->n_by; i++)
        read_all(condition->by[i]);
    for (size_t i = 0; i < condition->n_over; i++)
        read_all(condition->over[i]);
    for (size_t i = 0; i < condition->n_exclude; i++)
        read_all(condition->exclude[i]);
    check(condition_period_s(condition) > 0 && condition_bucket_s(condition) > 0);
    if (condition->kind == CONDITION_VALUE || condition->kind == CONDITION_CHANGE)
        check(condition->window_s > 0 && condition->shift_s >= 0 &&
              isfinite(condition->threshold));
    for (int seed = 0; condition->kind == CONDITION_COMPOSITE && seed < 8; seed++) {
        enum monitor_state operands[CONDITION_OPERANDS_MAX];

        for (int i = 0; i < CONDITION_OPERANDS_MAX; i++)
            operands[i] = (enum monitor_state)((seed * 7 + i * 5) % MONITOR_STATE_COUNT);
        check(condition_combine(condition, operands) < MONITOR_STATE_COUNT);
    }
}

static void check_query(struct slice text)
{
    struct condition condition;
    char problem[512] = "";

    if (condition_parse(text, &condition, problem, sizeof problem))
        check_condition(&condition);
    else
        check(problem[0] != '\0');
}

static void check_rules(const struct alert_rules *rules)
{
    const struct level *levels[] = { &rules->critical, &rules->warning,
                                     &rules->critical_recovery, &rules->warning_recovery };

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        check(!levels[i]->set || isfinite(levels[i]->value));
    check(rules->no_data_s >= 0 && rules->renotify_s >= 0 && rules->timeout_s >= 0);
}

/* A few evaluations of one group, with what its rules say. */
static void step_through(const struct monitor *monitor)
{
    struct group_state group = { .state = MONITOR_OK, .first_seen_s = 60 };
    struct transition transition;

    for (int64_t at_s = 60; at_s < 1200; at_s += 60) {
        struct observation observation = { .what = at_s / 300 % 2 ? OBSERVED_VALUE
                                                                  : OBSERVED_NOTHING,
                                           .value = (double)at_s,
                                           .at_s = at_s,
                                           .data_s = at_s };
        if (group_state_step(&group, &monitor->rules, &observation, &transition))
            check(transition.to < MONITOR_STATE_COUNT && transition.from < MONITOR_STATE_COUNT);
    }
}

static void check_monitor(struct slice value)
{
    static const struct slice tags[] = { { "env:prod", 8 }, { "host:a", 6 } };
    struct monitor monitor;
    char problem[512] = "";

    if (!monitor_read(value, &monitor, problem, sizeof problem)) {
        check(problem[0] != '\0');
        return;
    }
    read_all(monitor.name);
    read_all(monitor.query);
    read_all(monitor.message);
    read_all(monitor.escalation);
    for (size_t i = 0; i < monitor.n_tags; i++)
        read_all(monitor.tags[i]);
    check(monitor.priority >= 0 && monitor.priority <= 5);
    check(monitor.evaluation_delay_s >= 0 && monitor.new_group_delay_s >= 0);
    check_condition(&monitor.condition);
    check_rules(&monitor.rules);
    step_through(&monitor);
    (void)monitor_is_silenced(&monitor, tags, 2, 1796061720);
    (void)monitor_is_silenced(&monitor, NULL, 0, 0);
    monitor_free(&monitor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* not a byte more than is named */
    struct slice text = { copy, size }, value;
    struct json_fault fault;

    check(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    check_query(text);
    if (json_view_check(text, KEYS_MAX, &value, &fault) &&
        json_view_kind(value) == JSON_KIND_OBJECT)
        check_monitor(value);
    free(copy);
    return 0;
}
