/* flush/payloads/payload.c: items into compressed payloads, streaming.
 *
 *   item -> [compressor, reset and used again] -> open payload -> emit
 *
 *   open->bytes:  | certain: flushed by the compressor | at worst: bound(pending) |
 *                 0                                  flushed            <= max_compressed
 *
 * Room for the worst case is taken before a byte goes in, and the compressor
 * gets all its memory when it is made: compressing an item cannot fail, so no
 * item that was accepted is ever lost with its payload. */
#include "flush/payloads/payload.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
    /* 0.5 MB of compressor instead of 1.4 MB, and level 1 packs series no worse. */
    ZSTD_WINDOW_LOG = 16,
    /* Frame header and end, and what each forced block costs beside its bound. */
    FRAMING = 64,
    /* With less than this between two looks a forced block is not worth it. */
    MIN_BLOCK = 1024,
    FIRST_CAPACITY = 4096,
    GZIP_WRAPPER = 16, /* added to zlib's window bits: RFC 1952 instead of 1950 */

    SANE_COMPRESSION = 33000,  /* at best zstd makes four bytes of a block of 128 KiB */
    LEAST_BYTES_OF_A_POINT = 4 /* protobuf: two heads, a time, and a value of zero */
};

struct compressor {
    enum compression kind;
    ZSTD_CCtx *zstd;
    z_stream zlib;
};

struct payload_writer {
    enum payload_route route;
    struct payload_limits limits;
    struct payload_frame frame; /* into text */
    struct slice list;          /* a view: the opening of the list that items stand in */
    bool turned;                /* no item of it is in the open payload yet */
    int64_t created_s;
    payload_emit *emit;
    void *argument;
    struct compressor compressor;
    struct payload *open; /* NULL: none */
    size_t capacity;      /* of open->bytes */
    size_t flushed;       /* open->size when the compressor was last flushed */
    size_t pending;       /* raw bytes given to it since */
    char text[];
};

void payload_free(struct payload *given)
{
    free(given);
}

bool payload_is_sane(const struct payload *payload)
{
    bool packed = payload->compression != COMPRESSION_NONE;

    return payload->size > 0 && payload->size <= PAYLOAD_BYTES_MAX &&
           payload->raw_size <= PAYLOAD_BYTES_MAX &&
           payload->raw_size <= payload->size * (packed ? SANE_COMPRESSION : 1) &&
           payload->items <= payload->raw_size &&
           payload->points <= payload->raw_size / LEAST_BYTES_OF_A_POINT;
}

const char *payload_route_path(enum payload_route route)
{
#define PAYLOAD_ROUTE_PATH(id, path, type, kind, door) path,
    static const char *const paths[] = { PAYLOAD_ROUTES(PAYLOAD_ROUTE_PATH) };
    return paths[route];
}

const char *payload_route_kind(enum payload_route route)
{
#define PAYLOAD_ROUTE_KIND(id, path, type, kind, door) kind,
    static const char *const kinds[] = { PAYLOAD_ROUTES(PAYLOAD_ROUTE_KIND) };
    return kinds[route];
}

const char *payload_route_content_type(enum payload_route route)
{
#define PAYLOAD_ROUTE_TYPE(id, path, type, kind, door) type,
    static const char *const types[] = { PAYLOAD_ROUTES(PAYLOAD_ROUTE_TYPE) };
    return types[route];
}

enum payload_door payload_route_door(enum payload_route route)
{
#define PAYLOAD_ROUTE_DOOR(id, path, type, kind, door) door,
    static const enum payload_door doors[] = { PAYLOAD_ROUTES(PAYLOAD_ROUTE_DOOR) };
    return doors[route];
}

bool payload_route_has_items(enum payload_route route)
{
    return route != ROUTE_TRACE_STATS;
}

bool payload_route_is_protobuf(enum payload_route route)
{
    return strcmp(payload_route_content_type(route), "application/x-protobuf") == 0;
}

const char *payload_content_encoding(enum compression compression)
{
#define COMPRESSION_ENCODING(id, word, encoding) encoding,
    static const char *const encodings[] = { COMPRESSIONS(COMPRESSION_ENCODING) };
    return encodings[compression];
}

/* ---- compressors ------------------------------------------------------- */

static bool zstd_open(struct compressor *compressor, int level)
{
    char scratch[FRAMING];
    ZSTD_outBuffer out = { scratch, sizeof scratch, 0 };
    ZSTD_inBuffer nothing = { NULL, 0, 0 };

    compressor->zstd = ZSTD_createCCtx();
    if (compressor->zstd == NULL)
        return false;
    ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG);
    /* A flush first, since only a frame of unknown length takes the whole workspace. */
    return !ZSTD_isError(
               ZSTD_compressStream2(compressor->zstd, &out, &nothing, ZSTD_e_flush)) &&
           !ZSTD_isError(ZSTD_compressStream2(compressor->zstd, &out, &nothing, ZSTD_e_end));
}

