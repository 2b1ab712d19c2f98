/* flush/history/note.h: what is kept beside windows, on its way to the disk and back.
 *
 *   definition   kind, name -> when it changed, and its text; an empty text: it is gone
 *
 * Owned by whoever has it. */
#ifndef FLUSH_HISTORY_NOTE_H
#define FLUSH_HISTORY_NOTE_H

#include <stdint.h>

#include "flush/history/store.h"
#include "flush/memory/mailbox.h"

struct note {
    union {
        struct letter letter;
        struct note *next;
    };
    int64_t changed_s;
    struct slice kind, name, text; /* views of its own bytes */
    size_t size;                   /* of all of it */
    char bytes[];
};

/* Copies all. NULL without memory. */
struct note *note_new(struct slice kind, struct slice name, int64_t changed_s,
                      struct slice text);
void note_free_all(struct note *given); /* a list; NULL is fine */

/* ---- on the thread of the store: results ------------------------------- */

MUST_CHECK int note_write(const struct note *note, struct store *store);

/* Pushes all definitions that are kept, for others to take. Each is told of before; recalled:
 * NULL, and nobody is. */
MUST_CHECK int note_read_all(struct store *store, struct mailbox *to,
                             void (*recalled)(void *argument, const struct note *note),
                             void *argument);

#endif
