#include "server/receive/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/receive/copies.h"
#include "server/receive/gro.h"

enum {
    BATCHES_A_CALLBACK = 16, /* more would keep timers and other sockets waiting */
    UNIX_BATCHES_A_CALLBACK =
        128, /* such a batch is hardly more than the kernel's short queue */
    BATCHES_AT_STOP = 1 << 20,
    NAP_MIN_NS = 50000, /* the system does not sleep for a shorter time anyway */
    NAP_WORTH = 2,      /* datagrams: with fewer, being woken is cheaper */
};

struct source {
    struct source_config config;
    struct listener *listener;
    struct listener_socket *socket;
    struct event *readable; /* datagrams */
    struct event
        *nap_over; /* watches nap_fd; NULL: not UDP, or the buffer is too small for naps */
    int nap_fd;    /* a timer of our own, as those of libevent count whole milliseconds */
    double nap_max_ns;
    double nap_datagrams; /* so many may come during a nap */
    uint64_t since_empty; /* datagrams since the socket was last empty, which was at: */
    int64_t empty_ns;
    int64_t unread_ns; /* UDP: when a turn ended that left datagrams unread; 0: it left none */
    struct streams *streams; /* of a listener that clients connect to */
    struct log_limit complaints;
    bool asks_sender;   /* to name it in the log: dogstatsd_origin_detection */
    bool tells_senders; /* it follows config.senders */
    pid_t sender_pid;   /* the process that `sender` names */
    char sender[160];
};

/* ---- reading ----------------------------------------------------------- */

static void forward(struct source *source)
{
    if (source->config.forward_fd < 0)
        return;
    int sent = batch_forward(source->config.batch, source->config.forward_fd);
    counter_add(&source->config.ledger->forwarded, (uint64_t)sent);
}

/* For the log: the listener, and the process where the kernel told it. */
static const char *name_sender(struct source *source, pid_t pid)
{
    if (pid == 0)
        return source->listener->name;
    if (pid != source->sender_pid)
        snprintf(source->sender, sizeof source->sender, "%s (pid %ld)", source->listener->name,
                 (long)pid);
    source->sender_pid = pid;
    return source->sender;
}

static const char *name_batch(struct source *source)
{
    pid_t pid;

    (void)batch_sender(source->config.batch, &pid);
    return name_sender(source, pid);
}

/* ---- batches ----------------------------------------------------------- */

/* What was read at once. */
struct brought {
    uint64_t datagrams, bytes, cut;
};

static void count_sender(struct source *source, const struct sender *from,
                         struct slice datagram)
{
    uint64_t lines, values;

    ingest_counted(source->config.ingest, &lines, &values);
    sender_tally_add(source->config.tally, from, datagram, lines, values);
}

/* For the log. */
static inline const char *name_shown(struct source *source)
{
    return __builtin_expect(source->asks_sender, 0) ? name_batch(source)
                                                    : source->listener->name;
}

static struct brought ingest_all(struct source *source, int64_t now_ns, int64_t now_s)
{
    struct ingest *ingest = source->config.ingest;
    struct brought brought = { 0 };
    struct datagrams shown;
    bool truncated;

    while (batch_next_many(source->config.batch, &shown, &truncated)) {
        const char *sender = name_shown(source);

        brought.datagrams += shown.n;
        brought.bytes += shown.bytes.len;
        brought.cut += truncated;
        if (shown.n > 1)
            ingest_datagrams(ingest, shown, sender, now_ns, now_s);
        else
            ingest_datagram(ingest, shown.bytes, false, sender, now_ns, now_s);
    }
    return brought;
}

/* Where each has to be looked at: its last line may need a newline, or its sender is counted.
 */
