/* tests/support/vectors.h: runs files of vectors, one JSON object a line.
 *
 * A vector says what goes in and what the Agent makes of it; a runner feeds it
 * to our code and reports the first difference. Which runner takes which kind
 * stands in one table, vector_kinds; register new ones there. Kinds without a
 * runner are counted apart. */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "protocol/slice.h"

struct vector_report {
    bool failed;
    bool unsupported; /* of a kind that we have no code for */
    char why[1024];   /* the first failure */
};

void vector_fail(struct vector_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One row: the vectors in file (aggregation, sketch ... without .jsonl) whose
 * "kind" is kind; "" for files whose vectors name none. */
struct vector_kind {
    const char *file;
    const char *kind;
    void (*run)(json_t *vector, struct vector_report *report);
};

extern const struct vector_kind vector_kinds[];
extern const size_t vector_kind_count;

struct vector_counts {
    size_t passed;
    size_t failed;
    size_t differs; /* quirks of the Agent that are answered differently on purpose */
    size_t not_run; /* of kinds without a runner */
    size_t files;
};

/* Runs every known file in folder; writes failures and sums to out. */
struct vector_counts vectors_run(const char *folder, FILE *out);

/* The same with runners of the caller's own. */
struct vector_counts vectors_run_kinds(const char *folder, const struct vector_kind *kinds,
                                       size_t n_kinds, FILE *out);

/* Reports the first difference between two values. Reals match within a
 * relative 1e-9, integers exactly; "NaN", "+Inf" and "-Inf" are numbers. An
 * integer beyond int64 is a string of its digits. */
void vector_compare(const json_t *expected, const json_t *actual, struct vector_report *report);

/* Views and new references that the runners share. */
bool vector_config_bool(const json_t *vector, const char *key, bool otherwise);
json_int_t vector_config_int(const json_t *vector, const char *key, json_int_t otherwise);
json_t *vector_real(double value);

/* The message that one line makes, or NULL if it is refused. */
json_t *vector_message(const json_t *vector, struct slice line);

/* The runners, each in its vectors_*.c. */
void vector_run_parse(json_t *vector, struct vector_report *report);
void vector_run_packet(json_t *vector, struct vector_report *report);
void vector_run_uds_stream(json_t *vector, struct vector_report *report);
void vector_run_enrich(json_t *vector, struct vector_report *report);
void vector_run_mapper_config(json_t *vector, struct vector_report *report);

#endif
