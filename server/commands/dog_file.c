#include "server/commands/dog_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zstd.h>

enum { READ_BYTES = 64 * 1024 };

struct dog_file {
    FILE *file;         /* owned */
    ZSTD_DStream *zstd; /* NULL: it is not compressed */
    char *read;         /* what was read of the file last, READ_BYTES */
    ZSTD_inBuffer in;
    uint64_t taken;
    bool frame_is_open;
    bool is_begun;
    int version;
    uint64_t offset; /* of what is held: behind what was taken */
    char *record;    /* DOG_RECORD_MAX */
    enum dog_step last;
    char problem[160];
};

__attribute__((format(printf, 3, 4))) static enum dog_step bad(struct dog_file *file,
                                                               uint64_t at, const char *format,
                                                               ...)
{
    va_list arguments;
    int n = snprintf(file->problem, sizeof file->problem, "byte %" PRIu64 ": ", at);

    va_start(arguments, format);
    vsnprintf(file->problem + n, sizeof file->problem - (size_t)n, format, arguments);
    va_end(arguments);
    return file->last = DOG_BAD;
}

/* ---- bytes ------------------------------------------------------------- */

/* Reads more of the file where nothing is left. False: there is no more. */
static bool fill(struct dog_file *file)
{
    if (file->in.pos < file->in.size)
        return true;
    file->in.pos = 0;
    file->in.size = fread(file->read, 1, READ_BYTES, file->file);
    file->taken += file->in.size;
    return file->in.size > 0;
}

static size_t take_plain(struct dog_file *file, char *out, size_t n)
{
    size_t left = file->in.size - file->in.pos, taken = n < left ? n : left;

    memcpy(out, file->read + file->in.pos, taken);
    file->in.pos += taken;
    return taken;
}

/* *failed: what is compressed is damaged. */
static size_t inflate_some(struct dog_file *file, char *out, size_t n, bool *failed)
{
    ZSTD_outBuffer to = { out, n, 0 };
    size_t left = ZSTD_decompressStream(file->zstd, &to, &file->in);

    *failed = ZSTD_isError(left);
    file->frame_is_open = left != 0;
    return *failed ? 0 : to.pos;
}

/* As many as there are. What is compressed may hold more than was read of it, so it is asked
 * before more is read. */
static size_t take(struct dog_file *file, char *out, size_t n, bool *failed)
{
    size_t done = 0;

    *failed = false;
    while (done < n && !*failed) {
        size_t more = 0;

        if (file->zstd != NULL && (file->frame_is_open || file->in.pos < file->in.size))
            more = inflate_some(file, out + done, n - done, failed);
        if (more == 0 && !*failed) {
            if (!fill(file))
                break;
            if (file->zstd == NULL)
                more = take_plain(file, out + done, n - done);
        }
        done += more;
    }
    file->offset += done;
    return done;
}

/* All n bytes; else why not: DOG_BAD. *none: the file ends before the first of them. */
static bool take_all(struct dog_file *file, void *out, size_t n, const char *what, bool *none)
{
    uint64_t at = file->offset;
    bool failed;
    size_t got = take(file, out, n, &failed);

    *none = got == 0 && !failed && !ferror(file->file) && !file->frame_is_open;
    if (got == n)
        return true;
    if (failed)
        bad(file, file->offset, "what is compressed is damaged behind this");
    else if (ferror(file->file))
        bad(file, file->offset, "the rest cannot be read: %s", strerror(errno));
    else
        bad(file, file->offset, "the file ends amid %s that begins at byte %" PRIu64, what, at);
    return false;
}

/* ---- begin and end ----------------------------------------------------- */

struct dog_file *dog_file_new(FILE *given)
{
    struct dog_file *file = calloc(1, sizeof *file);

