/* flush/memory/state.c
 *
 *    0  8  magic
 *    8  4  version          12  4  parts
 *   16  8  size of the file
 *   24  8  checksum (XXH3-64) of everything behind the head
 *   32  8  checksum of the head up to here
 *   40     the parts, then for each of them in the directory: kind, offset, length */
#include "flush/memory/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/files.h"
#include "flush/memory/wire.h"

enum { HEAD_SIZE = 40, HEAD_CHECKED = 32, ENTRY_SIZE = 24, BUFFER_SIZE = 64 * 1024 };

static const char magic[8] = { 'H', 'E', 'E', 'L', 'E', 'R', 'S', 'T' };

struct entry {
    uint64_t part, offset, len;
};

struct state_writer {
    int fd;
    bool failed, complete;
    uint64_t written; /* of the file, what is in the buffer too */
    size_t n;         /* in the buffer */
    XXH3_state_t *hash;
    struct entry entries[STATE_PARTS];
    uint32_t n_entries;
    bool open;                 /* the last entry */
    XXH3_state_t *hash_before; /* as it was when the last part was begun */
    bool failed_before;
    unsigned char buffer[BUFFER_SIZE];
};

/* ---- writing ----------------------------------------------------------- */

struct state_writer *state_writer_new(void)
{
    static const unsigned char no_head[HEAD_SIZE];
    struct state_writer *writer = malloc(sizeof *writer);

