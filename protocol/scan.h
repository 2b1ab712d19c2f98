/* protocol/scan.h: one pass over a datagram finds every newline, pipe and colon,
 * so that nothing has to be searched again.
 *
 *   name:value|type|field|field LF
 *       ^     ^    ^
 *       colon pipe type_end
 *
 * The *marks* of a line are the places that the parser cuts it at: its first colon, its
 * first pipe and its second pipe. The pass over the datagram leaves one bit for each byte, so
 * the marks of a line are a few shifts away, and no line waits for the search of the one
 * before. The shifts see the first 56 bytes of a line; if the marks of a longer line lie
 * further back, they are searched. The results are the same as of lines_next() and marks_of()
 * together. All of it is a view of the datagram. */
#ifndef PROTOCOL_SCAN_H
#define PROTOCOL_SCAN_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cpu.h"
#include "protocol/lines.h"

/* Bytes that are scanned in one pass. A longer datagram is scanned in one such window after
 * the other. */
enum { SCAN_WINDOW = 8192, SCAN_WORDS = SCAN_WINDOW / 64 };

/* One bit for each byte, that of the first byte the lowest, in little-endian words. There is
 * one word more than the bytes need, because 64 bits are read from any byte on. */
struct scan_bits {
    uint64_t newlines[SCAN_WORDS + 1];
    uint64_t pipes[SCAN_WORDS + 1];
    uint64_t colons[SCAN_WORDS + 1];
};

/* Three KiB, which scan_start() does not clear. Keep it on the stack.
 *
 * A window ends where a line does, and the bit at its size says newline: every line that
 * begins in a window ends at such a bit, the last line of the datagram too. A line that is
 * longer than a window lies in none. */
struct scan {
    const char *window;
    size_t size;               /* of the window; of many datagrams: where this one ends */
    size_t next;               /* offset of the next line in it */
    size_t behind;             /* bytes of the datagram behind the window */
    struct slice unterminated; /* the last line, if it was dropped for want of a newline */
    struct scan_bits bits;
    size_t each, end; /* of many datagrams; 0 and 0: it is one */
};

/* Datagrams that lie one behind the other, all of one length but the last, which may be
 * shorter. */
struct datagrams {
    struct slice bytes; /* of all */
    size_t each, n;
};

/* The marks of a line, as offsets into it; what the line lacks has its length. */
struct marks {
    size_t colon;    /* the first */
    size_t pipe;     /* the first */
    size_t type_end; /* the second pipe */
    bool one_field;  /* there is no third pipe: at most one field follows the type */
};

/* An empty line: none is left, and its marks mean nothing. */
struct marked_line {
    struct slice line;
    struct marks marks;
};

/* need_newline: a last line without one is dropped. */
void scan_start(struct scan *scan, struct slice datagram, bool need_newline);

/* For two datagrams or more, of at most SCAN_WINDOW bytes together. They are one window; a line
 * ends where its datagram does. */
void scan_start_many(struct scan *scan, struct datagrams datagrams);

/* The code paths of the pass over the datagram (protocol/cpu.h). X(word, needs). By FOR_WORD
 * the compiler knows what the processor has: for the pass itself, and for a loop over the
 * lines, of which shifts and counts of zeros are a good part. */
#if defined(__x86_64__)
#define SCAN_PATHS(X)     \
    X(avx512, CPU_AVX512) \
    X(avx2, CPU_AVX2)     \
    X(sse2, CPU_SSE2)     \
    X(plain, CPU_ANY)
#define FOR_avx512 __attribute__((target("avx512bw,bmi,bmi2")))
#define FOR_avx2   __attribute__((target("avx2,bmi,bmi2")))
#define FOR_sse2
#elif defined(__aarch64__)
#define SCAN_PATHS(X) X(neon, CPU_NEON) X(plain, CPU_ANY)
#define FOR_neon
#else
#define SCAN_PATHS(X) X(plain, CPU_ANY)
#endif
#define FOR_plain

#define SCAN_PATH_ENUM(word, needs) SCAN_##word,
enum scan_path { SCAN_PATHS(SCAN_PATH_ENUM) SCAN_PATH_COUNT };
#undef SCAN_PATH_ENUM

extern struct cpu_step scan_step; /* by enum scan_path */

