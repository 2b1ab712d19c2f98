#include "protocol/scan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

struct block {
    uint64_t newlines, pipes, colons;
};

static inline void put_block(struct scan_bits *bits, size_t word, struct block block)
{
    bits->newlines[word] = htole64(block.newlines);
    bits->pipes[word] = htole64(block.pipes);
    bits->colons[word] = htole64(block.colons);
}

#ifdef __x86_64__

__attribute__((target("avx512bw"))) void scan_fill_avx512(struct slice bytes,
                                                          struct scan_bits *bits)
{
    const __m512i newline = _mm512_set1_epi8('\n');
    const __m512i pipe = _mm512_set1_epi8('|');
    const __m512i colon = _mm512_set1_epi8(':');

    for (size_t at = 0; at < bytes.len; at += 64) {
        size_t left = bytes.len - at;
        __mmask64 readable = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
        __m512i block = _mm512_maskz_loadu_epi8(readable, bytes.at + at);

        put_block(bits, at / 64,
                  (struct block){ _mm512_cmpeq_epi8_mask(block, newline),
                                  _mm512_cmpeq_epi8_mask(block, pipe),
                                  _mm512_cmpeq_epi8_mask(block, colon) });
    }
}

static inline uint64_t equal_16(__m128i bytes, char wanted)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
}

static inline __m128i load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline struct block block_at(const char *at)
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

#else

static inline struct block block_at(const char *at)
{
    struct block block = { 0 };

    for (int i = 0; i < 64; i++) {
        block.newlines |= (uint64_t)(at[i] == '\n') << i;
        block.pipes |= (uint64_t)(at[i] == '|') << i;
        block.colons |= (uint64_t)(at[i] == ':') << i;
    }
    return block;
}

#endif

/* The last, short block: taken with the bytes before it, if there are any, and
 * shifted; otherwise from a copy, so that nothing behind the end is touched. */
static struct block last_block(struct slice bytes, size_t left)
{
    char copy[64] = { 0 };

    if (bytes.len < sizeof copy) {
        memcpy(copy, bytes.at, bytes.len);
        return block_at(copy);
    }
    struct block block = block_at(bytes.at + bytes.len - 64);
    unsigned shift = 64 - (unsigned)left;

    return (struct block){ block.newlines >> shift, block.pipes >> shift,
                           block.colons >> shift };
}

void scan_fill(struct slice bytes, struct scan_bits *bits)
{
    size_t at = 0;

    for (; at + 64 <= bytes.len; at += 64)
        put_block(bits, at / 64, block_at(bytes.at + at));
    if (at < bytes.len)
        put_block(bits, at / 64, last_block(bytes, bytes.len - at));
}

/* The bytes of the window that begins here. Where there are more than a window holds, it ends
 * behind the last newline; without one it holds nothing. */
static size_t window_size(struct slice bytes)
{
    if (bytes.len <= SCAN_WINDOW)
        return bytes.len;
    const char *newline = memrchr(bytes.at, '\n', SCAN_WINDOW);

    return newline == NULL ? 0 : (size_t)(newline + 1 - bytes.at);
}

/* Opens the next window at bytes. */
static void open_window(struct scan *scan, struct slice bytes)
{
    scan->window = bytes.at;
    scan->size = window_size(bytes);
    scan->behind = bytes.len - scan->size;
    scan->next = 0;

    struct slice window = { bytes.at, scan->size };
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw"))
        scan_fill_avx512(window, &scan->bits);
    else
#endif
        scan_fill(window, &scan->bits);
    put_block(&scan->bits, (scan->size + 63) / 64, (struct block){ 0 });
    scan->bits.newlines[scan->size / 64] |= htole64(UINT64_C(1) << (scan->size % 64));
}

void scan_start(struct scan *scan, struct slice datagram, bool need_newline)
{
    size_t whole = datagram.len;

    while (need_newline && whole > 0 && datagram.at[whole - 1] != '\n')
        whole--;
    scan->unterminated = slice_skip(datagram, whole);
    open_window(scan, (struct slice){ datagram.at, whole });
}

struct slice scan_next_plain(struct scan *scan)
{
    if (scan->next >= scan->size + scan->behind)
        return (struct slice){ 0 };

    struct slice rest = { scan->window + scan->next, scan->size + scan->behind - scan->next };
    struct lines lines = lines_of(rest, false);
    struct slice line;
    bool found = lines_next(&lines, &line);

    scan->next += rest.len - lines.rest.len;
    if (scan->next >= scan->size && lines.rest.len > 0)
        open_window(scan, lines.rest);
    return found ? line : (struct slice){ 0 };
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
