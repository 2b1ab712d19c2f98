#include "flush/notify/notify_queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "flush/notify/digest.h"

enum { HOUR_MS = 3600000 };

struct waiting {
    struct waiting *next;
    struct notification *notification;
    struct notify_result *result; /* made now, so that its end can always be told */
    uint64_t order;
    uint32_t attempts;
};

struct receiver_queue {
    struct receiver_queue *next;
    struct waiting *first, **last;
    struct notification *digest; /* of the turn; NULL: it has none */
    size_t n_turn;               /* of the first, which the turn stands for; 0: no turn yet */
    struct hourly sent;
    int64_t due_ms;         /* back-off */
    int64_t last_digest_ms; /* has_digest: when */
    uint32_t failures;
    bool under_way, has_digest;
    bool limited; /* all that comes waits for the digest */
    size_t name_len;
    char name[];
};

struct notify_queue {
    struct notify_queue_config config;
    struct receiver_queue *first; /* who had a turn last is last */
    uint64_t added;
    size_t n, bytes;
};

struct notify_queue *notify_queue_new(const struct notify_queue_config *config)
{
    struct notify_queue *queue = calloc(1, sizeof *queue);

    if (queue != NULL)
        queue->config = *config;
    return queue;
}

void notify_queue_set_per_hour(struct notify_queue *queue, uint32_t per_hour)
{
    queue->config.per_hour = per_hour;
}

size_t notify_queue_count(const struct notify_queue *queue)
{
    return queue->n;
}

size_t notify_queue_bytes(const struct notify_queue *queue)
{
    return queue->bytes;
}

/* ---- ends -------------------------------------------------------------- */

static size_t size_of(const struct waiting *waiting)
{
    return sizeof *waiting + sizeof *waiting->result + waiting->notification->size;
}

static void fill_result(struct notify_result *result, const struct notification *of,
                        enum notification_end end, uint32_t attempts, const char *answer)
{
    result->end = end;
    result->attempts = attempts;
    snprintf(result->id, sizeof result->id, "%s", of->id);
    snprintf(result->receiver, sizeof result->receiver, "%.*s", (int)of->receiver.len,
             of->receiver.at);
    snprintf(result->answer, sizeof result->answer, "%s", answer);
}

/* It is in no list any more. */
static void end_one(struct notify_queue *queue, struct waiting *given,
                    enum notification_end end, const char *answer)
{
    struct notify_result *result = given->result;

    queue->n--;
    queue->bytes -= size_of(given);
    fill_result(result, given->notification, end, given->attempts, answer);
    result->notification = given->notification;
    free(given);
    queue->config.tell(queue->config.self, result);
}

static void tell_failed(struct notify_queue *queue, const struct waiting *waiting,
                        const char *answer)
{
    struct notify_result *result = calloc(1, sizeof *result);

    if (result == NULL)
        return; /* of the next attempt, or the end, it will be told */
    fill_result(result, waiting->notification, NOTIFICATION_WAITING, waiting->attempts, answer);
    queue->config.tell(queue->config.self, result);
}

/* Takes the one that *at points to out of the list. */
static struct waiting *take_out(struct receiver_queue *of, struct waiting **at)
{
    struct waiting *taken = *at;

    *at = taken->next;
    if (taken->next == NULL)
        of->last = at;
    return taken;
}

/* ---- the bound --------------------------------------------------------- */

/* Where the first stands that is in no turn. */
static struct waiting **behind_turn(struct receiver_queue *of)
{
    struct waiting **at = &of->first;

    for (size_t i = 0; i < of->n_turn; i++)
        at = &(*at)->next;
    return at;
}

static struct waiting *oldest_with_picture(struct notify_queue *queue)
{
    struct waiting *oldest = NULL;

    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next)
        for (struct waiting *at = *behind_turn(of); at != NULL; at = at->next)
            if (at->notification->picture.len > 0) {
                if (oldest == NULL || at->order < oldest->order)
                    oldest = at;
                break;
            }
    return oldest;
}

static bool drop_picture(struct notify_queue *queue)
{
    struct waiting *of = oldest_with_picture(queue);

    if (of == NULL)
        return false;
    queue->bytes -= of->notification->picture.len;
    of->notification->size -= of->notification->picture.len;
    bytes_free(&of->notification->picture);
    return true;
}

static bool shed_oldest(struct notify_queue *queue)
{
    struct receiver_queue *whose = NULL;
    struct waiting **oldest = NULL;

    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next) {
        struct waiting **at = behind_turn(of);

        if (*at != NULL && (oldest == NULL || (*at)->order < (*oldest)->order)) {
            oldest = at;
            whose = of;
        }
    }
    if (oldest == NULL)
        return false;
    end_one(queue, take_out(whose, oldest), NOTIFICATION_SHED,
            "too much waits to be sent: the oldest goes");
    return true;
}

/* ---- adding ------------------------------------------------------------ */

