/* bench/profile.h: what a load looks like, and the ring of payloads made of it.
 *
 * A profile is a handful of numbers; the same profile and seed give the same
 * bytes on every machine. ring_build() renders all payloads before the first
 * one is sent, so that sending costs the sender nothing but system calls. A
 * load longer than the ring repeats it.
 *
 * Beside every line the ring keeps a note of what the line says, so the totals
 * of any stretch of the load are known exactly without parsing it back.
 *
 * Lifetime: the ring owns its memory and is sealed once built. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PROFILE_MAX_DATAGRAM = 65507,
    PROFILE_MAX_PACK = 4096,
    PROFILE_MAX_TAGS = 256,
    RING_MAX_MIB = 256,      /* text and notes together */
    RING_MAX_SMP_MIB = 3072, /* its lines are long, and each context is to occur */
    RING_SMP_ROUNDS = 4,     /* lines per context: drawn at random, 2 % then never occur */
};

enum load_type {
    LOAD_COUNT,
    LOAD_GAUGE,
    LOAD_TIMING,
    LOAD_HISTOGRAM,
    LOAD_SET,
    LOAD_DISTRIBUTION,
    LOAD_TYPES,
};

enum load_shape {
    SHAPE_PLAIN,  /* bench.0000000042:1|c, 20 bytes */
    SHAPE_TAGGED, /* service.requests:1|c|#env:prod,..., 77 bytes with four tags */
    SHAPE_NAMED,  /* the same text and length in the name, for servers without tags */
    SHAPE_SMP,    /* long names, many tags, every type, wild values */
};

enum load_values {
    VALUES_ONE,   /* 1 */
    VALUES_INT,   /* 100 to 999: three digits, so that lines keep one length */
    VALUES_FLOAT, /* 100.000 to 999.999 */
    VALUES_WIDE,  /* any 64-bit integer or finite double */
};

struct profile {
    enum load_shape shape;
    enum load_values values;
    bool fresh; /* every line of the ring is a new context */
    bool timed; /* SHAPE_TAGGED: each line ends with a timestamp, as "|T1767225600" */
    uint32_t contexts;
    uint32_t datagram_bytes;
    uint32_t lines_per_datagram; /* 0: as many as fit */
    uint32_t tags;
    uint32_t pack;           /* values a line; sets always have one */
    uint32_t pack_percent;   /* SHAPE_SMP: of the lines, 2 to pack values */
    uint32_t sample_percent; /* SHAPE_SMP: of the lines, with a rate of 0.10 to 0.99 */
    double sample_rate;      /* other shapes: on every line that may have one */
    uint32_t weights[LOAD_TYPES];
    uint64_t seed;
};

/* The line, as far as totals need it. */
struct note {
    double sum;   /* its values, each divided by the sample rate */
    float events; /* number of values divided by the sample rate */
    uint16_t values;
    uint8_t type;
};

struct payload {
    uint32_t at; /* in ring.text; a frame's length prefix is included */
    uint32_t bytes;
    uint32_t first_note;
    uint32_t lines;
};

struct ring {
    char *text;
    struct note *notes;
    struct payload *payloads;
    size_t n_text, n_notes, n_payloads;
    uint64_t distinct; /* contexts that occur */
    bool integral;     /* all sums are whole numbers */
    bool framed;       /* each payload starts with its length, 4 bytes, little endian */
};

struct totals {
    uint64_t datagrams, lines, values, bytes;
    struct {
        uint64_t lines, values;
        double events;
        long double sum;
    } of[LOAD_TYPES];
};

/* False for an unknown name: plain, tagged, timed, named, single, smp or storm. */
bool profile_preset(const char *name, struct profile *out);

/* "c=40,g=20,ms=30,s=10"; false, and nothing set, if it is not of that form. */
bool profile_set_weights(struct profile *profile, const char *text);

/* NULL, or a sentence about the first setting that does not make sense. */
const char *profile_refusal(const struct profile *profile);

/* Renders exactly `lines` lines, or, for 0, enough that every context occurs;
 * fewer if the ring is full before. False when memory ran out or a line is
 * longer than a datagram, and *out is then empty. */
bool ring_build(const struct profile *profile, bool framed, uint64_t lines, struct ring *out);
void ring_free(struct ring *given);

/* Totals of the payloads number `from` up to, not including, `to` of the load
 * that repeats the ring for ever. */
struct totals ring_totals(const struct ring *ring, uint64_t from, uint64_t to);

/* "datagrams":1,...: members of a JSON object, without its braces. */
void totals_print(FILE *out, const struct totals *totals, bool integral);

#endif
