#include "server/http/looks.h"

#include <event2/event_struct.h>
#include <stdlib.h>

#include "config/clock.h"
#include "protocol/lines.h"
#include "server/http/desk_stream.h"
#include "server/http/server_view.h"

enum {
    TURN_MS = 50,
    NEXT_MS = 10, /* where a turn has left something */
    TURNS_A_SECOND = 40,
    PART_MAX = DESK_STREAM_UNSENT_MAX / 2, /* more at once would have no room in a stream */
};

struct looks {
    struct taps *taps; /* NULL: it is no whole server */
    struct senders *senders;
    struct event_base *base;
    struct event turn;
    struct look *first;
    struct look *next; /* whose turn comes next, while a turn goes round */
    int64_t read_ns;
    uint64_t lines; /* that the taps had counted when the first one came */
    uint64_t seen, unseen;
};

/* ---- what is shown ----------------------------------------------------- */

static uint64_t lines_in(const struct tap_head *head, struct slice datagram)
{
    struct lines lines = lines_of(datagram, head->need_newline);
    struct slice line;
    uint64_t n = 0;

    while (lines_next(&lines, &line))
        n++;
    return n + lines.unterminated;
}

static void show_all(const struct tap_head *head, struct slice datagram, void *argument)
{
    struct looks *looks = argument;

    looks->seen += lines_in(head, datagram);
    for (struct look *look = looks->first; look != NULL; look = looks->next) {
        looks->next = look->after;
        look->show(head, datagram, look->argument);
    }
}

/* A batch that is under way is seen before it is counted, so the number never goes down. */
static void count_unseen(struct looks *looks, uint64_t lines)
{
    uint64_t came = lines - looks->lines;

    if (came > looks->seen && came - looks->seen > looks->unseen)
        looks->unseen = came - looks->seen;
}

/* ---- turns ------------------------------------------------------------- */

static void arm(struct looks *looks, int64_t wait_ms)
{
    struct timeval wait = clock_wait_ms(wait_ms);

    evtimer_add(&looks->turn, &wait);
}

/* A burst is read in parts, so that readers take one while the next waits in its ring; at more
 * than twice the rate that fills the rings, unless that is more than streams take. False:
 * something is left. */
static bool read_taps(struct looks *looks)
{
    int64_t now_ns = clock_monotonic_ns();
    uint64_t lines, part = (uint64_t)looks->taps->bytes_a_second / TURNS_A_SECOND;

    taps_allow(looks->taps, now_ns - looks->read_ns);
    looks->read_ns = now_ns;
    if (!taps_read(looks->taps, part < PART_MAX ? part : PART_MAX, show_all, looks, &lines))
        return false;
    count_unseen(looks, lines);
    for (struct look *look = looks->first; look != NULL; look = looks->next) {
        looks->next = look->after;
        look->turned(look->argument, now_ns / 1000000);
    }
    return true;
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct looks *looks = argument;

    (void)fd, (void)what;
    bool all = looks->first == NULL || read_taps(looks);
    if (taps_tidy(looks->taps) || looks->first != NULL)
        arm(looks, all ? TURN_MS : NEXT_MS);
}

/* ---- who looks --------------------------------------------------------- */

static void ignore(const struct tap_head *head, struct slice datagram, void *argument)
{
    (void)head, (void)datagram, (void)argument;
}

/* The first one is there. */
static bool open_taps(struct looks *looks)
{
    if (looks->taps == NULL || !taps_open(looks->taps))
        return false;
    senders_want(looks->senders);
    looks->read_ns = clock_monotonic_ns();
    (void)taps_read(looks->taps, UINT64_MAX, ignore, NULL, &looks->lines);
    looks->seen = looks->unseen = 0;
    arm(looks, TURN_MS);
    return true;
}

bool looks_begin(struct looks *looks, struct look *look)
{
    if (looks->first == NULL && !open_taps(looks))
        return false;
    look->before = NULL;
    look->after = looks->first;
    if (looks->first != NULL)
        looks->first->before = look;
    looks->first = look;
    return true;
}

/* After the last one the turns go on until all rings are freed. */
void looks_end(struct looks *looks, struct look *look)
{
    if (looks->next == look)
        looks->next = look->after;
    *(look->before != NULL ? &look->before->after : &looks->first) = look->after;
    if (look->after != NULL)
        look->after->before = look->before;
    if (looks->first != NULL)
        return;
    senders_want_no_more(looks->senders);
    taps_shut(looks->taps);
}

uint64_t looks_seen(const struct looks *looks)
{
    return looks->seen;
}

uint64_t looks_unseen(const struct looks *looks)
{
    return looks->unseen;
}

int64_t looks_now_ns(const struct looks *looks)
{
    return looks->read_ns;
}

/* ---- start and stop ---------------------------------------------------- */

struct looks *looks_new(struct event_base *desk_base, const struct server_view *view)
{
    struct looks *looks = calloc(1, sizeof *looks);

    if (looks == NULL)
        return NULL;
    looks->taps = view->taps;
    looks->senders = view->senders;
    looks->base = desk_base;
    evtimer_assign(&looks->turn, desk_base, on_turn, looks);
    return looks;
}

void looks_free(struct looks *given)
{
    free(given);
}

struct event_base *looks_base(const struct looks *looks)
{
    return looks->base;
}
