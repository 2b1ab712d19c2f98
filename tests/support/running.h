/* tests/support/running.h: a whole server in the test's own process.
 *
 * Started with some settings on ports of the kernel's choice, its log in a file;
 * the caller's loop (HTTP) turns while the test waits for something. Nothing
 * sleeps: waiting ends when it came true, or false after a minute. It is static or
 * on the heap, as the server's threads look at it: a failed test is undone. */
#ifndef TESTS_SUPPORT_RUNNING_H
#define TESTS_SUPPORT_RUNNING_H

#include <event2/http.h>

#include "server/server.h"
#include "tests/support/temp_file.h"
#include "tests/support/undo.h"

enum { RUNNING_SETS_MAX = 32 };

struct running {
    struct settings settings;
    char *sets[RUNNING_SETS_MAX]; /* views: what a reload loads */
    size_t n_sets;
    bool asked_to_stop; /* POST /drain */
    struct event_base *base;
    struct server *server; /* NULL: it did not start, problem says why */
    char problem[512];
    char log_path[TEMP_PATH_SIZE];
    char *log; /* filled by running_stop */
};

/* The ports, no unix sockets and no HTTP stand before the sets. False when it
 * did not start; running_stop() all the same. */
bool running_start(struct running *out, FILE *console, char **sets, size_t n_sets);
#define RUNNING_START(out, console, ...)                   \
    running_start(out, console, (char *[]){ __VA_ARGS__ }, \
                  sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

/* Stops it; false when delivery was still at work. The log is there afterwards. */
bool running_stop(struct running *given);
void running_free(struct running *given);

/* Both, as what stands behind a test or a group of them: 0, or -1 as above. */
int running_end(struct running *given);

/* A number of the final ledger in the log: "lines", "gate"; UINT64_MAX: not there. */
uint64_t running_ledger(const struct running *running, const char *name);
/* "lines/values/points" of the final ledger; a view. "" when there is none. */
const char *running_imbalance(const struct running *running);

/* Turns the loop until done(view, n). */
typedef bool running_condition(const struct server_view *view, uint64_t n);
bool running_until(struct running *running, running_condition *done, uint64_t n);
bool running_datagrams(const struct server_view *view, uint64_t n); /* read, in all */
bool running_snapshots(const struct server_view *view, uint64_t n); /* sealed */
bool running_delivered(const struct server_view *view, uint64_t n); /* payloads */

/* The name of listener i, for udp_sender(). */
const char *running_listener(const struct running *running, size_t i);

/* For the next reload; a view. A later one goes before. */
void running_set(struct running *running, char *set);

/* GET; the status, with the body in *body (owned). 0: no answer. */
int running_get(struct running *running, int port, const char *path, char **body);

/* Any method, with one header more, or NULL. */
int running_ask(struct running *running, int port, enum evhttp_cmd_type method,
                const char *path, const char *header, char **body);

/* Sends the bytes of whole requests as they are, and reads until the server ends the
 * connection; what came, owned. */
char *running_exchange(struct running *running, int port, const char *bytes, size_t len);

/* A request with a body of JSON, if it is not NULL; the status, and the body of the answer
 * (owned). */
int running_json(struct running *running, int port, const char *method, const char *path,
                 const char *json, char **body);

#endif