static struct brought ingest_each(struct source *source, int64_t now_ns, int64_t now_s,
                                  bool counts)
{
    struct batch *batch = source->config.batch;
    struct brought brought = { 0 };
    struct slice datagram;
    bool truncated;

    while (batch_next(batch, &datagram, &truncated)) {
        brought.datagrams++;
        brought.bytes += datagram.len;
        brought.cut += truncated;
        ingest_datagram(source->config.ingest, datagram, source->listener->need_newline,
                        name_shown(source), now_ns, now_s);
        if (counts) {
            struct sender from =
                sender_of_batch(batch, listener_traits(source->listener)->tells_senders);
            count_sender(source, &from, datagram);
        }
    }
    return brought;
}

/* Whether senders are counted. While nobody wants to know them, nothing more is looked at. */
static bool counts_senders(struct source *source, int64_t now_ns)
{
    return __builtin_expect(senders_are_wanted(source->config.senders), 0) &&
           source->config.tally != NULL && sender_tally_begin(source->config.tally, now_ns);
}

/* For who looks on; a tap, where there is one. */
static struct tap *look_on(struct source *source, int64_t now_ns)
{
    copies_sight_batch(&source->config, now_ns);
    return copies_open_tap(&source->config);
}

/* Returns how many datagrams there were. */
static uint64_t ingest_batch(struct source *source, int64_t now_ns)
{
    struct tap *tap =
        __builtin_expect(source->tells_senders, 0) ? look_on(source, now_ns) : NULL;
    bool counts = counts_senders(source, now_ns);
    int64_t now_s = clock_wall_s();

    if (__builtin_expect(tap != NULL, 0))
        copies_show_batch(&source->config, tap);
    if (__builtin_expect(source->config.recents != NULL, 0))
        copies_keep_batch(&source->config);
    struct brought brought = counts || source->listener->need_newline
                                 ? ingest_each(source, now_ns, now_s, counts)
                                 : ingest_all(source, now_ns, now_s);

    ingest_settle(source->config.ingest);
    if (__builtin_expect(tap != NULL, 0))
        tap_count(tap, source->config.ledger);
    if (counts)
        sender_tally_end(source->config.tally, now_ns);
    forward(source);
    counter_add(&source->socket->datagrams, brought.datagrams);
    counter_add(&source->socket->bytes, brought.bytes);
    if (brought.cut > 0)
        counter_add(&source->socket->truncated, brought.cut);
    return brought.datagrams;
}

/* A socket that cannot be read stays readable, and would fill the log with the same line. */
static void complain(struct source *source, int64_t now_ns)
{
    const char *why = strerror(errno);
    unsigned suppressed;

    if (log_limit_pass(&source->complaints, now_ns / 1000000, &suppressed))
        log_warn("worker %u: %s cannot be read: %s; %u times before", source->config.worker,
                 source->listener->name, why, suppressed);
}

/* An address with each datagram costs a full worker 4 %: it is asked for where it will be
 * looked at. */
static bool looks_at_batch(const struct source *source)
{
    bool counts = source->config.tally != NULL && sender_tally_looks(source->config.tally);
    bool sights = source->config.sighter != NULL && sighter_looks(source->config.sighter);

    return counts || sights || copies_tap_has_room(&source->config);
}

/* The batch is the worker's: another source may have asked it for something else. Without
 * memory senders stay unknown, and what came by UDP is not shown. */
static void ask_senders(struct source *source, bool wanted)
{
    bool is_unix = listener_traits(source->listener)->tells_senders;
    bool processes = source->config.settings->dogstatsd_origin_detection || (wanted && is_unix);

    (void)batch_ask(source->config.batch, processes,
                    wanted && looks_at_batch(source) && !is_unix);
    source->tells_senders = wanted;
}

/* Between two batches; while nobody looks on, this is one branch. */
static inline void follow_onlookers(struct source *source)
{
    bool wanted = senders_are_wanted(source->config.senders);

    if (__builtin_expect(!wanted && !source->tells_senders, 1))
        return;
    ask_senders(source, wanted);
    if (source->config.taps != NULL)
        tap_follow(&source->config.taps->at[source->config.worker]);
}

/* What one turn at a socket brought. */
struct turn {
    uint64_t datagrams;
    bool emptied;
};

