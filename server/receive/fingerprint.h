/* server/receive/fingerprint.h: 128 bits for what a context is: its name, its raw tag section
 * and the kind of its cell.
 *
 * Nobody compares the bytes afterwards, so two identities must never have the same hash:
 * not by accident, and not because a sender wants it, which a random secret of the process
 * prevents. A hash never leaves the process, so the code paths need not agree:
 *
 *   vaes512, vaes256, aes   pieces of 64, 32 or 16 bytes, through AES of that width
 *   xxh3                    XXH3 of name and of tags under the secret, joined by odd
 *                           multipliers: as good as XXH3 is, where there is no AES
 *
 * The pieces. Name and tags are cut into pieces of one width, each on its own:
 *
 *     bytes    1..W        1..2W      1..4W            more
 *     pieces   [bytes|00]  [a...      [a... b...       [a... b... c... ...
 *                     ...z]          ...y ...z]                     ...z]
 *
 * Those from the front lie side by side, those from the back too, and the two may overlap.
 * Each 16 bytes of a piece belong to a *place*: the first of the name, the second of the name,
 * the first of the tags and so on. A place has 64 random bytes of secret of its own, which are
 * the keys of four rounds of AES: bytes -> ^ key -> round -> ^ key -> round -> ^ key -> round
 * -> ^ key -> round. The sum begins with the two lengths and the kind, and what comes out of
 * each place is added to it (xor). Empty tags have no piece.
 *
 * How likely two identities meet, over the choice of the secret, whatever a sender knows of
 * the program. Given the lengths, the pieces say every byte, so there are three cases:
 *
 *   - The same places hold the same: then lengths or kind differ, which are added as they
 *     are. The two never meet.
 *   - One of them uses a place that the other does not, because lanes behind the end are
 *     left out. The first key of that place is used nowhere else, and rounds are permutations,
 *     so what the place adds is uniform and independent of all else: 2^-128.
 *   - Both use the same places, and one of these holds different bytes. The keys of that place
 *     are independent of all else, so the others' sum, the lengths and the kind are a fixed
 *     difference for it. Four rounds of AES turn any difference into a given one with a chance
 *     of 2^-113 at most (Keliher and Sui: two rounds reach 53/2^34, four at most its fourth
 *     power). So places do not cancel out each other, nor do the same bytes in another place.
 *
 * The width decides only where lanes end, so this holds for each of the three. A table that
 * keeps 96 of the bits has 2^32 differences to hit instead of one: 2^-81 at most.
 *
 * There are places for the first FINGERPRINT_NAME and FINGERPRINT_TAGS bytes. Behind them the
 * places are used again, but before that the sum so far goes through four rounds with
 * keys of their own. These turn two sums that differ into a given difference just as rarely,
 * and never into the same: the lengths and the kind, which are in the sum, keep two apart that
 * differ in nothing else. A text that uses places several times relies on rounds with the same
 * keys being independent. */
#ifndef SERVER_RECEIVE_FINGERPRINT_H
#define SERVER_RECEIVE_FINGERPRINT_H

#include <stdint.h>

#include "protocol/cpu.h"
#include "protocol/slice.h"

enum { FINGERPRINT_NAME = 256, FINGERPRINT_TAGS = 1024 };

struct fingerprint {
    uint64_t low, high;
};

/* The code paths (protocol/cpu.h). X(word, needs) */
#if defined(__x86_64__)
#define HASH_PATHS(X)                 \
    X(vaes512, CPU_VAES | CPU_AVX512) \
    X(vaes256, CPU_VAES | CPU_AVX2)   \
    X(aes, CPU_AES)                   \
    X(xxh3, CPU_ANY)
#elif defined(__aarch64__)
#define HASH_PATHS(X) X(aes, CPU_AES) X(xxh3, CPU_ANY)
#else
#define HASH_PATHS(X) X(xxh3, CPU_ANY)
#endif

#define HASH_PATH_ENUM(word, needs) HASH_##word,
enum hash_path { HASH_PATHS(HASH_PATH_ENUM) HASH_PATH_COUNT };
#undef HASH_PATH_ENUM

extern struct cpu_step hash_step; /* by enum hash_path */

/* Once per process. False when the system has no random bytes. */
bool fingerprint_make_secret(void);

/* By the path in use. kind: any number below 16. A table hashes many at once: table_place(). */
struct fingerprint fingerprint_hash(struct slice name, struct slice tags, unsigned kind);

#endif
