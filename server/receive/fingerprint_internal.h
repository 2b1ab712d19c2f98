/* server/receive/fingerprint_internal.h: the hash of each code path, to be inlined into a loop
 * that is compiled for the same path: hash_WORD(name, tags, kind), and before it FOR_WORD, by
 * which the compiler knows what the processor has. For fingerprint.c and table_place.c. */
#ifndef SERVER_RECEIVE_FINGERPRINT_INTERNAL_H
#define SERVER_RECEIVE_FINGERPRINT_INTERNAL_H

#include <string.h>

#include "server/receive/fingerprint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* The keys of four rounds for each 16 bytes that have a place, in the order of the widest
 * pieces or of any other. */
extern struct fingerprint_secret {
    _Alignas(64) uint8_t name[4 * FINGERPRINT_NAME];
    uint8_t tags[4 * FINGERPRINT_TAGS];
    uint8_t turn[4 * 64];
    uint8_t xxh3[192];
} fingerprint_secret;

/* ---- xxh3 -------------------------------------------------------------- */

/* Flattened, because the short paths of XXH3 are some twenty instructions and a call would
 * double their cost. */
#define FOR_xxh3 __attribute__((flatten))

FOR_xxh3 static inline struct fingerprint hash_xxh3(struct slice name, struct slice tags,
                                                    unsigned kind)
{
    XXH128_hash_t first = XXH3_128bits_withSecret(name.at, name.len, fingerprint_secret.xxh3,
                                                  sizeof fingerprint_secret.xxh3);
    struct fingerprint print = { first.low64 + (uint64_t)kind * 0x9E3779B97F4A7C15u,
                                 first.high64 };

    if (tags.len == 0)
        return print;
    XXH128_hash_t second = XXH3_128bits_withSecret(tags.at, tags.len, fingerprint_secret.xxh3,
                                                   sizeof fingerprint_secret.xxh3);
    print.low = print.low * 0x9FB21C651E98DF25u + second.low64;
    print.high = print.high * 0xC2B2AE3D27D4EB4Fu + second.high64;
    return print;
}

/* ---- less than a piece ------------------------------------------------- */

#if defined(__x86_64__) || defined(__aarch64__)

enum { SHORT_MOST = 32, PAGE_LEAST = 4096 };

/* As many ones as there are bytes, then zeros. */
static inline const char *short_mask(size_t bytes)
{
    static const signed char ones_and_zeros[2 * SHORT_MOST] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    };

    return (const char *)ones_and_zeros + SHORT_MOST - bytes;
}

/* Whether so many bytes can be read from there without coming to another page, which may not
 * be there. Then those behind the end are read, too, and masked: a branch by length would
 * often be guessed wrongly. The sanitizer is told by READS_BEHIND. */
static inline bool within_page(const char *at, size_t bytes)
{
    return __builtin_expect(((uintptr_t)at & (PAGE_LEAST - 1)) <= PAGE_LEAST - bytes, 1);
}

#define READS_BEHIND __attribute__((no_sanitize("address")))

/* Where another page comes: to be loaded from there, with zeros behind the end. */
__attribute__((cold, noinline)) static const char *short_copy(struct slice bytes,
                                                              char copy[SHORT_MOST])
{
    memset(copy, 0, SHORT_MOST);
    memcpy(copy, bytes.at, bytes.len);
    return copy;
}

#endif

#if defined(__x86_64__)

/* Inlined always: compiled without AVX and called amid code with it, it would wait hundreds of
 * cycles for the registers. */
__attribute__((always_inline)) static inline struct fingerprint halves_of(__m128i sum)
{
    return (struct fingerprint){ (uint64_t)sum[0], (uint64_t)sum[1] };
}

/* ---- aes: AES-NI ------------------------------------------------------- */

#define FOR_aes __attribute__((target("aes,sse4.1")))
typedef __m128i lane_aes;

FOR_aes static inline __m128i load_aes(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

FOR_aes READS_BEHIND static inline __m128i load_short_aes(struct slice bytes)
{
    char copy[SHORT_MOST];

    if (within_page(bytes.at, 16))
        return _mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)bytes.at),
                             load_aes(short_mask(bytes.len)));
    return load_aes(short_copy(bytes, copy));
}

FOR_aes static inline __m128i zero_aes(void)
{
    return _mm_setzero_si128();
}

FOR_aes static inline __m128i rounds_aes(__m128i sum, __m128i piece, const uint8_t *keys)
{
    const __m128i *key = (const __m128i *)(const void *)keys;
    __m128i state = _mm_xor_si128(piece, key[0]);

    for (int i = 1; i < 4; i++)
        state = _mm_aesenc_si128(state, key[i]);
    return _mm_aesenc_si128(state, sum);
}

FOR_aes static inline __m128i begin_aes(uint64_t lengths)
{
    return _mm_slli_si128(_mm_cvtsi64_si128((int64_t)lengths), 8);
}

FOR_aes static inline struct fingerprint sum_aes(__m128i sum)
{
    return halves_of(sum);
}

#define LANE_PATH  aes
#define LANE_BYTES 16
#include "server/receive/fingerprint_lanes.h"

/* ---- vaes256: VAES and AVX2 -------------------------------------------- */

#define FOR_vaes256 __attribute__((target("vaes,avx2")))
typedef __m256i lane_vaes256;

