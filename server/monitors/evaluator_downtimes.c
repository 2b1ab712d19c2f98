#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "config/log.h"
#include "flush/memory/json_view.h"
#include "server/monitors/evaluator_internal.h"

enum { BODY_KEYS_MAX = 10000 };

/* ---- who is muted ------------------------------------------------------ */

static bool is_about(const struct live_downtime *live, const struct watched_monitor *monitor,
                     const struct slice *tags, size_t n_tags)
{
    return downtime_is_about(&live->downtime, monitor->number, monitor->monitor.tags,
                             monitor->monitor.n_tags, tags, n_tags);
}

bool evaluation_is_muted(const struct evaluator *evaluator,
                         const struct watched_monitor *monitor,
                         const struct watched_group *group, int64_t now_s, uint32_t *end_states,
                         uint32_t *cancel_states, bool *mutes_recovery)
{
    struct slice tags[EVALUATION_TAGS_MAX];
    size_t n_tags = watched_group_scope(monitor, group, tags, EVALUATION_TAGS_MAX);
    bool is_muted = monitor_is_silenced(&monitor->monitor, tags, n_tags, now_s);

    *end_states = *cancel_states = is_muted ? ~0U : 0;
    *mutes_recovery = is_muted;
    for (const struct live_downtime *at = evaluator->downtimes; at != NULL; at = at->next) {
        if (!at->is_known || occurrences_at(&at->occurrences, now_s) == NULL ||
            !is_about(at, monitor, tags, n_tags))
            continue;
        is_muted = true;
        if (at->downtime.tells_expired)
            *end_states |= at->downtime.end_states;
        if (at->downtime.tells_canceled)
            *cancel_states |= at->downtime.end_states;
        *mutes_recovery = *mutes_recovery || at->downtime.mute_first_recovery;
    }
    return is_muted;
}

/* ---- when they are ----------------------------------------------------- */

/* Once of each, as it is asked about again and again. */
static void note_problem(struct live_downtime *live, const char *problem)
{
    if (problem[0] != '\0' && strncmp(live->problem, problem, sizeof live->problem - 1) != 0)
        log_warn("monitors: downtime %.*s recurs, and it is not known when: %s",
                 (int)live->name.len, live->name.at, problem);
    snprintf(live->problem, sizeof live->problem, "%s", problem);
}

/* Whether what was answered says who is muted about that time. */
static bool is_known_at(const struct live_downtime *live, int64_t now_s)
{
    return live->is_known && live->occurrences.known_from_s <= now_s &&
           now_s < live->occurrences.known_until_s;
}

static void hear_occurrences(void *argument, struct slice answer, const char *sentence)
{
    struct live_downtime *live = argument;
    struct evaluator *evaluator = live->evaluator;
    struct occurrences read;

    live->is_asked = false;
    evaluator->n_recurring_asked--;
    if (sentence[0] == '\0' && calendar_read(answer, live->asked_s - RECUR_BACK_S,
                                             live->asked_s + RECUR_AHEAD_S, &read)) {
        live->occurrences = read;
        live->is_known = true;
        note_problem(live, "");
    } else {
        note_problem(live, sentence[0] != '\0' ? sentence : "heeler-calendar's answer is none");
        live->retry_s = live->asked_s + RECUR_RETRY_S;
    }
    if (live->is_gone)
        free(live);
    if (!evaluator->is_looking_ahead) /* there is room for another */
        downtimes_look_ahead(evaluator, evaluator->looked_s);
}

/* Again a day before the end of what is known, or half-way to it where so many occurrences
 * come that it is near. A clock that went back is behind all of it. */
static bool needs_more(const struct live_downtime *live, int64_t now_s)
{
    if (live->downtime.n_recurrences == 0 || live->is_asked ||
        (now_s >= live->asked_s && now_s < live->retry_s))
        return false;
    if (!is_known_at(live, now_s))
        return true;
    int64_t left_s = live->occurrences.known_until_s - now_s;

    return left_s < RECUR_EARLY_S &&
           left_s < (live->occurrences.known_until_s - live->occurrences.known_from_s) / 2;
}

static void look_ahead(struct evaluator *evaluator, struct live_downtime *live, int64_t now_s)
{
    struct bytes lines = { 0 };

    calendar_ask(&live->downtime, now_s - RECUR_BACK_S, now_s + RECUR_AHEAD_S, &lines);
    live->asked_s = now_s;
    live->is_asked = true;
    evaluator->n_recurring_asked++;
    if (lines.failed)
        hear_occurrences(live, (struct slice){ NULL, 0 }, "out of memory");
    else
        evaluator->needs.recur(evaluator->needs.self, bytes_view(&lines), hear_occurrences,
                               live);
    bytes_free(&lines);
}

