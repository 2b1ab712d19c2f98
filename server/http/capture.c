#include "server/http/capture.h"

#include <event2/event_struct.h>
#include <stdlib.h>

#include "config/clock.h"
#include "protocol/dog.h"
#include "protocol/number.h"
#include "server/http/desk.h"
#include "server/http/looks.h"
#include "server/http/server_view.h"
#include "server/receive/recent.h"

enum {
    REPORT_MS = 1000,
    PUMP_MS = 5, /* a turn of what reads a ring, and the pause behind it, which others have */
    RECALL_MS = 5 * 60 * 1000,
    LONGEST_MS = 7 * 86400 * 1000,
    ROOM_FOR_ONE = 64 * 1024 + DOG_FRONT_MAX,
};

struct capture {
    struct desk_stream *stream;
    struct looks *looks;
    struct look look;
    struct recall *recall; /* owned; NULL: what arrives is captured */
    struct event pump;     /* of the recall */
    struct bytes item;
    struct dog_note note;
    uint64_t unseen; /* of the looks, when it began */
    int64_t end_ms;  /* monotonic */
    int64_t told_ms;
    bool is_over; /* the last note waits for room */
};

static void capture_free(struct capture *given)
{
    if (given->recall != NULL)
        evtimer_del(&given->pump);
    else
        looks_end(given->looks, &given->look);
    recall_free(given->recall);
    bytes_free(&given->item);
    free(given);
}

static void on_gone(void *argument)
{
    capture_free(argument);
}

static void end(struct capture *given)
{
    desk_stream_end(given->stream);
    capture_free(given);
}

/* ---- records ----------------------------------------------------------- */

/* False: there is no room for it, or no memory. */
static bool send_record(struct capture *capture, const struct dog_record *record)
{
    struct bytes *item = &capture->item;
    unsigned char front[DOG_FRONT_MAX];

    bytes_clear(item);
    bytes_add(item, front, dog_write_front(record, front));
    if (!record->note.is_there)
        bytes_add(item, record->payload.at, record->payload.len);
    if (!item->failed)
        return desk_stream_send(capture->stream, item->at, item->len);
    item->failed = false;
    capture->note.datagrams += !record->note.is_there;
    return false;
}

/* A note that has no room is said again with the next one. */
static bool send_note(struct capture *capture, bool is_last)
{
    struct dog_note *note = &capture->note;

    note->is_there = true;
    note->is_last = is_last;
    if (capture->recall == NULL)
        note->lines = looks_unseen(capture->looks) - capture->unseen;
    note->datagrams += desk_stream_take_lost(capture->stream);
    if (send_record(capture, &(struct dog_record){ .note = *note }))
        return true;
    (void)desk_stream_take_lost(capture->stream); /* the note */
    return false;
}

/* ---- what arrives ------------------------------------------------------ */

static void show_datagram(const struct tap_head *head, struct slice datagram, void *argument)
{
    struct capture *capture = argument;
    struct dog_record record = { .time_ns = head->time_ns,
                                 .pid = head->sender.pid,
                                 .payload = datagram };

    if (!capture->is_over && !desk_stream_refuses(capture->stream))
        (void)send_record(capture, &record);
}

static void on_turned(void *argument, int64_t now_ms)
{
    struct capture *capture = argument;

    capture->is_over = capture->is_over || now_ms >= capture->end_ms;
    if (!capture->is_over && now_ms - capture->told_ms < REPORT_MS)
        return;
    capture->told_ms = now_ms;
    if (send_note(capture, capture->is_over) && capture->is_over)
        end(capture);
}

/* ---- what was kept ----------------------------------------------------- */

/* One more of the ring, which is only counted once it is late. False: that was the last one, or
 * the reader has to take some first. */
static bool recall_one(struct capture *capture, bool is_late)
{
    struct recent_head head;
    struct slice datagram;

    if (capture->is_over || (!is_late && !desk_stream_has_room(capture->stream, ROOM_FOR_ONE)))
        return false;
    capture->is_over = !recall_next(capture->recall, &head, &datagram);
    if (capture->is_over)
        return false;
    capture->note.datagrams += head.missed + is_late;
    if (!is_late)
        (void)send_record(capture, &(struct dog_record){ .time_ns = head.time_ns,
                                                         .pid = head.pid,
                                                         .payload = datagram });
    return true;
}

