#include "server/http/ask.h"

#include <stdlib.h>

#include "config/clock.h"
#include "config/patience.h"
#include "server/http/ask_answer.h"
#include "server/http/ask_target.h"
#include "server/http/main_turn.h"

/* At the flusher: one that it answers, and the next. */
enum { UNDER_WAY_MAX = 2, TIMEOUT_MS = 5000 };

/* Who waits for a question's answer: a request, or one of us who is told. */
struct ask_waiter {
    struct ask_waiter *next;
    struct pending *pending;
    struct http_exchange *exchange; /* NULL: it is told */
    ask_told *tell;
    void *argument;
};

/* A question that was not answered yet; from the moment that it is the flusher's it lives until
 * it is back, waited for or not. */
struct pending {
    struct pending *next;
    struct ask *ask;
    struct inquiry inquiry; /* its text is owned */
    struct ask_waiter *waiters;
    struct asked_question *asked; /* the flusher's; NULL: it is in the queue */
    struct ask_moment moment;     /* at which the flusher got it */
    struct event *timer;
    bool is_refused; /* about to be freed */
};

struct ask {
    struct event_base *base;
    struct question_box *questions;
    const struct counter *flushed_s;
    int64_t interval_s;
    struct event *answered_event;
    struct pending *pending; /* the oldest first */
    int n_under_way;
    struct ask_shelf shelf;
};

static struct ask_moment moment_of(const struct ask *ask)
{
    return (struct ask_moment){ .interval = clock_wall_s() / ask->interval_s,
                                .flushed_s = counter_read(ask->flushed_s) };
}

/* ---- replies ----------------------------------------------------------- */

static void reply(struct http_exchange *exchange, struct ask_answer *answer)
{
    http_reply(exchange, ask_answer_status(answer), "application/json",
               ask_answer_body(answer));
}

/* NULL without memory. */
static struct ask_answer *make_refusal(int status, const char *sentence)
{
    struct asked_question said = { 0 };

    asked_question_refuse(&said, status, sentence);
    struct ask_answer *answer = ask_answer_new(status, &said.answer);
    bytes_free(&said.answer);
    return answer;
}

static void refuse(struct http_exchange *exchange, int status, const char *sentence)
{
    struct ask_answer *answer = make_refusal(status, sentence);

    if (answer == NULL) {
        http_reply(exchange, status, "application/json", NULL);
        return;
    }
    reply(exchange, answer);
    ask_answer_release(answer);
}

/* ---- who waits --------------------------------------------------------- */

static void pending_free(struct pending *given)
{
    struct pending **at = &given->ask->pending;

    while (*at != given)
        at = &(*at)->next;
    *at = given->next;
    if (given->timer != NULL)
        event_free(given->timer);
    inquiry_free(&given->inquiry);
    free(given);
}

/* Nobody waits for it any more. */
static void abandon(struct pending *pending)
{
    if (pending->asked != NULL)
        atomic_store_explicit(&pending->asked->cancelled, true, memory_order_relaxed);
    else if (!pending->is_refused)
        pending_free(pending);
}

void ask_forget(struct ask_waiter *given)
{
    struct ask_waiter **at = &given->pending->waiters;

    while (*at != given)
        at = &(*at)->next;
    *at = given->next;
    if (given->pending->waiters == NULL)
        abandon(given->pending);
    free(given);
}

static void on_gone(void *argument)
{
    ask_forget(argument);
}

/* NULL without memory. */
static struct ask_waiter *wait_for(struct pending *pending, struct ask_waiter who)
{
    struct ask_waiter *waiter = malloc(sizeof *waiter);

    if (waiter == NULL)
        return NULL;
    *waiter = who;
    waiter->next = pending->waiters;
    waiter->pending = pending;
    pending->waiters = waiter;
    if (who.exchange != NULL)
        http_on_end(who.exchange, on_gone, waiter);
    return waiter;
}

/* The next one, whom the caller answers; false: all are. */
static bool take_waiter(struct pending *pending, struct ask_waiter *out)
{
    struct ask_waiter *waiter = pending->waiters;

    if (waiter == NULL)
        return false;
    *out = *waiter;
    pending->waiters = waiter->next;
    free(waiter);
    if (out->exchange != NULL)
        http_on_end(out->exchange, NULL, NULL);
    return true;
}

