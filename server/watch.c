#include "server/watch.h"

#include <stdlib.h>
#include <string.h>

#include "config/clock.h"
#include "config/log.h"
#include "server/http/findings.h"
#include "server/http/health.h"
#include "server/http/main_turn.h"
#include "server/http/rates.h"
#include "server/http/totals.h"
#include "server/losses.h"
#include "server/program_pages.h"

struct watch {
    struct server_access server;
    struct event *timer;
    struct losses losses;
    struct findings findings;
    struct rates rates;
    tag_survey_box *surveys;
    struct tag_survey *survey; /* owned: the newest; or NULL */
    bool unwell;
    bool settled; /* the start is over, and what it alone needed was given back */
};

/* Everything that runs in each interval has run once by then. */
enum { SETTLED_FLUSHES = 2 };

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

static void take_survey(struct watch *watch)
{
    struct tag_survey *newer = tag_survey_take(watch->surveys);

    if (newer == NULL)
        return;
    free(watch->survey);
    watch->survey = newer;
}

void watch_show(const struct watch *watch, struct server_view *out)
{
    if (watch == NULL)
        return;
    out->tag_survey = watch->survey;
    out->rates = &watch->rates;
    out->findings = &watch->findings;
}

static void settle(struct watch *watch, const struct server_view *view)
{
    if (watch->settled || counter_read(&view->flusher_ledger->snapshots) < SETTLED_FLUSHES)
        return;
    program_pages_give_back();
    watch->settled = true;
}

static void look(struct watch *watch)
{
    struct server_view view;
    struct totals sums;
    int64_t now_ms = clock_monotonic_ms();

    take_survey(watch);
    watch->server.look(watch->server.server, &view);
    watch_show(watch, &view);
    losses_look(&watch->losses, &view, now_ms);
    look_at_health(watch, &view, now_ms);
    findings_look(&watch->findings, &view, now_ms, clock_wall_s());
    totals_read(&view, &sums);
    rates_look(&watch->rates, &sums, now_ms, clock_wall_ms());
    settle(watch, &view);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    main_turn_began();
    look(argument);
}

struct watch *watch_start(struct event_base *base, const struct server_access *server,
                          tag_survey_box *surveys)
{
    static const struct timeval second = { 1, 0 };
    struct watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return NULL;
    watch->server = *server;
    watch->surveys = surveys;
    rates_init(&watch->rates);
    watch->timer = event_new(base, -1, EV_PERSIST, on_timer, watch);
    if (watch->timer != NULL && event_add(watch->timer, &second) == 0) {
        look(watch); /* so that who asks at once is told what the start found */
        return watch;
    }
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
    free(given->survey);
    free(given);
}
