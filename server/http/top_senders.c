#include "server/http/top_senders.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "server/http/desk.h"
#include "server/http/process_name.h"
#include "server/http/top.h"
#include "server/receive/sender_tally.h"

enum { ASKED_FOR_MS = 60000 };
#define RECENT_NS INT64_C(10000000000)

struct top_senders {
    struct senders *senders;
    struct sender_box *boxes;
    uint32_t workers;
    int64_t interval_s;
    bool always;
    bool wanted;
    int64_t asked_ms;
    struct event *timer;                   /* runs while it is wanted */
    struct sender_sketch *recent, *before; /* owned; or NULL */
    struct process_names *names; /* owned; NULL while it is not wanted, or no memory */
};

/* ---- gathering --------------------------------------------------------- */

/* So that a process which ends soon has a name when somebody looks at it. */
static void learn_names(const struct top_senders *top, const struct sender_sketch *sketch,
                        int64_t now_ms)
{
    for (uint32_t i = 0; top->names != NULL && i < sketch->n; i++)
        if (sketch->at[i].key.from.family == AF_UNIX)
            (void)process_name(top->names, sketch->at[i].key.from.pid, now_ms);
}

/* Without memory to merge, what was counted in these seconds is not shown. */
static void take_in(struct top_senders *top, struct sender_sketch *given, int64_t now_ms)
{
    learn_names(top, given, now_ms);
    if (top->recent == NULL) {
        top->recent = given;
        return;
    }
    (void)sender_sketch_merge(top->recent, given);
    free(given);
}

static void gather(struct top_senders *top, int64_t now_ms)
{
    struct sender_sketch *sketch;

    for (uint32_t i = 0; i < top->workers; i++)
        if ((sketch = sender_box_take(&top->boxes[i])) != NULL)
            take_in(top, sketch, now_ms);
    if (top->recent == NULL || top->recent->until_ns - top->recent->from_ns < RECENT_NS)
        return;
    free(top->before);
    top->before = top->recent;
    top->recent = NULL;
}

static void tell_workers(struct top_senders *top, bool wanted)
{
    for (uint32_t i = 0; i < top->workers; i++)
        atomic_store_explicit(&top->boxes[i].wanted, wanted, memory_order_relaxed);
}

static void begin(struct top_senders *top)
{
    static const struct timeval second = { 1, 0 };

    if (top->wanted || top->senders == NULL)
        return;
    top->wanted = true;
    top->names = calloc(1, sizeof *top->names);
    tell_workers(top, true);
    senders_want(top->senders);
    event_add(top->timer, &second);
}

static void end(struct top_senders *top)
{
    if (!top->wanted)
        return;
    top->wanted = false;
    tell_workers(top, false);
    senders_want_no_more(top->senders);
    event_del(top->timer);
    free(top->recent);
    free(top->before);
    free(top->names);
    top->recent = top->before = NULL;
    top->names = NULL;
}

static void on_second(evutil_socket_t fd, short what, void *argument)
{
    struct top_senders *top = argument;
    int64_t now_ms = clock_monotonic_ms();

    (void)fd, (void)what;
    gather(top, now_ms);
    if (!top->always && now_ms - top->asked_ms >= ASKED_FOR_MS)
        end(top);
}

/* ---- answers ----------------------------------------------------------- */

/* All that is known of the last seconds, owned. NULL: nothing, or no memory. */
static struct sender_sketch *look_back(const struct top_senders *top)
{
    const struct sender_sketch *first = top->before != NULL ? top->before : top->recent;
    struct sender_sketch *all = first != NULL ? malloc(sizeof *all) : NULL;

    if (all == NULL)
        return NULL;
    *all = *first;
    if (top->before != NULL && top->recent != NULL)
        (void)sender_sketch_merge(all, top->recent);
    return all;
}

static uint64_t sum_of(const struct sender_counter *counter, enum top_sort sort)
{
    return sort == TOP_VALUES  ? counter->sums.values
           : sort == TOP_BYTES ? counter->sums.bytes
                               : counter->sums.lines;
}

/* As many of them as are asked for come first, in order; returns how many. */
static uint32_t choose(struct sender_sketch *all, const struct top_request *request)
{
    uint32_t n = all->n < request->limit ? all->n : request->limit;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t most = i;

        for (uint32_t j = i + 1; j < all->n; j++)
            if (sum_of(&all->at[j], request->sort) > sum_of(&all->at[most], request->sort))
                most = j;
        struct sender_counter swapped = all->at[i];
        all->at[i] = all->at[most];
        all->at[most] = swapped;
    }
    return n;
}

