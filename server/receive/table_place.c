/* A group of samples is hashed in one function, so nothing is called for a line. */
#include "server/receive/fingerprint_internal.h"
#include "server/receive/table_internal.h"

#define PLACE(word, needs)                                                           \
    FOR_##word static void place_by_##word(const struct slots *slots,                \
                                           const struct sample *samples,             \
                                           struct table_spot *spots, uint32_t n)     \
    {                                                                                \
        for (uint32_t i = 0; i < n; i++) {                                           \
            const struct sample *sample = &samples[i];                               \
                                                                                     \
            spots[i].print =                                                         \
                hash_##word(sample->name, sample->tags, cell_kind_of(sample->type)); \
            __builtin_prefetch(slots_home(slots, spots[i].print));                   \
        }                                                                            \
    }
HASH_PATHS(PLACE)

void (*const table_place_by[HASH_PATH_COUNT])(const struct slots *, const struct sample *,
                                              struct table_spot *, uint32_t) = {
#define PLACE_ROW(word, needs) [HASH_##word] = place_by_##word,
    HASH_PATHS(PLACE_ROW)
};
