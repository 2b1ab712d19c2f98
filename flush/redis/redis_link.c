#include "flush/redis/redis_link_internal.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/clock.h"
#include "flush/redis/timer.h"

enum {
    FEED_AT_ONCE = 16 * 1024,
    WIRE_PER_ELEMENT = 16, /* bounds what an array's header may announce */
};

#define REDIS_FAILURE_NAME(id, word) word,
static const char *const failure_names[] = { REDIS_FAILURES(REDIS_FAILURE_NAME) };
#undef REDIS_FAILURE_NAME

const char *redis_failure_name(enum redis_failure failure)
{
    return failure_names[failure];
}

/* ---- what is unanswered ------------------------------------------------ */

static bool ring_grow(struct redis_link *link)
{
    size_t capacity = link->capacity > 0 ? link->capacity * 2 : 16;
    struct redis_link_pending *ring = calloc(capacity, sizeof *ring);

    if (ring == NULL)
        return false;
    for (size_t i = 0; i < link->count; i++)
        ring[i] = link->ring[(link->head + i) & (link->capacity - 1)];
    free(link->ring);
    link->ring = ring;
    link->capacity = capacity;
    link->head = 0;
    return true;
}

static struct redis_link_pending ring_take(struct redis_link *link)
{
    struct redis_link_pending taken = link->ring[link->head];

    link->head = (link->head + 1) & (link->capacity - 1);
    link->count--;
    link->pending_bytes -= taken.sent.len;
    return taken;
}

/* ---- beginning, end ---------------------------------------------------- */

/* If commands are unanswered, closes with a reset. Otherwise the kernel would go on delivering
 * what the server has not taken yet, perhaps after the commands of the next connection. */
void redis_link_drop_connection(struct redis_link *link)
{
    if (link->connection == NULL)
        return;
    struct linger at_once = { .l_onoff = 1 };
    evutil_socket_t fd = bufferevent_getfd(link->connection);

    if (fd >= 0 && link->count > 0 && link->config.url->path[0] == '\0')
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    bufferevent_free(link->connection);
    link->connection = NULL;
}

static void destroy(struct redis_link *link)
{
    if (link->lookup != NULL)
        lookup_cancel(link->lookup);
    redis_link_drop_connection(link);
    if (link->timer != NULL)
        event_free(link->timer);
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    while (link->count > 0)
        free(ring_take(link).sent.bytes);
    free(link->ring);
    free(link);
}

void redis_link_enter(struct redis_link *link)
{
    link->busy = true;
}

void redis_link_leave(struct redis_link *link)
{
    link->busy = false;
    if (link->closed)
        destroy(link);
}

static void fail_pending(struct redis_link *link)
{
    while (link->count > 0 && !link->closed) {
        struct redis_link_pending one = ring_take(link);

        if (one.kind == REDIS_LINK_COMMAND)
            link->events->failed(link->argument, &one.sent);
        free(one.sent.bytes);
    }
}

void redis_link_fail(struct redis_link *link, enum redis_failure failure, const char *format,
                     ...)
{
    char sentence[REDIS_LINK_SENTENCE_MAX];
    int len = snprintf(sentence, sizeof sentence, "%s ", link->config.url->name);
    size_t at = len < 0 ? 0 : (size_t)len;
    va_list arguments;

    if (link->state == REDIS_LINK_DEAD || link->closed)
        return;
    va_start(arguments, format);
    if (at < sizeof sentence)
        vsnprintf(sentence + at, sizeof sentence - at, format, arguments);
    va_end(arguments);
    link->state = REDIS_LINK_DEAD;
    evtimer_del(link->timer);
    if (link->lookup != NULL)
        lookup_cancel(link->lookup);
    link->lookup = NULL;
    redis_link_drop_connection(link);
    fail_pending(link);
    if (!link->closed)
        link->events->down(link->argument, failure, sentence);
}

/* ---- time-outs --------------------------------------------------------- */

static int64_t deadline_ms(const struct redis_link *link)
{
    if (link->state == REDIS_LINK_STARTING)
        return link->attempt_ms < link->start_ms ? link->attempt_ms : link->start_ms;
    return link->progress_ms + (link->count > 0 ? link->config.reply_ms : link->config.idle_ms);
}

