#include "server/monitors/monitoring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/patience.h"
#include "server/api/api.h"
#include "server/api/defined.h"
#include "server/api/downtime_form.h"
#include "server/monitors/monitoring_internal.h"
#include "server/receive/host_addresses.h"

enum { TICK_MS = 1000, STEPS_AT_ONCE = 8, NOTIFIER_PATIENCE_MS = 2000 };

/* ---- what is defined --------------------------------------------------- */

static void forget_gone(struct monitoring *monitoring)
{
    struct defined defined = api_defined(monitoring->view, DEFINITION_MONITOR);
    const struct monitors *monitors = evaluator_monitors(monitoring->evaluator);
    int64_t number = INT64_MIN;

    for (const struct watched_monitor *at; (at = monitors_next(monitors, number)) != NULL;) {
        number = at->number;
        if (defined_find_number(&defined, number) == NULL)
            evaluator_forget(monitoring->evaluator, number);
    }
}

static void define_all(struct monitoring *monitoring)
{
    struct defined defined = api_defined(monitoring->view, DEFINITION_MONITOR);
    char problem[512];

    for (const struct definition *at = NULL; (at = defined_next(&defined, at)) != NULL;) {
        const struct watched_monitor *live =
            monitors_find(evaluator_monitors(monitoring->evaluator), at->number);

        if ((live == NULL || !slice_equal(live->body, at->body)) &&
            !evaluator_define(monitoring->evaluator, at->number, at->body, problem,
                              sizeof problem))
            log_error("monitors: monitor %lld is not evaluated: %s", (long long)at->number,
                      problem);
    }
}

/* One that was canceled stays to be read, and mutes nothing. A time that one does not say is
 * that at which it was made, whenever it is looked at. */
static void set_downtimes(struct monitoring *monitoring)
{
    struct defined defined = api_defined(monitoring->view, DEFINITION_DOWNTIME);
    char problem[512];

    evaluator_mark_downtimes(monitoring->evaluator);
    for (const struct definition *at = NULL; (at = defined_next(&defined, at)) != NULL;) {
        struct slice body = downtime_form_body(at);

        if (body.len > 0 &&
            !evaluator_set_downtime(monitoring->evaluator, at->name, body,
                                    downtime_form_is_v2(body), at->created_ms / 1000, problem,
                                    sizeof problem))
            log_error("monitors: downtime %.*s mutes nothing: %s", (int)at->name.len,
                      at->name.at, problem);
    }
    evaluator_sweep_downtimes(monitoring->evaluator);
}

static void take_items(struct monitoring *monitoring)
{
    while (monitoring->items != NULL) {
        struct kept_item *first = monitoring->items;

        monitoring->items = first->next;
        evaluator_restore(monitoring->evaluator, first->kind, first->name, first->text);
        free(first);
    }
}

/* While one of them has {{host.ip}} in its message. */
static void want_addresses(struct monitoring *monitoring)
{
    const struct monitors *monitors = evaluator_monitors(monitoring->evaluator);
    bool wanted = false;

    for (size_t i = 0; !wanted && i < monitors->n; i++)
        wanted = monitors->at[i]->monitor.wants_address;
    host_addresses_want(monitoring->view->host_addresses, wanted);
}

/* False: what was kept is still being read. */
static bool follow_definitions(struct monitoring *monitoring)
{
    const struct server_view *view = monitoring->view;

    if (!definitions_refresh(&view->api->definitions))
        return false;
    if (api_changes(view) == monitoring->changes_seen && monitoring->is_begun)
        return true;
    monitoring->changes_seen = api_changes(view);
    forget_gone(monitoring);
    define_all(monitoring);
    set_downtimes(monitoring);
    take_items(monitoring);
    monitoring->is_begun = true;
    want_addresses(monitoring);
    return true;
}

/* ---- the loop ---------------------------------------------------------- */

