#include "protocol/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* ---- the bits of 64 bytes, by each path -------------------------------- */

struct block {
    uint64_t newlines, pipes, colons;
};

static inline void put_block(struct scan_bits *bits, size_t word, struct block block)
{
    bits->newlines[word] = htole64(block.newlines);
    bits->pipes[word] = htole64(block.pipes);
    bits->colons[word] = htole64(block.colons);
}

static inline struct block block_plain(const char *at)
{
    struct block block = { 0 };

    for (int i = 0; i < 64; i++) {
        block.newlines |= (uint64_t)(at[i] == '\n') << i;
        block.pipes |= (uint64_t)(at[i] == '|') << i;
        block.colons |= (uint64_t)(at[i] == ':') << i;
    }
    return block;
}

#if defined(__x86_64__)

static inline uint64_t equal_16(__m128i bytes, char wanted)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
}

static inline __m128i load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline struct block block_sse2(const char *at)
{
    __m128i a = load_16(at), b = load_16(at + 16), c = load_16(at + 32), d = load_16(at + 48);
    struct block block;

    block.newlines = equal_16(a, '\n') | equal_16(b, '\n') << 16 | equal_16(c, '\n') << 32 |
                     equal_16(d, '\n') << 48;
    block.pipes = equal_16(a, '|') | equal_16(b, '|') << 16 | equal_16(c, '|') << 32 |
                  equal_16(d, '|') << 48;
    block.colons = equal_16(a, ':') | equal_16(b, ':') << 16 | equal_16(c, ':') << 32 |
                   equal_16(d, ':') << 48;
    return block;
}

FOR_avx2 static inline uint64_t equal_32(__m256i bytes, char wanted)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(wanted)));
}

FOR_avx2 static inline struct block block_avx2(const char *at)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));

    return (struct block){ equal_32(low, '\n') | equal_32(high, '\n') << 32,
                           equal_32(low, '|') | equal_32(high, '|') << 32,
                           equal_32(low, ':') | equal_32(high, ':') << 32 };
}

FOR_avx512 static inline struct block block_avx512(const char *at)
{
    __m512i bytes = _mm512_loadu_si512(at);

    return (struct block){ _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')),
                           _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('|')),
                           _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(':')) };
}

#elif defined(__aarch64__)

/* Each byte that is the wanted one leaves the bit of its place among eight; adding up
 * neighbours three times then makes eight bytes one. */
static inline uint64_t equal_64(uint8x16x4_t bytes, char wanted)
{
    const uint8x16_t places = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
    const uint8x16_t all = vdupq_n_u8((uint8_t)wanted);
    uint8x16_t a = vandq_u8(vceqq_u8(bytes.val[0], all), places);
    uint8x16_t b = vandq_u8(vceqq_u8(bytes.val[1], all), places);
    uint8x16_t c = vandq_u8(vceqq_u8(bytes.val[2], all), places);
    uint8x16_t d = vandq_u8(vceqq_u8(bytes.val[3], all), places);
    uint8x16_t pairs = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));

    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}

static inline struct block block_neon(const char *at)
{
    const uint8_t *from = (const uint8_t *)at;
    uint8x16x4_t bytes = { { vld1q_u8(from), vld1q_u8(from + 16), vld1q_u8(from + 32),
                             vld1q_u8(from + 48) } };

    return (struct block){ equal_64(bytes, '\n'), equal_64(bytes, '|'), equal_64(bytes, ':') };
}

#endif

/* ---- the bits of a window ---------------------------------------------- */

static inline struct block shifted(struct block block, unsigned bits)
{
    return (struct block){ block.newlines >> bits, block.pipes >> bits, block.colons >> bits };
}

/* Where the block that ends with the last byte begins. It takes bytes with it that were in
 * the block before, or zeros where there are none, so that nothing behind the end is read. */
static inline const char *last_block(struct slice bytes, char copy[64])
{
    if (bytes.len >= 64)
        return bytes.at + bytes.len - 64;
    memset(copy, 0, 64);
    memcpy(copy + 64 - bytes.len, bytes.at, bytes.len);
    return copy;
}

