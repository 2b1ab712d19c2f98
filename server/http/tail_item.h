/* server/http/tail_item.h: a line as heeler tail shows it.
 *
 *   {"time_ms":T,"kind":"metric|event|check|bad","sender":"pid 4711 (python3)",
 *    "container":"..","line":"..","reason":"the value is not a
 * number","code":"bad_value","at":5}
 *
 * The container is there where the line names one, reason, code and at where it was refused. An
 * item is a view of a line, and of what is said of its datagram. */
#ifndef SERVER_HTTP_TAIL_ITEM_H
#define SERVER_HTTP_TAIL_ITEM_H

#include "flush/memory/bytes.h"
#include "protocol/parse.h"
#include "server/receive/tap.h"

struct tail_item {
    int64_t time_ms;
    const struct sender *sender;
    const char *sender_name; /* "pid 4711 (python3)", "127.0.0.1:53211" */
    struct slice line;
    struct slice name;      /* of a metric or a check, title of an event */
    struct slice container; /* empty: the line names none */
    enum line_kind kind;
    enum parse_result result;
};

/* Fills in what the line says: name, container, kind, result. A refused one is named by what
 * stands before its first ':' or '|'. The parser has a pool for lines of that length. */
void tail_item_read(struct tail_item *item, struct parser *parser, struct slice line);

/* The last line of a datagram, dropped for want of a newline. */
void tail_item_unterminated(struct tail_item *item, struct slice line);

/* Whether the sender is meant: a pid ("4711" or "pid:4711"), a container ("c:ab12"), or what is
 * found in the name of the sender or the container (protocol/glob.h). */
bool tail_item_is_from(const struct tail_item *item, struct slice pattern);

void tail_item_write(const struct tail_item *item, struct bytes *out);

#endif
