/* tests/support/fake_intake.h: a small real intake on a port of the kernel's choice.
 *
 * Runs in a thread of its own, keeps every request and answers from a script;
 * behind its end, and without one, 202. Nothing here sleeps: waiting ends when
 * it came true, or false after a minute. A failed test is undone. */
#ifndef TESTS_SUPPORT_FAKE_INTAKE_H
#define TESTS_SUPPORT_FAKE_INTAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/undo.h"

struct fake_answer {
    enum {
        FAKE_ANSWER,
        FAKE_HANG, /* answered 202 by fake_intake_release, or never */
        FAKE_RESET /* the connection is torn down */
    } trick;
    int status;              /* 0: 202 */
    const char *retry_after; /* header; NULL: none */
    const char *date;        /* header; NULL: that of now */
    const char *body;        /* NULL: {"errors":[]} */
};

struct fake_request {
    char *path;
    json_t *headers;     /* object, names in lower case */
    unsigned char *body; /* decoded by Content-Encoding; NULL: it was damaged */
    size_t body_size;
    size_t sent_size; /* as it came */
    uint16_t port;    /* of the sender: tells connections apart */
};

struct fake_intake;

struct fake_intake *fake_intake_start(void);
void fake_intake_stop(struct fake_intake *given);

const char *fake_intake_url(const struct fake_intake *fake);

/* Adds to the script; the texts are static. */
void fake_intake_script(struct fake_intake *fake, const struct fake_answer *answers, size_t n);

/* From now on 413 to each request to that path that holds more than one item; the
 * script does not count for these. The path is static. */
void fake_intake_refuse_many(struct fake_intake *fake, const char *path);

/* Answers those that hang. */
void fake_intake_release(struct fake_intake *fake);

/* Until so many requests have come in all, answered or not. */
bool fake_intake_wait(struct fake_intake *fake, size_t n);

size_t fake_intake_count(struct fake_intake *fake);

/* The most requests that were ever hanging at once. */
size_t fake_intake_most_hanging(struct fake_intake *fake);

/* A view, good until fake_intake_stop. */
const struct fake_request *fake_intake_request(struct fake_intake *fake, size_t index);

/* NULL when not sent. */
const char *fake_request_header(const struct fake_request *request, const char *name);

/* As decode_body by the request's path: series, sketches, or the JSON itself. Owned. */
json_t *fake_request_decode(const struct fake_request *request);

/* All items of all requests to that path so far, in one list: series of v1 and v2,
 * sketches, checks; for /intake/ the events of all source types. Owned. */
json_t *fake_intake_items(struct fake_intake *fake, const char *path);

#endif
