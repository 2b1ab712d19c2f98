/* flush/rollups/matched.h: which series a scope held, remembered for whoever asks again.
 *
 *   metric and scope ──► numbers of its series, as of so many births
 *
 * Monitors ask the same each minute, and each may mean a hundred of a hundred thousand series.
 * Who asks again looks at those that the scope held, and at those that were born since: a
 * series stays what it is, and whoever looks sees whether it is still there. The last
 * MATCHED_BIRTHS births are known; who has missed more looks at all series.
 *
 * Bounded in bytes, beside those of the windows; what nobody has asked for the longest goes
 * first. Owned by the rollup; { 0 } is empty, and nothing is taken until somebody asks. */
#ifndef FLUSH_ROLLUPS_MATCHED_H
#define FLUSH_ROLLUPS_MATCHED_H

#include <stdint.h>

#include "protocol/slice.h"

enum {
    MATCHED_BIRTHS = 4096,
    MATCHED_NUMBERS_MAX = 8192, /* of one scope; of more nothing is remembered */
    MATCHED_BYTES_MAX = 2 << 20,
    MATCHED_CHAINS = 1024,
};

struct matched_key {
    uint64_t low, high;
};

struct remembered;

struct matched {
    struct remembered **chains;         /* NULL: nothing was remembered yet */
    struct remembered *newest, *oldest; /* by when somebody asked */
    uint32_t *born;                     /* a ring of numbers */
    uint64_t births;
    size_t bytes;
};

void matched_free(struct matched *given);

struct matched_key matched_key(struct slice metric, struct slice scope);

/* A series was born under that number. */
void matched_bear(struct matched *matched, uint32_t number);

/* The numbers that are to be looked at, ascending, owned; NULL: all of them are. */
uint32_t *matched_recall(struct matched *matched, struct matched_key key, size_t *n);

/* These it held, of all that were born before so many births. Without memory it does nothing.
 */
void matched_remember(struct matched *matched, struct matched_key key, uint64_t births,
                      const uint32_t *numbers, size_t n);

#endif