/* A few at once; each answer makes room for the next. */
void downtimes_look_ahead(struct evaluator *evaluator, int64_t now_s)
{
    uint64_t unknown = 0;

    evaluator->looked_s = now_s;
    evaluator->is_looking_ahead = true; /* some answer at once */
    for (struct live_downtime *at = evaluator->downtimes; at != NULL; at = at->next) {
        if (evaluator->n_recurring_asked < RECUR_AT_ONCE && needs_more(at, now_s))
            look_ahead(evaluator, at, now_s);
        unknown += at->problem[0] != '\0';
    }
    evaluator->is_looking_ahead = false;
    counter_set(&evaluator->ledger.unknown_downtimes, unknown);
}

/* One of which the calendar cannot say anything is not waited for. */
bool downtimes_are_known(const struct evaluator *evaluator, int64_t now_s)
{
    for (const struct live_downtime *at = evaluator->downtimes; at != NULL; at = at->next)
        if (!is_known_at(at, now_s) && at->problem[0] == '\0')
            return false;
    return true;
}

/* ---- for who draws them ------------------------------------------------ */

struct shown {
    struct evaluator *evaluator;
    int64_t from_s, until_s;
    void (*tell)(void *argument, const struct occurrences *occurrences, const char *sentence);
    void *argument;
};

static void hear_shown(void *argument, struct slice answer, const char *sentence)
{
    struct shown *shown = argument;
    struct occurrences read;

    shown->evaluator->n_recurring_shown--;
    if (sentence[0] != '\0')
        shown->tell(shown->argument, NULL, sentence);
    else if (calendar_read(answer, shown->from_s, shown->until_s, &read))
        shown->tell(shown->argument, &read, "");
    else
        shown->tell(shown->argument, NULL, "heeler-calendar's answer is none");
    free(shown);
}

/* The evaluator's own questions have room beside them. */
void evaluator_ask_occurrences(struct evaluator *evaluator, const struct downtime *downtime,
                               int64_t from_s, int64_t until_s,
                               void (*tell)(void *argument,
                                            const struct occurrences *occurrences,
                                            const char *sentence),
                               void *argument)
{
    bool is_busy = evaluator->n_recurring_shown == RECUR_SHOWN_AT_ONCE;
    struct shown *shown = is_busy ? NULL : malloc(sizeof *shown);
    struct bytes lines = { 0 };

    calendar_ask(downtime, from_s, until_s, &lines);
    if (shown == NULL || lines.failed) {
        tell(argument, NULL,
             is_busy ? "so many downtimes are asked about already" : "out of memory");
        free(shown);
    } else {
        *shown = (struct shown){ evaluator, from_s, until_s, tell, argument };
        evaluator->n_recurring_shown++;
        evaluator->needs.recur(evaluator->needs.self, bytes_view(&lines), hear_shown, shown);
    }
    bytes_free(&lines);
}

/* ---- what is defined --------------------------------------------------- */

static size_t chain_of(struct slice name)
{
    return XXH3_64bits(name.at, name.len) % DOWNTIME_CHAINS;
}

static struct live_downtime *find(const struct evaluator *evaluator, struct slice name)
{
    struct live_downtime *at = evaluator->downtimes_named[chain_of(name)];

    while (at != NULL && !slice_equal(at->name, name))
        at = at->next_named;
    return at;
}

/* An answer of the calendar may still come for it. */
static void live_free(struct live_downtime *given)
{
    downtime_free(&given->downtime);
    if (given->is_asked)
        given->is_gone = true;
    else
        free(given);
}

static void put_in(struct evaluator *evaluator, struct live_downtime *given)
{
    struct live_downtime **chain = &evaluator->downtimes_named[chain_of(given->name)];

    given->next_named = *chain;
    *chain = given;
    given->link = &evaluator->downtimes;
    given->next = evaluator->downtimes;
    if (given->next != NULL)
        given->next->link = &given->next;
    evaluator->downtimes = given;
    evaluator->n_downtimes++;
}

static void take_out(struct evaluator *evaluator, struct live_downtime *given)
{
    struct live_downtime **chain = &evaluator->downtimes_named[chain_of(given->name)];

    while (*chain != given)
        chain = &(*chain)->next_named;
    *chain = given->next_named;
    *given->link = given->next;
    if (given->next != NULL)
        given->next->link = given->link;
    evaluator->n_downtimes--;
    live_free(given);
}

void downtimes_drop(struct evaluator *evaluator)
{
    while (evaluator->downtimes != NULL) {
        evaluator->downtimes->is_asked = false; /* nobody answers any more */
        take_out(evaluator, evaluator->downtimes);
    }
}

