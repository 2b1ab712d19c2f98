#include "tests/support/onlooker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/clock.h"
#include "tests/support/udp.h"

enum { TEXT_MAX = 32 << 20, WAIT_MS = 60000, ON_THEIR_WAY = 50 };

struct onlooker *onlooker_new(char **sets, size_t n)
{
    struct onlooker *onlooker = calloc(1, sizeof *onlooker);

    assert_non_null(onlooker);
    onlooker->text = malloc(TEXT_MAX);
    assert_non_null(onlooker->text);
    assert_true(running_start(&onlooker->running, NULL, sets, n));
    onlooker->http = -1;
    onlooker->sender = udp_sender(running_listener(&onlooker->running, 0));
    return onlooker;
}

void onlooker_free(struct onlooker *given)
{
    if (given->http >= 0)
        close(given->http);
    close(given->sender);
    assert_true(running_stop(&given->running));
    assert_string_equal(running_imbalance(&given->running), "0/0/0");
    running_free(&given->running);
    free(given->text);
    free(given);
}

bool onlooker_turn(struct onlooker *onlooker)
{
    struct pollfd waits = { .fd = onlooker->http, .events = POLLIN };

    event_base_loop(onlooker->running.base, EVLOOP_NONBLOCK);
    if (poll(&waits, 1, 1) != 1)
        return true;
    ssize_t n = recv(onlooker->http, onlooker->text + onlooker->len,
                     TEXT_MAX - 1 - onlooker->len, MSG_DONTWAIT);
    onlooker->len += n > 0 ? (size_t)n : 0;
    onlooker->text[onlooker->len] = '\0';
    return n != 0;
}

static void until_received(struct onlooker *onlooker)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    struct server_view view;

    server_view(onlooker->running.server, &view);
    while (!running_datagrams(&view, onlooker->sent)) {
        assert_true(clock_monotonic_ms() < until_ms);
        (void)onlooker_turn(onlooker);
    }
}

void onlooker_send(struct onlooker *onlooker, const char *text, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        udp_send(onlooker->sender, text);
        if (++onlooker->sent % ON_THEIR_WAY == 0)
            until_received(onlooker);
    }
}
