#include "flush/notify/notifier.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "config/thread.h"
#include "flush/notify/notify_queue.h"
#include "flush/notify/sending.h"
#include "flush/notify/webhook_body.h"

enum {
    POLL_LEAST_MS = 10, /* who is due now waits for memory */
    POLL_MAX_MS = 60000,
    MAIL_FAILS_S = 10,    /* until the log says so */
    END_MARGIN_MS = 1000, /* for what is stopped at the end of the patience */
    ANSWER_SIZE = sizeof((struct notify_result *)0)->answer
};

/* One attempt under way. */
struct slot {
    struct sending sending;
    struct notify_turn turn; /* n 0: it is the heartbeat */
    bool is_open, is_under_way, is_webhook;
};

/* What a process before this one has sent. */
struct recalled {
    union {
        struct letter letter;
        struct recalled *next;
    };
    struct hourly sent;
    int64_t digest_s;
    size_t receiver_len;
    char receiver[];
};

struct notifier {
    struct notifier_config config; /* receivers: of the thread, once it runs */
    struct mailbox inbox;
    struct mailbox recalled; /* looked at with the inbox */
    int ended_fd;            /* readable when the thread has ended */
    pthread_t thread;
    bool runs;                         /* seen by those who call */
    _Atomic(struct receivers *) fresh; /* of a reload, until the thread takes them */
    atomic_bool beats, ends;
    _Atomic(int64_t) end_by_ms;

    /* The thread's alone. */
    struct notify_queue *queue;
    CURLM *multi;
    struct slot slots[NOTIFIER_AT_ONCE + 1]; /* the last is the heartbeat's */
    bool mail_fails;
};

/* ---- what became of it ------------------------------------------------- */

static void count_end(struct notify_ledger *ledger, enum notification_end end)
{
    struct counter *counter = end == NOTIFICATION_SENT       ? &ledger->sent
                              : end == NOTIFICATION_DIGESTED ? &ledger->digested
                              : end == NOTIFICATION_REFUSED  ? &ledger->refused_there
                              : end == NOTIFICATION_SHED     ? &ledger->shed
                                                             : NULL;

    if (counter != NULL)
        counter_add(counter, 1);
}

static void tell(void *self, struct notify_result *given)
{
    struct notifier *notifier = self;

    if (given->notification != NULL)
        count_end(notifier->config.ledger, given->end);
    counter_set(&notifier->config.ledger->queued, notify_queue_count(notifier->queue));
    given->at_s = clock_wall_s();
    mailbox_push(notifier->config.results, &given->letter);
}

/* Since when it fails; all is well again with the first that is taken or refused. */
static void note_health(struct notifier *notifier, bool is_webhook, bool failed)
{
    struct notify_ledger *ledger = notifier->config.ledger;
    struct counter *since = is_webhook ? &ledger->webhooks_failing_s : &ledger->mail_failing_s;

    if (!failed)
        counter_set(since, 0);
    else if (counter_read(since) == 0)
        counter_set(since, (uint64_t)clock_wall_s());
}

/* One line when none goes for a while, and one when mail goes again. A single no for now is
 * what servers say to strangers. */
static void log_mail(struct notifier *notifier, bool failed, const char *answer)
{
    int64_t since_s = (int64_t)counter_read(&notifier->config.ledger->mail_failing_s);
    char quoted[ANSWER_SIZE * 2];

    if (failed && !notifier->mail_fails && clock_wall_s() - since_s >= MAIL_FAILS_S) {
        log_warn("notifier: mail cannot be sent, and is tried again: %s",
                 log_quote(answer, strlen(answer), quoted, sizeof quoted));
        notifier->mail_fails = true;
    } else if (!failed && notifier->mail_fails) {
        log_info("notifier: mail is sent again");
        notifier->mail_fails = false;
    }
}

