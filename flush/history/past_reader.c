#include "flush/history/past_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/clock.h"
#include "config/patience.h"
#include "flush/history/told.h"
#include "flush/rollups/rollup.h"

enum { SERIES_A_STEP = 1024, START_PATIENCE_MS = 5000 };

struct past_reading {
    struct history *history;
    struct rollup *rollup; /* NULL: it is about events */
    int64_t patience_ms;
    struct reading *reading;     /* ours, or history's while it reads */
    bool away;                   /* it is history's */
    bool told_all;               /* history has told whose series there are */
    int64_t asked_ms;            /* when we asked, or got something last */
    struct bytes told;           /* what is not recalled yet, from next on */
    size_t next, capacity;       /* of reading->wanted while series are recalled */
    struct reading_answer *rows; /* oldest first */
    struct reading_answer *last; /* of rows */
    struct reading_answer *shown;
    struct slice events; /* what is left of those in shown */
    bool ended;
    char problem[READING_PROBLEM_SIZE + 64]; /* empty: none */
};

/* ---- back and forth ---------------------------------------------------- */

static int64_t oldest_s(const void *self, int64_t step_s)
{
    return history_oldest(self, step_s);
}

static bool is_open(const void *self)
{
    return history_is_open(history_ledger(self)) && !history_is_overdue(self);
}

static bool will_have(const void *self)
{
    return !history_is_left(self);
}

static bool is_starting(const void *self)
{
    return history_is_starting(self, patience_ms(START_PATIENCE_MS));
}

static void ask(struct past_reading *past, enum reading_asks what)
{
    past->reading->asks = what;
    past->reading->owner = past;
    past->away = true;
    past->asked_ms = clock_monotonic_ms();
    history_read(past->history, past->reading);
}

static void add_row(struct past_reading *past, struct reading_answer *given)
{
    given->next = NULL;
    if (past->rows == NULL)
        past->rows = given;
    else
        past->last->next = given;
    past->last = given;
}

/* The last answer: the reading is ours again, and takes the answer for the next time. */
static void come_back(struct past_reading *past, struct reading_answer *given)
{
    past->away = false;
    past->reading->last = given;
    if (given->result == READING_BROKEN)
        snprintf(past->problem, sizeof past->problem, "the past cannot be read: %s",
                 given->problem);
    past->ended = past->told_all;
    past->told_all = true;
    bytes_free(&past->told);
    past->told = given->told;
    given->told = (struct bytes){ 0 };
}

/* The last answer of one that was called off. */
static void drop(struct history *history, struct reading_answer *given)
{
    if (given->of->overdue)
        history_note_overdue(history, -1);
    reading_free(given->of);
    reading_answer_free(given);
}

static void hand_out(struct history *history, struct reading_answer *given)
{
    struct past_reading *past = given->of->owner;

    if (past == NULL && given->result == READING_SOME) {
        reading_answer_free(given);
    } else if (past == NULL) {
        drop(history, given);
    } else {
        past->asked_ms = clock_monotonic_ms();
        if (given->result == READING_SOME)
            add_row(past, given);
        else
            come_back(past, given);
    }
}

static bool take(void *self)
{
    struct reading_answer *answer = history_take(self);
    bool any = answer != NULL;

    while (answer != NULL) {
        struct reading_answer *next = answer->next;

        hand_out(self, answer);
        answer = next;
    }
    return any;
}

static enum past_state wait_more(struct past_reading *past)
{
    if (clock_monotonic_ms() - past->asked_ms < past->patience_ms)
        return PAST_WAITS;
    snprintf(past->problem, sizeof past->problem,
             "the past cannot be read: the disk of heeler_state_path does not answer");
    return PAST_FAILED;
}

/* Whoever gives up, with a shorter patience perhaps: nothing came for long enough to say that
 * the disk does not answer. */
static bool is_overdue(const struct past_reading *past)
{
    return past->rows == NULL &&
           clock_monotonic_ms() - past->asked_ms >= patience_ms(PAST_EVENTS_PATIENCE_MS);
}

/* ---- whose ------------------------------------------------------------- */

static struct past_reading *begin(void *self, struct rollup *rollup, struct slice metric)
{
    struct past_reading *past = calloc(1, sizeof *past);

    if (past == NULL)
        return NULL;
    past->history = self;
    past->rollup = rollup;
    past->patience_ms = patience_ms(PAST_PATIENCE_MS);
    past->reading = reading_new(metric);
    if (past->reading == NULL) {
        free(past);
        return NULL;
    }
    rollup_pin(rollup);
    ask(past, READING_SERIES);
    return past;
}

static bool reserve(struct past_reading *past)
{
    struct reading *reading = past->reading;
    size_t capacity = past->capacity * 2 + 64;

    if (reading->n_wanted < past->capacity)
        return true;
    struct reading_series *grown = realloc(reading->wanted, capacity * sizeof *grown);

    if (grown == NULL)
        return false;
    reading->wanted = grown;
    past->capacity = capacity;
    return true;
}

