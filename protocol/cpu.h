/* protocol/cpu.h: what this processor has, and the code paths that need it.
 *
 * A *step* on the way of a line that gains by vector instructions has several functions that
 * answer alike, its *code paths*. Their table stands in the header of the step: SCAN_PATHS in
 * protocol/scan.h, HASH_PATHS in server/receive/fingerprint.h. A row is a word and what the
 * processor must have; the best stands first, and the last needs nothing and runs anywhere.
 *
 * server/receive/code_paths.h chooses one path of each step when the program starts, before
 * there is a second thread. Until then each step takes its last path. */
#ifndef PROTOCOL_CPU_H
#define PROTOCOL_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* One bit each. The names are groups of instructions that come together. */
enum cpu_feature {
    CPU_ANY = 0,
    CPU_SSE2 = 1 << 0,
    CPU_AVX2 = 1 << 1,   /* and BMI1 and BMI2 */
    CPU_AVX512 = 1 << 2, /* AVX-512BW, and BMI1 and BMI2 */
    CPU_AES = 1 << 3,    /* of 16 bytes: AES-NI and SSE4.1, or AES of arm64 */
    CPU_VAES = 1 << 4,   /* AES of as many bytes as a register has */
    CPU_NEON = 1 << 5,
};

/* Static. */
struct code_path {
    const char *word;
    unsigned needs; /* of enum cpu_feature */
};

struct cpu_step {
    const char *word;
    const struct code_path *paths;
    size_t n;
    size_t used; /* a number of a path */
};

/* This processor has all of that, and the system saves the registers. */
bool cpu_has(unsigned features);

/* For the macros of tables: X(word, needs). */
#define CODE_PATH_ROW(path, features) { .word = #path, .needs = (features) },

#endif