static void end_turn(struct notifier *notifier, struct slot *slot, enum notify_outcome outcome,
                     int64_t retry_after_ms, const char *answer)
{
    struct notify_ledger *ledger = notifier->config.ledger;
    bool failed = outcome == NOTIFY_FAILED;

    if (failed)
        counter_add(&ledger->attempts_failed, 1);
    else if (outcome == NOTIFY_TAKEN && slot->turn.n > 1)
        counter_add(&ledger->digests, 1);
    note_health(notifier, slot->is_webhook, failed);
    if (!slot->is_webhook)
        log_mail(notifier, failed, answer);
    notify_queue_end(notifier->queue, &slot->turn, outcome, clock_monotonic_ms(),
                     retry_after_ms, answer);
}

static void reap_one(struct notifier *notifier, struct slot *slot, CURLcode code)
{
    struct notify_ledger *ledger = notifier->config.ledger;
    char answer[ANSWER_SIZE];
    int64_t retry_after_ms;

    curl_multi_remove_handle(notifier->multi, slot->sending.easy);
    enum notify_outcome outcome =
        sending_judge(&slot->sending, code, answer, sizeof answer, &retry_after_ms);

    slot->is_under_way = false;
    if (slot->turn.n > 0)
        end_turn(notifier, slot, outcome, retry_after_ms, answer);
    else
        counter_add(outcome == NOTIFY_TAKEN ? &ledger->heartbeats : &ledger->heartbeats_failed,
                    1);
}

static void reap(struct notifier *notifier)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(notifier->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct slot *slot = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        reap_one(notifier, slot, code);
    }
}

/* ---- beginning --------------------------------------------------------- */

static bool start(struct notifier *notifier, struct slot *slot)
{
    curl_easy_setopt(slot->sending.easy, CURLOPT_PRIVATE, (void *)slot);
    slot->is_under_way = curl_multi_add_handle(notifier->multi, slot->sending.easy) == CURLM_OK;
    return slot->is_under_way;
}

static bool open_slot(struct slot *slot)
{
    slot->is_open = slot->is_open || sending_open(&slot->sending);
    return slot->is_open;
}

/* Settings may have changed since it was raised. */
static void begin_turn(struct notifier *notifier, struct slot *slot)
{
    const struct receivers *receivers = notifier->config.receivers;
    const struct notification *of = slot->turn.notification;
    const struct webhook *webhook;
    enum receiver_refusal refusal = receivers_find(receivers, of->receiver, false, &webhook);

    slot->is_webhook = webhook != NULL;
    if (refusal != RECEIVER_TAKEN) {
        end_turn(notifier, slot, NOTIFY_REFUSED, 0, receiver_refusal_sentence(refusal));
        return;
    }
    bool began = webhook != NULL ? sending_begin_webhook(&slot->sending, receivers, webhook, of)
                                 : sending_begin_mail(&slot->sending, receivers, of,
                                                      notifier->config.hostname);

    if (!began && slot->sending.body.len > WEBHOOK_OUT_MAX)
        end_turn(notifier, slot, NOTIFY_REFUSED, 0, "its body is longer than 1 MiB");
    else if (!began || !start(notifier, slot))
        end_turn(notifier, slot, NOTIFY_FAILED, 0, "not enough memory");
}

static struct slot *free_slot(struct notifier *notifier)
{
    for (size_t i = 0; i < NOTIFIER_AT_ONCE; i++)
        if (!notifier->slots[i].is_under_way)
            return &notifier->slots[i];
    return NULL;
}

static void begin_turns(struct notifier *notifier)
{
    struct slot *slot;

    while (
        (slot = free_slot(notifier)) != NULL && open_slot(slot) &&
        notify_queue_next(notifier->queue, clock_monotonic_ms(), clock_wall_s(), &slot->turn))
        begin_turn(notifier, slot);
}

static void begin_heartbeat(struct notifier *notifier)
{
    struct slot *slot = &notifier->slots[NOTIFIER_AT_ONCE];

    if (!atomic_exchange(&notifier->beats, false) || slot->is_under_way ||
        notifier->config.receivers->heartbeat_url == NULL)
        return;
    slot->turn = (struct notify_turn){ .n = 0 };
    if (!open_slot(slot) ||
        !sending_begin_heartbeat(&slot->sending, notifier->config.receivers) ||
        !start(notifier, slot))
        counter_add(&notifier->config.ledger->heartbeats_failed, 1);
}

/* ---- the thread -------------------------------------------------------- */

