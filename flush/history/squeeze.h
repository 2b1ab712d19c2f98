/* flush/history/squeeze.h: up to 64 doubles in as few bits as they need, exactly.
 *
 *   a byte: the form, and a number of it | whole numbers   (flush/history/narrow.h)
 *
 *   like      what another column has: nothing follows
 *   decimals  whole numbers, and how many of their digits stand behind the point: most of what
 *             is measured was written down with a few digits
 *   summed    such numbers, and by how many doubles each value lies beside: where decimals are
 *             added up, rounding leaves the sum next to the decimal that it should be
 *   bits      doubles in their order are whole numbers, too; those of one size begin alike, and
 *             those of few digits in base 2 end in the same number of zeros
 *
 * Each bit comes back, those of -0 and of what is not finite too. Narrower than columns in
 * memory (flush/memory/column.h), and slower. Pure, and any bytes may be read. */
#ifndef FLUSH_HISTORY_SQUEEZE_H
#define FLUSH_HISTORY_SQUEEZE_H

#include "flush/history/narrow.h"

enum { SQUEEZE_VALUES = NARROW_NUMBERS, SQUEEZE_BYTES_MAX = 1 + 2 * NARROW_BYTES_MAX };

/* Writes n values, n at least 1, SQUEEZE_BYTES_MAX bytes at most; returns the place behind
 * them. like: n values that they may be equal to, or NULL. */
uint8_t *squeeze_put(const double *values, const double *like, size_t n, uint8_t *at);

/* Cuts n values off the front. False: the bytes are no such values, or say that they are like
 * others while like is NULL. */
MUST_CHECK bool squeeze_get(struct slice *from, const double *like, size_t n, double *out);

#endif
