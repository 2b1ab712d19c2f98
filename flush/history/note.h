/* flush/history/note.h: what is kept beside windows, on its way to the disk and back.
 *
 *   definition   kind, name -> when it changed, and its text; an empty text: it is gone
 *   event        when it came -> what it says       } as bytes that flush/snapshots/recent.h
 *   check        its identity -> its last status    } makes and reads
 *
 * Owned by whoever has it. One with a mailbox comes back there when it is on the disk, or given
 * up. The mailbox is the history's (history_returned()): who waits there may end before. */
#ifndef FLUSH_HISTORY_NOTE_H
#define FLUSH_HISTORY_NOTE_H

#include <stdint.h>

#include "flush/history/store.h"
#include "flush/memory/mailbox.h"

enum note_kind { NOTE_DEFINITION, NOTE_EVENT, NOTE_CHECK };

struct note {
    union {
        struct letter letter;
        struct note *next;
    };
    enum note_kind is;
    int64_t changed_s;
    struct slice kind, name, text; /* views of its own bytes; of an event the text alone */
    size_t size;                   /* of all of it */
    struct mailbox *back;          /* NULL: it is freed */
    void *argument;                /* of who gets it back; of malloc, and freed with it */
    char bytes[];
};

/* Copies all. NULL without memory. */
struct note *note_new(enum note_kind is, struct slice kind, struct slice name,
                      int64_t changed_s, struct slice text);
void note_free_all(struct note *given); /* a list; NULL is fine */

/* One that nothing more becomes of here: to its mailbox, or it is freed. */
void note_give_back(struct note *given);

/* ---- a successor takes over -------------------------------------------- */

struct state_writer;
struct state_reader;

/* A list. */
void note_put_all(const struct note *notes, struct state_writer *out);

/* What there is memory for, in the same order; the caller owns the list. Nobody gets them back.
 * What is damaged ends the list, and the reader has failed. */
struct note *note_get_all(struct state_reader *in);

/* ---- on the thread of the store: results ------------------------------- */

MUST_CHECK int note_write(const struct note *note, struct store *store);

/* Pushes all definitions that are kept, for others to take; they are as many as NOTE_READ_BYTES
 * hold, the oldest first. Those that a note of the list `waiting` is about are left out: it is
 * newer. Each is told of before; recalled: NULL, and nobody is. */
enum { NOTE_READ_BYTES = 64 << 20 };
MUST_CHECK int note_read_definitions(struct store *store, const struct note *waiting,
                                     struct mailbox *to,
                                     void (*recalled)(void *argument, const struct note *note),
                                     void *argument);

/* The same of the last events or statuses of checks, up to so many, the newest first. */
MUST_CHECK int note_read_records(struct store *store, enum note_kind is, size_t most,
                                 struct mailbox *to);

#endif