/* Setting the timer for each command would cost much. So it is moved only if it would fire too
 * late; if it fires too early it is set again. */
void redis_link_arm(struct redis_link *link, bool anew)
{
    int64_t at = deadline_ms(link);
    int64_t wait = at - clock_monotonic_ms();

    if (!anew && at >= link->timer_ms)
        return;
    link->timer_ms = at;
    timer_start(link->timer, wait > 0 ? wait : 0);
}

/* ---- sending ----------------------------------------------------------- */

static bool append(struct redis_link *link, const void *command, size_t len, uint64_t tag,
                   enum redis_link_kind kind)
{
    bool keep = link->config.keep_commands && kind == REDIS_LINK_COMMAND;
    char *copy = keep ? malloc(len) : NULL;

    if ((keep && copy == NULL) || (link->count == link->capacity && !ring_grow(link)) ||
        bufferevent_write(link->connection, command, len) != 0) {
        free(copy);
        return false;
    }
    if (keep)
        memcpy(copy, command, len);
    link->ring[(link->head + link->count) & (link->capacity - 1)] =
        (struct redis_link_pending){ { tag, len, copy }, kind };
    link->pending_bytes += len;
    if (link->count++ == 0)
        link->progress_ms = clock_monotonic_ms();
    return true;
}

bool redis_link_append_words(struct redis_link *link, enum redis_link_kind kind, int n,
                             const char **words)
{
    char *command = NULL;
    int len = redisFormatCommandArgv(&command, n, words, NULL);
    bool done = len > 0 && append(link, command, (size_t)len, 0, kind);

    if (len > 0)
        redisFreeCommand(command);
    return done;
}

/* ---- reading ----------------------------------------------------------- */

static void *make_array(const redisReadTask *task, int elements)
{
    struct redis_link *link = task->privdata;

    if (elements > 0 && (size_t)elements > link->elements_left) {
        link->too_many = true;
        return NULL;
    }
    link->elements_left -= elements > 0 ? (size_t)elements : 0;
    return link->make_array(task, elements);
}

static void take_reply(struct redis_link *link, redisReply *reply)
{
    if (link->count == 0) {
        redis_link_fail(link, REDIS_FAILED_PROTOCOL, "answers what was not asked");
        return;
    }
    struct redis_link_pending one = ring_take(link);

    link->progress_ms = clock_monotonic_ms();
    if (one.kind == REDIS_LINK_COMMAND)
        link->events->reply(link->argument, &one.sent, reply);
    else
        redis_link_take_own(link, one.kind, reply);
    free(one.sent.bytes);
}

static void fail_reading(struct redis_link *link)
{
    if (link->too_many || link->reply_bytes > link->config.max_reply)
        redis_link_fail(link, REDIS_FAILED_TOO_LARGE, "sends a reply of more than %zu bytes",
                        link->config.max_reply);
    else if (link->reader->err == REDIS_ERR_OOM)
        redis_link_fail(link, REDIS_FAILED_MEMORY, "sends a reply that there is no memory for");
    else
        redis_link_fail(link, REDIS_FAILED_PROTOCOL, "does not speak as Redis does: %s",
                        link->reader->errstr);
}

static bool is_alive(const struct redis_link *link)
{
    return !link->closed && link->state != REDIS_LINK_DEAD;
}

static void take_replies(struct redis_link *link)
{
    while (is_alive(link)) {
        void *reply = NULL;

        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            fail_reading(link);
            return;
        }
        if (reply == NULL) {
            if (link->reply_bytes > link->config.max_reply)
                fail_reading(link);
            return;
        }
        link->reply_bytes = link->reader->len - link->reader->pos;
        link->elements_left = link->config.max_reply / WIRE_PER_ELEMENT;
        take_reply(link, reply);
        freeReplyObject(reply);
    }
}

