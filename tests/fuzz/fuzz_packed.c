/* fuzz_packed: any bytes as what a row of the history holds. The first byte says which: i the
 * ids, o the objects, any other one of the columns, which must give numbers that are written
 * and read back as the same. Then how many series there are, less one: two bytes. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "flush/history/packed.h"
#include "flush/history/squeeze.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 3 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void read_ids(struct slice bytes, uint32_t n)
{
    uint32_t ids[PACKED_SERIES_MAX];

    if (!packed_ids(bytes, n, ids))
        return;
    for (uint32_t i = 1; i < n; i++)
        check(ids[i] > ids[i - 1]);
}

static void read_objects(struct slice bytes, uint32_t n)
{
    struct packed_object object;
    uint32_t next_place = 0, before = 0;

    while (bytes.len > 0 && packed_next_object(&bytes, &next_place, n, &object)) {
        check(object.place < n && object.place >= before && object.bytes.len > 0);
        check(object.bytes.at + object.bytes.len == bytes.at);
        before = object.place + 1;
    }
}

static void put_again(const double *values, size_t n)
{
    uint8_t bytes[SQUEEZE_BYTES_MAX];
    double back[SQUEEZE_VALUES];
    struct slice from = { (const char *)bytes,
                          (size_t)(squeeze_put(values, NULL, n, bytes) - bytes) };

    check(squeeze_get(&from, NULL, n, back) && from.len == 0);
    check(memcmp(back, values, n * sizeof *values) == 0);
}

static void read_column(struct slice bytes, enum window_column column, uint32_t n)
{
    static const double sums[PACKED_SERIES_MAX] = { 1 };
    double values[PACKED_SERIES_MAX];

    if (!packed_column(bytes, column, n, sums, values))
        return;
    for (uint32_t i = 0; i < n; i++)
        check(isfinite(values[i]));
    for (uint32_t i = 0; i < n; i += SQUEEZE_VALUES)
        put_again(values + i, n - i < SQUEEZE_VALUES ? n - i : SQUEEZE_VALUES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD)
        return 0;
    uint32_t n = 1 + (data[1] | (uint32_t)data[2] << 8);
    struct slice bytes = { (const char *)data + HEAD, size - HEAD };

    if (data[0] == 'i')
        read_ids(bytes, n);
    else if (data[0] == 'o')
        read_objects(bytes, n <= PACKED_SERIES_MAX ? n : PACKED_SERIES_MAX);
    else
        read_column(bytes, (enum window_column)(data[0] % WINDOW_COLUMNS), n);
    return 0;
}
