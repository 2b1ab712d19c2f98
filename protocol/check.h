/* protocol/check.h: one service check line in, one view out.
 *
 *   _sc|<name>|<status 0..3>[|d:time][|h:host][|#tags][|m:message]
 *
 * Pure; a view into the line, good as long as the line is. */
#ifndef PROTOCOL_CHECK_H
#define PROTOCOL_CHECK_H

#include "protocol/parse.h"

struct check {
    struct slice name;
    struct slice host;
    struct slice message; /* as sent, nothing is unescaped */
    struct slice tags;
    struct slice fields; /* all behind the status, for origin_parse() */
    int64_t time_s;      /* 0: not sent */
    int status;          /* 0 ok, 1 warning, 2 critical, 3 unknown */
};

enum parse_result check_parse(struct slice line, struct check *out);

#endif