static struct receiver_queue *find(struct notify_queue *queue, struct slice name)
{
    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next)
        if (slice_equal(name, (struct slice){ of->name, of->name_len }))
            return of;
    return NULL;
}

static struct receiver_queue *find_or_make(struct notify_queue *queue, struct slice name)
{
    struct receiver_queue *of = find(queue, name);

    if (of != NULL)
        return of;
    of = calloc(1, sizeof *of + name.len);
    if (of == NULL)
        return NULL;
    of->last = &of->first;
    of->name_len = name.len;
    memcpy(of->name, name.at, name.len);
    of->next = queue->first;
    queue->first = of;
    return of;
}

bool notify_queue_recall(struct notify_queue *queue, struct slice receiver,
                         const struct hourly *sent, int64_t digest_s, int64_t now_ms,
                         int64_t now_s)
{
    struct receiver_queue *of = find_or_make(queue, receiver);

    if (of == NULL)
        return false;
    hourly_recall(&of->sent, now_ms, sent, now_s * 1000);
    if (digest_s > 0) {
        of->has_digest = true;
        of->last_digest_ms = now_ms - (digest_s < now_s ? (now_s - digest_s) * 1000 : 0);
    }
    return true;
}

bool notify_queue_add(struct notify_queue *queue, struct notification *given)
{
    struct receiver_queue *of = find_or_make(queue, given->receiver);
    struct waiting *made = calloc(1, sizeof *made);
    struct notify_result *result = calloc(1, sizeof *result);

    if (of == NULL || made == NULL || result == NULL) {
        free(made);
        free(result);
        notification_free(given);
        return false;
    }
    *made = (struct waiting){ NULL, given, result, queue->added++, 0 };
    *of->last = made;
    of->last = &made->next;
    queue->n++;
    queue->bytes += size_of(made);
    while (queue->bytes > queue->config.bytes_max && drop_picture(queue))
        ;
    while (queue->bytes > queue->config.bytes_max && shed_oldest(queue))
        ;
    return true;
}

/* ---- turns ------------------------------------------------------------- */

/* When all that waits may go as a digest: as soon as the hour has room for one more, and an
 * hour after the last digest. */
static int64_t digest_due_ms(const struct notify_queue *queue, struct receiver_queue *of,
                             int64_t now_ms)
{
    bool has_room = hourly_count(&of->sent, now_ms) < queue->config.per_hour;
    int64_t due_ms = has_room ? now_ms : hourly_next_ms(&of->sent, now_ms);

    if (of->has_digest && of->last_digest_ms + HOUR_MS > due_ms)
        due_ms = of->last_digest_ms + HOUR_MS;
    return due_ms;
}

static bool is_limited(const struct notify_queue *queue, struct receiver_queue *of,
                       int64_t now_ms)
{
    return of->limited || hourly_count(&of->sent, now_ms) >= queue->config.per_hour;
}

/* Of one there is no digest. False: no memory, later. */
static bool make_digest(const struct notify_queue *queue, struct receiver_queue *of,
                        int64_t now_s)
{
    struct digest digest = { .n = 0 };
    size_t n = 0;

    for (const struct waiting *at = of->first; at != NULL; at = at->next, n++)
        digest_add(&digest, at->notification);
    if (n > 1) {
        struct slice name = { of->name, of->name_len };

        of->digest = digest_end(&digest, name, queue->config.per_hour, now_s);
        if (of->digest == NULL)
            return false;
    }
    bytes_free(&digest.lines);
    of->n_turn = n;
    return true;
}

/* Decides what the turn is, which stays so until its end. */
static bool make_turn(const struct notify_queue *queue, struct receiver_queue *of,
                      int64_t now_ms, int64_t now_s)
{
    if (of->n_turn > 0)
        return true;
    if (!is_limited(queue, of, now_ms)) {
        of->n_turn = 1;
        return true;
    }
    of->limited = true;
    if (now_ms < digest_due_ms(queue, of, now_ms))
        return false;
    return make_digest(queue, of, now_s);
}

static void move_to_end(struct notify_queue *queue, struct receiver_queue *of)
{
    struct receiver_queue **at = &queue->first;

    while (*at != of)
        at = &(*at)->next;
    *at = of->next;
    while (*at != NULL)
        at = &(*at)->next;
    *at = of;
    of->next = NULL;
}

/* Nothing waits for it, and nothing is to be remembered of it. */
static bool is_idle(struct receiver_queue *of, int64_t now_ms)
{
    return of->first == NULL && !of->under_way && hourly_count(&of->sent, now_ms) == 0 &&
           (!of->has_digest || now_ms >= of->last_digest_ms + HOUR_MS);
}

static void forget_idle(struct notify_queue *queue, int64_t now_ms)
{
    struct receiver_queue **at = &queue->first, *gone;

    while ((gone = *at) != NULL) {
        if (is_idle(gone, now_ms)) {
            *at = gone->next;
            free(gone);
        } else {
            at = &gone->next;
        }
    }
}

