/* fuzz_spool: a folder with files of any bytes, as a spool finds it at its start.
 *
 * The first byte says what is made of the rest: 's' puts right the checksums of the header
 * and of the bytes behind it, so that what they guard is reached; any other leaves the
 * bytes as they are. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "flush/delivery/spool.h"

enum { HEADER_SIZE = 64, FILE_SIZE_MAX = 1 << 16 };

static const char name[] = "000001700000020-0000000000000001.payload";
static char folder[] = "/tmp/heeler-fuzz-XXXXXX";
static int folder_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void remove_folder(void)
{
    unlinkat(folder_fd, name, 0);
    unlinkat(folder_fd, "lock", 0);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (mkdtemp(folder) == NULL)
        abort();
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    atexit(remove_folder);
    return 0;
}

static void put(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static void set_right(uint8_t *file, size_t size)
{
    if (size < HEADER_SIZE)
        return;
    memcpy(file, "HEELER\0\1", 8);
    put(file + 40, size - HEADER_SIZE);
    put(file + 48, XXH3_64bits(file + HEADER_SIZE, size - HEADER_SIZE));
    put(file + 56, XXH3_64bits(file, 56));
}

static void write_file(const uint8_t *at, size_t size)
{
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, at, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void read_all(struct spool *spool, const struct spool_scan *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct spool_file *file = &found->files[i];
        struct payload *payload, *halves[2];

        if (spool_read(spool, file->created_s, file->number, &payload) != SPOOL_READ)
            continue;
        if (payload->points != file->points || payload->size != file->size ||
            payload->points > payload->raw_size)
            abort();
        if (payload_split(payload, halves) == SPLIT_DONE) { /* as after 413 */
            payload_free(halves[0]);
            payload_free(halves[1]);
        }
        payload_free(payload);
        spool_remove(spool, file->created_s, file->number, file->size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[FILE_SIZE_MAX];
    struct spool_limits limits = { 1 << 20, 1.0 };
    struct spool_scan found;
    struct spool spool;
    const char *problem;

    if (size == 0 || size > FILE_SIZE_MAX)
        return 0;
    memcpy(file, data + 1, size - 1);
    if (data[0] == 's')
        set_right(file, size - 1);
    write_file(file, size - 1);
    if (!spool_open(&spool, folder, limits, &problem) || !spool_scan(&spool, &found))
        abort();
    if (found.n + found.damaged != 1)
        abort();
    read_all(&spool, &found);
    if (found.n == 0 && spool.bytes != 0)
        abort();
    free(found.files);
    spool_close(&spool);
    return 0;
}