/* Some steps, and then the others of the loop have their turn. */
static void go_on(struct monitoring *monitoring, int64_t now_s)
{
    static const struct timeval at_once = { 0, 0 };

    for (int i = 0; i < STEPS_AT_ONCE; i++)
        if (!evaluator_step(monitoring->evaluator, now_s))
            return;
    event_add(monitoring->more, &at_once);
}

static void turn(struct monitoring *monitoring,
                 void (*work)(struct monitoring *monitoring, int64_t now_s))
{
    int64_t now_s = clock_wall_s();
    pthread_mutex_t *mutex = &monitoring->view->api->mutex;

    pthread_mutex_lock(mutex);
    if (!monitoring->is_stopped) {
        work(monitoring, now_s);
        go_on(monitoring, now_s);
    }
    pthread_mutex_unlock(mutex);
}

static void tick(struct monitoring *monitoring, int64_t now_s)
{
    if (!follow_definitions(monitoring))
        return;
    monitoring_look_for_losses(monitoring, now_s);
    host_addresses_gather(monitoring->view->host_addresses);
    evaluator_tick(monitoring->evaluator, now_s);
}

static void take_answers(struct monitoring *monitoring, int64_t now_s)
{
    struct asked_question *next;

    (void)now_s;
    mailbox_quieten(&monitoring->answers);
    for (struct asked_question *at =
             (struct asked_question *)mailbox_take(&monitoring->answers);
         at != NULL; at = next) {
        next = at->next;
        monitoring_hear_answer(at);
    }
}

static void take_returned(struct monitoring *monitoring, int64_t now_s)
{
    const struct state_keeper *keeper = monitoring->view->state_keeper;
    struct letter *next;

    (void)now_s;
    mailbox_quieten(keeper->returned);
    for (struct letter *at = mailbox_take(keeper->returned); at != NULL; at = next) {
        next = at->next;
        monitoring_hear_kept(keeper->take(at));
    }
}

static void take_results(struct monitoring *monitoring, int64_t now_s)
{
    struct notify_result *next;

    (void)now_s;
    mailbox_quieten(&monitoring->results);
    for (struct notify_result *at = (struct notify_result *)mailbox_take(&monitoring->results);
         at != NULL; at = next) {
        next = at->next;
        monitoring_hear_result(monitoring, at);
    }
}

static void no_more(struct monitoring *monitoring, int64_t now_s)
{
    (void)monitoring, (void)now_s;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    turn(argument, tick);
}

static void on_answers(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    turn(argument, take_answers);
}

static void on_returned(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    turn(argument, take_returned);
}

static void on_results(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    turn(argument, take_results);
}

static void on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    turn(argument, no_more);
}

static struct event *add_reader(struct monitoring *monitoring, struct event_base *base,
                                const struct mailbox *mailbox, event_callback_fn on)
{
    struct event *event =
        event_new(base, mailbox->wake_fd, EV_READ | EV_PERSIST, on, monitoring);

    if (event != NULL && event_add(event, NULL) == 0)
        return event;
    if (event != NULL)
        event_free(event);
    return NULL;
}

static void drop_events(struct monitoring *monitoring)
{
    struct event **const all[] = { &monitoring->timer, &monitoring->on_answers,
                                   &monitoring->on_returned, &monitoring->on_results,
                                   &monitoring->more };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i] != NULL)
            event_free(*all[i]);
        *all[i] = NULL;
    }
    painter_free(monitoring->charts);
    painter_free(monitoring->calendars);
    monitoring->charts = monitoring->calendars = NULL;
}

