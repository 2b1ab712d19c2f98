#include "server/http/desk.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/thread.h"
#include "server/http/http_inflate.h"
#include "server/http/main_turn.h"

/* A request, and all that becomes of it. Main makes and frees it; between its two ways through
 * the mailboxes it is the desk's, but for what is said to be main's. */
struct desk_job {
    struct desk_note note; /* its bytes: the body of the answer */
    struct desk *desk;
    desk_work *work;
    char *text; /* head and body */
    size_t head_len, body_len, body_max;
    struct bytes plain;   /* the inflated body */
    struct bytes headers; /* of the answer: names and values, each with a NUL */
    struct sender peer;
    int64_t put_off_ms; /* when it was, for the first time; 0: never */
    int status;
    const char *type;
    const char *refusal; /* static; NULL: the work has answered */
    struct desk_stream stream;

    /* main's */
    struct http_exchange *exchange; /* NULL: it is over */
    struct desk_job *before, *after;
    size_t held; /* bytes of the stream that wait in the connection */
};

/* Main lets fewer ask at a time; but those who went leave their jobs, and one that hangs must
 * not let them pile up. */
enum { JOBS_MAX = 256 };

struct desk {
    struct event_base *main_base;
    struct event_base *base; /* NULL: nobody has asked yet, and there are no parts below */
    desk_furnish *furnish;   /* or NULL */
    struct mailbox to_desk, to_main;
    struct event *arrived; /* main's: something is in to_main */
    struct event *wake;    /* the desk's: something is in to_desk, or a client went */
    struct event *again;   /* the desk's: the time of those that were put off */
    struct desk_note *put_off, **put_off_end;
    void *argument;
    struct desk_streams streams;
    struct desk_job *first; /* main's: all that are under way */
    int n_jobs;             /* main's */
    pthread_t thread;
    int ended_fd; /* eventfd: readable when the thread ends */
    bool has_thread;
    _Atomic(bool) is_stopping;
};

/* ---- the desk: answers ------------------------------------------------- */

const struct sender *desk_peer(const struct desk_job *job)
{
    return &job->peer;
}

void desk_add_header(struct desk_job *job, const char *name, const char *value)
{
    size_t before = job->headers.len;

    bytes_add(&job->headers, name, strlen(name) + 1);
    bytes_add(&job->headers, value, strlen(value) + 1);
    if (job->headers.failed)
        job->headers.len = before;
}

void desk_reply(struct desk_job *given, int status, const char *type, struct bytes *given_body)
{
    given->status = status;
    given->type = type;
    given->note.bytes = *given_body;
    *given_body = (struct bytes){ 0 };
    mailbox_push(&given->desk->to_main, &given->note.letter);
}

void desk_reply_text(struct desk_job *given, int status, const char *type, const char *text)
{
    struct bytes body = { 0 };

    bytes_add(&body, text, strlen(text));
    desk_reply(given, status, type, &body);
}

struct desk_stream *desk_stream_begin(struct desk_job *given, const char *type,
                                      desk_stream_gone *gone, void *argument)
{
    struct desk_note *first = calloc(1, sizeof *first);
    struct bytes none = { .failed = true };

    if (first == NULL) {
        desk_reply(given, 503, type, &none);
        return NULL;
    }
    first->kind = DESK_NOTE_BEGIN;
    first->job = given;
    given->type = type;
    given->stream.gone = gone;
    given->stream.argument = argument;
    desk_stream_open(&given->stream, &given->desk->streams, first, &given->note);
    return &given->stream;
}

/* ---- the desk: work ---------------------------------------------------- */

/* 0, or the status to refuse the body with. */
static int inflate_body(struct desk_job *job, struct http_request *request)
{
    struct slice encoding;

    if (!http_header(request, "Content-Encoding", &encoding) || !http_inflate_knows(encoding))
        return 0;
    int status = http_inflate(&job->plain, encoding, request->body, job->body_max);
    request->body = bytes_view(&job->plain);
    return status;
}

/* In the form that the route has for refusals, which main knows. */
static void refuse(struct desk_job *given, int status)
{
    given->refusal = status == 413   ? "the body is too large\n"
                     : status == 503 ? "there is no memory for this body\n"
                                     : "the body is damaged\n";
    desk_reply_text(given, status, NULL, "");
}

