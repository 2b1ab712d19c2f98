#include "server/http/tail.h"

#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "protocol/glob.h"
#include "protocol/lines.h"
#include "server/http/desk.h"
#include "server/http/process_name.h"
#include "server/http/server_view.h"
#include "server/http/tail_item.h"

enum {
    TURN_MS = 50,
    NEXT_MS = 10, /* where a turn has left something */
    TURNS_A_SECOND = 40,
    REPORT_MS = 1000,
    PATTERN_MAX = 256,
    LONGEST_LINE = 64 * 1024,
};

/* Of a server-sent event; what stands between its two ends is a line of JSON. */
#define EVENT_BEGIN "data: "
enum { EVENT_BEGIN_LEN = sizeof EVENT_BEGIN - 1 };

struct reader {
    struct tail *tail;
    struct reader *before, *after;
    struct desk_stream *stream;
    bool bad, events; /* only these */
    bool is_sse;
    struct slice match, from; /* views of text; empty: any */
    uint64_t seen, unseen;    /* of the tail, when it was told last */
    uint64_t lost;            /* and not told yet */
    char text[];
};

struct tail {
    struct taps *taps;
    struct senders *senders;
    struct parser parser; /* its pool is there while there are readers */
    struct event turn;
    struct reader *first;
    struct process_names *names; /* the same */
    struct bytes json;           /* of the line under way, as an event */
    int64_t read_ns, told_ms;
    uint64_t lines;  /* that the taps had counted when the first reader came */
    uint64_t seen;   /* lines that were shown since then */
    uint64_t unseen; /* and those that were not */
};

/* ---- lines ------------------------------------------------------------- */

static bool is_wanted(const struct reader *reader, const struct tail_item *item)
{
    bool is_bad = item->result != PARSE_OK, is_record = item->kind != LINE_METRIC;

    if ((reader->bad || reader->events) && !(reader->bad && is_bad) &&
        !(reader->events && is_record))
        return false;
    return (glob_finds(reader->match, item->name)) &&
           (reader->from.len == 0 || tail_item_is_from(item, reader->from));
}

static void add(struct bytes *out, const char *text)
{
    bytes_add(out, text, strlen(text));
}

/* False: it is lost, and counted. */
static bool send_to(const struct reader *reader, const struct bytes *event)
{
    const char *at = (const char *)event->at;

    return reader->is_sse ? desk_stream_send(reader->stream, at, event->len)
                          : desk_stream_send(reader->stream, at + EVENT_BEGIN_LEN,
                                             event->len - EVENT_BEGIN_LEN - 1);
}

static void show_item(struct tail *tail, const struct tail_item *item)
{
    struct bytes *json = &tail->json;

    bytes_clear(json);
    for (struct reader *reader = tail->first; reader != NULL; reader = reader->after) {
        if (!is_wanted(reader, item) || desk_stream_refuses(reader->stream))
            continue;
        if (json->len == 0) {
            add(json, EVENT_BEGIN);
            tail_item_write(item, json);
            add(json, "\n\n");
        }
        if (json->failed)
            reader->lost++;
        else
            (void)send_to(reader, json);
    }
    json->failed = false;
}

/* "pid 4711 (python3)", "127.0.0.1:53211". */
static void name_sender(struct tail *tail, const struct sender *sender, char *out, size_t size)
{
    bool has_name = sender->family == AF_UNIX && sender->pid > 0;
    const char *command =
        has_name ? process_name(tail->names, sender->pid, tail->read_ns / 1000000) : "";

    sender_write(sender, out, size);
    size_t len = strlen(out);
    if (command[0] != '\0')
        snprintf(out + len, size - len, " (%s)", command);
}

