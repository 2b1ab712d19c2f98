#include "flush/history/narrow.h"

#include <endian.h>

/* Up to here a number and the bits before it in its first byte are one word. */
enum { WIDTH_MAX = 57, WORD = 64 };

/* ---- words at any place ------------------------------------------------ */

static uint64_t get_word(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static void put_word(uint8_t *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof word);
}

/* Negative numbers and positive ones of few bits alike: 0, -1, 1, -2 ... */
static uint64_t fold_sign(int64_t number)
{
    return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static int64_t unfold_sign(uint64_t folded)
{
    return (int64_t)(folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0));
}

static size_t bits_to_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* ---- writing ----------------------------------------------------------- */

static void find_ends(const int64_t *numbers, size_t n, int64_t *least, int64_t *most)
{
    *least = *most = numbers[0];
    for (size_t i = 1; i < n; i++) {
        *least = numbers[i] < *least ? numbers[i] : *least;
        *most = numbers[i] > *most ? numbers[i] : *most;
    }
}

static unsigned width_of(uint64_t span)
{
    unsigned width = span > 0 ? WORD - (unsigned)__builtin_clzll(span) : 0;

    return width <= WIDTH_MAX ? width : WORD;
}

unsigned narrow_width(const int64_t *numbers, size_t n)
{
    int64_t least, most;

    find_ends(numbers, n, &least, &most);
    return width_of((uint64_t)most - (uint64_t)least);
}

uint8_t *narrow_put(const int64_t *numbers, size_t n, uint8_t *at)
{
    int64_t least, most;

    find_ends(numbers, n, &least, &most);
    unsigned width = width_of((uint64_t)most - (uint64_t)least);

    at = varint_put(at, fold_sign(least));
    *at++ = (uint8_t)width;
    size_t size = bits_to_bytes(n * width);

    memset(at, 0, size + sizeof(uint64_t));
    for (size_t i = 0; i < n; i++) {
        uint8_t *word = at + i * width / 8;
        uint64_t above = (uint64_t)numbers[i] - (uint64_t)least;

        put_word(word, get_word(word) | above << i * width % 8);
    }
    return at + size;
}

/* ---- reading ----------------------------------------------------------- */

static void get_numbers(const uint8_t *at, size_t n, unsigned width, int64_t least,
                        int64_t *out)
{
    uint64_t mask = width == WORD ? UINT64_MAX : (UINT64_C(1) << width) - 1;

    for (size_t i = 0; width == 0 && i < n; i++)
        out[i] = least;
    for (size_t i = 0; width > 0 && i < n; i++) {
        uint64_t above = get_word(at + i * width / 8) >> i * width % 8 & mask;

        out[i] = (int64_t)((uint64_t)least + above);
    }
}

bool narrow_get(struct slice *from, size_t n, int64_t *out)
{
    const uint8_t *at = (const uint8_t *)from->at, *end = at + from->len;
    uint8_t words[NARROW_NUMBERS * 8 + 8]; /* so that none is read beyond the end */
    uint64_t folded;

    if (n > NARROW_NUMBERS || from->len == 0 || !varint_get(&at, end, &folded) || at == end)
        return false;
    unsigned width = *at++;
    size_t size = bits_to_bytes(n * width);

    if ((width > WIDTH_MAX && width != WORD) || size > (size_t)(end - at))
        return false;
    memcpy(words, at, size);
    memset(words + size, 0, sizeof(uint64_t));
    get_numbers(words, n, width, unfold_sign(folded), out);
    *from = slice_skip(*from, (size_t)(at + size - (const uint8_t *)from->at));
    return true;
}
