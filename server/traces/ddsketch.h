/* server/traces/ddsketch.h: the sketches of durations that tracing libraries make, read into
 * ours, and ours written as the intake takes them.
 *
 *   protobuf DDSketch ── index, count ──► a value in the middle of each bin ──► struct sketch
 *                     ◄── a grid of ours ── bins ──
 *
 * Bins are told by their index on a logarithmic grid whose base differs from library to library
 * (1.01/0.99, 1 + 1/64), so no bin of theirs is one of ours: each becomes its middle value, as
 * often as it counts. What they count is nanoseconds, and ours are seconds.
 *
 * (Layout: DataDog/sketches-go, ddsketch.proto.) */
#ifndef SERVER_TRACES_DDSKETCH_H
#define SERVER_TRACES_DDSKETCH_H

#include "config/must_check.h"
#include "flush/memory/bytes.h"
#include "flush/values/sketch.h"
#include "protocol/slice.h"

enum ddsketch_result { DDSKETCH_OK, DDSKETCH_BAD, DDSKETCH_NO_MEMORY };

/* Adds what the message says. *sentence, static: what is wrong with it. */
MUST_CHECK enum ddsketch_result ddsketch_read(struct slice message, struct sketch *into,
                                              struct arena *arena, const char **sentence);

/* Appends the message. Its grid is that of libdatadog: a base of 1.015625, which is ours, and
 * nanoseconds. A bin of ours lies between two of its own, and goes into the nearer one: no
 * value is moved by more than 0.6 %. */
void ddsketch_write(struct bytes *out, const struct sketch_bin *bins, size_t n);

#endif