#define FILL(word, needs)                                                                   \
    FOR_##word static void fill_##word(struct slice bytes, struct scan_bits *bits)          \
    {                                                                                       \
        size_t blocks = bytes.len / 64, left = bytes.len % 64;                              \
        const char *at = bytes.at;                                                          \
        char copy[64];                                                                      \
                                                                                            \
        for (size_t i = 0; i < blocks; i++, at += 64)                                       \
            put_block(bits, i, block_##word(at));                                           \
        if (left > 0)                                                                       \
            put_block(bits, blocks,                                                         \
                      shifted(block_##word(last_block(bytes, copy)), 64 - (unsigned)left)); \
    }
SCAN_PATHS(FILL)

static const struct code_path paths[] = { SCAN_PATHS(CODE_PATH_ROW) };

struct cpu_step scan_step = { "scan", paths, SCAN_PATH_COUNT, SCAN_plain };

void scan_fill(enum scan_path path, struct slice bytes, struct scan_bits *bits)
{
#define FILL_ROW(word, needs) [SCAN_##word] = fill_##word,
    static void (*const fills[])(struct slice, struct scan_bits *) = { SCAN_PATHS(FILL_ROW) };

    fills[path](bytes, bits);
}

/* ---- the lines --------------------------------------------------------- */

/* The bytes of the window that begins here. Where there are more than a window holds, it ends
 * behind the last newline; without one it holds nothing. */
static size_t window_size(struct slice bytes)
{
    if (bytes.len <= SCAN_WINDOW)
        return bytes.len;
    const char *newline = memrchr(bytes.at, '\n', SCAN_WINDOW);

    return newline == NULL ? 0 : (size_t)(newline + 1 - bytes.at);
}

/* In its word. */
static inline uint64_t bit_of(size_t at)
{
    return htole64(UINT64_C(1) << (at % 64));
}

/* Opens the next window at bytes. */
static void open_window(struct scan *scan, struct slice bytes)
{
    scan->window = bytes.at;
    scan->size = window_size(bytes);
    scan->behind = bytes.len - scan->size;
    scan->next = 0;

    scan_fill((enum scan_path)scan_step.used, (struct slice){ bytes.at, scan->size },
              &scan->bits);
    put_block(&scan->bits, (scan->size + 63) / 64, (struct block){ 0 });
    scan->bits.newlines[scan->size / 64] |= bit_of(scan->size);
}

void scan_start(struct scan *scan, struct slice datagram, bool need_newline)
{
    size_t whole = datagram.len;

    while (need_newline && whole > 0 && datagram.at[whole - 1] != '\n')
        whole--;
    scan->unterminated = slice_skip(datagram, whole);
    scan->each = scan->end = 0;
    open_window(scan, (struct slice){ datagram.at, whole });
}

/* The datagram that begins there is the one that is looked at. While it is, the bits of the
 * byte behind it say newline, whatever that byte is. */
static void open_datagram(struct scan *scan, size_t at)
{
    scan->next = at;
    scan->size = scan->end - at > scan->each ? at + scan->each : scan->end;
    scan->bits.newlines[scan->size / 64] |= bit_of(scan->size);
    scan->bits.pipes[scan->size / 64] &= ~bit_of(scan->size);
}

void scan_start_many(struct scan *scan, struct datagrams datagrams)
{
    scan->unterminated = (struct slice){ 0 };
    open_window(scan, datagrams.bytes);
    scan->each = datagrams.each;
    scan->end = datagrams.bytes.len;
    open_datagram(scan, 0);
}

bool scan_goes_on(struct scan *scan)
{
    size_t at = scan->size;

    if (at >= scan->end)
        return false;
    if (scan->window[at] != '\n')
        scan->bits.newlines[at / 64] &= ~bit_of(at);
    if (scan->window[at] == '|')
        scan->bits.pipes[at / 64] |= bit_of(at);
    open_datagram(scan, at);
    return true;
}

static size_t find(struct slice line, size_t from, char wanted)
{
    const char *found =
        from < line.len ? memchr(line.at + from, wanted, line.len - from) : NULL;

    return found != NULL ? (size_t)(found - line.at) : line.len;
}

struct marks marks_of(struct slice line)
{
    struct marks marks = { .colon = find(line, 0, ':'), .pipe = find(line, 0, '|') };

    marks.type_end = find(line, marks.pipe + 1, '|');
    marks.one_field = find(line, marks.type_end + 1, '|') == line.len;
    return marks;
}

/* The next line of the datagram. False: none is left. */
static bool search_line(struct scan *scan, struct slice *line)
{
    if (scan->next >= scan->size + scan->behind)
        return false;

    struct slice rest = { scan->window + scan->next, scan->size + scan->behind - scan->next };
    struct lines lines = lines_of(rest, false);
    bool found = lines_next(&lines, line);

    scan->next += rest.len - lines.rest.len;
    if (scan->next >= scan->size && lines.rest.len > 0)
        open_window(scan, lines.rest);
    return found;
}

struct marked_line scan_next_plain(struct scan *scan)
{
    struct slice line;

    while (!search_line(scan, &line))
        if (!scan_goes_on(scan))
            return (struct marked_line){ 0 };
    return (struct marked_line){ line, marks_of(line) };
}

struct marked_line scan_next_long(struct scan *scan, size_t length)
{
    struct slice line = { scan->window + scan->next, length };

    if (line.at[length - 1] == '\r')
        return scan_next_plain(scan);
    scan->next += length + 1;
    return (struct marked_line){ line, marks_of(line) };
}