bool monitoring_furnish(struct monitoring *monitoring, struct event_base *base)
{
    const struct settings *settings = monitoring->view->settings;
    const struct state_keeper *keeper = monitoring->view->state_keeper;
    struct timeval second = clock_wait_ms(TICK_MS);

    int64_t timeout_ms = patience_ms(PAINTER_TIMEOUT_MS);

    monitoring->charts =
        painter_new(base, &painter_chart, settings->heeler_chart_path, timeout_ms);
    monitoring->calendars =
        painter_new(base, &painter_calendar, settings->heeler_calendar_path, timeout_ms);
    monitoring->on_answers = add_reader(monitoring, base, &monitoring->answers, on_answers);
    if (keeper != NULL)
        monitoring->on_returned = add_reader(monitoring, base, keeper->returned, on_returned);
    monitoring->on_results = add_reader(monitoring, base, &monitoring->results, on_results);
    monitoring->timer = event_new(base, -1, EV_PERSIST, on_timer, monitoring);
    monitoring->more = event_new(base, -1, 0, on_more, monitoring);
    if (monitoring->charts != NULL && monitoring->calendars != NULL &&
        monitoring->on_answers != NULL && (keeper == NULL || monitoring->on_returned != NULL) &&
        monitoring->on_results != NULL && monitoring->timer != NULL &&
        monitoring->more != NULL && event_add(monitoring->timer, &second) == 0)
        return true;
    drop_events(monitoring);
    return false;
}

/* What was kept of another kind than definitions, by the desk's thread or before it runs. */
static void take_item(void *argument, struct slice kind, struct slice name, struct slice text)
{
    struct monitoring *monitoring = argument;
    struct kept_item *item = malloc(sizeof *item + kind.len + name.len + text.len);

    if (item == NULL) {
        log_error("monitors: not enough memory for what was kept");
        return;
    }
    char *at = item->bytes;

    item->next = NULL;
    item->kind = slice_copy(kind, &at);
    item->name = slice_copy(name, &at);
    item->text = slice_copy(text, &at);
    if (monitoring->items == NULL)
        monitoring->items = item;
    else
        monitoring->last_item->next = item;
    monitoring->last_item = item;
    monitoring->is_begun = false; /* they are taken with the next look at the definitions */
}

/* ---- the end ----------------------------------------------------------- */

/* What it still had waits in the groups. */
static void end_notifier(struct monitoring *monitoring)
{
    struct notify_result *next;

    if (monitoring->notifier != NULL &&
        !notifier_end(monitoring->notifier, NOTIFIER_PATIENCE_MS)) {
        log_warn("monitors: what sends notifications does not end");
        monitoring->is_left = true;
    }
    for (struct notify_result *at = (struct notify_result *)mailbox_take(&monitoring->results);
         at != NULL; at = next) {
        next = at->next;
        if (at->end != NOTIFICATION_WAITING) {
            monitoring_hear_result(monitoring, at);
            continue;
        }
        notification_free(at->notification); /* its group has a copy */
        free(at);
    }
    evaluator_write_told(monitoring->evaluator);
}

void monitoring_end(struct monitoring *monitoring)
{
    pthread_mutex_t *mutex = &monitoring->view->api->mutex;

    pthread_mutex_lock(mutex);
    if (!monitoring->is_stopped) {
        monitoring->is_stopped = true;
        evaluator_give_up_waits(monitoring->evaluator);
        end_notifier(monitoring);
    }
    pthread_mutex_unlock(mutex);
}

void monitoring_hand_over(struct monitoring *monitoring, struct state_writer *out)
{
    monitoring_end(monitoring);
    if (evaluator_monitors(monitoring->evaluator)->n == 0 && !monitoring->is_begun)
        return;
    state_begin(out, STATE_MONITORS);
    evaluator_hand_over(monitoring->evaluator, out);
    if (!state_settle(out)) {
        log_warn("monitors: there is no memory to hand over their states");
        state_cancel(out);
    }
}

static bool open_mailboxes(struct monitoring *monitoring)
{
    bool answers = mailbox_open(&monitoring->answers);
    bool results = mailbox_open(&monitoring->results);

    if (answers && results)
        return true;
    if (answers)
        mailbox_close(&monitoring->answers);
    if (results)
        mailbox_close(&monitoring->results);
    return false;
}

/* Whoever keeps states has none of those that are inherited: it is another folder. */
static void keep_inherited(struct monitoring *monitoring, struct slice kind, struct slice name,
                           struct slice text)
{
    const struct server_view *view = monitoring->view;
    char word[32];

