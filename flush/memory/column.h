/* flush/memory/column.h: up to 64 doubles in as few bytes as they need, exactly.
 *
 * The narrowest form that gives every value back: nothing but the form when all
 * are 0 or 1 or what another column has, one value when all are equal, else whole
 * numbers of 1, 2 or 4 bytes, floats, or doubles. Counters are mostly small whole
 * numbers or zeros. Pure; -0 comes back as 0. */
#ifndef FLUSH_MEMORY_COLUMN_H
#define FLUSH_MEMORY_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLUMN_VALUES = 64, COLUMN_BYTES_MAX = 1 + COLUMN_VALUES * 8 };

/* like: n values that a column may be equal to, or NULL. Returns the bytes used. */
size_t column_pack(const double *values, const double *like, size_t n,
                   uint8_t out[static COLUMN_BYTES_MAX]);

/* The bytes of a packed column of n values. */
size_t column_size(const uint8_t *packed, size_t n);

/* The same of bytes that may be damaged; 0: they are no packed column of n values. */
size_t column_size_within(const uint8_t *packed, size_t available, size_t n);

/* Whether it is what `like` was. */
bool column_is_like(const uint8_t *packed);

/* Of one that is not. */
void column_unpack(const uint8_t *packed, size_t n, double *values);

#endif
