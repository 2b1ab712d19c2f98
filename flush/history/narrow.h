/* flush/history/narrow.h: up to 64 whole numbers in as few bits as they need.
 *
 *   the least of them | how many bits each takes above it | these bits, the lowest first
 *
 * Numbers that are alike take no bits at all. Pure, and any bytes may be read. */
#ifndef FLUSH_HISTORY_NARROW_H
#define FLUSH_HISTORY_NARROW_H

#include "config/must_check.h"
#include "flush/memory/wire.h"
#include "protocol/slice.h"

enum {
    NARROW_NUMBERS = 64,
    NARROW_BYTES_MAX = VARINT_MAX + 1 + NARROW_NUMBERS * 8 + 8, /* with room to write in */
};

/* How many bits each of n numbers takes, n at least 1. */
unsigned narrow_width(const int64_t *numbers, size_t n);

/* Writes n numbers, NARROW_BYTES_MAX bytes at most; returns the place behind them. */
uint8_t *narrow_put(const int64_t *numbers, size_t n, uint8_t *at);

/* Cuts n numbers off the front. False: the bytes are no such numbers. */
MUST_CHECK bool narrow_get(struct slice *from, size_t n, int64_t *out);

#endif
