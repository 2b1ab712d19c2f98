/* protocol/lines.h: one datagram in, its lines out.
 *
 * Lines end in LF; one CR before it is dropped; empty lines are skipped. The
 * last line needs no LF, unless the listener's kind is in
 * dogstatsd_eol_required: then it is not returned but counted. */
#ifndef PROTOCOL_LINES_H
#define PROTOCOL_LINES_H

#include "protocol/slice.h"

struct lines {
    struct slice rest; /* view of what is not yet returned */
    bool need_newline; /* drop an unterminated last line */
    bool unterminated; /* set when one was dropped */
};

static inline struct lines lines_of(struct slice datagram, bool need_newline)
{
    return (struct lines){ datagram, need_newline, false };
}

/* False when no line is left. */
bool lines_next(struct lines *lines, struct slice *line);

#endif