bool notify_queue_next(struct notify_queue *queue, int64_t now_ms, int64_t now_s,
                       struct notify_turn *out)
{
    forget_idle(queue, now_ms);
    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next) {
        if (of->first == NULL || of->under_way || now_ms < of->due_ms ||
            !make_turn(queue, of, now_ms, now_s))
            continue;
        of->under_way = true;
        *out = (struct notify_turn){
            .queue = of,
            .notification = of->digest != NULL ? of->digest : of->first->notification,
            .n = of->n_turn,
        };
        move_to_end(queue, of);
        return true;
    }
    return false;
}

/* 1 s, 2 s, 4 s ... */
static int64_t backoff_ms(uint32_t failures)
{
    int64_t wait_ms = NOTIFY_BACKOFF_MS;

    while (--failures > 0 && wait_ms < NOTIFY_BACKOFF_MAX_MS)
        wait_ms *= 2;
    return wait_ms < NOTIFY_BACKOFF_MAX_MS ? wait_ms : NOTIFY_BACKOFF_MAX_MS;
}

static void end_failed(struct notify_queue *queue, struct receiver_queue *of, int64_t now_ms,
                       int64_t retry_after_ms, const char *answer)
{
    struct waiting *at = of->first;
    int64_t wait_ms = backoff_ms(++of->failures);

    if (retry_after_ms > NOTIFY_BACKOFF_MAX_MS)
        retry_after_ms = NOTIFY_BACKOFF_MAX_MS;
    of->due_ms = now_ms + (retry_after_ms > wait_ms ? retry_after_ms : wait_ms);
    for (size_t i = 0; i < of->n_turn; i++, at = at->next) {
        at->attempts++;
        tell_failed(queue, at, answer);
    }
}

static void end_for_good(struct notify_queue *queue, struct receiver_queue *of,
                         enum notification_end end, const char *answer)
{
    of->first->result->is_counted = end != NOTIFICATION_REFUSED;
    for (size_t n = of->n_turn; n > 0; n--) {
        of->first->attempts++;
        end_one(queue, take_out(of, &of->first), end, answer);
    }
    notification_free(of->digest);
    of->digest = NULL;
    of->n_turn = 0;
    of->failures = 0;
    of->due_ms = 0;
    of->limited = false;
}

void notify_queue_end(struct notify_queue *queue, const struct notify_turn *turn,
                      enum notify_outcome outcome, int64_t now_ms, int64_t retry_after_ms,
                      const char *answer)
{
    struct receiver_queue *of = turn->queue;
    bool is_digest = of->digest != NULL;

    of->under_way = false;
    if (outcome == NOTIFY_FAILED) {
        end_failed(queue, of, now_ms, retry_after_ms, answer);
        return;
    }
    if (outcome == NOTIFY_TAKEN) {
        hourly_add(&of->sent, now_ms, 1);
        of->has_digest = of->has_digest || is_digest;
        if (is_digest)
            of->last_digest_ms = now_ms;
    }
    end_for_good(queue, of,
                 outcome == NOTIFY_REFUSED ? NOTIFICATION_REFUSED
                 : is_digest               ? NOTIFICATION_DIGESTED
                                           : NOTIFICATION_SENT,
                 answer);
}

static int64_t due_of(const struct notify_queue *queue, struct receiver_queue *of,
                      int64_t now_ms)
{
    if (of->n_turn == 0 && is_limited(queue, of, now_ms)) {
        int64_t digest_ms = digest_due_ms(queue, of, now_ms);

        return digest_ms > of->due_ms ? digest_ms : of->due_ms;
    }
    return of->due_ms;
}

int64_t notify_queue_wait_ms(struct notify_queue *queue, int64_t now_ms)
{
    int64_t wait_ms = -1;

    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next) {
        if (of->first == NULL || of->under_way)
            continue;
        int64_t left_ms = due_of(queue, of, now_ms) - now_ms;

        left_ms = left_ms > 0 ? left_ms : 0;
        wait_ms = wait_ms < 0 || left_ms < wait_ms ? left_ms : wait_ms;
    }
    return wait_ms;
}

/* ---- the end ----------------------------------------------------------- */

void notify_queue_give_back(struct notify_queue *queue)
{
    for (struct receiver_queue *of = queue->first; of != NULL; of = of->next) {
        of->n_turn = 0;
        while (of->first != NULL)
            end_one(queue, take_out(of, &of->first), NOTIFICATION_WAITING,
                    "it was not sent before the end");
    }
}

static void free_all_waiting(struct receiver_queue *of)
{
    struct waiting *next;

    for (struct waiting *at = of->first; at != NULL; at = next) {
        next = at->next;
        notification_free(at->notification);
        free(at->result);
        free(at);
    }
}

void notify_queue_free(struct notify_queue *given)
{
    struct receiver_queue *next;

    if (given == NULL)
        return;
    for (struct receiver_queue *of = given->first; of != NULL; of = next) {
        next = of->next;
        free_all_waiting(of);
        notification_free(of->digest);
        free(of);
    }
    free(given);
}
