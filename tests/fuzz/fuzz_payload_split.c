/* fuzz_payload_split: any bytes as a payload that was too large, of any route and
 * compression. What is cut counts together for what the whole does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flush/payloads/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct payload *payload_of(const uint8_t *data, size_t size, uint8_t how)
{
    struct payload *payload = calloc(1, sizeof *payload + size);

    if (payload == NULL)
        abort();
    payload->route = how % ROUTE_COUNT;
    payload->compression = how / ROUTE_COUNT % COMPRESSION_COUNT;
    payload->size = size;
    payload->raw_size = payload->compression == COMPRESSION_NONE ? size : size * 4;
    memcpy(payload->bytes, data, size);
    return payload;
}

/* Only who counts right is split: tries numbers until one is right. */
static void split_down(struct payload *given)
{
    struct payload *halves[2] = { NULL, NULL };
    uint32_t points = given->points;
    enum payload_split split = payload_split(given, halves);

    for (given->points = 0; split == SPLIT_DAMAGED && given->points < 16; given->points++)
        split = payload_split(given, halves);
    if (split == SPLIT_DONE) {
        points = halves[0]->points + halves[1]->points;
        if (halves[0]->items == 0 || halves[1]->items == 0 || points > given->raw_size)
            abort();
        split_down(halves[0]);
        split_down(halves[1]);
    }
    payload_free(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        split_down(payload_of(data + 1, size - 1, data[0]));
    return 0;
}