static void follow(struct notifier *notifier)
{
    struct receivers *fresh = atomic_exchange(&notifier->fresh, NULL);

    if (fresh == NULL)
        return;
    receivers_release(notifier->config.receivers);
    notifier->config.receivers = fresh;
    notify_queue_set_per_hour(notifier->queue, fresh->per_hour);
}

static void take_recalled(struct notifier *notifier)
{
    struct recalled *next;

    mailbox_quieten(&notifier->recalled);
    for (struct recalled *at = (struct recalled *)mailbox_take(&notifier->recalled); at != NULL;
         at = next) {
        struct slice receiver = { at->receiver, at->receiver_len };

        next = at->next;
        if (!notify_queue_recall(notifier->queue, receiver, &at->sent, at->digest_s,
                                 clock_monotonic_ms(), clock_wall_s()))
            log_error("notifier: not enough memory for what was sent before");
        free(at);
    }
}

static void take_letters(struct notifier *notifier)
{
    struct letter *next;

    mailbox_quieten(&notifier->inbox);
    struct letter *taken = mailbox_take(&notifier->inbox);

    take_recalled(notifier); /* which was given before these were */
    for (struct letter *at = taken; at != NULL; at = next) {
        struct notification *given = (struct notification *)at;

        next = at->next;
        given->next = NULL;
        if (!notify_queue_add(notifier->queue, given))
            counter_add(&notifier->config.ledger->shed, 1);
    }
}

static bool is_busy(const struct notifier *notifier)
{
    for (size_t i = 0; i <= NOTIFIER_AT_ONCE; i++)
        if (notifier->slots[i].is_under_way)
            return true;
    return false;
}

static int poll_ms(struct notifier *notifier, bool ends)
{
    int64_t now_ms = clock_monotonic_ms(), wait_ms = -1;

    if (ends)
        wait_ms = atomic_load(&notifier->end_by_ms) - now_ms;
    else if (free_slot(notifier) != NULL)
        wait_ms = notify_queue_wait_ms(notifier->queue, now_ms);
    if (wait_ms > POLL_MAX_MS || (wait_ms < 0 && !ends))
        return POLL_MAX_MS;
    return wait_ms > POLL_LEAST_MS ? (int)wait_ms : POLL_LEAST_MS;
}

/* Waits for whatever comes first. */
static void wait_for_news(struct notifier *notifier, bool ends)
{
    struct curl_waitfd inbox = { .fd = notifier->inbox.wake_fd, .events = CURL_WAIT_POLLIN };

    curl_multi_poll(notifier->multi, &inbox, 1, poll_ms(notifier, ends), NULL);
}

/* False: it is time to go. */
static bool step(struct notifier *notifier)
{
    int running;
    bool ends = atomic_load(&notifier->ends);

    follow(notifier);
    take_letters(notifier);
    if (!ends) {
        begin_turns(notifier);
        begin_heartbeat(notifier);
    }
    curl_multi_perform(notifier->multi, &running);
    reap(notifier);
    if (!ends)
        begin_turns(notifier);
    counter_set(&notifier->config.ledger->queued, notify_queue_count(notifier->queue));
    if (ends &&
        (!is_busy(notifier) || clock_monotonic_ms() >= atomic_load(&notifier->end_by_ms)))
        return false;
    wait_for_news(notifier, ends);
    return true;
}

static void stop_all(struct notifier *notifier)
{
    for (size_t i = 0; i <= NOTIFIER_AT_ONCE; i++) {
        struct slot *slot = &notifier->slots[i];

        if (slot->is_under_way) {
            curl_multi_remove_handle(notifier->multi, slot->sending.easy);
            slot->is_under_way = false;
            if (slot->turn.n > 0)
                end_turn(notifier, slot, NOTIFY_FAILED, 0, "there was no time left to send it");
        }
        if (slot->is_open)
            sending_close(&slot->sending);
        slot->is_open = false;
    }
}

static void *run(void *argument)
{
    struct notifier *notifier = argument;

    while (step(notifier))
        ;
    stop_all(notifier);
    curl_multi_cleanup(notifier->multi);
    notifier->multi = NULL;
    (void)!eventfd_write(notifier->ended_fd, 1);
    return NULL;
}

