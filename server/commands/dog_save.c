#include "server/commands/dog_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

enum { WRITE_BYTES = 64 * 1024 };

struct dog_save {
    FILE *file;
    ZSTD_CStream *zstd; /* NULL: it is not compressed */
    int error;          /* 0, or errno of what failed first */
    char *out;          /* what was compressed, WRITE_BYTES */
};

static void fail(struct dog_save *save, int error)
{
    if (save->error == 0)
        save->error = error != 0 ? error : EIO;
}

static void write_out(struct dog_save *save, const void *at, size_t n)
{
    errno = 0;
    if (n > 0 && fwrite(at, 1, n, save->file) != n)
        fail(save, errno);
}

static void deflate(struct dog_save *save, const void *at, size_t n, ZSTD_EndDirective how)
{
    ZSTD_inBuffer in = { at, n, 0 };
    size_t left;

    do {
        ZSTD_outBuffer out = { save->out, WRITE_BYTES, 0 };

        left = ZSTD_compressStream2(save->zstd, &out, &in, how);
        if (ZSTD_isError(left))
            fail(save, ENOMEM);
        else
            write_out(save, save->out, out.pos);
    } while (save->error == 0 && (how == ZSTD_e_continue ? in.pos < in.size : left > 0));
}

static void add(struct dog_save *save, const void *at, size_t n)
{
    if (save->error != 0)
        return;
    if (save->zstd != NULL)
        deflate(save, at, n, ZSTD_e_continue);
    else
        write_out(save, at, n);
}

static void save_free(struct dog_save *given)
{
    if (given->file != NULL)
        fclose(given->file);
    ZSTD_freeCStream(given->zstd);
    free(given->out);
    free(given);
}

static bool open_parts(struct dog_save *save, const char *path, bool compressed)
{
    if (compressed) {
        save->zstd = ZSTD_createCStream();
        save->out = malloc(WRITE_BYTES);
        errno = ENOMEM;
        if (save->zstd == NULL || save->out == NULL)
            return false;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    save->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (fd >= 0 && save->file == NULL)
        close(fd);
    return save->file != NULL;
}

struct dog_save *dog_save_new(const char *path, bool compressed)
{
    struct dog_save *save = calloc(1, sizeof *save);
    unsigned char header[DOG_HEADER_BYTES];

    if (save == NULL)
        return NULL;
    if (!open_parts(save, path, compressed)) {
        int error = errno;

        save_free(save);
        errno = error;
        return NULL;
    }
    dog_write_header(header);
    add(save, header, sizeof header);
    return save;
}

void dog_save_add(struct dog_save *save, const struct dog_record *record)
{
    unsigned char front[DOG_FRONT_MAX];

    add(save, front, dog_write_front(record, front));
    add(save, record->payload.at, record->payload.len);
}

bool dog_save_flush(struct dog_save *save)
{
    if (save->error == 0 && save->zstd != NULL)
        deflate(save, NULL, 0, ZSTD_e_flush);
    if (save->error == 0 && fflush(save->file) != 0)
        fail(save, errno);
    errno = save->error;
    return save->error == 0;
}

bool dog_save_end(struct dog_save *given)
{
    unsigned char end[DOG_END_BYTES];

    dog_write_end(end);
    add(given, end, sizeof end);
    if (given->error == 0 && given->zstd != NULL)
        deflate(given, NULL, 0, ZSTD_e_end);
    (void)dog_save_flush(given);
    int error = given->error;
    FILE *file = given->file;

    given->file = NULL;
    if (fclose(file) != 0 && error == 0)
        error = errno;
    save_free(given);
    errno = error;
    return error == 0;
}
