#include "server/kept_notes.h"

#include <poll.h>

#include "config/clock.h"
#include "config/log.h"
#include "flush/history/history.h"

/* False: the thread of the history does not answer. */
static bool wait_for_sign(struct history *history, int64_t deadline_ms)
{
    history_ask_for_sign(history);
    while (!history_has_signed(history)) {
        if (clock_monotonic_ms() >= deadline_ms)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

/* If it is open, it writes them itself before it ends. *out: the caller owns them. */
static bool take_unwritten(struct history *history, bool on_disk, int64_t deadline_ms,
                           struct note **out)
{
    *out = NULL;
    if (on_disk)
        return true;
    if (!wait_for_sign(history, deadline_ms))
        return false;
    *out = history_take_unwritten(history);
    return true;
}

static void give_back(struct note *given)
{
    while (given != NULL) {
        struct note *next = given->next;

        note_give_back(given);
        given = next;
    }
}

void kept_notes_hand_over(struct history *history, const char *folder, bool on_disk,
                          int64_t deadline_ms, struct state_writer *out)
{
    struct note *notes;

    if (!take_unwritten(history, on_disk, deadline_ms, &notes)) {
        log_error("server: the disk of heeler_state_path does not answer: of the states of "
                  "monitors and what was deleted, what waits for it is lost");
        return;
    }
    state_begin(out, STATE_NOTES);
    state_put_text(out, slice_of(folder));
    note_put_all(notes, out);
    give_back(notes);
    if (state_settle(out))
        return;
    log_warn("server: there is no memory to hand over what waits for the disk");
    state_cancel(out);
}

bool kept_notes_take_over(const struct state *inherited, const char *folder, struct note **out)
{
    *out = NULL;
    if (inherited == NULL || inherited->parts[STATE_NOTES].at == NULL)
        return false;
    struct state_reader in = inherited->parts[STATE_NOTES];
    bool same = slice_equal(state_get_text(&in), slice_of(folder));

    if (in.failed || !same)
        return false;
    *out = note_get_all(&in);
    if (in.failed)
        log_error("server: what waited for the disk is damaged in the inherited state");
    return !in.failed;
}
