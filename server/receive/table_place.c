/* A group of samples is hashed in one function, so nothing is called for a line. */
#include "server/receive/fingerprint_internal.h"
#include "server/receive/table_internal.h"

#define PLACE(word, needs)                                                              \
    FOR_##word static void place_by_##word(const struct slots *slots,                   \
                                           const struct sample *samples,                \
                                           struct table_spot *spots, uint32_t n)        \
    {                                                                                   \
        for (; n > 0; n--, samples++, spots++) {                                        \
            spots->print =                                                              \
                hash_##word(samples->name, samples->tags, cell_kind_of(samples->type)); \
            __builtin_prefetch(slots_home(slots, spots->print));                        \
        }                                                                               \
    }
HASH_PATHS(PLACE)

void (*const table_place_by[HASH_PATH_COUNT])(const struct slots *, const struct sample *,
                                              struct table_spot *, uint32_t) = {
#define PLACE_ROW(word, needs) [HASH_##word] = place_by_##word,
    HASH_PATHS(PLACE_ROW)
};