static bool compressor_open(struct compressor *compressor, enum compression kind, int level)
{
    int wrapper = kind == COMPRESSION_GZIP ? GZIP_WRAPPER : 0;

    compressor->kind = kind;
    switch (kind) {
    case COMPRESSION_ZSTD:
        return zstd_open(compressor, level);
    case COMPRESSION_ZLIB:
    case COMPRESSION_GZIP:
        return deflateInit2(&compressor->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                            MAX_WBITS + wrapper, MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) == Z_OK;
    default:
        return true;
    }
}

static void compressor_close(struct compressor *given)
{
    ZSTD_freeCCtx(given->zstd);
    deflateEnd(&given->zlib); /* fine for one that was never opened */
}

static void compressor_reset(struct compressor *compressor)
{
    if (compressor->kind == COMPRESSION_ZSTD)
        ZSTD_CCtx_reset(compressor->zstd, ZSTD_reset_session_only);
    else if (compressor->kind != COMPRESSION_NONE)
        deflateReset(&compressor->zlib);
}

/* The most that raw bytes can become. */
static size_t compressor_bound(struct compressor *compressor, size_t raw)
{
    switch (compressor->kind) {
    case COMPRESSION_ZSTD:
        return ZSTD_compressBound(raw) + FRAMING;
    case COMPRESSION_ZLIB:
    case COMPRESSION_GZIP:
        return deflateBound(&compressor->zlib, raw) + FRAMING;
    default:
        return raw;
    }
}

enum step { STEP_ADD, STEP_FLUSH, STEP_END };

/* Returns the bytes written at out, which has room for the bound. */
static size_t zstd_step(ZSTD_CCtx *zstd, struct slice raw, void *at, size_t room,
                        enum step step)
{
    static const ZSTD_EndDirective directives[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    ZSTD_inBuffer in = { raw.at, raw.len, 0 };
    ZSTD_outBuffer out = { at, room, 0 };
    size_t more;

    do
        more = ZSTD_compressStream2(zstd, &out, &in, directives[step]);
    while (!ZSTD_isError(more) && out.pos < out.size &&
           (in.pos < in.size || (step != STEP_ADD && more > 0)));
    return out.pos;
}

static size_t zlib_step(z_stream *zlib, struct slice raw, unsigned char *at, size_t room,
                        enum step step)
{
    static const int directives[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };

