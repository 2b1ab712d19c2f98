/* What each receiver got within the hour, so that a process after this one keeps to
 * heeler_notify_per_hour, too.
 *
 *   taken by the receiver ──► counted ──► written down, handed over
 *   written down ──► restored ──► the notifier, before it sends anything
 *
 * When a process ends, some of what waited may have been sent without a word of it on the disk:
 * LOST_MAX of a receiver count as sent, and that is written down before they are sent again.
 * Otherwise a server that crashes whenever it has sent something would send without end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "flush/memory/json_out.h"
#include "flush/memory/json_view.h"
#include "server/monitors/evaluator_internal.h"

enum {
    HOUR_S = 3600,
    KEPT_KEYS_MAX = 16,
    SETTLE_PATIENCE_S = 10,
    LOST_MAX = 10,       /* one at a time, and the disk is milliseconds behind */
    COUNT_MAX = 1000000, /* nobody got as many in a minute */
    MINUTE_MAX = INT32_MAX
};

struct lately {
    struct lately *next;
    struct hourly sent;     /* by the clock of the wall */
    struct hourly restored; /* what is new of it since the notifier was told */
    int64_t digest_s;       /* of the last; 0: none */
    uint32_t n_lost;        /* of those: that may have been sent without a word of it */
    bool is_restored, is_news;
    size_t name_len;
    char name[];
};

static struct slice name_of(const struct lately *lately)
{
    return (struct slice){ lately->name, lately->name_len };
}

static struct lately *find_or_make(struct evaluator *evaluator, struct slice receiver)
{
    for (struct lately *at = evaluator->lately; at != NULL; at = at->next)
        if (slice_equal(receiver, name_of(at)))
            return at;
    struct lately *made = calloc(1, sizeof *made + receiver.len);

    if (made == NULL)
        return NULL;
    made->next = evaluator->lately;
    made->name_len = receiver.len;
    memcpy(made->name, receiver.at, receiver.len);
    evaluator->lately = made;
    return made;
}

void lately_free_all(struct evaluator *evaluator)
{
    while (evaluator->lately != NULL) {
        struct lately *first = evaluator->lately;

        evaluator->lately = first->next;
        free(first);
    }
}

/* ---- as text ----------------------------------------------------------- */

/* {"digest_s":0,"sent":[[minute,how many],...]} */
static void write_one(const struct lately *lately, struct json_out *out)
{
    const struct hourly *sent = &lately->sent;

    json_out_begin(out, NULL, '{');
    json_out_signed(out, "digest_s", lately->digest_s);
    json_out_begin(out, "sent", '[');
    for (int64_t i = HOURLY_MINUTES - 1; i >= 0; i--) {
        int64_t minute = sent->newest - i;

        if (minute < 0 || sent->counts[minute % HOURLY_MINUTES] == 0)
            continue;
        json_out_begin(out, NULL, '[');
        json_out_signed(out, NULL, minute);
        json_out_number(out, NULL, sent->counts[minute % HOURLY_MINUTES]);
        json_out_end(out, ']');
    }
    json_out_end(out, ']');
    json_out_end(out, '}');
}

/* [minute, how many]; minutes go up. */
static void read_minute(struct slice pair, struct hourly *out)
{
    struct slice inside = json_view_inside(pair), minute, n;
    int64_t minute_n, count;

    if (json_view_next_item(&inside, &minute) && json_view_next_item(&inside, &n) &&
        json_view_whole(minute, &minute_n) && json_view_whole(n, &count) && minute_n >= 0 &&
        minute_n < MINUTE_MAX && count > 0 && count < COUNT_MAX)
        hourly_add(out, minute_n * HOURLY_MINUTE_MS, (uint32_t)count);
}

void lately_restore(struct evaluator *evaluator, struct slice name, struct slice text)
{
    struct slice json, inside, pair;
    struct json_fault fault;

    if (!json_view_check(text, KEPT_KEYS_MAX, &json, &fault))
        return;
    struct lately *lately = find_or_make(evaluator, name);

    if (lately == NULL || lately->is_restored)
        return; /* a program before this one left it, and the disk has it, too */
    inside = json_view_inside(json_view_member(json, "sent"));
    while (json_view_next_item(&inside, &pair))
        read_minute(pair, &lately->restored);
    if (!json_view_whole(json_view_member(json, "digest_s"), &lately->digest_s) ||
        lately->digest_s < 0)
        lately->digest_s = 0;
    lately->is_restored = lately->is_news = true;
}

