#include "flush/history/journal.h"

#include <stdlib.h>

struct journal {
    struct history *history;
    struct recent *recent;
    struct recent_record record; /* scratch */
    int64_t looked_s;            /* when the checks were given last */
    uint64_t damaged;            /* files that were set aside, as of the last look */
    bool ending;                 /* nobody waits for room any more */
};

/* ---- to the disk ------------------------------------------------------- */

static bool may_give(const struct journal *journal)
{
    if (history_is_left(journal->history))
        return false;
    return journal->ending || (history_is_open(history_ledger(journal->history)) &&
                               history_has_room_for_records(journal->history));
}

/* Without memory a record is left out: memory shows it, and the disk does not. */
static void give(struct journal *journal, enum recent_kind kind)
{
    struct recent_record *record = &journal->record;
    enum note_kind is = kind == RECENT_EVENT ? NOTE_EVENT : NOTE_CHECK;

    while (may_give(journal) && recent_take(journal->recent, kind, record)) {
        struct note *note = note_new(is, SLICE(""), bytes_view(&record->identity),
                                     record->received_s, bytes_view(&record->body));

        if (note != NULL)
            history_keep(journal->history, note);
    }
    bytes_free(&record->identity);
    bytes_free(&record->body);
}

static void see_event(void *observer, const struct event_record *event)
{
    (void)event; /* it is among what came last by now */
    give(observer, RECENT_EVENT);
}

/* A file that was set aside took with it what was written. */
static void look_at_damage(struct journal *journal)
{
    uint64_t damaged = counter_read(&history_ledger(journal->history)->damaged_total);

    if (damaged != journal->damaged)
        recent_untake(journal->recent);
    journal->damaged = damaged;
}

/* ---- back -------------------------------------------------------------- */

static void recall(struct journal *journal)
{
    struct note *notes = history_take_records(journal->history);

    /* What there is no room for is older than all others. */
    for (const struct note *at = notes; at != NULL; at = at->next)
        (void)!recent_recall(journal->recent,
                             at->is == NOTE_EVENT ? RECENT_EVENT : RECENT_CHECK, at->text);
    note_free_all(notes);
}

/* ---- as an observer ---------------------------------------------------- */

static bool step(void *observer, int64_t now_s)
{
    struct journal *journal = observer;

    recall(journal);
    if (now_s == journal->looked_s)
        return false;
    journal->looked_s = now_s;
    look_at_damage(journal);
    give(journal, RECENT_EVENT);
    give(journal, RECENT_CHECK);
    return false;
}

static void finish(void *observer, int64_t now_s)
{
    struct journal *journal = observer;

    (void)now_s;
    journal->ending = true;
    give(journal, RECENT_EVENT);
    give(journal, RECENT_CHECK);
}

static void free_journal(void *given)
{
    free(given);
}

struct journal *journal_new(struct history *history, struct recent *recent)
{
    struct journal *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return NULL;
    journal->history = history;
    journal->recent = recent;
    recent_watch(recent);
    return journal;
}

struct observer journal_observer(struct journal *given)
{
    static const struct observer_ops ops = {
        .event = see_event,
        .step = step,
        .finish = finish,
        .free = free_journal,
    };
    return (struct observer){ &ops, given };
}