static void do_work(struct desk_job *job)
{
    struct http_request request;

    if (atomic_load_explicit(&job->stream.is_gone, memory_order_relaxed)) {
        desk_reply_text(job, 503, "text/plain", ""); /* which nobody reads */
        return;
    }
    (void)http_head_parse(&request, (struct slice){ job->text, job->head_len });
    request.body = (struct slice){ job->text + job->head_len, job->body_len };
    int status = inflate_body(job, &request);
    if (status != 0)
        refuse(job, status);
    else
        job->work(job, &request, job->desk->argument);
}

/* What is left when it stops is freed by desk_free(). */
static void do_all(struct desk *desk, struct desk_note *note)
{
    while (note != NULL && !atomic_load(&desk->is_stopping)) {
        struct desk_note *next = note->next;
        do_work(note->job);
        note = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct desk *desk = argument;

    (void)fd, (void)what;
    mailbox_quieten(&desk->to_desk);
    do_all(desk, (struct desk_note *)mailbox_take(&desk->to_desk));
    desk_streams_drop(&desk->streams, false);
    if (atomic_load(&desk->is_stopping))
        event_base_loopbreak(desk->base);
}

static const struct timeval a_moment = { .tv_usec = 10000 };

bool desk_put_off(struct desk_job *given, int64_t patience_ms)
{
    struct desk *desk = given->desk;
    int64_t now_ms = clock_monotonic_ms();

    if (given->put_off_ms == 0)
        given->put_off_ms = now_ms;
    if (now_ms - given->put_off_ms >= patience_ms ||
        (desk->put_off == NULL && event_add(desk->again, &a_moment) != 0))
        return false;
    bytes_free(&given->plain);
    given->note.next = NULL;
    *desk->put_off_end = &given->note;
    desk->put_off_end = &given->note.next;
    return true;
}

static void on_again(evutil_socket_t fd, short what, void *argument)
{
    struct desk *desk = argument;
    struct desk_note *first = desk->put_off;

    (void)fd, (void)what;
    desk->put_off = NULL;
    desk->put_off_end = &desk->put_off;
    do_all(desk, first);
}

static void on_flush(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    desk_streams_flush(argument);
}

/* As nice as can be: who only looks on waits where workers need the whole processor. */
enum { BEHIND_ALL = 19 };

static void *run(void *argument)
{
    struct desk *desk = argument;

    setpriority(PRIO_PROCESS, (id_t)gettid(), BEHIND_ALL);
    event_base_dispatch(desk->base);
    desk_streams_drop(&desk->streams, true);
    (void)!eventfd_write(desk->ended_fd, 1);
    return NULL;
}

/* ---- main: jobs -------------------------------------------------------- */

static void job_free(struct desk_job *given)
{
    given->desk->n_jobs--;
    *(given->before != NULL ? &given->before->after : &given->desk->first) = given->after;
    if (given->after != NULL)
        given->after->before = given->before;
    bytes_free(&given->note.bytes);
    bytes_free(&given->plain);
    bytes_free(&given->headers);
    free(given->text);
    free(given);
}

/* The client has gone. */
static void on_gone(void *argument)
{
    struct desk_job *job = argument;

    job->exchange = NULL;
    atomic_store_explicit(&job->stream.is_gone, true, memory_order_relaxed);
    mailbox_wake(&job->desk->to_desk);
}

/* NULL without memory, or if there are too many. */
static struct desk_job *job_new(struct desk *desk, struct slice head, struct slice body)
{
    struct desk_job *job = desk->n_jobs < JOBS_MAX ? calloc(1, sizeof *job) : NULL;

    if (job == NULL)
        return NULL;
    job->text = malloc(head.len + body.len + 1);
    if (job->text == NULL) {
        free(job);
        return NULL;
    }
    memcpy(job->text, head.at, head.len);
    if (body.len > 0)
        memcpy(job->text + head.len, body.at, body.len);
    job->head_len = head.len;
    job->body_len = body.len;
    job->desk = desk;
    job->note.kind = DESK_NOTE_JOB;
    job->note.job = job;
    job->after = desk->first;
    if (desk->first != NULL)
        desk->first->before = job;
    desk->first = job;
    desk->n_jobs++;
    return job;
}

void desk_take(struct desk *desk, struct http_exchange *exchange, struct slice head,
               struct slice body, size_t body_max, desk_work *work)
{
    struct desk_job *job = desk_start(desk) ? job_new(desk, head, body) : NULL;

    if (job == NULL) {
        http_reply(exchange, 503, "text/plain; charset=utf-8", NULL);
        return;
    }
    job->body_max = body_max;
    job->work = work;
    job->exchange = exchange;
    job->peer = *http_peer(exchange);
    http_on_end(exchange, on_gone, job);
    mailbox_push(&desk->to_desk, &job->note.letter);
}

/* ---- main: what comes back --------------------------------------------- */

static void free_bytes(const void *at, size_t len, void *argument)
{
    (void)at, (void)len;
    free(argument);
}

/* The bytes are not copied, but taken. NULL without memory. */
static struct evbuffer *wrap(struct bytes *given)
{
    struct evbuffer *buffer = given->failed ? NULL : evbuffer_new();

    if (buffer != NULL && given->len > 0) {
        if (evbuffer_add_reference(buffer, given->at, given->len, free_bytes, given->at) == 0) {
            *given = (struct bytes){ 0 };
        } else {
            evbuffer_free(buffer);
            buffer = NULL;
        }
    }
    return buffer;
}

static void add_headers(const struct desk_job *job)
{
    for (size_t at = 0; at < job->headers.len;) {
        const char *name = (const char *)job->headers.at + at;
        const char *value = name + strlen(name) + 1;

        http_add_header(job->exchange, name, value);
        at += strlen(name) + 1 + strlen(value) + 1;
    }
}

static void got(struct desk_job *job, size_t n)
{
    atomic_fetch_sub_explicit(&job->stream.unsent, n, memory_order_relaxed);
}

/* What is left has the heads of chunks in it: never less than the bytes of items. */
static void on_taken(size_t left, void *argument)
{
    struct desk_job *job = argument;

    if (left >= job->held)
        return;
    got(job, job->held - left);
    job->held = left;
}

static void begin_stream(struct desk_job *job)
{
    if (job->exchange == NULL)
        return;
    add_headers(job);
    http_on_taken(job->exchange, on_taken, job);
    (void)http_stream_begin(job->exchange, job->type); /* its end is told */
}

static void add_to_stream(struct desk_job *job, struct bytes *given)
{
    size_t len = given->len;
    struct evbuffer *chunk = job->exchange != NULL ? wrap(given) : NULL;

    if (chunk != NULL) {
        job->held += len;
        http_stream_add(job->exchange, chunk);
    } else {
        got(job, len);
    }
    bytes_free(given);
}

static void end_job(struct desk_job *job)
{
    struct http_exchange *exchange = job->exchange;

    if (exchange != NULL) {
        http_on_end(exchange, NULL, NULL);
        if (job->stream.all != NULL) {
            http_on_taken(exchange, NULL, NULL);
            http_stream_end(exchange);
        } else if (job->refusal != NULL) {
            http_refuse(exchange, job->status, job->refusal);
        } else {
            add_headers(job);
            http_reply(exchange, job->status, job->type, wrap(&job->note.bytes));
        }
    }
    job_free(job);
}

static void handle(struct desk_note *note)
{
    switch (note->kind) {
    case DESK_NOTE_JOB:
        end_job(note->job);
        return;
    case DESK_NOTE_BEGIN:
        begin_stream(note->job);
        break;
    case DESK_NOTE_BYTES:
        add_to_stream(note->job, &note->bytes);
        break;
    }
    free(note);
}

static void on_arrived(evutil_socket_t fd, short what, void *argument)
{
    struct desk *desk = argument;

    (void)fd, (void)what;
    main_turn_began();
    mailbox_quieten(&desk->to_main);
    struct desk_note *note = (struct desk_note *)mailbox_take(&desk->to_main);
    while (note != NULL) {
        struct desk_note *next = note->next;
        handle(note);
        note = next;
    }
}

/* ---- start and stop ---------------------------------------------------- */

struct event_base *desk_base(const struct desk *desk)
{
    return desk->base;
}

static bool open_parts(struct desk *desk)
{
    desk->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (desk->ended_fd < 0 || !mailbox_open(&desk->to_main) || !mailbox_open(&desk->to_desk))
        return false;
    desk->arrived = event_new(desk->main_base, desk->to_main.wake_fd, EV_READ | EV_PERSIST,
                              on_arrived, desk);
    desk->wake =
        event_new(desk->base, desk->to_desk.wake_fd, EV_READ | EV_PERSIST, on_wake, desk);
    desk->again = evtimer_new(desk->base, on_again, desk);
    desk->streams.flush = event_new(desk->base, -1, 0, on_flush, &desk->streams);
    return desk->arrived != NULL && desk->wake != NULL && desk->again != NULL &&
           desk->streams.flush != NULL && event_add(desk->arrived, NULL) == 0 &&
           event_add(desk->wake, NULL) == 0 &&
           (desk->furnish == NULL || desk->furnish(desk, desk->argument));
}

static void close_parts(struct desk *desk)
{
    struct event *events[] = { desk->arrived, desk->wake, desk->again, desk->streams.flush };

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    desk->arrived = desk->wake = desk->again = desk->streams.flush = NULL;
    if (desk->base != NULL)
        event_base_free(desk->base);
    desk->base = NULL;
    mailbox_close(&desk->to_desk);
    mailbox_close(&desk->to_main);
    desk->to_desk.wake_fd = desk->to_main.wake_fd = -1;
    if (desk->ended_fd >= 0)
        close(desk->ended_fd);
    desk->ended_fd = -1;
}

struct desk *desk_new(struct event_base *main_base, void *argument, struct counter *items_lost,
                      desk_furnish *furnish)
{
    struct desk *desk = calloc(1, sizeof *desk);

    if (desk == NULL)
        return NULL;
    desk->main_base = main_base;
    desk->furnish = furnish;
    desk->to_desk.wake_fd = desk->to_main.wake_fd = desk->ended_fd = -1;
    desk->argument = argument;
    desk->put_off_end = &desk->put_off;
    desk->streams.to_main = &desk->to_main;
    desk->streams.items_lost = items_lost;
    return desk;
}

bool desk_start(struct desk *desk)
{
    if (desk->has_thread)
        return true;
    if (desk->base == NULL && ((desk->base = event_base_new()) == NULL || !open_parts(desk))) {
        close_parts(desk);
        return false;
    }
    desk->has_thread = thread_start(&desk->thread, "desk", run, desk);
    return desk->has_thread;
}

bool desk_end(struct desk *desk, int64_t patience_ms)
{
    struct pollfd ended = { .fd = desk->ended_fd, .events = POLLIN };
    int64_t end_ms = clock_monotonic_ms() + patience_ms, left_ms = patience_ms;

    if (!desk->has_thread)
        return true;
    event_del(desk->arrived); /* whom an answer would be for has gone */
    atomic_store(&desk->is_stopping, true);
    mailbox_wake(&desk->to_desk);
    while (poll(&ended, 1, (int)left_ms) < 0 && errno == EINTR) {
        left_ms = end_ms - clock_monotonic_ms();
        left_ms = left_ms > 0 ? left_ms : 0;
    }
    if ((ended.revents & POLLIN) == 0)
        return false;
    pthread_join(desk->thread, NULL);
    desk->has_thread = false;
    return true;
}

/* Those of jobs are part of them. */
static void free_notes(struct mailbox *mailbox)
{
    struct desk_note *note = (struct desk_note *)mailbox_take(mailbox);

    while (note != NULL) {
        struct desk_note *next = note->next;
        if (note->kind != DESK_NOTE_JOB) {
            bytes_free(&note->bytes);
            free(note);
        }
        note = next;
    }
}

void desk_free(struct desk *given)
{
    if (given == NULL)
        return;
    free_notes(&given->to_desk);
    free_notes(&given->to_main);
    while (given->first != NULL)
        job_free(given->first);
    close_parts(given);
    free(given);
}
