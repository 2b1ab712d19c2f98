/* tests/support/trace_bodies.h: bodies of tracers, one of each layout and form, which say the
 * same: two traces of three spans. Members stand in any order, are of any length and form of
 * number, and among them are some that nobody knows. */
#ifndef TESTS_SUPPORT_TRACE_BODIES_H
#define TESTS_SUPPORT_TRACE_BODIES_H

#include "flush/memory/bytes.h"
#include "server/traces/trace_decode.h"

struct trace_body {
    enum trace_layout layout;
    enum trace_form form;
    void (*put)(struct bytes *out);
};

enum { TRACE_BODIES = 7, TRACE_MSGPACK_BODIES = 4 };

/* Those of msgpack come first. No byte of them may be left out. */
extern const struct trace_body trace_bodies[TRACE_BODIES];

/* What each of them says, as test_trace_decode.c writes it. */
extern const char trace_bodies_say[];

#endif
