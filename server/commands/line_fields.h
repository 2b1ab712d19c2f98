/* server/commands/line_fields.h: fields of a line that no server knows.
 *
 * The parser skips them, so that a client may be newer than its server; whoever wrote "|rate:1"
 * by mistake would like to know. Pure. */
#ifndef SERVER_COMMANDS_LINE_FIELDS_H
#define SERVER_COMMANDS_LINE_FIELDS_H

#include "protocol/parse.h"

/* The next of them off the front of *fields, which is what stands behind the fixed part of a
 * line of that kind. False: there are no more. An empty field is none. */
bool line_fields_unknown(enum line_kind kind, struct slice *fields, struct slice *out);

#endif