    if (view->state_keeper == NULL || view->definition_keeper->has_inherited)
        return;
    snprintf(word, sizeof word, "%.*s", (int)kind.len, kind.at);
    (void)view->state_keeper->keep(view->state_keeper->self, word, name, clock_wall_s(), text,
                                   NULL);
}

/* They are taken up when what is defined is known. */
static void take_over(struct monitoring *monitoring, struct state_reader in)
{
    struct slice kind, name, text;

    if (in.at == NULL)
        return;
    while (kind = state_get_text(&in), kind.len > 0) {
        name = state_get_text(&in);
        text = state_get_text(&in);
        if (in.failed)
            break;
        take_item(monitoring, kind, name, text);
        keep_inherited(monitoring, kind, name, text);
    }
    if (in.failed)
        log_error("monitors: states that were handed over are damaged");
}

struct monitoring *monitoring_new(const struct server_view *view, const char *hostname)
{
    struct monitoring *monitoring = calloc(1, sizeof *monitoring);
    char problem[256];

    if (monitoring == NULL)
        return NULL;
    monitoring->view = view;
    snprintf(monitoring->hostname, sizeof monitoring->hostname, "%s", hostname);
    monitoring->has_mailboxes = open_mailboxes(monitoring);
    monitoring->receivers = receivers_new(view->settings, problem, sizeof problem);
    if (monitoring->has_mailboxes && monitoring->receivers != NULL) {
        struct evaluator_needs needs = monitoring_needs(monitoring);

        monitoring->evaluator = evaluator_new(&needs);
    }
    if (monitoring->evaluator == NULL) {
        monitoring_free(monitoring);
        return NULL;
    }
    view->api->definitions.take_other = take_item;
    view->api->definitions.other_argument = monitoring;
    if (view->inherited != NULL)
        take_over(monitoring, view->inherited->parts[STATE_MONITORS]);
    return monitoring;
}

/* Their letters, and what waits for them. */
static void close_mailboxes(struct monitoring *monitoring)
{
    struct asked_question *question, *next_question;

    for (question = (struct asked_question *)mailbox_take(&monitoring->answers);
         question != NULL; question = next_question) {
        next_question = question->next;
        asked_question_free(question);
    }
    mailbox_close(&monitoring->answers);
    mailbox_close(&monitoring->results);
}

void monitoring_free(struct monitoring *given)
{
    if (given == NULL)
        return;
    drop_events(given);
    if (given->is_left)
        return;
    notifier_free(given->notifier);
    evaluator_free(given->evaluator);
    if (given->has_mailboxes)
        close_mailboxes(given);
    receivers_release(given->receivers);
    while (given->items != NULL) {
        struct kept_item *first = given->items;

        given->items = first->next;
        free(first);
    }
    free(given);
}

struct evaluator *monitoring_evaluator(struct monitoring *monitoring)
{
    return monitoring->evaluator;
}

bool monitoring_is_inherited(const struct monitoring *monitoring)
{
    return monitoring != NULL && monitoring->items != NULL;
}

const struct notify_ledger *monitoring_ledger(const struct monitoring *monitoring)
{
    return monitoring != NULL ? &monitoring->ledger : NULL;
}

const struct monitor_ledger *monitoring_counts(const struct monitoring *monitoring)
{
    return monitoring != NULL ? evaluator_ledger(monitoring->evaluator) : NULL;
}

bool monitoring_follow(struct monitoring *monitoring, const struct settings *settings,
                       char *problem, size_t problem_size)
{
    struct receivers *fresh = receivers_new(settings, problem, problem_size);

    if (fresh == NULL)
        return false;
    pthread_mutex_lock(&monitoring->view->api->mutex);
    if (monitoring->notifier != NULL)
        notifier_follow(monitoring->notifier, receivers_hold(fresh));
    evaluator_follow(monitoring->evaluator, fresh);
    receivers_release(monitoring->receivers);
    monitoring->receivers = fresh;
    pthread_mutex_unlock(&monitoring->view->api->mutex);
    return true;
}