/* ---- kept -------------------------------------------------------------- */

static void write_down(struct evaluator *evaluator, const struct lately *lately,
                       void (*kept)(void *argument))
{
    struct json_out text = { .comma = false };

    write_one(lately, &text);
    evaluator_keep(evaluator, "receiver", name_of(lately), &text.bytes, kept, evaluator);
}

void evaluator_count(struct evaluator *evaluator, struct slice receiver, bool is_digest,
                     int64_t now_s)
{
    struct lately *lately = find_or_make(evaluator, receiver);

    if (lately == NULL)
        return;
    hourly_add(&lately->sent, now_s * 1000, 1);
    if (is_digest)
        lately->digest_s = now_s;
    write_down(evaluator, lately, NULL);
}

void lately_hand_over(const struct evaluator *evaluator, struct state_writer *out)
{
    for (const struct lately *at = evaluator->lately; at != NULL; at = at->next) {
        struct json_out text = { .comma = false };

        write_one(at, &text);
        evaluator_hand_over_item(out, "receiver", name_of(at), &text.bytes);
    }
}

/* ---- a process begins -------------------------------------------------- */

static void settled(void *argument)
{
    struct evaluator *evaluator = argument;

    if (--evaluator->unsettled == 0)
        evaluator_send_waiting(evaluator);
}

/* Those that wait may have been sent by a process that did not live to say so. */
static void count_waiting(struct evaluator *evaluator, int64_t now_s)
{
    for (const struct notification *at = evaluator->waiting; at != NULL; at = at->next) {
        struct lately *lately = find_or_make(evaluator, at->receiver);

        if (lately == NULL || lately->n_lost == LOST_MAX)
            continue;
        lately->n_lost++;
        hourly_add(&lately->restored, now_s * 1000, 1);
        lately->is_news = true;
    }
}

static void take_news(struct evaluator *evaluator, struct lately *lately, int64_t now_s)
{
    lately->is_news = false;
    if (lately->digest_s > now_s) /* the clock was set back */
        lately->digest_s = now_s;
    if (hourly_count(&lately->restored, now_s * 1000) > 0 || now_s - lately->digest_s < HOUR_S)
        evaluator->needs.recall(evaluator->needs.self, name_of(lately), &lately->restored,
                                lately->digest_s);
    hourly_recall(&lately->sent, now_s * 1000, &lately->restored, now_s * 1000);
    lately->restored = (struct hourly){ .n = 0 };
    evaluator->unsettled++;
    write_down(evaluator, lately, settled);
}

void lately_begin(struct evaluator *evaluator, int64_t now_s)
{
    if (!evaluator->has_news)
        return;
    evaluator->has_news = false;
    told_note_waiting(evaluator);
    evaluator->settle_by_s = now_s + SETTLE_PATIENCE_S;
    evaluator->unsettled++; /* until all of it is under way */
    if (!evaluator->was_handed_over)
        count_waiting(evaluator, now_s);
    for (struct lately *at = evaluator->lately; at != NULL; at = at->next)
        if (at->is_news)
            take_news(evaluator, at, now_s);
    settled(evaluator);
}

bool lately_is_settled(const struct evaluator *evaluator, int64_t now_s)
{
    return evaluator->unsettled == 0 || now_s >= evaluator->settle_by_s;
}

/* ---- and ends ---------------------------------------------------------- */

static bool is_over(struct lately *lately, int64_t now_s)
{
    return hourly_count(&lately->sent, now_s * 1000) == 0 && !lately->is_news &&
           now_s - lately->digest_s >= HOUR_S;
}

void lately_forget(struct evaluator *evaluator, int64_t now_s)
{
    struct lately **at = &evaluator->lately, *gone;

    while ((gone = *at) != NULL) {
        if (!is_over(gone, now_s)) {
            at = &gone->next;
            continue;
        }
        evaluator->needs.keep(evaluator->needs.self, "receiver", name_of(gone), SLICE(""), NULL,
                              NULL);
        *at = gone->next;
        free(gone);
    }
}