/* A downtime is canceled: what it muted of a monitor is told as it says. */
static void end_for(const struct live_downtime *live, const struct watched_monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_groups; i++) {
        struct slice tags[EVALUATION_TAGS_MAX];
        struct watched_group *group = monitor->groups[i];

        if (group->is_muted &&
            is_about(live, monitor, tags,
                     watched_group_scope(monitor, group, tags, EVALUATION_TAGS_MAX)))
            group->end_states = group->cancel_states;
    }
}

static void end_for_all(struct evaluator *evaluator, const struct live_downtime *live)
{
    for (size_t i = 0; i < evaluator->monitors.n; i++)
        end_for(live, evaluator->monitors.at[i]);
}

static bool refuse(char *problem, size_t problem_size, const char *sentence)
{
    snprintf(problem, problem_size, "%s", sentence);
    return false;
}

/* Whether what is known of the one is true of the other. */
static bool recurs_alike(const struct downtime *a, const struct downtime *b)
{
    bool alike = a->n_recurrences == b->n_recurrences && strcmp(a->zone, b->zone) == 0;

    for (size_t i = 0; alike && i < a->n_recurrences; i++) {
        const struct recurrence *one = &a->recurrences[i], *other = &b->recurrences[i];

        alike = strcmp(one->rule, other->rule) == 0 && strcmp(one->start, other->start) == 0 &&
                one->start_s == other->start_s && one->duration_s == other->duration_s &&
                one->duration_days == other->duration_days;
    }
    return alike;
}

/* With its name and its body behind it. */
static struct live_downtime *live_new(struct slice name, struct slice body)
{
    struct live_downtime *live = calloc(1, sizeof *live + name.len + body.len);

    if (live == NULL)
        return NULL;
    char *at = live->bytes;

    memcpy(at, name.at, name.len);
    live->name = (struct slice){ at, name.len };
    memcpy(at + name.len, body.at, body.len);
    live->body = (struct slice){ at + name.len, body.len };
    return live;
}

bool evaluator_set_downtime(struct evaluator *evaluator, struct slice name, struct slice body,
                            bool is_v2, int64_t made_s, char *problem, size_t problem_size)
{
    struct live_downtime *old = find(evaluator, name), *live;

    if (body.len == 0) {
        if (old != NULL) {
            end_for_all(evaluator, old);
            take_out(evaluator, old);
        }
        return true;
    }
    if (old != NULL && slice_equal(old->body, body)) {
        old->is_marked = true;
        return true;
    }
    if (old == NULL && evaluator->n_downtimes == DOWNTIMES_MAX)
        return refuse(problem, problem_size, "there are 2000 downtimes, and that is the most");
    if ((live = live_new(name, body)) == NULL)
        return refuse(problem, problem_size, "out of memory");
    if (!(is_v2 ? downtime_read_v2 : downtime_read_v1)(live->body, made_s, &live->downtime,
                                                       problem, problem_size)) {
        free(live);
        return false;
    }
    live->evaluator = evaluator;
    if (live->downtime.n_recurrences == 0) {
        calendar_once(&live->downtime, &live->occurrences);
        live->is_known = true;
    } else if (old != NULL && recurs_alike(&old->downtime, &live->downtime)) {
        live->occurrences = old->occurrences;
        live->is_known = old->is_known;
    }
    if (old != NULL)
        take_out(evaluator, old);
    live->is_marked = true;
    put_in(evaluator, live);
    return true;
}

void evaluator_mark_downtimes(struct evaluator *evaluator)
{
    for (struct live_downtime *at = evaluator->downtimes; at != NULL; at = at->next)
        at->is_marked = false;
}

void evaluator_sweep_downtimes(struct evaluator *evaluator)
{
    struct live_downtime *next;

    for (struct live_downtime *at = evaluator->downtimes; at != NULL; at = next) {
        next = at->next;
        if (at->is_marked)
            continue;
        end_for_all(evaluator, at);
        take_out(evaluator, at);
    }
}

enum downtime_hold evaluator_downtime_holds(const struct evaluator *evaluator,
                                            struct slice name, int64_t now_s, int64_t *from_s,
                                            int64_t *until_s)
{
    const struct live_downtime *live = find(evaluator, name);

    if (live == NULL || (!live->is_known && live->problem[0] == '\0'))
        return DOWNTIME_HOLD_UNKNOWN;
    for (size_t i = 0; live->is_known && i < live->occurrences.n; i++) {
        const struct occurrence *one = &live->occurrences.at[i];

        if (one->end_s == DOWNTIME_FOR_EVER || one->end_s > now_s) {
            *from_s = one->start_s;
            *until_s = one->end_s;
            return DOWNTIME_HOLD_KNOWN;
        }
    }
    return DOWNTIME_HOLD_NONE;
}
