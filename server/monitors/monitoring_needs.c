#include <stdlib.h>

#include "config/clock.h"
#include "flush/notify/receivers.h"
#include "server/http/totals.h"
#include "server/monitors/monitoring_internal.h"
#include "server/receive/host_addresses.h"

enum { ADDRESS_AGE_S = 60 };

/* ---- the flusher ------------------------------------------------------- */

struct asking {
    void (*tell)(void *argument, int status, struct slice json);
    void *argument;
};

static void ask(void *self, const struct inquiry *inquiry,
                void (*tell)(void *argument, int status, struct slice json), void *argument)
{
    struct monitoring *monitoring = self;
    struct asking *asking = malloc(sizeof *asking);
    struct asked_question *question =
        asking != NULL ? asked_question_new(inquiry, asking) : NULL;

    if (question == NULL) {
        free(asking);
        tell(argument, 503, SLICE(""));
        return;
    }
    *asking = (struct asking){ tell, argument };
    question->back = &monitoring->answers;
    question_box_ask(monitoring->view->questions, question);
}

void monitoring_hear_answer(struct asked_question *given)
{
    struct asking *asking = given->argument;

    asking->tell(asking->argument, given->status, bytes_view(&given->answer));
    asked_question_free(given);
}

/* ---- pictures and the calendar ----------------------------------------- */

struct painting_asked {
    struct bytes definition;
    void (*picture)(void *argument, struct bytes *picture);
    void (*answer)(void *argument, struct slice answer, const char *sentence);
    void *argument;
};

static void hear_painter(enum painter_result result, struct bytes *picture,
                         const char *sentence, void *argument)
{
    struct painting_asked *asked = argument;
    struct bytes none = { 0 };

    if (asked->picture != NULL)
        asked->picture(asked->argument, result == PAINTER_DONE ? picture : &none);
    else
        asked->answer(asked->argument, bytes_view(picture),
                      result == PAINTER_DONE ? "" : sentence);
    bytes_free(&asked->definition);
    free(asked);
}

/* The definition is copied, for the painter reads it later. */
static void start_painter(struct painter *painter, struct slice definition,
                          const struct painting_asked *what)
{
    struct painting_asked *asked = malloc(sizeof *asked);
    struct bytes none = { 0 };

    if (asked != NULL) {
        *asked = *what;
        bytes_add(&asked->definition, definition.at, definition.len);
        if (!asked->definition.failed && painter != NULL) {
            painter_paint(painter, bytes_view(&asked->definition), hear_painter, asked);
            return;
        }
        bytes_free(&asked->definition);
        free(asked);
    }
    if (what->picture != NULL)
        what->picture(what->argument, &none);
    else
        what->answer(what->argument, SLICE(""), "out of memory");
}

static void paint(void *self, struct slice definition,
                  void (*tell)(void *argument, struct bytes *picture), void *argument)
{
    struct monitoring *monitoring = self;

    start_painter(monitoring->charts, definition,
                  &(struct painting_asked){ .picture = tell, .argument = argument });
}

static void recur(void *self, struct slice lines,
                  void (*tell)(void *argument, struct slice answer, const char *sentence),
                  void *argument)
{
    struct monitoring *monitoring = self;

    start_painter(monitoring->calendars, lines,
                  &(struct painting_asked){ .answer = tell, .argument = argument });
}

/* ---- what is written down ---------------------------------------------- */

struct keeping {
    void (*kept)(void *argument);
    void *argument;
};

void monitoring_hear_kept(void *keeping)
{
    struct keeping *given = keeping;

    if (given->kept != NULL)
        given->kept(given->argument);
    free(given);
}

static void keep(void *self, const char *kind, struct slice name, struct slice text,
                 void (*kept)(void *argument), void *argument)
{
    struct monitoring *monitoring = self;
    const struct state_keeper *keeper = monitoring->view->state_keeper;
    struct keeping *keeping = keeper != NULL ? malloc(sizeof *keeping) : NULL;

    if (keeping != NULL) {
        *keeping = (struct keeping){ kept, argument };
        if (keeper->keep(keeper->self, kind, name, clock_wall_s(), text, keeping))
            return;
        free(keeping);
    }
    if (kept != NULL)
        kept(argument);
}