    if (file != NULL) {
        file->file = given;
        file->read = malloc(READ_BYTES);
        file->record = malloc(DOG_RECORD_MAX);
        file->in.src = file->read;
    }
    if (file != NULL && file->read != NULL && file->record != NULL)
        return file;
    if (file == NULL)
        fclose(given);
    dog_file_free(file);
    return NULL;
}

void dog_file_free(struct dog_file *given)
{
    if (given == NULL)
        return;
    fclose(given->file);
    ZSTD_freeDStream(given->zstd);
    free(given->read);
    free(given->record);
    free(given);
}

const char *dog_file_problem(const struct dog_file *file)
{
    return file->problem;
}

uint64_t dog_file_taken(const struct dog_file *file)
{
    return file->taken - (file->in.size - file->in.pos);
}

uint64_t dog_file_offset(const struct dog_file *file)
{
    return file->offset;
}

/* ---- steps ------------------------------------------------------------- */

/* The first byte of zstd's magic number is none of ours. */
static bool begin_zstd(struct dog_file *file)
{
    if (!fill(file) || file->read[0] != 0x28)
        return true;
    file->zstd = ZSTD_createDStream();
    return file->zstd != NULL;
}

static bool begin(struct dog_file *file)
{
    unsigned char header[DOG_HEADER_BYTES];
    bool none;

    file->is_begun = true;
    if (!begin_zstd(file)) {
        bad(file, 0, "not enough memory");
        return false;
    }
    if (!take_all(file, header, sizeof header, "the header", &none)) {
        if (none)
            bad(file, 0, "the file is empty");
        return false;
    }
    file->version = dog_version(header);
    if (file->version != 0)
        return true;
    bad(file, 0, "this is no capture file of version 1 to %d", DOG_VERSION);
    return false;
}

/* Behind the last record: the state, which is not ours to know, and its size. */
static enum dog_step skip_state(struct dog_file *file)
{
    uint64_t begins = file->offset, n = 0;
    unsigned char tail[DOG_SIZE_BYTES] = { 0 };
    bool failed;

    if (file->version < DOG_STATE_SINCE_VERSION)
        return file->last = DOG_END;
    for (size_t got; (got = take(file, file->record, READ_BYTES, &failed)) > 0; n += got) {
        size_t kept = got < sizeof tail ? got : sizeof tail;

        memmove(tail, tail + kept, sizeof tail - kept);
        memcpy(tail + sizeof tail - kept, file->record + got - kept, kept);
    }
    if (failed)
        return bad(file, file->offset, "what is compressed is damaged behind this");
    if (file->frame_is_open || n < sizeof tail || dog_read_size(tail) != n - sizeof tail)
        return bad(file, file->offset,
                   "the file ends amid the state that begins at byte %" PRIu64, begins);
    return file->last = DOG_END;
}

/* Where a record should begin there is nothing any more. */
static enum dog_step end_bare(struct dog_file *file)
{
    if (file->version < DOG_STATE_SINCE_VERSION)
        return file->last = DOG_END;
    return bad(file, file->offset, "the file ends here, before its end was written");
}

enum dog_step dog_file_next(struct dog_file *file, struct dog_record *out)
{
    unsigned char size_bytes[DOG_SIZE_BYTES];
    bool none;
    size_t at;

    if (file->last != DOG_RECORD || (!file->is_begun && !begin(file)))
        return file->last;
    uint64_t begins = file->offset;
    if (!take_all(file, size_bytes, sizeof size_bytes, "the size of a record", &none))
        return none ? end_bare(file) : file->last;
    uint32_t size = dog_read_size(size_bytes);
    if (size == 0)
        return skip_state(file);
    if (size > DOG_RECORD_MAX)
        return bad(file, begins, "a record of %" PRIu32 " bytes, more than any has", size);
    if (!take_all(file, file->record, size, "a record", &none))
        return file->last;
    const char *why =
        dog_read_record((struct slice){ file->record, size }, file->version, out, &at);
    if (why != NULL)
        return bad(file, begins + sizeof size_bytes + at, "%s", why);
    return DOG_RECORD;
}