void redis_link_on_read(struct bufferevent *connection, void *argument)
{
    struct redis_link *link = argument;
    struct evbuffer *input = bufferevent_get_input(connection);

    redis_link_enter(link);
    while (is_alive(link) && evbuffer_get_length(input) > 0) {
        char chunk[FEED_AT_ONCE];
        int len = evbuffer_remove(input, chunk, sizeof chunk);

        if (len <= 0)
            break;
        link->reply_bytes += (size_t)len;
        if (redisReaderFeed(link->reader, chunk, (size_t)len) != REDIS_OK)
            fail_reading(link);
        else
            take_replies(link);
    }
    redis_link_leave(link);
}

/* ---- the timer --------------------------------------------------------- */

static void on_timeout(struct redis_link *link)
{
    if (link->state == REDIS_LINK_STARTING && link->lookup != NULL)
        redis_link_fail(link, REDIS_FAILED_DNS,
                        "has no address: the name servers do not answer");
    else if (link->state == REDIS_LINK_STARTING && !link->connected &&
             link->next_place < link->places.n) {
        redis_link_drop_connection(link);
        redis_link_connect_next(link);
    } else if (link->state == REDIS_LINK_STARTING && link->reached && !link->connected)
        redis_link_fail(link, REDIS_FAILED_TIMEOUT,
                        "does not answer by TLS within %" PRId64
                        " ms (is it a port without TLS?)",
                        link->config.connect_ms);
    else if (link->state == REDIS_LINK_STARTING && !link->connected)
        redis_link_fail(link, REDIS_FAILED_TIMEOUT, "cannot be reached within %" PRId64 " ms",
                        link->config.connect_ms);
    else if (link->state == REDIS_LINK_STARTING || link->count > 0)
        redis_link_fail(link, REDIS_FAILED_TIMEOUT, "does not answer within %" PRId64 " ms",
                        link->state == REDIS_LINK_STARTING ? link->config.connect_ms
                                                           : link->config.reply_ms);
    else if (!redis_link_append_words(link, REDIS_LINK_PING, 1, (const char *[]){ "PING" }))
        redis_link_fail(link, REDIS_FAILED_MEMORY, "cannot be asked: no memory");
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct redis_link *link = argument;
    (void)fd, (void)what;

    redis_link_enter(link);
    if (link->state == REDIS_LINK_STARTING && link->places.n == 0 && link->lookup == NULL)
        redis_link_connect(link);
    else if (clock_monotonic_ms() >= deadline_ms(link))
        on_timeout(link);
    if (is_alive(link))
        redis_link_arm(link, true);
    redis_link_leave(link);
}

/* ---- the calls --------------------------------------------------------- */

static bool make_reader(struct redis_link *link)
{
    link->reader = redisReaderCreate();
    if (link->reader == NULL)
        return false;
    link->functions = *link->reader->fn;
    link->make_array = link->functions.createArray;
    link->functions.createArray = make_array;
    link->reader->fn = &link->functions;
    link->reader->privdata = link;
    link->elements_left = link->config.max_reply / WIRE_PER_ELEMENT;
    return true;
}

struct redis_link *redis_link_open(struct event_base *base,
                                   const struct redis_link_config *config,
                                   const struct redis_link_events *events, void *argument)
{
    struct redis_link *link = calloc(1, sizeof *link);

    if (link == NULL)
        return NULL;
    link->base = base;
    link->config = *config;
    link->events = events;
    link->argument = argument;
    link->start_ms = link->attempt_ms = clock_monotonic_ms() + config->connect_ms;
    link->timer = evtimer_new(base, on_timer, link);
    if (link->timer == NULL || !make_reader(link)) {
        destroy(link);
        return NULL;
    }
    timer_start(link->timer, 0);
    return link;
}

void redis_link_close(struct redis_link *given)
{
    if (given == NULL)
        return;
    given->closed = true;
    if (given->busy)
        return;
    destroy(given);
}

bool redis_link_send(struct redis_link *link, const void *command, size_t len, uint64_t tag)
{
    if (link->state != REDIS_LINK_UP || link->closed ||
        (link->count > 0 && link->pending_bytes + len > link->config.max_pending) ||
        !append(link, command, len, tag, REDIS_LINK_COMMAND))
        return false;
    redis_link_arm(link, false);
    return true;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == REDIS_LINK_UP && !link->closed;
}

struct redis_fence redis_link_fence(const struct redis_link *link)
{
    return link->self;
}