/* ---- sending ----------------------------------------------------------- */

/* The first one makes the notifier. */
static bool need_notifier(struct monitoring *monitoring)
{
    struct notifier_config config = {
        .receivers = monitoring->receivers,
        .hostname = monitoring->hostname,
        .results = &monitoring->results,
        .ledger = &monitoring->ledger,
    };

    if (monitoring->notifier == NULL)
        monitoring->notifier = notifier_new(&config);
    return monitoring->notifier != NULL;
}

static void recall(void *self, struct slice receiver, const struct hourly *sent,
                   int64_t digest_s)
{
    struct monitoring *monitoring = self;

    if (need_notifier(monitoring))
        notifier_recall(monitoring->notifier, receiver, sent, digest_s);
}

static void send_one(void *self, struct notification *given)
{
    struct monitoring *monitoring = self;

    if (need_notifier(monitoring)) {
        notifier_give(monitoring->notifier, given);
        return;
    }
    counter_add(&monitoring->ledger.shed_early, 1);
    evaluator_hear(monitoring->evaluator, given, slice_of(given->id), given->receiver,
                   NOTIFICATION_SHED, 0, "out of memory", clock_wall_s());
}

static void beat(void *self)
{
    struct monitoring *monitoring = self;

    if (monitoring->receivers->heartbeat_url != NULL && need_notifier(monitoring))
        notifier_beat(monitoring->notifier);
}

void monitoring_hear_result(struct monitoring *monitoring, struct notify_result *given)
{
    if (given->is_counted)
        evaluator_count(monitoring->evaluator, slice_of(given->receiver),
                        given->end == NOTIFICATION_DIGESTED, given->at_s);
    evaluator_hear(monitoring->evaluator, given->notification, slice_of(given->id),
                   slice_of(given->receiver), given->end, given->attempts, given->answer,
                   given->at_s);
    free(given);
}

/* ---- facts ------------------------------------------------------------- */

static int64_t flushed_s(void *self)
{
    const struct monitoring *monitoring = self;

    return (int64_t)counter_read(&monitoring->view->flusher_ledger->flushed_until_s);
}

static int64_t lost_s(void *self)
{
    const struct monitoring *monitoring = self;

    return monitoring->lost_s;
}

/* It is looked for anew each minute: machines move. */
static struct slice own_address(struct monitoring *monitoring, int64_t now_s)
{
    if (llabs(now_s - monitoring->address_s) >= ADDRESS_AGE_S) {
        own_address_find(monitoring->address);
        monitoring->address_s = now_s;
    }
    return slice_of(monitoring->address);
}

/* That of this machine, under whose name also samples without a host are, and of who sent by a
 * unix socket. Any other is where the samples came from, whatever it is: one of the loopback is
 * the truth about a host that a program on this machine speaks for. */
static struct slice address(void *self, struct slice host)
{
    struct monitoring *monitoring = self;
    const struct sender *seen = host_addresses_find(monitoring->view->host_addresses, host);

    if (slice_equal(host, slice_of(monitoring->hostname)) ||
        (seen != NULL && seen->family == AF_UNIX)) {
        return own_address(monitoring, clock_wall_s());
    }
    monitoring->seen_address[0] = '\0';
    if (seen != NULL)
        sender_write_address(seen, monitoring->seen_address, sizeof monitoring->seen_address);
    return slice_of(monitoring->seen_address);
}

void monitoring_look_for_losses(struct monitoring *monitoring, int64_t now_s)
{
    struct totals sums;

    totals_read(monitoring->view, &sums);
    if (sums.drops + sums.shed > monitoring->lost) {
        monitoring->lost = sums.drops + sums.shed;
        monitoring->lost_s = now_s;
    }
}

struct evaluator_needs monitoring_needs(struct monitoring *monitoring)
{
    return (struct evaluator_needs){
        .ask = ask,
        .paint = paint,
        .recur = recur,
        .keep = keep,
        .recall = recall,
        .send = send_one,
        .beat = beat,
        .flushed_s = flushed_s,
        .lost_s = lost_s,
        .address = address,
        .self = monitoring,
        .start_s = monitoring->view->started_s,
        .receivers = monitoring->receivers,
        .ledger = &monitoring->ledger,
        .link = "",
    };
}