static void show_datagram(const struct tap_head *head, struct slice datagram, void *argument)
{
    struct tail *tail = argument;
    struct lines lines = lines_of(datagram, head->need_newline);
    char name[128];
    struct tail_item item = { .time_ms = head->time_ns / 1000000,
                              .sender = &head->sender,
                              .sender_name = name };
    struct slice line;

    name_sender(tail, &head->sender, name, sizeof name);
    while (lines_next(&lines, &line)) {
        tail->seen++;
        tail_item_read(&item, &tail->parser, line);
        show_item(tail, &item);
    }
    if (!lines.unterminated)
        return;
    size_t from = datagram.len;
    while (from > 0 && datagram.at[from - 1] != '\n')
        from--;
    tail->seen++;
    tail_item_unterminated(&item, slice_skip(datagram, from));
    show_item(tail, &item);
}

/* ---- what was not seen ------------------------------------------------- */

/* A batch that is under way is seen before it is counted, so the number never goes down. */
static void count_unseen(struct tail *tail, uint64_t lines)
{
    uint64_t came = lines - tail->lines;

    if (came > tail->seen && came - tail->seen > tail->unseen)
        tail->unseen = came - tail->seen;
}

/* Where the sentence has no room, it is said the next time. */
static void tell(struct tail *tail, struct reader *reader)
{
    uint64_t seen = tail->seen - reader->seen, unseen = tail->unseen - reader->unseen;
    char text[160];

    reader->lost += desk_stream_take_lost(reader->stream);
    if (unseen > 0 || reader->lost > 0) {
        snprintf(text, sizeof text,
                 EVENT_BEGIN "{\"seen\":%" PRIu64 ",\"of\":%" PRIu64 ",\"lost\":%" PRIu64
                             "}\n\n",
                 seen, seen + unseen, reader->lost);
        struct bytes event = { .at = (unsigned char *)text, .len = strlen(text) };
        if (!send_to(reader, &event)) {
            (void)desk_stream_take_lost(reader->stream); /* this sentence */
            return;
        }
    }
    reader->lost = 0;
    reader->seen = tail->seen;
    reader->unseen = tail->unseen;
}

/* ---- turns ------------------------------------------------------------- */

static void arm(struct tail *tail, int64_t wait_ms)
{
    struct timeval wait = clock_wait_ms(wait_ms);

    evtimer_add(&tail->turn, &wait);
}

/* A burst is read in parts, so that readers take one while the next waits in its ring; at more
 * than twice the rate that fills the rings. False: something is left. */
static bool read_taps(struct tail *tail)
{
    int64_t now_ns = clock_monotonic_ns(), now_ms = now_ns / 1000000;

    taps_allow(tail->taps, now_ns - tail->read_ns);
    tail->read_ns = now_ns;
    uint64_t lines, part = (uint64_t)tail->taps->bytes_a_second / TURNS_A_SECOND;
    if (!taps_read(tail->taps, part, show_datagram, tail, &lines))
        return false;
    count_unseen(tail, lines);
    if (now_ms - tail->told_ms < REPORT_MS)
        return true;
    tail->told_ms = now_ms;
    for (struct reader *reader = tail->first; reader != NULL; reader = reader->after)
        tell(tail, reader);
    return true;
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct tail *tail = argument;

    (void)fd, (void)what;
    bool all = tail->first == NULL || read_taps(tail);
    if (taps_tidy(tail->taps) || tail->first != NULL)
        arm(tail, all ? TURN_MS : NEXT_MS);
}

/* ---- readers ----------------------------------------------------------- */

static void ignore(const struct tap_head *head, struct slice datagram, void *argument)
{
    (void)head, (void)datagram, (void)argument;
}

static void free_parts(struct tail *tail)
{
    bytes_free(&tail->json);
    free(tail->parser.pool);
    free(tail->names);
    tail->parser.pool = NULL;
    tail->names = NULL;
}

