/* server/commands/explain_parsed.h: what the parser reads in a line, field by field, as JSON.
 *
 * A metric has name, type, values, rate, timestamp and tags, an event and a check what they
 * have; all have container_id, inode, external_data and cardinality, which the line claims, and
 * skipped, the fields that no server knows. */
#ifndef SERVER_COMMANDS_EXPLAIN_PARSED_H
#define SERVER_COMMANDS_EXPLAIN_PARSED_H

#include "config/must_check.h"
#include "flush/memory/json_out.h"
#include "protocol/parse.h"

/* What of it matters for what becomes of the line; views into it. */
struct explain_parsed {
    enum line_kind kind;
    enum parse_result result;
    struct slice name;     /* of a metric or a check */
    struct slice tags;     /* as sent */
    struct slice host;     /* the field of an event or a check */
    enum metric_type type; /* of a metric */
    bool timed;            /* a metric with a timestamp of its own */
};

/* Writes the member "parsed" of a line that is not refused. ignore_time: as in struct parser.
 * False: no memory. */
MUST_CHECK bool explain_parsed_write(struct json_out *out, struct slice line, bool ignore_time,
                                     struct explain_parsed *parsed);

/* The word of a line's kind: metric, event, check. Static. */
const char *explain_parsed_kind(enum line_kind kind);

#endif