/* What is held for a reader is not written anew, so one that dawdles does not get the rest. */
static void pump(struct capture *capture)
{
    int64_t now_ms = clock_monotonic_ms(), until_ms = now_ms + PUMP_MS;

    while (now_ms < until_ms && recall_one(capture, now_ms >= capture->end_ms))
        now_ms = clock_monotonic_ms();
}

static void on_pump(evutil_socket_t fd, short what, void *argument)
{
    struct capture *capture = argument;
    struct timeval wait = clock_wait_ms(PUMP_MS);

    (void)fd, (void)what;
    pump(capture);
    if (capture->is_over && send_note(capture, true))
        end(capture);
    else
        evtimer_add(&capture->pump, &wait);
}

/* ---- begin ------------------------------------------------------------- */

static bool read_ms(struct slice query, const char *name, char *room, int64_t *out)
{
    struct slice value;
    int64_t ms;

    if (!http_parameter(query, name, room, &value) || !number_int64(value, &ms) || ms < 1 ||
        ms > LONGEST_MS)
        return false;
    *out = ms;
    return true;
}

/* What arrives for so long. False without memory. */
static bool begin_live(struct capture *capture, int64_t ms)
{
    int64_t now_ms = clock_monotonic_ms();

    capture->look =
        (struct look){ .show = show_datagram, .turned = on_turned, .argument = capture };
    capture->end_ms = now_ms + ms;
    capture->told_ms = now_ms;
    if (!looks_begin(capture->looks, &capture->look))
        return false;
    capture->unseen = looks_unseen(capture->looks);
    return true;
}

/* What is kept of so long. False without memory. */
static bool begin_recall(struct capture *capture, struct recents *recents, int64_t last_ms,
                         int64_t ms)
{
    struct timeval now = { 0, 0 };

    capture->end_ms = clock_monotonic_ms() + ms;
    capture->recall = recall_new(recents, clock_wall_ns() - last_ms * 1000000);
    if (capture->recall == NULL)
        return false;
    capture->note.since_ns = recall_complete_ns(capture->recall);
    evtimer_assign(&capture->pump, looks_base(capture->looks), on_pump, capture);
    evtimer_add(&capture->pump, &now);
    return true;
}

/* last_ms: how far it looks back; 0: it does not. NULL without memory. */
static struct capture *capture_new(const struct server_view *view, int64_t last_ms, int64_t ms)
{
    struct capture *capture = calloc(1, sizeof *capture);

    if (capture == NULL)
        return NULL;
    capture->looks = view->looks;
    if (last_ms > 0 ? begin_recall(capture, view->recents, last_ms, ms)
                    : begin_live(capture, ms))
        return capture;
    free(capture);
    return NULL;
}

static void begin_stream(struct desk_job *given, struct capture *capture)
{
    unsigned char header[DOG_HEADER_BYTES];

    desk_add_header(given, "Cache-Control", "no-store");
    capture->stream = desk_stream_begin(given, "application/octet-stream", on_gone, capture);
    if (capture->stream == NULL) {
        capture_free(capture);
        return;
    }
    dog_write_header(header);
    (void)desk_stream_send(capture->stream, header, sizeof header); /* it is the first */
}

static void refuse(struct desk_job *given, int status, const char *sentence)
{
    desk_reply_text(given, status, "text/plain; charset=utf-8", sentence);
}

void capture_work(struct desk_job *given, const struct http_request *request, void *argument)
{
    const struct server_view *view = argument;
    char room[HTTP_HEAD_MAX];
    int64_t last_ms = 0, ms = RECALL_MS;
    bool looks_back = read_ms(request->query, "last_ms", room, &last_ms);
    bool has_ms = read_ms(request->query, "ms", room, &ms);

    if (!looks_back && !has_ms) {
        refuse(given, 400, "say ms, for how long, or last_ms, how far back: 1 to 604800000\n");
    } else if (looks_back && view->recents == NULL) {
        refuse(given, 409, "heeler_ring_bytes is 0: nothing is kept\n");
    } else {
        struct capture *capture = capture_new(view, last_ms, ms);

        if (capture != NULL)
            begin_stream(given, capture);
        else
            refuse(given, 503, "there is no memory for this\n");
    }
}