/* answer: NULL, and the reason goes without its sentence. */
static void answer_one(const struct ask_waiter *who, int status, struct ask_answer *answer)
{
    if (who->exchange == NULL)
        who->tell(who->argument, status, answer != NULL ? ask_answer_text(answer) : SLICE(""));
    else if (answer != NULL)
        reply(who->exchange, answer);
    else
        http_reply(who->exchange, status, "application/json", NULL);
}

static void answer_all(struct pending *pending, int status, struct ask_answer *answer)
{
    struct ask_waiter who;

    while (take_waiter(pending, &who))
        answer_one(&who, status, answer);
}

static void refuse_all(struct pending *pending, int status, const char *sentence)
{
    struct ask_answer *answer = make_refusal(status, sentence);

    answer_all(pending, status, answer);
    if (answer != NULL)
        ask_answer_release(answer);
}

/* ---- the flusher ------------------------------------------------------- */

static void on_timeout(evutil_socket_t fd, short what, void *argument)
{
    struct pending *pending = argument;

    (void)fd, (void)what;
    main_turn_began();
    atomic_store_explicit(&pending->asked->cancelled, true, memory_order_relaxed);
    refuse_all(pending, 504, "the answer took more than 5 seconds: ask for less");
}

/* False without memory. */
static bool hand_over(struct pending *pending)
{
    struct timeval timeout = clock_wait_ms(patience_ms(TIMEOUT_MS));
    struct ask *ask = pending->ask;
    struct asked_question *asked = asked_question_new(&pending->inquiry, pending);

    pending->timer = event_new(ask->base, -1, 0, on_timeout, pending);
    if (asked == NULL || pending->timer == NULL || event_add(pending->timer, &timeout) != 0) {
        if (asked != NULL)
            asked_question_free(asked);
        return false;
    }
    pending->asked = asked;
    pending->moment = moment_of(ask);
    ask->n_under_way++;
    question_box_ask(ask->questions, asked);
    return true;
}

/* The first in the queue; NULL. */
static struct pending *next_in_turn(const struct ask *ask)
{
    struct pending *at = ask->pending;

    while (at != NULL && (at->asked != NULL || at->is_refused))
        at = at->next;
    return at;
}

/* The flusher gets those whose turn it is. A reply may let its connection ask again, which
 * comes by here too. */
static void take_turns(struct ask *ask)
{
    struct pending *at;

    while (ask->n_under_way < UNDER_WAY_MAX && (at = next_in_turn(ask)) != NULL) {
        if (hand_over(at))
            continue;
        at->is_refused = true;
        refuse_all(at, 503, "not enough memory for the question");
        pending_free(at);
    }
}

/* Events come at any time; what series did is new with each flush. */
static bool holds_for_its_moment(const struct inquiry *inquiry)
{
    return inquiry->kind != INQUIRY_RECENT && inquiry->kind != INQUIRY_EVENTS &&
           inquiry->kind != INQUIRY_EVENT;
}

static void on_answer(struct pending *pending, struct asked_question *asked)
{
    struct ask *ask = pending->ask;
    struct ask_answer *answer = ask_answer_new(asked->status, &asked->answer);

    ask->n_under_way--;
    if (answer == NULL) {
        refuse_all(pending, 503, "not enough memory for the answer");
    } else {
        answer_all(pending, ask_answer_status(answer), answer);
        if (!atomic_load_explicit(&asked->cancelled, memory_order_relaxed) &&
            holds_for_its_moment(&pending->inquiry)) {
            ask_shelf_keep(&ask->shelf, pending->moment, pending->inquiry, answer);
            pending->inquiry.text = pending->inquiry.also = (struct slice){ NULL, 0 };
        }
        ask_answer_release(answer);
    }
    pending_free(pending);
    asked_question_free(asked);
}

static void on_answered(evutil_socket_t fd, short what, void *argument)
{
    struct ask *ask = argument;
    struct asked_question *asked = question_box_take_answered(ask->questions);

    (void)fd, (void)what;
    main_turn_began();
    while (asked != NULL) {
        struct asked_question *next = asked->next;
        on_answer(asked->argument, asked);
        asked = next;
    }
    take_turns(ask);
}