/* ---- from outside ------------------------------------------------------ */

struct notifier *notifier_new(const struct notifier_config *config)
{
    struct notifier *notifier = calloc(1, sizeof *notifier);

    if (notifier == NULL)
        return NULL;
    struct notify_queue_config queue = { .bytes_max = NOTIFIER_BYTES,
                                         .per_hour = config->receivers->per_hour,
                                         .tell = tell,
                                         .self = notifier };

    notifier->config = *config;
    notifier->inbox.wake_fd = notifier->recalled.wake_fd = -1;
    notifier->queue = notify_queue_new(&queue);
    notifier->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    receivers_hold(config->receivers);
    if (notifier->queue != NULL && notifier->ended_fd >= 0 && mailbox_open(&notifier->inbox) &&
        mailbox_open(&notifier->recalled))
        return notifier;
    notifier_free(notifier);
    return NULL;
}

/* What cannot start now is tried again with the next that comes. */
static void start_thread(struct notifier *notifier)
{
    if (notifier->runs)
        return;
    if (notifier->multi == NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        notifier->multi = curl_multi_init();
    notifier->runs =
        notifier->multi != NULL && thread_start(&notifier->thread, "notifier", run, notifier);
    if (!notifier->runs)
        log_error("notifier: no thread or memory to send with; it is tried again");
}

void notifier_recall(struct notifier *notifier, struct slice receiver,
                     const struct hourly *sent, int64_t digest_s)
{
    struct recalled *made = malloc(sizeof *made + receiver.len);

    if (made == NULL) {
        log_error("notifier: not enough memory for what was sent before");
        return;
    }
    *made =
        (struct recalled){ .sent = *sent, .digest_s = digest_s, .receiver_len = receiver.len };
    memcpy(made->receiver, receiver.at, receiver.len);
    mailbox_push(&notifier->recalled, &made->letter);
}

void notifier_give(struct notifier *notifier, struct notification *given)
{
    mailbox_push(&notifier->inbox, &given->letter);
    start_thread(notifier);
}

void notifier_beat(struct notifier *notifier)
{
    struct receivers *fresh = atomic_load(&notifier->fresh);
    bool may_have_one =
        notifier->runs || fresh != NULL || notifier->config.receivers->heartbeat_url != NULL;

    if (!may_have_one)
        return;
    atomic_store(&notifier->beats, true);
    start_thread(notifier);
    mailbox_wake(&notifier->inbox);
}

void notifier_follow(struct notifier *notifier, struct receivers *given)
{
    receivers_release(atomic_exchange(&notifier->fresh, given));
    if (notifier->runs)
        mailbox_wake(&notifier->inbox);
    else
        follow(notifier);
}

static bool join(struct notifier *notifier, int64_t patience_ms)
{
    struct pollfd ended = { .fd = notifier->ended_fd, .events = POLLIN };

    atomic_store(&notifier->end_by_ms, clock_monotonic_ms() + patience_ms);
    atomic_store(&notifier->ends, true);
    mailbox_wake(&notifier->inbox);
    if (poll(&ended, 1, (int)(patience_ms + END_MARGIN_MS)) != 1)
        return false;
    pthread_join(notifier->thread, NULL);
    notifier->runs = false;
    return true;
}

bool notifier_end(struct notifier *notifier, int64_t patience_ms)
{
    if (notifier->runs && !join(notifier, patience_ms))
        return false;
    take_letters(notifier);
    notify_queue_give_back(notifier->queue);
    counter_set(&notifier->config.ledger->queued, 0);
    return true;
}

void notifier_free(struct notifier *given)
{
    if (given == NULL || given->runs)
        return;
    if (given->multi != NULL)
        curl_multi_cleanup(given->multi);
    take_recalled(given);
    notify_queue_free(given->queue);
    receivers_release(atomic_load(&given->fresh));
    receivers_release(given->config.receivers);
    mailbox_close(&given->inbox);
    mailbox_close(&given->recalled);
    if (given->ended_fd >= 0)
        close(given->ended_fd);
    free(given);
}
