/* fuzz_dog: any bytes as a capture file, plain or compressed as they say themselves. With a
 * first byte 'z' the rest is compressed, so that what is behind that is reached. What was read
 * is written anew, and must be read as the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "server/commands/dog_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_anew(const struct dog_record *record)
{
    size_t len = record->note.is_there ? 0 : record->payload.len, at;
    unsigned char *out = malloc(DOG_FRONT_MAX + len);
    struct dog_record again;

    if (out == NULL)
        abort();
    size_t front = dog_write_front(record, out);
    if (len > 0)
        memcpy(out + front, record->payload.at, len);
    uint32_t whole = dog_read_size(out);
    if (whole == 0 || whole != front - DOG_SIZE_BYTES + len ||
        dog_read_record((struct slice){ (char *)out + DOG_SIZE_BYTES, whole }, DOG_VERSION,
                        &again, &at) != NULL ||
        again.time_ns != record->time_ns || again.pid != record->pid ||
        again.payload.len != len ||
        (len > 0 && memcmp(again.payload.at, record->payload.at, len) != 0))
        abort();
    free(out);
}

static void read_all(FILE *given)
{
    struct dog_file *file = dog_file_new(given);
    struct dog_record record;
    uint64_t offset = 0;

    if (file == NULL)
        abort();
    while (dog_file_next(file, &record) == DOG_RECORD) {
        if (dog_file_offset(file) <= offset || record.time_ns < 0)
            abort();
        offset = dog_file_offset(file);
        write_anew(&record);
    }
    if (dog_file_next(file, &record) == DOG_BAD && dog_file_problem(file)[0] == '\0')
        abort();
    dog_file_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t bound = ZSTD_compressBound(size);
    char *room = malloc(bound > 0 ? bound : 1);
    size_t n = size;

    if (room == NULL)
        abort();
    if (size > 0 && data[0] == 'z')
        n = ZSTD_compress(room, bound, data + 1, size - 1, 1);
    else if (size > 0)
        memcpy(room, data, size);
    FILE *memory = n > 0 ? fmemopen(room, n, "r") : NULL;
    if (memory != NULL)
        read_all(memory);
    free(room);
    return 0;
}
