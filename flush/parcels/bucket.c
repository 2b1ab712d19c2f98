#include "flush/parcels/bucket.h"

#include <stdlib.h>

#include "flush/memory/pages.h"

void bucket_free(struct bucket *given)
{
    pages_unmap(given->cells, given->mapped_bytes);
    arena_free(&given->arena);
    free(given->retired);
    free(given);
}
