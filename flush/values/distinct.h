/* flush/values/distinct.h: how many different members a set has seen.
 *
 * Members are 64-bit hashes under one fixed seed (distinct_hash), the same in
 * every process, so that sets merge across machines. Exact up to
 * DISTINCT_EXACT members, then a HyperLogLog of 2^14 registers (standard error
 * 0.81 %), which is no larger.
 *
 * Memory comes from the arena given and dies with it. */
#ifndef FLUSH_VALUES_DISTINCT_H
#define FLUSH_VALUES_DISTINCT_H

#include <stdint.h>

#include "config/must_check.h"
#include "flush/memory/arena.h"
#include "protocol/slice.h"

enum { DISTINCT_EXACT = 2048, DISTINCT_REGISTERS = 1 << 14 };

struct distinct; /* lives in an arena */

uint64_t distinct_hash(struct slice member);

struct distinct *distinct_new(struct arena *arena);

/* False when the arena is exhausted: the member was not added. */
MUST_CHECK bool distinct_add(struct distinct *distinct, struct arena *arena,
                             uint64_t member_hash);

/* other is only read and may live in another arena. False when the arena is
 * exhausted: nothing was added. */
MUST_CHECK bool distinct_merge(struct distinct *into, struct arena *arena,
                               const struct distinct *other);

/* Exact below the bound, else the estimate rounded to a whole number. */
uint64_t distinct_count(const struct distinct *distinct);

/* What there is to write down: the members' hashes in no order (a view until the
 * next add or merge) and their number, 0 once they are registers; the registers,
 * DISTINCT_REGISTERS of them (the highest 14 bits of a hash choose one, which
 * holds the place of the highest set bit of the rest, 1 to 51), or NULL before. */
size_t distinct_members(const struct distinct *distinct, const uint64_t **members);
const uint8_t *distinct_registers(const struct distinct *distinct);

/* A set of what the two told of another: n members (up to DISTINCT_EXACT), or
 * registers unless NULL. NULL when the arena is exhausted. */
struct distinct *distinct_restore(struct arena *arena, const uint64_t *members, size_t n,
                                  const uint8_t *registers);

#endif