/* Reads until the socket is empty or the batches are used up. Where a full queue drops, a batch
 * that is not full means that the socket is empty. Where senders wait it does not: reading has
 * woken them, and they may have filled the queue again. */
static struct turn read_source(struct source *source, int max_batches)
{
    bool drops = listener_traits(source->listener)->drops;
    struct turn turn = { 0, false };

    for (int i = 0; i < max_batches; i++) {
        follow_onlookers(source);
        int n = batch_receive(source->config.batch, source->socket->fd);
        int64_t now_ns = clock_monotonic_ns();

        if (n < 0)
            complain(source, now_ns);
        turn.emptied = n <= 0 || (drops && !batch_is_full(source->config.batch));
        if (source->unread_ns != 0)
            counter_raise(&source->config.ledger->longest_gap_us,
                          (uint64_t)(now_ns - source->unread_ns) / 1000);
        source->unread_ns = drops && !turn.emptied ? now_ns : 0;
        if (n <= 0)
            break;
        source->config.before(source->config.argument, now_ns);
        turn.datagrams += ingest_batch(source, now_ns);
        if (turn.emptied)
            break;
    }
    source->config.after(source->config.argument);
    return turn;
}

/* ---- naps -------------------------------------------------------------- */

static bool sleep_for(struct source *source, int64_t nap_ns)
{
    struct itimerspec nap = { .it_value.tv_nsec = nap_ns };

    return timerfd_settime(source->nap_fd, 0, &nap, NULL) == 0;
}

/* Being woken costs more than reading, and waking us slows the sender down. So after a turn
 * that emptied the socket we sleep while the kernel collects datagrams, for as long as the
 * recent rate leaves most of the buffer free. If the turn left datagrams unread, we sleep for
 * one nanosecond: the other events get their turn, and then we go on. True: the timer is set,
 * and the socket need not be watched until it is over. */
static bool naps_after(struct source *source, struct turn turn)
{
    if (source->nap_over == NULL)
        return false;
    source->since_empty += turn.datagrams;
    if (!turn.emptied)
        return sleep_for(source, 1);
    int64_t now_ns = clock_monotonic_ns();
    double datagram_ns =
        (double)(now_ns - source->empty_ns) / (double)(source->since_empty + 1);
    double nap_ns = source->nap_datagrams * datagram_ns;
    source->since_empty = 0;
    source->empty_ns = now_ns;
    if (nap_ns > source->nap_max_ns)
        nap_ns = source->nap_max_ns;
    return turn.datagrams > 0 && nap_ns >= NAP_MIN_NS && nap_ns >= NAP_WORTH * datagram_ns &&
           sleep_for(source, (int64_t)nap_ns);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    if (naps_after(source, read_source(source, BATCHES_A_CALLBACK)))
        event_del(source->readable);
}

/* The event is edge-triggered, so the timer need not be read. If nothing came during a whole
 * nap, we watch the socket again. */
static void on_nap_over(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    if (!naps_after(source, read_source(source, BATCHES_A_CALLBACK)))
        event_add(source->readable, NULL);
}

/* The queue is short, and who waits for room goes on as soon as it is read. */
static void on_short_readable(evutil_socket_t fd, short what, void *argument)
{
    struct source *source = argument;

    (void)fd, (void)what;
    read_source(source, UNIX_BATCHES_A_CALLBACK);
}

/* ---- frames ------------------------------------------------------------ */

static void forward_frames(struct source *source, const struct slice *frames, size_t n)
{
    uint64_t sent = 0;

    if (source->config.forward_fd < 0)
        return;
    for (size_t i = 0; i < n; i++)
        sent += send(source->config.forward_fd, frames[i].at, frames[i].len,
                     MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)frames[i].len;
    counter_add(&source->config.ledger->forwarded, sent);
}

static struct tap *look_on_frames(struct source *source, const struct slice *frames, size_t n,
                                  int64_t now_ns)
{
    copies_sight_frames(&source->config, frames, n, now_ns);
    return copies_open_tap(&source->config);
}