static void write_rates(struct json_out *out, const struct sender_sums *sums, double seconds)
{
    json_out_real(out, "values", (double)sums->values / seconds);
    json_out_real(out, "lines", (double)sums->lines / seconds);
    json_out_real(out, "bytes", (double)sums->bytes / seconds);
    json_out_real(out, "datagrams", (double)sums->datagrams / seconds);
}

/* An address without a port is one of another machine. */
static void describe(const struct sender *from, const char *name, char *out, size_t size)
{
    char address[INET6_ADDRSTRLEN];

    if (from->family == AF_UNIX && name[0] != '\0')
        snprintf(out, size, "pid %d %s", (int)from->pid, name);
    else if (from->port == 0 && (from->family == AF_INET || from->family == AF_INET6))
        snprintf(out, size, "%s",
                 inet_ntop(from->family, from->address, address, sizeof address));
    else
        sender_write(from, out, size);
}

static void write_sender(const struct top_senders *top, struct json_out *out,
                         const struct sender_counter *counter, double seconds, int64_t now_ms)
{
    const struct sender *from = &counter->key.from;
    bool is_unix = from->family == AF_UNIX;
    const char *name =
        is_unix && top->names != NULL ? process_name(top->names, from->pid, now_ms) : "";
    char what[96], container[SENDER_CONTAINER_MAX + 1] = "";

    memcpy(container, counter->key.container, counter->key.container_len);
    describe(from, name, what, sizeof what);
    json_out_begin(out, NULL, '{');
    json_out_text(out, "what", what);
    json_out_text(out, "kind", is_unix ? "unix" : from->family == 0 ? "unknown" : "udp");
    if (is_unix)
        json_out_signed(out, "pid", from->pid);
    else
        json_out_null(out, "pid");
    json_out_text(out, "command", name);
    json_out_text(out, "container", container);
    write_rates(out, &counter->sums, seconds);
    json_out_null(out, "series");
    json_out_real(out, "error", (double)counter->error / seconds);
    json_out_end(out, '}');
}

/* all: NULL, and there is nothing yet. */
static void write_answer(const struct top_senders *top, struct json_out *out,
                         struct sender_sketch *all, const struct top_request *request,
                         int64_t now_ms)
{
    int64_t seen_ns = all != NULL ? all->until_ns - all->from_ns : 0;
    double seconds = seen_ns > 0 ? (double)seen_ns / 1e9 : 1;
    uint32_t n = all != NULL ? choose(all, request) : 0;

    json_out_begin(out, NULL, '{');
    json_out_text(out, "by", "sender");
    json_out_signed(out, "interval_s", top->interval_s);
    json_out_real(out, "seen_s", (double)seen_ns / 1e9);
    json_out_bool(out, "estimated", all != NULL && all->estimated);
    json_out_begin(out, "total", '{');
    write_rates(out, all != NULL ? &all->total : &(struct sender_sums){ 0 }, seconds);
    json_out_end(out, '}');
    json_out_begin(out, "rows", '[');
    for (uint32_t i = 0; i < n; i++)
        write_sender(top, out, &all->at[i], seconds, now_ms);
    json_out_end(out, ']');
    json_out_end(out, '}');
    bytes_add(&out->bytes, "\n", 1);
}

void top_senders_work(struct desk_job *given, const struct http_request *request,
                      void *argument)
{
    const struct server_view *view = argument;
    struct top_senders *top = view->top_senders;
    struct top_request asked;
    struct json_out out = { 0 };
    const char *sentence;

    if (!top_request_read(request->query, &asked, &sentence)) {
        desk_reply_text(given, 400, "text/plain; charset=utf-8", sentence);
        return;
    }
    top->asked_ms = clock_monotonic_ms();
    begin(top);
    gather(top, top->asked_ms);
    struct sender_sketch *all = look_back(top);

    write_answer(top, &out, all, &asked, top->asked_ms);
    free(all);
    desk_reply(given, 200, "application/json", &out.bytes);
}

/* ---- start and stop ---------------------------------------------------- */

struct top_senders *top_senders_new(struct event_base *desk_base,
                                    const struct server_view *view)
{
    struct top_senders *top = calloc(1, sizeof *top);

    if (top == NULL)
        return NULL;
    top->senders = view->senders;
    top->boxes = view->sender_boxes;
    top->workers = view->workers;
    top->interval_s = view->settings->heeler_interval;
    top->always = view->settings->heeler_senders;
    top->timer = event_new(desk_base, -1, EV_PERSIST, on_second, top);
    if (top->timer == NULL) {
        free(top);
        return NULL;
    }
    if (top->always)
        begin(top);
    return top;
}

void top_senders_free(struct top_senders *given)
{
    if (given == NULL)
        return;
    end(given);
    event_free(given->timer);
    free(given);
}
