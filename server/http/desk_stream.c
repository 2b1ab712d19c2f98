#include "server/http/desk_stream.h"

#include <stdlib.h>

/* So much is pushed at once, and not only at the end of the turn. */
enum { BATCH_BYTES = 64 * 1024 };

void desk_stream_open(struct desk_stream *stream, struct desk_streams *all,
                      struct desk_note *given_first, struct desk_note *last)
{
    stream->all = all;
    stream->last = last;
    stream->after = all->first;
    if (all->first != NULL)
        all->first->before = stream;
    all->first = stream;
    mailbox_push(all->to_main, &given_first->letter);
}

/* Without memory the batch stays, for the next turn. */
static void push_batch(struct desk_stream *stream)
{
    struct desk_note *note = stream->batch.len > 0 ? malloc(sizeof *note) : NULL;

    if (note == NULL)
        return;
    *note = (struct desk_note){ .kind = DESK_NOTE_BYTES,
                                .job = stream->last->job,
                                .bytes = stream->batch };
    stream->batch = (struct bytes){ 0 };
    mailbox_push(stream->all->to_main, &note->letter);
}

static void lose(struct desk_stream *stream)
{
    stream->lost++;
    if (stream->all->items_lost != NULL)
        counter_add(stream->all->items_lost, 1);
}

bool desk_stream_refuses(struct desk_stream *stream)
{
    size_t unsent = atomic_load_explicit(&stream->unsent, memory_order_relaxed);

    if (stream->full_at == 0 || unsent != stream->full_at)
        return false;
    lose(stream);
    return true;
}

bool desk_stream_has_room(const struct desk_stream *stream, size_t len)
{
    size_t unsent = atomic_load_explicit(&stream->unsent, memory_order_relaxed);

    return len <= DESK_STREAM_UNSENT_MAX && unsent <= DESK_STREAM_UNSENT_MAX - len;
}

bool desk_stream_send(struct desk_stream *stream, const void *at, size_t len)
{
    struct bytes *batch = &stream->batch;
    bool was_empty = batch->len == 0;
    size_t unsent = atomic_load_explicit(&stream->unsent, memory_order_relaxed);

    if (len > DESK_STREAM_UNSENT_MAX || unsent > DESK_STREAM_UNSENT_MAX - len ||
        (len > 0 && bytes_room(batch, len) == NULL)) {
        stream->full_at = batch->failed ? 0 : unsent;
        batch->failed = false; /* there may be memory for the next one */
        lose(stream);
        return false;
    }
    stream->full_at = 0;
    bytes_add(batch, at, len);
    atomic_fetch_add_explicit(&stream->unsent, len, memory_order_relaxed);
    if (batch->len >= BATCH_BYTES)
        push_batch(stream);
    else if (was_empty)
        event_active(stream->all->flush, EV_TIMEOUT, 0);
    return true;
}

uint64_t desk_stream_take_lost(struct desk_stream *stream)
{
    uint64_t lost = stream->lost;

    stream->lost = 0;
    return lost;
}

static void unlink_from(struct desk_streams *all, struct desk_stream *stream)
{
    *(stream->before != NULL ? &stream->before->after : &all->first) = stream->after;
    if (stream->after != NULL)
        stream->after->before = stream->before;
}

/* Main frees the stream with its job then. */
void desk_stream_end(struct desk_stream *given)
{
    struct desk_streams *all = given->all;

    unlink_from(all, given);
    push_batch(given);
    bytes_free(&given->batch);
    mailbox_push(all->to_main, &given->last->letter);
}

void desk_streams_flush(struct desk_streams *streams)
{
    for (struct desk_stream *at = streams->first; at != NULL; at = at->after)
        push_batch(at);
}

void desk_streams_drop(struct desk_streams *streams, bool all)
{
    struct desk_stream *next;

    for (struct desk_stream *at = streams->first; at != NULL; at = next) {
        next = at->after;
        if (!all && !atomic_load_explicit(&at->is_gone, memory_order_relaxed))
            continue;
        at->gone(at->argument);
        desk_stream_end(at);
    }
}