static void take_frames(void *argument, const struct slice *frames, size_t n, pid_t pid)
{
    struct source *source = argument;
    const char *sender = name_sender(source, pid);
    int64_t now_ns = clock_monotonic_ns();
    int64_t now_s = clock_wall_s();
    struct sender from = sender_of_process(pid);
    uint64_t bytes = 0;

    follow_onlookers(source);
    struct tap *tap = __builtin_expect(source->tells_senders, 0)
                          ? look_on_frames(source, frames, n, now_ns)
                          : NULL;
    source->config.before(source->config.argument, now_ns);
    bool counts = counts_senders(source, now_ns);
    if (__builtin_expect(tap != NULL, 0))
        copies_show_frames(&source->config, tap, frames, n, &from);
    if (__builtin_expect(source->config.recents != NULL, 0))
        copies_keep_frames(&source->config, frames, n, pid);
    for (size_t i = 0; i < n; i++) {
        bytes += frames[i].len;
        ingest_datagram(source->config.ingest, frames[i], source->listener->need_newline,
                        sender, now_ns, now_s);
        if (__builtin_expect(counts, 0))
            count_sender(source, &from, frames[i]);
    }
    ingest_settle(source->config.ingest);
    if (__builtin_expect(tap != NULL, 0))
        tap_count(tap, source->config.ledger);
    if (counts)
        sender_tally_end(source->config.tally, now_ns);
    forward_frames(source, frames, n);
    counter_add(&source->socket->datagrams, n);
    counter_add(&source->socket->bytes, bytes);
    source->config.after(source->config.argument);
}

/* ---- start and end ----------------------------------------------------- */

static struct streams *make_streams(struct source *source)
{
    const struct settings *settings = source->config.settings;
    struct streams_config config = {
        .base = source->config.base,
        .listener = source->listener,
        .worker = source->config.worker,
        .frame_max = (size_t)settings->dogstatsd_buffer_size,
        .max_connections = (uint32_t)settings->heeler_stream_connections,
        .idle_ns = settings->heeler_stream_idle_timeout * INT64_C(1000000000),
        .log_too_large = settings->dogstatsd_stream_log_too_big,
        .ask_senders = settings->dogstatsd_origin_detection,
        .senders = source->config.senders,
        .take = take_frames,
        .argument = source,
    };

    return streams_new(&config);
}

/* How long a nap may be. Half a million datagrams a second of 1,432 bytes, or two million where
 * the kernel may coalesce them, must not fill more than half of the granted buffer during one,
 * nor may the recent rate fill more than a sixteenth of it. (A datagram is charged with
 * CHARGED_BYTES, and with less where it is one of many in a buffer.) Nor should more than
 * NAP_DATAGRAMS come: the kernel then uses the same few buffers again while they are in the
 * processor's caches, which makes senders faster. */
static bool make_nap(struct source *source)
{
    enum {
        CHARGED_BYTES = 2304,
        FASTEST_NS = 2000,
        FASTEST_COALESCED_NS = 500,
        NAP_MAX_NS = 10000000,
        NAP_DATAGRAMS = 256
    };
    int bytes = 0;

    if (!source->config.settings->heeler_nap)
        return true;
    (void)getsockopt(source->socket->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
                     &(socklen_t){ sizeof bytes });
    int datagrams = bytes / CHARGED_BYTES;
    double nap_ns =
        datagrams / 2.0 *
        (source->config.settings->heeler_udp_gro ? FASTEST_COALESCED_NS : FASTEST_NS);
    if (nap_ns < NAP_MIN_NS)
        return true;
    source->nap_max_ns = nap_ns < NAP_MAX_NS ? nap_ns : NAP_MAX_NS;
    source->nap_datagrams = datagrams / 16 < NAP_DATAGRAMS ? datagrams / 16 : NAP_DATAGRAMS;
    source->nap_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (source->nap_fd < 0)
        return false;
    source->nap_over = event_new(source->config.base, source->nap_fd,
                                 EV_READ | EV_ET | EV_PERSIST, on_nap_over, source);
    return source->nap_over != NULL && event_add(source->nap_over, NULL) == 0;
}

