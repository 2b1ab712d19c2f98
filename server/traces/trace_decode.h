/* server/traces/trace_decode.h: the bodies that tracers send, read.
 *
 *   v0.3, v0.4   a list of traces, each a list of maps          msgpack or JSON
 *   v0.5         texts, then traces of twelve numbers a span    msgpack or JSON
 *   v0.7         a map with chunks of maps                      msgpack (the door refuses JSON)
 *
 * msgpack is taken apart by libmpack (docs/design.md says why), a value at a time
 * (msgpack_reader.h): it allocates nothing, and a length is held against the bytes that are
 * left before anything is made of it. JSON becomes msgpack first. What nobody knows is skipped,
 * and nests no deeper than MSGPACK_DEPTH_MAX; what stands behind the body's one value is
 * ignored.
 *
 * A length that lies takes no more memory than the body has bytes, at each of four levels; what
 * is there takes at most sizeof(struct span) for a byte, twice while a list grows. The bound
 * for it is the arena's budget. */
#ifndef SERVER_TRACES_TRACE_DECODE_H
#define SERVER_TRACES_TRACE_DECODE_H

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "server/traces/span.h"

enum { TRACE_PROBLEM_MAX = 192 };

/* X(id, path, of JSON too) */
#define TRACE_LAYOUTS(X)               \
    X(TRACE_V03, "/v0.3/traces", true) \
    X(TRACE_V04, "/v0.4/traces", true) \
    X(TRACE_V05, "/v0.5/traces", true) \
    X(TRACE_V07, "/v0.7/traces", false)

#define TRACE_LAYOUT_ENUM(id, path, json) id,
enum trace_layout { TRACE_LAYOUTS(TRACE_LAYOUT_ENUM) TRACE_LAYOUT_COUNT };
#undef TRACE_LAYOUT_ENUM

enum trace_form { TRACE_MSGPACK, TRACE_JSON };

/* TRACE_CUT: the body ends too early ("unexpected-eof" to clients). */
enum trace_result { TRACE_OK, TRACE_BAD, TRACE_CUT, TRACE_NO_MEMORY };

/* Fills in all but what headers say of out->source. problem: a sentence that names the byte,
 * from 0, and the member, span and trace at fault, from 1: "byte 88, meta 3 of span 1 of trace
 * 2: expected a text". On TRACE_OK views of body and arena; else out means nothing. */
MUST_CHECK enum trace_result trace_decode(enum trace_layout layout, enum trace_form form,
                                          struct slice body, struct arena *arena,
                                          struct trace_payload *out,
                                          char problem[TRACE_PROBLEM_MAX]);

#endif