/* Fills in the bits of at most SCAN_WINDOW bytes by that path, which the processor must
 * have. scan_start() does so by the path in use. */
void scan_fill(enum scan_path path, struct slice bytes, struct scan_bits *bits);

/* The marks of any line, by plain searching. */
struct marks marks_of(struct slice line);

/* At the end of a datagram: goes on to the one behind it. False: there is none. */
bool scan_goes_on(struct scan *scan);

/* The next line by plain searching. */
struct marked_line scan_next_plain(struct scan *scan);

/* The next line, of which only the length is known. */
struct marked_line scan_next_long(struct scan *scan, size_t length);

/* The bits of a line that begins at that bit of the first byte at words: at least SCAN_STEP of
 * them, and zeros behind those that there are. */
enum { SCAN_STEP = 56 };

static inline uint64_t scan_from(const char *words, unsigned bit)
{
    uint64_t bits;

    memcpy(&bits, words, sizeof bits);
    return le64toh(bits) >> bit;
}

/* Where the other kinds of bits are, from those of the newlines on. */
enum {
    SCAN_PIPES = offsetof(struct scan_bits, pipes),
    SCAN_COLONS = offsetof(struct scan_bits, colons)
};

/* For a line that does not end within SCAN_STEP bytes: its length, and bits for the pipes
 * behind these bytes, of which it only matters whether there are any. A step is whole bytes of
 * bits, so every step goes by the same shift. */
static inline size_t scan_far(const char *words, unsigned bit, uint64_t *far_pipes)
{
    uint64_t newlines, pipes, before = 0;
    size_t length = 0;

    for (;; before |= pipes) {
        length += SCAN_STEP;
        words += SCAN_STEP / 8;
        newlines = scan_from(words, bit);
        pipes = scan_from(words + SCAN_PIPES, bit);
        if (__builtin_expect(newlines != 0, 1))
            break;
    }
    *far_pipes = before | (pipes & (newlines ^ (newlines - 1)));
    return length + (size_t)__builtin_ctzll(newlines);
}

/* The next line by what is rare. length: 0, or all that is known of it. */
static inline struct marked_line scan_rare(struct scan *scan, size_t *next, size_t length)
{
    struct marked_line line;

    scan->next = *next;
    line = length == 0 ? scan_next_plain(scan) : scan_next_long(scan, length);
    *next = scan->next;
    return line;
}

/* The next line that is not empty, if one is left. *next stands for scan->next, for a loop to
 * keep in a register: no line then waits for the memory of the one before. */
__attribute__((always_inline)) static inline struct marked_line scan_next(struct scan *scan,
                                                                          size_t *next)
{
    if (__builtin_expect(*next >= scan->size, 0)) {
        if (!scan_goes_on(scan))
            return scan_rare(scan, next, 0);
        *next = scan->next;
    }

    const char *at = scan->window + *next;
    const char *words = (const char *)&scan->bits + *next / 8;
    unsigned bit = *next % 8;
    uint64_t newlines = scan_from(words, bit);
    uint64_t pipes = scan_from(words + SCAN_PIPES, bit);
    uint64_t colons = scan_from(words + SCAN_COLONS, bit);
    uint64_t newline = newlines & -newlines; /* the line ends here */
    uint64_t far_pipes = 0;
    size_t length;

    if (newline != 0) {
        length = (size_t)__builtin_ctzll(newlines);
        pipes &= newline - 1;
    } else {
        length = scan_far(words, bit, &far_pipes);
        pipes &= (UINT64_C(1) << SCAN_STEP) - 1;
        if (__builtin_expect((pipes & (pipes - 1)) == 0 || colons == 0, 0))
            return scan_rare(scan, next, length);
        newline = UINT64_C(1) << 63; /* any bit: no count of zeros may see none */
    }
    if (__builtin_expect(length == 0 || at[length - 1] == '\r', 0))
        return scan_rare(scan, next, 0);

    uint64_t second = pipes & (pipes - 1);
    *next += length + 1;
    return (struct marked_line){
        .line = { at, length },
        .marks = { .colon = (size_t)__builtin_ctzll(colons | newline),
                   .pipe = (size_t)__builtin_ctzll(pipes | newline),
                   .type_end = (size_t)__builtin_ctzll(second | newline),
                   .one_field = ((second & (second - 1)) | far_pipes) == 0 },
    };
}

#endif
