#include "server/receive/copies.h"

#include "config/clock.h"
#include "server/receive/recent.h"

/* ---- who looks on ------------------------------------------------------ */

struct tap *copies_open_tap(const struct source_config *config)
{
    struct tap *tap = config->taps != NULL ? &config->taps->at[config->worker] : NULL;

    return tap != NULL && tap_is_open(tap) ? tap : NULL;
}

bool copies_tap_has_room(const struct source_config *config)
{
    return config->taps != NULL &&
           taps_have_left(config->taps, config->settings->dogstatsd_buffer_size);
}

void copies_show_batch(const struct source_config *config, struct tap *tap)
{
    struct batch *batch = config->batch;
    bool is_unix = listener_traits(config->listener)->tells_senders;
    struct tap_head head = { .need_newline = config->listener->need_newline,
                             .time_ns = clock_wall_ns() };
    struct slice datagram;
    bool truncated;

    tap_begin(tap, config->ledger);
    if (!copies_tap_has_room(config) || (!is_unix && !batch_asks_addresses(batch)))
        return; /* or there was none when it was received */
    while (batch_next(batch, &datagram, &truncated)) {
        head.sender = sender_of_batch(batch, is_unix);
        tap_put(tap, config->taps, datagram, &head);
    }
    batch_rewind(batch);
    tap_publish(tap);
}

void copies_show_frames(const struct source_config *config, struct tap *tap,
                        const struct slice *frames, size_t n, const struct sender *from)
{
    struct tap_head head = { .need_newline = config->listener->need_newline,
                             .time_ns = clock_wall_ns(),
                             .sender = *from };

    tap_begin(tap, config->ledger);
    for (size_t i = 0; i < n; i++)
        tap_put(tap, config->taps, frames[i], &head);
    tap_publish(tap);
}

/* ---- hosts ------------------------------------------------------------- */

/* What came by a unix socket is of this machine. */
void copies_sight_batch(const struct source_config *config, int64_t now_ns)
{
    struct batch *batch = config->batch;
    bool is_unix = listener_traits(config->listener)->tells_senders;
    struct slice datagram;
    bool truncated;

    if (config->sighter == NULL || !sighter_begin(config->sighter, now_ns))
        return;
    while ((is_unix || batch_asks_addresses(batch)) &&
           batch_next(batch, &datagram, &truncated)) {
        struct sender from = is_unix ? sender_of_process(0) : sender_of_batch(batch, false);

        sighter_see(config->sighter, &from, datagram);
    }
    batch_rewind(batch);
    sighter_end(config->sighter, now_ns);
}

void copies_sight_frames(const struct source_config *config, const struct slice *frames,
                         size_t n, int64_t now_ns)
{
    struct sender from = sender_of_process(0);

    if (config->sighter == NULL || !sighter_begin(config->sighter, now_ns))
        return;
    for (size_t i = 0; i < n; i++)
        sighter_see(config->sighter, &from, frames[i]);
    sighter_end(config->sighter, now_ns);
}

/* ---- who will look back ------------------------------------------------ */

void copies_keep_batch(const struct source_config *config)
{
    struct recent *recent = &config->recents->at[config->worker];
    bool is_unix = listener_traits(config->listener)->tells_senders;
    struct recent_head head = { .time_ns = clock_wall_ns() };
    struct slice datagram;
    bool truncated;
    pid_t pid = 0;

    while (batch_next(config->batch, &datagram, &truncated)) {
        if (is_unix)
            (void)batch_sender(config->batch, &pid);
        head.pid = (int32_t)pid;
        recent_keep(config->recents, recent, datagram, &head);
    }
    batch_rewind(config->batch);
    recent_publish(recent);
}

void copies_keep_frames(const struct source_config *config, const struct slice *frames,
                        size_t n, pid_t pid)
{
    struct recent *recent = &config->recents->at[config->worker];
    struct recent_head head = { .time_ns = clock_wall_ns(), .pid = (int32_t)pid };

    for (size_t i = 0; i < n; i++)
        recent_keep(config->recents, recent, frames[i], &head);
    recent_publish(recent);
}
