#include "server/watch.h"

#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/http/health.h"
#include "server/losses.h"

struct watch {
    struct server_access server;
    struct event *timer;
    struct losses losses;
    bool unwell;
};

static void look_at_health(struct watch *watch, const struct server_view *view, int64_t now_ms)
{
    char text[HEALTH_TEXT_MAX];
    bool unwell = health_write(view, false, now_ms, clock_wall_ms(), text) != 200;

    text[strcspn(text, "\n")] = '\0';
    if (unwell && !watch->unwell)
        log_error("server: a loop hangs: %s", text);
    if (!unwell && watch->unwell)
        log_info("server: all loops turn again");
    watch->unwell = unwell;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct watch *watch = argument;
    struct server_view view;
    int64_t now_ms = clock_monotonic_ms();

    (void)fd, (void)what;
    watch->server.look(watch->server.server, &view);
    losses_look(&watch->losses, &view, now_ms);
    look_at_health(watch, &view, now_ms);
}

struct watch *watch_start(struct event_base *base, const struct server_access *server)
{
    static const struct timeval second = { 1, 0 };
    struct watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return NULL;
    watch->server = *server;
    watch->timer = event_new(base, -1, EV_PERSIST, on_timer, watch);
    if (watch->timer != NULL && event_add(watch->timer, &second) == 0)
        return watch;
    if (watch->timer != NULL)
        event_free(watch->timer);
    free(watch);
    return NULL;
}

void watch_stop(struct watch *given, const struct server_view *view)
{
    if (given == NULL)
        return;
    losses_finish(&given->losses, view);
    event_free(given->timer);
    free(given);
}