    /* zlib wants a pointer even to nothing, and one that may be written. */
    zlib->next_in = (unsigned char *)(uintptr_t)(raw.len > 0 ? raw.at : "");
    zlib->avail_in = (uInt)raw.len;
    zlib->next_out = at;
    zlib->avail_out = (uInt)room;
    deflate(zlib, directives[step]);
    return room - zlib->avail_out;
}

static size_t compressor_step(struct compressor *compressor, struct slice raw,
                              unsigned char *at, size_t room, enum step step)
{
    switch (compressor->kind) {
    case COMPRESSION_ZSTD:
        return zstd_step(compressor->zstd, raw, at, room, step);
    case COMPRESSION_ZLIB:
    case COMPRESSION_GZIP:
        return zlib_step(&compressor->zlib, raw, at, room, step);
    default:
        if (raw.len > 0)
            memcpy(at, raw.at, raw.len);
        return raw.len;
    }
}

/* ---- writer ------------------------------------------------------------ */

struct payload_writer *payload_writer_new(enum payload_route route,
                                          enum compression compression, int level,
                                          struct payload_limits limits,
                                          struct payload_frame frame, int64_t created_s,
                                          payload_emit *emit, void *argument)
{
    struct payload_writer *writer =
        calloc(1, sizeof *writer + frame.head.len + frame.separator.len + frame.tail.len +
                      frame.turn.len);

    if (writer == NULL)
        return NULL;
    if (!compressor_open(&writer->compressor, compression, level)) {
        compressor_close(&writer->compressor);
        free(writer);
        return NULL;
    }
    char *at = writer->text;

    writer->route = route;
    writer->limits = limits;
    writer->frame.head = slice_copy(frame.head, &at);
    writer->frame.separator = slice_copy(frame.separator, &at);
    writer->frame.tail = slice_copy(frame.tail, &at);
    writer->frame.turn = slice_copy(frame.turn, &at);
    writer->created_s = created_s;
    writer->emit = emit;
    writer->argument = argument;
    return writer;
}

/* Room for size bytes in all; size is never above max_compressed. */
static bool writer_reserve(struct payload_writer *writer, size_t size)
{
    if (size <= writer->capacity)
        return true;
    size_t capacity = writer->capacity * 2 > size ? writer->capacity * 2 : size;

    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY;
    if (capacity > writer->limits.max_compressed)
        capacity = writer->limits.max_compressed;
    struct payload *grown = realloc(writer->open, sizeof *grown + capacity);

    if (grown == NULL)
        return false;
    writer->open = grown;
    writer->capacity = capacity;
    return true;
}

static void writer_step(struct payload_writer *writer, struct slice raw, enum step step)
{
    struct payload *open = writer->open;

    open->size += compressor_step(&writer->compressor, raw, open->bytes + open->size,
                                  writer->capacity - open->size, step);
    open->raw_size += raw.len;
    writer->pending += raw.len;
    if (step == STEP_FLUSH) {
        writer->flushed = open->size;
        writer->pending = 0;
    }
}

static bool writer_open(struct payload_writer *writer)
{
    struct payload *open = calloc(1, sizeof *open);

    if (open == NULL)
        return false;
    open->route = writer->route;
    open->compression = writer->compressor.kind;
    open->created_s = writer->created_s;
    writer->open = open;
    writer->capacity = writer->flushed = writer->pending = 0;
    compressor_reset(&writer->compressor);
    return true;
}

/* Finishes the open payload, cuts its memory to its size and gives it away. */
static void writer_close(struct payload_writer *writer)
{
    if (writer->open == NULL)
        return;
    writer_step(writer, writer->frame.tail, STEP_END);
    struct payload *done = writer->open;
    struct payload *fitted = realloc(done, sizeof *done + done->size);

    if (fitted != NULL)
        done = fitted;
    writer->open = NULL;
    writer->emit(writer->argument, done);
}

/* How large the open payload may become at worst with so many more raw bytes and its end. */
static size_t writer_bound(struct payload_writer *writer, size_t raw)
{
    return writer->flushed + compressor_bound(&writer->compressor,
                                              writer->pending + raw + writer->frame.tail.len);
}

/* Whether the open payload keeps its limits with so many more raw bytes and points. */
static bool writer_fits(struct payload_writer *writer, size_t raw, uint32_t points)
{
    const struct payload_limits *limits = &writer->limits;
    const struct payload *open = writer->open;

    if (limits->max_points != 0 && (size_t)open->points + points > limits->max_points)
        return false;
    if (open->raw_size + raw + writer->frame.tail.len > limits->max_raw)
        return false;
    if (writer_bound(writer, raw) <= limits->max_compressed)
        return true;
    if (writer->pending < MIN_BLOCK)
        return false;
    writer_step(writer, (struct slice){ NULL, 0 }, STEP_FLUSH);
    return writer_bound(writer, raw) <= limits->max_compressed;
}

/* What has to stand before the next item: a text of the frame, and the opening of its list. */
struct before {
    struct slice frame, list;
};

static struct before writer_before(const struct payload_writer *writer)
{
    if (writer->open == NULL || writer->open->items == 0)
        return (struct before){ writer->frame.head, writer->list };
    if (writer->turned)
        return (struct before){ writer->frame.turn, writer->list };
    return (struct before){ writer->frame.separator, SLICE("") };
}

static void writer_put(struct payload_writer *writer, struct slice item, uint32_t points)
{
    struct before before = writer_before(writer);

    if (before.frame.len > 0)
        writer_step(writer, before.frame, STEP_ADD);
    if (before.list.len > 0)
        writer_step(writer, before.list, STEP_ADD);
    writer_step(writer, item, STEP_ADD);
    writer->turned = false;
    writer->open->points += points;
    writer->open->items++;
}

/* Would the item fit in an empty payload? The first test keeps sums from wrapping. */
static bool writer_fits_alone(struct payload_writer *writer, size_t size, uint32_t points)
{
    const struct payload_limits *limits = &writer->limits;
    size_t raw = writer->frame.head.len + writer->list.len + size + writer->frame.tail.len;

    return size <= limits->max_raw && size <= INT32_MAX && raw <= limits->max_raw &&
           (limits->max_points == 0 || points <= limits->max_points) &&
           compressor_bound(&writer->compressor, raw) <= limits->max_compressed;
}

/* Opens a payload with its first item. Without memory nothing is open afterwards. */
static enum payload_add writer_start(struct payload_writer *writer, struct slice item,
                                     uint32_t points)
{
    if (!writer_open(writer))
        return PAYLOAD_NO_MEMORY;
    size_t raw = writer->frame.head.len + writer->list.len + item.len;

    if (!writer_reserve(writer, writer_bound(writer, raw))) {
        payload_free(writer->open);
        writer->open = NULL;
        return PAYLOAD_NO_MEMORY;
    }
    writer_put(writer, item, points);
    return PAYLOAD_ADDED;
}

enum payload_add payload_writer_add(struct payload_writer *writer, const void *item,
                                    size_t item_size, uint32_t points)
{
    struct slice bytes = { item, item_size };
    struct before before = writer_before(writer);
    size_t raw = before.frame.len + before.list.len + item_size;

    if (!writer_fits_alone(writer, item_size, points))
        return PAYLOAD_TOO_LARGE;
    if (writer->open != NULL && writer_fits(writer, raw, points) &&
        writer_reserve(writer, writer_bound(writer, raw))) {
        writer_put(writer, bytes, points);
        return PAYLOAD_ADDED;
    }
    writer_close(writer);
    return writer_start(writer, bytes, points);
}

void payload_writer_list(struct payload_writer *writer, struct slice opening)
{
    writer->list = opening;
    writer->turned = true;
}

void payload_writer_cut(struct payload_writer *writer)
{
    writer_close(writer);
}

void payload_writer_end(struct payload_writer *writer)
{
    writer_close(writer);
    compressor_close(&writer->compressor);
    free(writer);
}
