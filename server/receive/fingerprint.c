#include "server/receive/fingerprint.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

enum { PIECE = 64, PLACES = 16, ROUNDS = 4 };

static struct {
    uint8_t portable[192];
    bool vector;
    _Alignas(PIECE) uint8_t rounds[ROUNDS][PIECE];
    _Alignas(PIECE) uint8_t name[PLACES][PIECE];
    _Alignas(PIECE) uint8_t tags[PLACES][PIECE];
} secret;

static bool fill(void *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)out + done, size - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

bool fingerprint_make_secret(void)
{
    uint8_t seed[32];

    if (!fill(seed, sizeof seed) || !fill(secret.rounds, sizeof secret.rounds) ||
        !fill(secret.name, sizeof secret.name) || !fill(secret.tags, sizeof secret.tags))
        return false;
    XXH3_generateSecret(secret.portable, sizeof secret.portable, seed, sizeof seed);
    secret.vector = fingerprint_has_vector();
    return true;
}

/* Flattened, because the short paths of XXH3 are some twenty instructions and a call would
 * double their cost. */
__attribute__((flatten)) struct fingerprint fingerprint_hash_portable(struct slice name,
                                                                      struct slice tags,
                                                                      unsigned kind)
{
    XXH128_hash_t first =
        XXH3_128bits_withSecret(name.at, name.len, secret.portable, sizeof secret.portable);

    struct fingerprint print = { first.low64 + (uint64_t)kind * 0x9E3779B97F4A7C15u,
                                 first.high64 };

    if (tags.len == 0)
        return print;
    XXH128_hash_t second =
        XXH3_128bits_withSecret(tags.at, tags.len, secret.portable, sizeof secret.portable);
    print.low = print.low * 0x9FB21C651E98DF25u + second.low64;
    print.high = print.high * 0xC2B2AE3D27D4EB4Fu + second.high64;
    return print;
}

#ifdef __x86_64__

bool fingerprint_has_vector(void)
{
    unsigned a, b, c = 0, d;

    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2") &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) != 0;
}

#define VECTOR __attribute__((target("avx512bw,vaes,bmi2")))

VECTOR static inline __m512i load(const uint8_t *at)
{
    return _mm512_load_si512(at);
}

VECTOR static inline __m512i four_rounds(__m512i state)
{
    for (int i = 0; i < ROUNDS; i++)
        state = _mm512_aesenc_epi128(state, load(secret.rounds[i]));
    return state;
}

/* Each piece of 64 bytes has a part of the secret of its own, its place. When all places are
 * used up, the sum itself goes through the rounds before they are used again, so that a piece
 * cannot cancel out an earlier one at the same place. Bytes behind the end are zero. */
VECTOR static inline __m512i add_bytes(__m512i sum, struct slice bytes,
                                       const uint8_t masks[PLACES][PIECE])
{
    size_t place = 0;

    for (size_t at = 0; at < bytes.len; at += PIECE, place++) {
        size_t left = bytes.len - at;
        __mmask64 readable = left < PIECE ? _bzhi_u64(UINT64_MAX, (unsigned)left) : UINT64_MAX;
        __m512i piece = _mm512_maskz_loadu_epi8(readable, bytes.at + at);

        if (place == PLACES) {
            sum = four_rounds(sum);
            place = 0;
        }
        piece = four_rounds(_mm512_xor_si512(piece, load(masks[place])));
        sum = _mm512_xor_si512(sum, piece);
    }
    return sum;
}

VECTOR struct fingerprint fingerprint_hash_vector(struct slice name, struct slice tags,
                                                  unsigned kind)
{
    __m512i sum = add_bytes(_mm512_setzero_si512(), name, secret.name);

    sum = add_bytes(sum, tags, secret.tags);
    __m256i half =
        _mm256_xor_si256(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
    __m128i quarter =
        _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    uint64_t lengths = (uint64_t)name.len << 34 ^ (uint64_t)tags.len << 4;
    return (struct fingerprint){ (uint64_t)_mm_cvtsi128_si64(quarter),
                                 (uint64_t)_mm_extract_epi64(quarter, 1) ^ lengths ^ kind };
}

struct fingerprint fingerprint_hash(struct slice name, struct slice tags, unsigned kind)
{
    return __builtin_expect(secret.vector, 1) ? fingerprint_hash_vector(name, tags, kind)
                                              : fingerprint_hash_portable(name, tags, kind);
}

#else

bool fingerprint_has_vector(void)
{
    return false;
}

struct fingerprint fingerprint_hash(struct slice name, struct slice tags, unsigned kind)
{
    return fingerprint_hash_portable(name, tags, kind);
}

#endif