FOR_vaes256 static inline __m256i load_vaes256(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

FOR_vaes256 READS_BEHIND static inline __m256i load_short_vaes256(struct slice bytes)
{
    char copy[SHORT_MOST];

    if (within_page(bytes.at, 32))
        return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(const void *)bytes.at),
                                load_vaes256(short_mask(bytes.len)));
    return load_vaes256(short_copy(bytes, copy));
}

FOR_vaes256 static inline __m256i zero_vaes256(void)
{
    return _mm256_setzero_si256();
}

FOR_vaes256 static inline __m256i rounds_vaes256(__m256i sum, __m256i piece,
                                                 const uint8_t *keys)
{
    const __m256i *key = (const __m256i *)(const void *)keys;
    __m256i state = _mm256_xor_si256(piece, key[0]);

    for (int i = 1; i < 4; i++)
        state = _mm256_aesenc_epi128(state, key[i]);
    return _mm256_aesenc_epi128(state, sum);
}

FOR_vaes256 static inline __m256i begin_vaes256(uint64_t lengths)
{
    return _mm256_zextsi128_si256(_mm_slli_si128(_mm_cvtsi64_si128((int64_t)lengths), 8));
}

FOR_vaes256 static inline struct fingerprint sum_vaes256(__m256i sum)
{
    return halves_of(
        _mm_xor_si128(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1)));
}

#define LANE_PATH  vaes256
#define LANE_BYTES 32
#include "server/receive/fingerprint_lanes.h"

/* ---- vaes512: VAES and AVX-512 ----------------------------------------- */

#define FOR_vaes512 __attribute__((target("vaes,avx512bw,bmi2")))
typedef __m512i lane_vaes512;

FOR_vaes512 static inline __m512i load_vaes512(const char *at)
{
    return _mm512_loadu_si512(at);
}

FOR_vaes512 static inline __m512i load_short_vaes512(struct slice bytes)
{
    __mmask64 readable = UINT64_MAX >> (64 - bytes.len);

    return _mm512_maskz_loadu_epi8(readable, bytes.at);
}

FOR_vaes512 static inline __m512i zero_vaes512(void)
{
    return _mm512_setzero_si512();
}

FOR_vaes512 static inline __m512i rounds_vaes512(__m512i sum, __m512i piece,
                                                 const uint8_t *keys)
{
    __m512i state = _mm512_xor_si512(piece, _mm512_load_si512(keys));

    for (size_t i = 1; i < 4; i++)
        state = _mm512_aesenc_epi128(state, _mm512_load_si512(keys + i * 64));
    return _mm512_aesenc_epi128(state, sum);
}

FOR_vaes512 static inline __m512i begin_vaes512(uint64_t lengths)
{
    return _mm512_zextsi128_si512(_mm_slli_si128(_mm_cvtsi64_si128((int64_t)lengths), 8));
}

FOR_vaes512 static inline struct fingerprint sum_vaes512(__m512i sum)
{
    return sum_vaes256(
        _mm256_xor_si256(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1)));
}

#define LANE_PATH  vaes512
#define LANE_BYTES 64
#include "server/receive/fingerprint_lanes.h"

#elif defined(__aarch64__)

/* ---- aes: the cryptographic extension of arm64 ------------------------- */

#ifdef __clang__
#define FOR_aes __attribute__((target("aes")))
#else
#define FOR_aes __attribute__((target("+crypto")))
#endif
typedef uint8x16_t lane_aes;

FOR_aes static inline uint8x16_t load_aes(const char *at)
{
    return vld1q_u8((const uint8_t *)at);
}

FOR_aes READS_BEHIND static inline uint8x16_t load_short_aes(struct slice bytes)
{
    char copy[SHORT_MOST];

    if (within_page(bytes.at, 16))
        return vandq_u8(vld1q_u8((const uint8_t *)bytes.at), load_aes(short_mask(bytes.len)));
    return load_aes(short_copy(bytes, copy));
}

FOR_aes static inline uint8x16_t zero_aes(void)
{
    return vdupq_n_u8(0);
}

/* Here an instruction adds the key before a round, and not behind it. The two that are a round
 * stand together, as processors like them; and clang before 16 has a word for them only where
 * the whole file may use them. */
FOR_aes static inline uint8x16_t rounds_aes(uint8x16_t sum, uint8x16_t piece,
                                            const uint8_t *keys)
{
    for (size_t i = 0; i < 4; i++)
        __asm__("aese %0.16b, %1.16b\n\taesmc %0.16b, %0.16b"
                : "+w"(piece)
                : "w"(vld1q_u8(keys + i * 16)));
    return veorq_u8(sum, piece);
}

FOR_aes static inline uint8x16_t begin_aes(uint64_t lengths)
{
    return vreinterpretq_u8_u64(vsetq_lane_u64(lengths, vdupq_n_u64(0), 1));
}

FOR_aes static inline struct fingerprint sum_aes(uint8x16_t sum)
{
    uint64x2_t halves = vreinterpretq_u64_u8(sum);

    return (struct fingerprint){ vgetq_lane_u64(halves, 0), vgetq_lane_u64(halves, 1) };
}

#define LANE_PATH  aes
#define LANE_BYTES 16
#include "server/receive/fingerprint_lanes.h"

#endif

#endif