static bool recall_one(struct past_reading *past, const struct told *told)
{
    struct reading *reading = past->reading;
    const struct rollup_outside series = {
        .name = { reading->metric, reading->metric_len },
        .host = told->series.host,
        .tags = told->series.tags,
        .n_tags = told->series.n_tags,
        .kind = (enum cell_kind)told->series.kind,
    };
    uint32_t number;

    if (!reserve(past) || !rollup_recall(past->rollup, &series, told->series.unit, &number))
        return false;
    reading->wanted[reading->n_wanted++] = (struct reading_series){ told->number, number };
    return true;
}

static enum past_state recall(struct past_reading *past)
{
    struct slice rest = { (const char *)past->told.at + past->next,
                          past->told.len - past->next };
    struct told told;
    bool more = true;

    if (past->problem[0] != '\0')
        return PAST_FAILED;
    if (!past->told_all)
        return wait_more(past);
    for (int i = 0; i < SERIES_A_STEP && (more = told_next(&rest, &told)); i++)
        if (!recall_one(past, &told)) {
            snprintf(past->problem, sizeof past->problem,
                     "there is no room for the series of the past: raise "
                     "heeler_rollup_max_bytes");
            return PAST_FAILED;
        }
    past->next = past->told.len - rest.len;
    return more ? PAST_MORE : PAST_READY;
}

/* ---- what they did ----------------------------------------------------- */

static bool read_windows(struct past_reading *past, const struct past_range *range)
{
    struct reading *reading = past->reading;
    size_t n = 0;

    bytes_free(&past->told);
    for (size_t i = 0; i < reading->n_wanted; i++) {
        struct reading_series series = reading->wanted[i];

        if (series.number < range->end && range->wanted[series.number] != 0)
            reading->wanted[n++] = series;
    }
    reading->n_wanted = n;
    reading->range = *range;
    reading->range.wanted = NULL;
    ask(past, READING_WINDOWS);
    return true;
}

/* The row that was shown is done with. */
static void let_go(struct past_reading *past)
{
    struct reading_answer *shown = past->shown;

    if (shown == NULL)
        return;
    size_t before =
        atomic_fetch_sub_explicit(&past->reading->ahead, shown->size, memory_order_relaxed);

    if (before >= READING_AHEAD_BYTES && before - shown->size < READING_AHEAD_BYTES)
        history_go_on(past->history);
    reading_answer_free(shown);
    past->shown = NULL;
}

/* PAST_READY: the next answer is shown. */
static enum past_state show_next(struct past_reading *past)
{
    let_go(past);
    if (past->problem[0] != '\0')
        return PAST_FAILED;
    if (past->rows == NULL)
        return past->ended ? PAST_END : wait_more(past);
    past->shown = past->rows;
    past->rows = past->shown->next;
    return PAST_READY;
}

static enum past_state next_row(struct past_reading *past, struct past_row *out)
{
    enum past_state state = show_next(past);

    if (state == PAST_READY)
        *out = past->shown->row;
    return state;
}

/* ---- events ------------------------------------------------------------ */

static struct past_reading *find(void *self, const struct past_events *wanted)
{
    struct past_reading *past = calloc(1, sizeof *past);

    if (past == NULL)
        return NULL;
    past->history = self;
    past->patience_ms = patience_ms(PAST_EVENTS_PATIENCE_MS);
    past->told_all = true; /* they are asked for at once */
    past->reading = reading_new_of_events(wanted);
    if (past->reading == NULL) {
        free(past);
        return NULL;
    }
    ask(past, READING_EVENTS);
    return past;
}

static enum past_state next_event(struct past_reading *past, struct slice *body)
{
    while (!event_scan_next(&past->events, body)) {
        enum past_state state = show_next(past);

        if (state != PAST_READY)
            return state;
        past->events = bytes_view(&past->shown->told);
    }
    return PAST_READY;
}

static const char *problem_of(const struct past_reading *past)
{
    return past->problem;
}

static void free_reading(struct past_reading *given)
{
    if (given->shown != NULL)
        reading_answer_free(given->shown);
    while (given->rows != NULL) {
        struct reading_answer *next = given->rows->next;

        reading_answer_free(given->rows);
        given->rows = next;
    }
    if (given->away) { /* it comes back by itself */
        given->reading->overdue = is_overdue(given);
        if (given->reading->overdue)
            history_note_overdue(given->history, 1);
        given->reading->owner = NULL;
        atomic_store_explicit(&given->reading->called_off, true, memory_order_relaxed);
        atomic_store_explicit(&given->reading->ahead, 0, memory_order_relaxed);
        history_go_on(given->history);
    } else {
        reading_free(given->reading);
    }
    bytes_free(&given->told);
    if (given->rollup != NULL)
        rollup_unpin(given->rollup);
    free(given);
}

struct past past_of(struct history *history)
{
    static const struct past_ops ops = {
        .is_open = is_open,
        .will_have = will_have,
        .is_starting = is_starting,
        .oldest_s = oldest_s,
        .take = take,
        .begin = begin,
        .recall = recall,
        .read = read_windows,
        .next = next_row,
        .find = find,
        .next_event = next_event,
        .problem = problem_of,
        .free = free_reading,
    };

    return (struct past){ &ops, history };
}
