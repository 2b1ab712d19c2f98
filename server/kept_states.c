#include "server/kept_states.h"

#include "flush/history/history.h"

static bool keep(void *self, const char *kind, struct slice name, int64_t changed_s,
                 struct slice text, void *argument)
{
    struct note *note = note_new(NOTE_DEFINITION, slice_of(kind), name, changed_s, text);

    if (note == NULL)
        return false;
    note->back = argument != NULL ? history_returned(self) : NULL;
    note->argument = argument;
    history_keep(self, note);
    return true;
}

static void *take(struct letter *given)
{
    struct note *note = (struct note *)given;
    void *argument = note->argument;

    note->next = NULL;
    note->argument = NULL;
    note_free_all(note);
    return argument;
}

struct state_keeper kept_states(struct history *history)
{
    return (struct state_keeper){
        .keep = keep, .take = take, .returned = history_returned(history), .self = history
    };
}
