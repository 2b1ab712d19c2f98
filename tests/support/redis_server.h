/* tests/support/redis_server.h: real Redis servers for one test program.
 *
 * Each has a folder of its own, a port that nobody else gets, an append-only
 * file, and dies with the test. Whatever does not work fails the test: also that
 * there is no redis-server. These calls wait; the tested code must not. A failed test
 * is undone, so a server is static; a group's own needs undo_forget_all(). */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/temp_file.h"
#include "tests/support/undo.h"

struct redis_server {
    pid_t pid; /* 0: not running */
    int port, bus_port;
    int held[2]; /* both, while it runs or does not */
    char folder[TEMP_PATH_SIZE];
    char socket[TEMP_PATH_SIZE + 16];
    char url[TEMP_PATH_SIZE];
    bool cluster;
    char password[32];               /* empty: none */
    const char *extra[8];            /* more arguments; NULL: the end */
    char certificate[128], key[128]; /* empty: no TLS, else files; all by TLS then */
};

/* Fill password, extra, cluster, certificate and key (or leave them zero) before. */
void redis_server_start(struct redis_server *server);

void redis_server_stop(struct redis_server *given);     /* and removes the folder */
void redis_server_kill(struct redis_server *server);    /* -9; the folder stays */
void redis_server_restart(struct redis_server *server); /* same port, same data */

/* Sends words up to a NULL and returns the answer as owned text (elements on lines).
 * Not for servers that speak TLS. */
char *redis_server_ask(const struct redis_server *server, const char *word, ...)
    __attribute__((sentinel));

/* The same, and the answer must be that. */
#define redis_server_expect(server, expected, ...)                                 \
    do {                                                                           \
        char *answer_ = redis_server_ask(server, __VA_ARGS__, (const char *)NULL); \
        assert_string_equal(answer_, expected);                                    \
        free(answer_);                                                             \
    } while (0)

enum { REDIS_CLUSTER_SIZE = 6 };

/* 0 to 2 are masters, 3 to 5 their replicas in the same order. */
struct redis_cluster {
    struct redis_server nodes[REDIS_CLUSTER_SIZE];
};

void redis_cluster_start(struct redis_cluster *cluster);
void redis_cluster_stop(struct redis_cluster *given);

/* Until every running node says so. */
void redis_cluster_wait(struct redis_cluster *cluster);

#endif
