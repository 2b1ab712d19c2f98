/* server/http/desk_note.h: what passes between main and the desk, each way by a mailbox.
 *
 * A job travels in its own note: to the desk with the work, and back as the last word of it,
 * which therefore cannot fail. What a stream says in between has notes of its own. */
#ifndef SERVER_HTTP_DESK_NOTE_H
#define SERVER_HTTP_DESK_NOTE_H

#include "flush/memory/bytes.h"
#include "flush/memory/mailbox.h"

enum desk_note_kind {
    DESK_NOTE_JOB,   /* to the desk: the work; to main: its answer, or the end of its stream */
    DESK_NOTE_BEGIN, /* to main: the answer is a stream */
    DESK_NOTE_BYTES, /* to main: of a stream */
};

struct desk_note {
    union {
        struct letter letter;
        struct desk_note *next;
    };
    enum desk_note_kind kind;
    struct desk_job *job;
    struct bytes bytes; /* owned */
};

#endif
