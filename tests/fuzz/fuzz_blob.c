/* Any bytes as a blob that comes back from Redis: refused, or what they hold is written
 * and read back as the same. */
#include <stdint.h>
#include <stdlib.h>

#include "flush/values/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_budget budget;
    struct arena arena;
    struct bytes out = { 0 };

    arena_budget_init(&budget, 16 << 20);
    arena_init(&arena, &budget);
    struct sketch *sketch = blob_sketch(data, size, &arena);
    struct distinct *distinct = blob_distinct(data, size, &arena);

    if (sketch != NULL && (!blob_put_sketch(&out, sketch, &arena) ||
                           blob_sketch(out.at, out.len, &arena) == NULL))
        abort();
    bytes_clear(&out);
    if (distinct != NULL) {
        blob_put_distinct(&out, distinct);
        if (blob_distinct(out.at, out.len, &arena) == NULL)
            abort();
    }
    bytes_free(&out);
    arena_free(&arena);
    return 0;
}
