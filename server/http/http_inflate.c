#include "server/http/http_inflate.h"

#include <zlib.h>
#include <zstd.h>

/* What zlib looks for: a header of gzip, one of its own, or none (which some send as deflate
 * too). */
enum { WINDOW_GZIP = 15 + 16, WINDOW_ZLIB = 15, WINDOW_RAW = -15 };
enum { STEP = 64 * 1024 };

/* A frame that wants more memory for its window than that is refused. */
enum { ZSTD_WINDOW_LOG_MAX = 23 };

static bool is_gzip(struct slice encoding)
{
    return http_same_word(encoding, SLICE("gzip")) || http_same_word(encoding, SLICE("x-gzip"));
}

static bool is_zstd(struct slice encoding)
{
    return http_same_word(encoding, SLICE("zstd")) || http_same_word(encoding, SLICE("zstd1"));
}

bool http_inflate_knows(struct slice encoding)
{
    return is_gzip(encoding) || is_zstd(encoding) || http_same_word(encoding, SLICE("deflate"));
}

/* ---- zlib -------------------------------------------------------------- */

/* One step into room of its own; *done: the whole of it is there. Several members of gzip may
 * follow each other. */
static int step(z_stream *zlib, struct bytes *out, size_t left, bool *done)
{
    size_t size = left < STEP ? left + 1 : STEP; /* one more tells that it is too much */
    unsigned char *room = bytes_room(out, size);

    if (room == NULL)
        return 503;
    zlib->next_out = room;
    zlib->avail_out = (uInt)size;
    int result = inflate(zlib, Z_NO_FLUSH);
    size_t made = size - zlib->avail_out;
    out->len += made;
    if (made > left)
        return 413;
    if (result == Z_STREAM_END && zlib->avail_in > 0)
        return inflateReset(zlib) == Z_OK ? 0 : 400;
    *done = result == Z_STREAM_END;
    return result == Z_MEM_ERROR ? 503 : result != Z_OK && result != Z_STREAM_END ? 400 : 0;
}

static int inflate_with(struct bytes *out, int window, struct slice body, size_t max)
{
    z_stream zlib = { .next_in = (unsigned char *)(uintptr_t)body.at,
                      .avail_in = (uInt)body.len };
    size_t before = out->len;
    bool done = false;
    int status = 0;

    if (inflateInit2(&zlib, window) != Z_OK)
        return 503;
    while (status == 0 && !done)
        status = step(&zlib, out, max - (out->len - before), &done);
    inflateEnd(&zlib);
    if (status != 0)
        out->len = before;
    return status;
}

/* ---- zstd -------------------------------------------------------------- */

/* One step into room of its own; *open: 0 when no frame is begun that has not ended. */
static int step_zstd(ZSTD_DCtx *context, ZSTD_inBuffer *in, struct bytes *out, size_t room_left,
                     size_t *open)
{
    size_t size = room_left < STEP ? room_left + 1 : STEP;
    unsigned char *room = bytes_room(out, size);

    if (room == NULL)
        return 503;
    ZSTD_outBuffer to = { room, size, 0 };

    *open = ZSTD_decompressStream(context, &to, in);
    if (ZSTD_isError(*open))
        return 400;
    out->len += to.pos;
    if (to.pos > room_left)
        return 413;
    if (in->pos < in->size || to.pos == size)
        return 0;
    return *open == 0 ? 0 : 400; /* it was cut off */
}

static int inflate_zstd(struct bytes *out, struct slice body, size_t max)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = { body.at, body.len, 0 };
    size_t before = out->len, open = 1;
    int status = 0;

    if (context == NULL)
        return 503;
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    while (status == 0 && (open != 0 || in.pos < in.size))
        status = step_zstd(context, &in, out, max - (out->len - before), &open);
    ZSTD_freeDCtx(context);
    if (status != 0)
        out->len = before;
    return status;
}

int http_inflate(struct bytes *out, struct slice encoding, struct slice body, size_t max)
{
    if (is_zstd(encoding))
        return inflate_zstd(out, body, max);
    if (!http_inflate_knows(encoding))
        return 415;
    if (is_gzip(encoding))
        return inflate_with(out, WINDOW_GZIP, body, max);
    int status = inflate_with(out, WINDOW_ZLIB, body, max);
    return status == 400 ? inflate_with(out, WINDOW_RAW, body, max) : status;
}
