#include "server/http/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "protocol/glob.h"
#include "protocol/lines.h"
#include "server/http/desk.h"
#include "server/http/looks.h"
#include "server/http/process_name.h"
#include "server/http/server_view.h"
#include "server/http/tail_item.h"

enum {
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
    uint64_t seen, unseen;    /* of the looks, when it was told last */
    uint64_t lost;            /* and not told yet */
    char text[];
};

struct tail {
    struct looks *looks;
    struct look look;
    struct parser parser; /* its pool is there while there are readers */
    struct reader *first;
    struct process_names *names; /* the same */
    struct bytes json;           /* of the line under way, as an event */
    int64_t told_ms;
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
            bytes_add_text(json, EVENT_BEGIN);
            tail_item_write(item, json);
            bytes_add_text(json, "\n\n");
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
        has_name ? process_name(tail->names, sender->pid, looks_now_ns(tail->looks) / 1000000)
                 : "";

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
        tail_item_read(&item, &tail->parser, line);
        show_item(tail, &item);
    }
    if (!lines.unterminated)
        return;
    size_t from = datagram.len;
    while (from > 0 && datagram.at[from - 1] != '\n')
        from--;
    tail_item_unterminated(&item, slice_skip(datagram, from));
    show_item(tail, &item);
}

/* ---- what was not seen ------------------------------------------------- */

/* Where the sentence has no room, it is said the next time. */
static void tell(struct tail *tail, struct reader *reader)
{
    uint64_t seen = looks_seen(tail->looks) - reader->seen;
    uint64_t unseen = looks_unseen(tail->looks) - reader->unseen;
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
    reader->seen = looks_seen(tail->looks);
    reader->unseen = looks_unseen(tail->looks);
}

static void on_turned(void *argument, int64_t now_ms)
{
    struct tail *tail = argument;

    if (now_ms - tail->told_ms < REPORT_MS)
        return;
    tail->told_ms = now_ms;
    for (struct reader *reader = tail->first; reader != NULL; reader = reader->after)
        tell(tail, reader);
}

/* ---- readers ----------------------------------------------------------- */

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
    tail->parser.pool = malloc((LONGEST_LINE / 2 + 1) * sizeof *tail->parser.pool);
    tail->names = calloc(1, sizeof *tail->names);
    if (tail->parser.pool == NULL || tail->names == NULL ||
        !looks_begin(tail->looks, &tail->look)) {
        free_parts(tail);
        return false;
    }
    tail->told_ms = clock_monotonic_ms();
    return true;
}

static void end(struct tail *tail)
{
    looks_end(tail->looks, &tail->look);
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
    reader->seen = looks_seen(tail->looks);
    reader->unseen = looks_unseen(tail->looks);
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

struct tail *tail_new(const struct server_view *view)
{
    struct tail *tail = calloc(1, sizeof *tail);

    if (tail == NULL)
        return NULL;
    tail->looks = view->looks;
    tail->look = (struct look){ .show = show_datagram, .turned = on_turned, .argument = tail };
    tail->parser.ignore_time = !view->settings->dogstatsd_no_aggregation_pipeline;
    return tail;
}

void tail_free(struct tail *given)
{
    free(given);
}
