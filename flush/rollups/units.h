/* flush/rollups/units.h: what the values of metrics are numbers of, as somebody wrote about
 * them.
 *
 *   who keeps what is written ──► a name, its unit and what that is per ──► who answers
 *
 * An answer says it in Datadog's form: [{"name": "byte", ...}, {"name": "second", ...}], where
 * the second may be null, or null alone. What is known of bytes, times and percentages (family,
 * plural, short name, scale) goes with their names.
 *
 * From any thread: a lock is held for as long as a name is looked for. Bounded: UNITS_MAX
 * metrics, the first ones; names of units that are longer than UNIT_WORD_MAX are none. */
#ifndef FLUSH_ROLLUPS_UNITS_H
#define FLUSH_ROLLUPS_UNITS_H

#include "flush/memory/bytes.h"
#include "protocol/parse.h"

enum { UNITS_MAX = 2000, UNIT_WORD_MAX = 64 };

struct units;

struct units *units_new(void);
void units_free(struct units *given); /* NULL is fine */

/* From now on; either may be empty. */
void units_set(struct units *units, struct slice metric, struct slice unit, struct slice per);

/* As it was before, which counts for nothing where something was set since. */
void units_recall(struct units *units, struct slice metric, struct slice unit,
                  struct slice per);

/* Views of its own room, so it is not to be copied. */
struct unit_words {
    struct slice unit, per; /* either may be empty */
    char room[2 * UNIT_WORD_MAX];
};

/* That of the metric; if nobody wrote any, that which its series have by themselves.
 * units: NULL, and nobody did. */
void units_read(struct units *units, struct slice metric, enum metric_unit own,
                struct unit_words *out);

/* Appends the same in Datadog's form. */
void units_write(struct units *units, struct slice metric, enum metric_unit own,
                 struct bytes *out);

#endif