/* ---- requests ---------------------------------------------------------- */

static struct pending *pending_new(struct ask *ask, const struct inquiry *inquiry)
{
    struct pending *pending = calloc(1, sizeof *pending), **end = &ask->pending;

    if (pending == NULL)
        return NULL;
    pending->ask = ask;
    if (!inquiry_copy(inquiry, &pending->inquiry)) {
        free(pending);
        return NULL;
    }
    while (*end != NULL)
        end = &(*end)->next;
    *end = pending;
    return pending;
}

/* One whose answer will do: it waits for its turn, or the flusher got it at this moment. */
static struct pending *find_equal(const struct ask *ask, const struct inquiry *inquiry)
{
    struct ask_moment now = moment_of(ask);

    for (struct pending *at = ask->pending; at != NULL; at = at->next) {
        bool fresh = at->asked != NULL ? at->waiters != NULL && ask_moment_is(at->moment, now)
                                       : !at->is_refused;
        if (fresh && inquiry_equal(&at->inquiry, inquiry))
            return at;
    }
    return NULL;
}

/* NULL without memory. */
static struct ask_waiter *ask_flusher(struct ask *ask, struct ask_waiter who,
                                      const struct inquiry *inquiry)
{
    struct pending *equal = find_equal(ask, inquiry);
    struct pending *pending = equal != NULL ? equal : pending_new(ask, inquiry);
    struct ask_waiter *waiter = pending != NULL ? wait_for(pending, who) : NULL;

    if (waiter == NULL && pending != NULL && equal == NULL)
        pending_free(pending);
    return waiter;
}

void ask_on(struct ask *ask, enum inquiry_kind kind, struct http_exchange *exchange,
            const struct http_request *request)
{
    struct ask_target target;
    const char *sentence;

    if (!ask_target_read(kind, request->query, &target, &sentence)) {
        refuse(exchange, 400, sentence);
        return;
    }
    struct ask_answer *kept = ask_shelf_find(&ask->shelf, moment_of(ask), &target.inquiry);
    if (kept != NULL)
        reply(exchange, kept);
    else if (ask_flusher(ask, (struct ask_waiter){ .exchange = exchange }, &target.inquiry) !=
             NULL)
        take_turns(ask);
    else
        refuse(exchange, 503, "not enough memory for the question");
}

struct ask_waiter *ask_for(struct ask *ask, const struct inquiry *inquiry, ask_told *tell,
                           void *argument)
{
    struct ask_waiter who = { .tell = tell, .argument = argument };
    struct ask_answer *kept = ask_shelf_find(&ask->shelf, moment_of(ask), inquiry);

    if (kept != NULL) {
        answer_one(&who, ask_answer_status(kept), kept);
        return NULL;
    }
    struct ask_waiter *waiter = ask_flusher(ask, who, inquiry);
    if (waiter != NULL)
        event_active(ask->answered_event, EV_READ, 0); /* takes turns, behind this */
    else
        answer_one(&who, 503, NULL);
    return waiter;
}

/* ---- start and stop ---------------------------------------------------- */

struct ask *ask_new(struct event_base *base, struct question_box *questions,
                    const struct counter *flushed_s, int64_t interval_s)
{
    struct ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return NULL;
    ask->base = base;
    ask->questions = questions;
    ask->flushed_s = flushed_s;
    ask->interval_s = interval_s;
    ask->answered_event =
        event_new(base, questions->answered.wake_fd, EV_READ | EV_PERSIST, on_answered, ask);
    if (ask->answered_event == NULL || event_add(ask->answered_event, NULL) != 0) {
        ask_free(ask);
        return NULL;
    }
    return ask;
}

void ask_free(struct ask *given)
{
    if (given == NULL)
        return;
    while (given->pending != NULL) {
        struct ask_waiter *next;

        for (struct ask_waiter *at = given->pending->waiters; at != NULL; at = next) {
            next = at->next;
            free(at);
        }
        pending_free(given->pending);
    }
    ask_shelf_clear(&given->shelf);
    if (given->answered_event != NULL)
        event_free(given->answered_event);
    free(given);
}
