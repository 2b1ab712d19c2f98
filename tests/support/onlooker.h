/* tests/support/onlooker.h: a server, somebody who reads an answer of it that goes on, and a
 * sender of datagrams.
 *
 * The answer lies in text, a NUL behind it, as far as it has come. One thread. */
#ifndef TESTS_SUPPORT_ONLOOKER_H
#define TESTS_SUPPORT_ONLOOKER_H

#include "tests/support/running.h"

struct onlooker {
    struct running running;
    int http, sender; /* http -1: nobody has asked */
    uint64_t sent;    /* by onlooker_send() */
    char *text;
    size_t len;
};

/* ONLOOKER("key=value", ...): with HTTP at a port that the kernel chose, and these settings. */
#define ONLOOKER_HTTP "heeler_http_listen=127.0.0.1:0"
#define ONLOOKER(...)                                      \
    onlooker_new((char *[]){ ONLOOKER_HTTP, __VA_ARGS__ }, \
                 sizeof((char *[]){ ONLOOKER_HTTP, __VA_ARGS__ }) / sizeof(char *))
struct onlooker *onlooker_new(char **sets, size_t n);

/* Ends the server, whose books must balance. */
void onlooker_free(struct onlooker *given);

/* Turns the loop and reads what is there. False: the answer has come to its end. */
bool onlooker_turn(struct onlooker *onlooker);

/* So many datagrams, and never more on their way than a socket's queue holds. The last of them
 * may be there still. */
void onlooker_send(struct onlooker *onlooker, const char *text, uint64_t n);

#endif
