/* One connection of the stream socket: any bytes, cut anywhere, and now and then handed
 * on to a successor between two pieces. What comes out is what the framing says of the
 * bytes as a whole. The first two bytes choose the cuts and the longest frame. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/receive/stream.h"

enum { PIECE_MAX = 300 };

/* Frames as one text, each with its length before it. */
struct taken {
    char *at;
    size_t len, frames;
};

static struct listener_socket sockets[1];
static struct listener listener = { .kind = LISTENER_STREAM, .sockets = sockets };
static struct event_base *base;
static int silent_fd; /* in the place of a socket to accept from */

static void append(struct taken *taken, struct slice frame)
{
    memcpy(taken->at + taken->len, &frame.len, sizeof frame.len);
    memcpy(taken->at + taken->len + sizeof frame.len, frame.at, frame.len);
    taken->len += sizeof frame.len + frame.len;
    taken->frames++;
}

static void take(void *argument, const struct slice *frames, size_t n, pid_t sender)
{
    (void)sender;
    for (size_t i = 0; i < n; i++)
        append(argument, frames[i]);
}

/* A length of four bytes, the lowest first. True: the connection lives on. */
static bool expect_frames(struct slice bytes, size_t frame_max, struct taken *out)
{
    while (bytes.len >= 4) {
        size_t len = 0;
        for (int i = 3; i >= 0; i--)
            len = len << 8 | (unsigned char)bytes.at[i];
        if (len == 0 || len > frame_max)
            return false;
        if (bytes.len - 4 < len)
            return true;
        append(out, (struct slice){ bytes.at + 4, len });
        bytes = slice_skip(bytes, 4 + len);
    }
    return true;
}

static unsigned draw(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16 & 0x7fff;
}

static struct streams *succeed(struct streams *given, const struct streams_config *config)
{
    struct stream_inherited *list = NULL;

    streams_hand_over(given, &list);
    streams_free(given);
    struct streams *streams = streams_new(config);
    if (streams == NULL || (list != NULL && list->next != NULL))
        abort();
    if (list != NULL && !streams_take_over(streams, list))
        abort();
    return streams;
}

static void send_in_pieces(const struct streams_config *config, struct slice bytes,
                           unsigned cuts, bool lives_on)
{
    struct streams *streams = streams_new(config);
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0 ||
        streams == NULL || !streams_adopt(streams, pair[0], clock_monotonic_ns()))
        abort();
    while (bytes.len > 0) {
        size_t piece = 1 + draw(&cuts) % PIECE_MAX;
        if (draw(&cuts) % 2 == 0)
            piece = 1 + piece % 7;
        piece = piece < bytes.len ? piece : bytes.len;
        if (send(pair[1], bytes.at, piece, MSG_NOSIGNAL) != (ssize_t)piece)
            break; /* closed: what follows does not count */
        bytes = slice_skip(bytes, piece);
        event_base_loop(base, EVLOOP_NONBLOCK);
        if (draw(&cuts) % 8 == 0)
            streams = succeed(streams, config);
    }
    if (atomic_load(&listener.connections) != (lives_on ? 1 : 0))
        abort();
    streams_free(streams);
    if (atomic_load(&listener.connections) != 0)
        abort();
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    if (len < 2)
        return 0;
    if (base == NULL) {
        log_set_level(LOG_LEVEL_OFF);
        base = event_base_new();
        silent_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        sockets[0].fd = silent_fd;
        listener.n_sockets = 1;
    }
    struct slice bytes = { (const char *)at + 2, len - 2 };
    size_t room = len * 3 + 64; /* a frame of one byte takes five, and nine here */
    struct taken taken = { malloc(room), 0, 0 }, expected = { malloc(room), 0, 0 };
    struct streams_config config = {
        .base = base,
        .listener = &listener,
        .frame_max = (size_t)1 << at[0] % 14,
        .max_connections = 2,
        .idle_ns = INT64_C(3600000000000),
        .log_too_large = true,
        .ask_senders = at[0] >= 128,
        .take = take,
        .argument = &taken,
    };
    bool lives_on = expect_frames(bytes, config.frame_max, &expected);

    send_in_pieces(&config, bytes, at[1], lives_on);
    if (taken.frames != expected.frames || taken.len != expected.len ||
        memcmp(taken.at, expected.at, taken.len) != 0)
        abort();
    free(taken.at);
    free(expected.at);
    return 0;
}