/* False: no memory or descriptors. */
static bool open_source(struct source *source)
{
    const struct listener_traits *traits = listener_traits(source->listener);

    if (traits->connected) {
        source->streams = make_streams(source);
        return source->streams != NULL;
    }
    source->asks_sender =
        traits->tells_senders && source->config.settings->dogstatsd_origin_detection;
    source->readable = event_new(source->config.base, source->socket->fd, EV_READ | EV_PERSIST,
                                 traits->drops ? on_readable : on_short_readable, source);
    if (traits->drops && !make_nap(source))
        return false;
    return source->readable != NULL && event_add(source->readable, NULL) == 0;
}

static const struct senders wanted_by_nobody;

struct source *source_new(const struct source_config *config)
{
    struct source *source = own_lines(sizeof *source);

    if (source == NULL)
        return NULL;
    source->config = *config;
    if (config->senders == NULL)
        source->config.senders = &wanted_by_nobody;
    source->listener = config->listener;
    source->socket = &config->listener->sockets[config->worker];
    source->nap_fd = -1;
    if (open_source(source))
        return source;
    source_free(source);
    return NULL;
}

void source_free(struct source *given)
{
    if (given == NULL)
        return;
    if (given->readable != NULL)
        event_free(given->readable);
    if (given->nap_over != NULL)
        event_free(given->nap_over);
    if (given->nap_fd >= 0)
        close(given->nap_fd);
    streams_free(given->streams);
    free(given);
}

/* Reads the inherited sockets of more workers than we have, to which no datagram comes any
 * more, and closes them. The first worker does this for all. */
static void empty_extra(struct source *source)
{
    struct listener *listener = source->listener;
    struct listener_socket *own = source->socket, extra = { .fd = -1 };

    if (source->config.worker != 0)
        return;
    source->socket = &extra;
    for (uint32_t i = 0; i < listener->n_extra; i++) {
        extra.fd = listener->extra[i];
        while (!read_source(source, BATCHES_AT_STOP).emptied)
            ;
    }
    source->socket = own;
    counter_add(&own->datagrams, counter_read(&extra.datagrams));
    counter_add(&own->bytes, counter_read(&extra.bytes));
    counter_add(&own->truncated, counter_read(&extra.truncated));
    listener_close_extra(listener);
}

/* The server before this one had heeler_udp_gro on, this one has it off: what waits is read,
 * and then the option is cleared. If the socket is not to be found empty, the option stays, and
 * costs nothing but that drops count buffers. */
static void end_gro(struct source *source)
{
    enum { TRIES = 100 };

    for (int i = 0; i < TRIES; i++)
        if (read_source(source, BATCHES_A_CALLBACK).emptied && gro_end(source->socket->fd))
            return;
    log_warn("worker %u: %s: heeler_udp_gro stays on, as the socket is never empty",
             source->config.worker, source->listener->name);
}

void source_begin(struct source *source)
{
    if (source->streams != NULL)
        return;
    empty_extra(source);
    read_source(source, BATCHES_A_CALLBACK);
    if (!source->config.settings->heeler_udp_gro && gro_is_asked(source->socket->fd))
        end_gro(source);
}

bool source_take_over(struct source *source, struct stream_inherited *given)
{
    if (source->listener != given->listener)
        return false;
    streams_take_over(source->streams, given);
    return true;
}

void source_note_drops(struct source *source)
{
    listener_note_drops(source->socket);
}

void source_end(struct source *source, bool drains, struct stream_inherited **list)
{
    drains = drains && !source->listener->kept;
    if (source->streams == NULL && drains)
        read_source(source, BATCHES_AT_STOP);
    if (source->streams == NULL)
        return;
    if (drains)
        streams_finish(source->streams);
    else if (list != NULL)
        streams_hand_over(source->streams, list);
    else
        streams_leave(source->streams);
}