    if (writer == NULL)
        return NULL;
    writer->fd = memfd_create("heeler-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    writer->hash = XXH3_createState();
    writer->hash_before = XXH3_createState();
    writer->failed = writer->complete = false;
    writer->written = HEAD_SIZE;
    writer->n = 0;
    writer->n_entries = 0;
    writer->open = false;
    if (writer->fd < 0 || writer->hash == NULL || writer->hash_before == NULL ||
        write(writer->fd, no_head, sizeof no_head) != (ssize_t)sizeof no_head) {
        state_writer_free(writer);
        return NULL;
    }
    XXH3_64bits_reset(writer->hash);
    return writer;
}

void state_writer_free(struct state_writer *given)
{
    if (given == NULL)
        return;
    if (given->fd >= 0)
        close(given->fd);
    XXH3_freeState(given->hash);
    XXH3_freeState(given->hash_before);
    free(given);
}

static void empty_buffer(struct state_writer *writer)
{
    if (!writer->failed && writer->n > 0) {
        XXH3_64bits_update(writer->hash, writer->buffer, writer->n);
        writer->failed = files_write(writer->fd, writer->buffer, writer->n) < writer->n;
    }
    writer->n = 0;
}

bool state_settle(struct state_writer *writer)
{
    empty_buffer(writer);
    return !writer->failed;
}

void state_put(struct state_writer *writer, const void *at, size_t len)
{
    const unsigned char *from = at;

    while (len > 0 && !writer->failed) {
        size_t room = sizeof writer->buffer - writer->n, part = len < room ? len : room;

        memcpy(writer->buffer + writer->n, from, part);
        writer->n += part;
        writer->written += part;
        from += part;
        len -= part;
        if (writer->n == sizeof writer->buffer)
            empty_buffer(writer);
    }
}

static void end_part(struct state_writer *writer)
{
    if (!writer->open)
        return;
    struct entry *last = &writer->entries[writer->n_entries - 1];

    last->len = writer->written - last->offset;
    writer->open = false;
}

void state_begin(struct state_writer *writer, enum state_part part)
{
    end_part(writer);
    empty_buffer(writer); /* so that the part begins where the file ends */
    XXH3_copyState(writer->hash_before, writer->hash);
    writer->failed_before = writer->failed;
    writer->entries[writer->n_entries++] = (struct entry){ part, writer->written, 0 };
    writer->open = true;
}

bool state_has(const struct state_writer *writer, enum state_part part)
{
    for (uint32_t i = 0; i < writer->n_entries; i++)
        if (writer->entries[i].part == (uint64_t)part)
            return true;
    return false;
}

void state_cancel(struct state_writer *writer)
{
    off_t start = (off_t)writer->entries[--writer->n_entries].offset;

    writer->n = 0;
    writer->open = writer->complete = false;
    writer->written = (uint64_t)start;
    XXH3_copyState(writer->hash, writer->hash_before);
    writer->failed = writer->failed_before || ftruncate(writer->fd, start) != 0 ||
                     lseek(writer->fd, start, SEEK_SET) != start;
}

void state_put_number(struct state_writer *writer, uint64_t number)
{
    uint8_t text[VARINT_MAX];

    state_put(writer, text, (size_t)(varint_put(text, number) - text));
}

void state_put_signed(struct state_writer *writer, int64_t number)
{
    state_put_number(writer, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

void state_put_double(struct state_writer *writer, double number)
{
    state_put(writer, &number, sizeof number);
}

void state_put_text(struct state_writer *writer, struct slice text)
{
    state_put_number(writer, text.len);
    state_put(writer, text.at, text.len);
}

static void put_directory(struct state_writer *writer)
{
    unsigned char entry[ENTRY_SIZE];

    for (uint32_t i = 0; i < writer->n_entries; i++) {
        fixed_put(entry, writer->entries[i].part, 8);
        fixed_put(entry + 8, writer->entries[i].offset, 8);
        fixed_put(entry + 16, writer->entries[i].len, 8);
        state_put(writer, entry, sizeof entry);
    }
}

static bool put_head(struct state_writer *writer)
{
    unsigned char head[HEAD_SIZE];

    memcpy(head, magic, sizeof magic);
    fixed_put(head + 8, STATE_VERSION, 4);
    fixed_put(head + 12, writer->n_entries, 4);
    fixed_put(head + 16, writer->written, 8);
    fixed_put(head + 24, XXH3_64bits_digest(writer->hash), 8);
    fixed_put(head + 32, XXH3_64bits(head, HEAD_CHECKED), 8);
    return pwrite(writer->fd, head, sizeof head, 0) == sizeof head;
}

bool state_complete(struct state_writer *writer)
{
    if (writer->complete)
        return true;
    end_part(writer);
    put_directory(writer);
    writer->complete = state_settle(writer) && put_head(writer);
    writer->failed = !writer->complete;
    return writer->complete;
}

int state_writer_end(struct state_writer *given)
{
    enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
    int fd = -1;

    if (state_complete(given) && fcntl(given->fd, F_ADD_SEALS, SEALS) == 0) {
        fd = given->fd;
        given->fd = -1;
    }
    state_writer_free(given);
    return fd;
}

/* ---- reading ----------------------------------------------------------- */

static bool refuse(char *problem, size_t problem_size, const char *sentence)
{
    snprintf(problem, problem_size, "%s", sentence);
    return false;
}

static bool find_parts(struct state *state, uint64_t n)
{
    uint32_t version = (uint32_t)fixed_get(state->at + 8, 4);
    const uint8_t *entry = state->at + state->size - n * ENTRY_SIZE;

    for (uint64_t i = 0; i < n; i++, entry += ENTRY_SIZE) {
        uint64_t part = fixed_get(entry, 8), offset = fixed_get(entry + 8, 8),
                 len = fixed_get(entry + 16, 8);

        if (part >= STATE_PARTS || offset < HEAD_SIZE || offset > state->size ||
            len > state->size - offset || state->parts[part].at != NULL)
            return false;
        state->parts[part] = (struct state_reader){ state->at + offset,
                                                    state->at + offset + len, false, version };
    }
    return true;
}

bool state_open(struct state *state, const uint8_t *at, size_t size, char *problem,
                size_t problem_size)
{
    *state = (struct state){ .at = at, .size = size };
    if (size < HEAD_SIZE || memcmp(at, magic, sizeof magic) != 0)
        return refuse(problem, problem_size, "it is no state of heeler's, or cut off");
    uint64_t version = fixed_get(at + 8, 4);

    if (version < STATE_VERSION_READ || version > STATE_VERSION) {
        snprintf(problem, problem_size, "it is of version %u, and this program reads %d to %d",
                 (unsigned)version, STATE_VERSION_READ, STATE_VERSION);
        return false;
    }
    if (fixed_get(at + 32, 8) != XXH3_64bits(at, HEAD_CHECKED))
        return refuse(problem, problem_size, "it is damaged: the head's checksum is wrong");
    uint64_t n = fixed_get(at + 12, 4);

    if (fixed_get(at + 16, 8) != size || n > STATE_PARTS || size < HEAD_SIZE + n * ENTRY_SIZE)
        return refuse(problem, problem_size, "it is cut off");
    if (fixed_get(at + 24, 8) != XXH3_64bits(at + HEAD_SIZE, size - HEAD_SIZE))
        return refuse(problem, problem_size, "it is damaged: the checksum is wrong");
    return find_parts(state, n) ||
           refuse(problem, problem_size, "it is damaged: the directory leads nowhere");
}

bool state_map(struct state *state, int fd, char *problem, size_t problem_size)
{
    enum { SEALS = F_SEAL_SHRINK | F_SEAL_WRITE };
    struct stat stat;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &stat) != 0 || stat.st_size == 0)
        return refuse(problem, problem_size, "it is no sealed file in memory");
    void *at = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return refuse(problem, problem_size, "not enough memory to look at it");
    if (!state_open(state, at, (size_t)stat.st_size, problem, problem_size)) {
        munmap(at, (size_t)stat.st_size);
        return false;
    }
    state->mapped = true;
    atomic_store_explicit(&state->users, 1, memory_order_relaxed);
    return true;
}

void state_use(struct state *state)
{
    atomic_fetch_add_explicit(&state->users, 1, memory_order_relaxed);
}

void state_done(struct state *state)
{
    if (atomic_fetch_sub_explicit(&state->users, 1, memory_order_acq_rel) == 1 && state->mapped)
        munmap((void *)(uintptr_t)state->at, state->size);
}

const uint8_t *state_get(struct state_reader *reader, size_t len)
{
    const uint8_t *at = reader->at;

    if (reader->failed || len > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return NULL;
    }
    reader->at += len;
    return at;
}

uint64_t state_get_number(struct state_reader *reader)
{
    uint64_t number;

    if (!reader->failed && varint_get(&reader->at, reader->end, &number))
        return number;
    reader->failed = true;
    return 0;
}

int64_t state_get_signed(struct state_reader *reader)
{
    uint64_t number = state_get_number(reader);

    return (int64_t)(number >> 1 ^ ((number & 1) != 0 ? UINT64_MAX : 0));
}

double state_get_double(struct state_reader *reader)
{
    const uint8_t *at = state_get(reader, sizeof(double));
    double number = 0;

    if (at != NULL)
        memcpy(&number, at, sizeof number);
    return number;
}

struct slice state_get_text(struct state_reader *reader)
{
    size_t len = state_get_count(reader, 1);
    const uint8_t *at = state_get(reader, len);

    return at != NULL ? (struct slice){ (const char *)at, len } : (struct slice){ "", 0 };
}

size_t state_get_count(struct state_reader *reader, size_t least_bytes)
{
    uint64_t n = state_get_number(reader);

    if (!reader->failed && n <= (size_t)(reader->end - reader->at) / least_bytes)
        return (size_t)n;
    reader->failed = true;
    return 0;
}