/* The first reader is there. False without memory. */
static bool begin(struct tail *tail)
{
    if (tail->taps == NULL)
        return false; /* it is no whole server */
    tail->parser.pool = malloc((LONGEST_LINE / 2 + 1) * sizeof *tail->parser.pool);
    tail->names = calloc(1, sizeof *tail->names);
    if (tail->parser.pool == NULL || tail->names == NULL || !taps_open(tail->taps)) {
        free_parts(tail);
        return false;
    }
    senders_want(tail->senders);
    tail->read_ns = clock_monotonic_ns();
    tail->told_ms = tail->read_ns / 1000000;
    (void)taps_read(tail->taps, UINT64_MAX, ignore, NULL, &tail->lines);
    tail->seen = tail->unseen = 0;
    arm(tail, TURN_MS);
    return true;
}

/* The turns go on until all rings are freed. */
static void end(struct tail *tail)
{
    senders_want_no_more(tail->senders);
    taps_shut(tail->taps);
    free_parts(tail);
}

static void on_gone(void *argument)
{
    struct reader *given = argument;
    struct tail *tail = given->tail;

    *(given->before != NULL ? &given->before->after : &tail->first) = given->after;
    if (given->after != NULL)
        given->after->before = given->before;
    free(given);
    if (tail->first == NULL)
        end(tail);
}

static void link_reader(struct tail *tail, struct reader *reader)
{
    reader->tail = tail;
    reader->seen = tail->seen;
    reader->unseen = tail->unseen;
    reader->after = tail->first;
    if (tail->first != NULL)
        tail->first->before = reader;
    tail->first = reader;
}

static bool is_set(struct slice query, const char *name, char *room)
{
    struct slice value;

    return http_parameter(query, name, room, &value) && value.len > 0 &&
           !slice_equal(value, SLICE("0"));
}

/* Owned; NULL without memory. *status: 400 where a pattern is too long. */
static struct reader *read_reader(const struct http_request *request, int *status)
{
    size_t room = request->query.len + 1;
    struct reader *reader = calloc(1, sizeof *reader + 3 * room);
    struct slice accept;

    *status = 503;
    if (reader == NULL)
        return NULL;
    (void)http_parameter(request->query, "match", reader->text, &reader->match);
    (void)http_parameter(request->query, "from", reader->text + room, &reader->from);
    reader->bad = is_set(request->query, "bad", reader->text + 2 * room);
    reader->events = is_set(request->query, "events", reader->text + 2 * room);
    reader->is_sse = http_header(request, "Accept", &accept) &&
                     slice_starts(accept, SLICE("text/event-stream"));
    *status = 400;
    if (reader->match.len <= PATTERN_MAX && reader->from.len <= PATTERN_MAX)
        return reader;
    free(reader);
    return NULL;
}

void tail_work(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    struct tail *tail = view->tail;
    int status;
    struct reader *reader = read_reader(request, &status);

    if (reader != NULL && tail->first == NULL && !begin(tail)) {
        free(reader);
        reader = NULL;
        status = 503;
    }
    if (reader == NULL) {
        desk_reply_text(given, status, "text/plain; charset=utf-8",
                        status == 400 ? "match and from may have 256 bytes\n"
                                      : "there is no memory for this\n");
        return;
    }
    desk_add_header(given, "Cache-Control", "no-store");
    reader->stream = desk_stream_begin(
        given, reader->is_sse ? "text/event-stream" : "application/x-ndjson", on_gone, reader);
    if (reader->stream != NULL) {
        link_reader(tail, reader);
        return;
    }
    free(reader);
    if (tail->first == NULL)
        end(tail);
}

/* ---- start and stop ---------------------------------------------------- */

struct tail *tail_new(struct event_base *desk_base, const struct server_view *view)
{
    struct tail *tail = calloc(1, sizeof *tail);

    if (tail == NULL)
        return NULL;
    tail->taps = view->taps;
    tail->senders = view->senders;
    tail->parser.ignore_time = !view->settings->dogstatsd_no_aggregation_pipeline;
    evtimer_assign(&tail->turn, desk_base, on_turn, tail);
    return tail;
}

void tail_free(struct tail *given)
{
    free(given);
}
