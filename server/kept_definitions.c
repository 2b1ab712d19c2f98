#include "server/kept_definitions.h"

#include "config/log.h"
#include "flush/history/history.h"

static void keep(void *self, const char *kind, struct slice name, int64_t changed_s,
                 struct slice text)
{
    struct note *note = note_new(NOTE_DEFINITION, slice_of(kind), name, changed_s, text);

    if (note == NULL)
        log_error("api: not enough memory: a definition is not kept on disk");
    else
        history_keep(self, note);
}

static bool give_back(void *self, struct definitions *to)
{
    if (history_began_anew(self))
        definitions_keep_all(to);
    bool reading = history_is_reading_notes(self); /* before what it has read is taken */
    struct note *notes = history_take_notes(self);
    unsigned damaged = 0;

    for (const struct note *at = notes; at != NULL; at = at->next)
        damaged += !definitions_restore(to, at->kind, at->name, at->text);
    note_free_all(notes);
    if (damaged > 0)
        log_warn("api: %u definitions on disk cannot be read, or there is no room for them",
                 damaged);
    return !reading;
}

void kept_definition_recalled(void *recalled, const struct note *note)
{
    struct recalled *of = recalled;

    definitions_recall_unit(of->units, note->kind, note->name, note->text);
    if (slice_equal(note->kind, slice_of(definition_word(DEFINITION_MONITOR))))
        atomic_store_explicit(&of->has_monitors, true, memory_order_release);
}

struct definition_keeper kept_definitions(struct history *history, bool has_inherited)
{
    return (struct definition_keeper){
        .keep = keep, .give_back = give_back, .has_inherited = has_inherited, .self = history
    };
}
