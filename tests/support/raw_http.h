/* tests/support/raw_http.h: an HTTP client that sends any bytes, in the process of the
 * server that it asks; the server's loop turns while it waits. */
#ifndef TESTS_SUPPORT_RAW_HTTP_H
#define TESTS_SUPPORT_RAW_HTTP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct raw_answer {
    int status;      /* 0: there was none */
    bool closed;     /* the server ended the connection behind it */
    char text[4096]; /* all that came, cut off there */
    size_t len;      /* of all that came */
    size_t body_len; /* behind the first empty line */
};

int raw_connect(int port);
void raw_send(int fd, const char *bytes, size_t len);
void raw_say(int fd, const char *text);

/* Turns the loop until nothing happens any more. */
void raw_turn(struct event_base *base);

/* Whether bytes or an end wait to be read. */
bool raw_is_readable(int fd);

/* Reads until the server falls silent; fails the test when nothing comes at all. */
void raw_read(struct event_base *base, int fd, struct raw_answer *out);

/* The status of the answer to these bytes, on a connection of their own. */
int raw_ask(struct event_base *base, int port, const char *bytes, size_t len,
            struct raw_answer *out);

#endif
