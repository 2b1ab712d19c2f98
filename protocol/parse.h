/* protocol/parse.h: one DogStatsD line in, one sample view out.
 *
 *   name:value[:value...]|type[|@rate][|#tag,...][|Ttime][|c:..][|e:..][|card:..]
 *
 * Pure functions: no allocation, no clock, no locale, no I/O. A sample is a
 * view: its slices point into the line, its values into the parser's pool. It
 * is good until the datagram is reused or the pool is emptied, whichever comes
 * first. Copy what has to live longer.
 *
 * The rules are the Datadog Agent's (see protocol/README.md for the few that
 * are answered differently on purpose). */
#ifndef PROTOCOL_PARSE_H
#define PROTOCOL_PARSE_H

#include <stdint.h>

#include "protocol/scan.h"

/* What values are measured in, in the intake's word. */
#define METRIC_UNITS(X) \
    X(UNIT_NONE, "")    \
    X(UNIT_MILLISECOND, "millisecond")

#define METRIC_UNIT_ENUM(id, word) id,
enum metric_unit { METRIC_UNITS(METRIC_UNIT_ENUM) METRIC_UNIT_COUNT };
#undef METRIC_UNIT_ENUM

/* One or two letters as one number. */
#define METRIC_LETTERS(first, second) ((first) | (second) << 8)

/* Type of a metric: letter(s) on the wire, name in telemetry, what it is aggregated as,
 * unit of its values. The kind of cell is a word that only those who aggregate know
 * (flush/values/cell_kind.h): nothing here expands it. */
#define METRIC_TYPES(X)                                                                    \
    X(METRIC_COUNT, 'c', "count", CELL_COUNT, UNIT_NONE)                                   \
    X(METRIC_GAUGE, 'g', "gauge", CELL_GAUGE, UNIT_NONE)                                   \
    X(METRIC_SET, 's', "set", CELL_SET, UNIT_NONE)                                         \
    X(METRIC_HISTOGRAM, 'h', "histogram", CELL_HISTOGRAM, UNIT_NONE)                       \
    X(METRIC_TIMING, METRIC_LETTERS('m', 's'), "timing", CELL_HISTOGRAM, UNIT_MILLISECOND) \
    X(METRIC_DISTRIBUTION, 'd', "distribution", CELL_DISTRIBUTION, UNIT_NONE)

#define METRIC_TYPE_ENUM(id, letters, name, cell, unit) id,
enum metric_type { METRIC_TYPES(METRIC_TYPE_ENUM) METRIC_TYPE_COUNT };
#undef METRIC_TYPE_ENUM

/* What a line is, decided on its first bytes alone, as the Agent does. */
enum line_kind { LINE_METRIC, LINE_EVENT, LINE_CHECK, LINE_KIND_COUNT };

/* Why a line was refused: one row per reason, each its own counter
 * heeler_lines_rejected_total{reason}. X(id, reason label, sentence). */
#define PARSE_RESULTS(X)                                                                      \
    X(PARSE_OK, "ok", "accepted")                                                             \
    X(PARSE_NO_TYPE, "no_type", "no \"|type\" behind the value")                              \
    X(PARSE_NO_COLON, "no_colon", "no colon between the name and the value")                  \
    X(PARSE_NO_NAME, "no_name", "no name before the first colon")                             \
    X(PARSE_NO_VALUE, "no_value", "no value between the colon and the pipe")                  \
    X(PARSE_BAD_VALUE, "bad_value", "the value is not a number")                              \
    X(PARSE_BAD_TYPE, "bad_type", "the type is none of c g ms h s d")                         \
    X(PARSE_BAD_RATE, "bad_rate", "the sample rate behind @ is not a number")                 \
    X(PARSE_BAD_TIME, "bad_timestamp", "the timestamp behind T is not a whole number > 0")    \
    X(PARSE_EVENT_HEADER, "event_header", "the event does not start with _e{length,length}:") \
    X(PARSE_EVENT_LENGTH, "event_length", "the event is shorter than its lengths say")        \
    X(PARSE_CHECK_FORMAT, "check_format", "the service check is not _sc|name|status")         \
    X(PARSE_CHECK_STATUS, "check_status", "the service check's status is none of 0 1 2 3")    \
    X(PARSE_UNTERMINATED, "unterminated", "the last line has no newline, and one is required")

#define PARSE_RESULT_ENUM(id, label, sentence) id,
enum parse_result { PARSE_RESULTS(PARSE_RESULT_ENUM) PARSE_RESULT_COUNT };
#undef PARSE_RESULT_ENUM

/* One cache line. */
struct sample {
    struct slice name;
    struct slice tags; /* as sent: unsorted, duplicates kept, may be empty */
    union {
        const double *values; /* every type but METRIC_SET; in the parser's pool */
        size_t member_len;    /* METRIC_SET; see sample_member() */
    };
    uint32_t n_values; /* 1 for a set */
    uint8_t type;      /* enum metric_type */
    bool plain;        /* one number, finite, with neither rate nor time; not a set */
    double rate;       /* as sent, unchecked; 1 if not sent */
    int64_t time_s;    /* 0: not sent, the interval decides */
};

/* Of a METRIC_SET: the whole value, colons included. It stands in the line behind the name and
 * its colon. */
static inline struct slice sample_member(const struct sample *sample)
{
    return (struct slice){ sample->name.at + sample->name.len + 1, sample->member_len };
}

/* Settings of the grammar, the pool of parsed values, and how many there were. The caller
 * empties the pool by n_pooled = 0 when no sample refers to it any more; before each line it
 * must have room for line.len / 2 + 1 numbers. The counts are the caller's to read and to
 * clear: kept here, beside other work, a count does not wait for the one before. */
struct parser {
    bool ignore_time; /* dogstatsd_no_aggregation_pipeline=false: T is any unknown field */
    double *pool;
    size_t n_pooled;
    uint64_t values[METRIC_TYPE_COUNT]; /* of the samples that were filled; a set's are 1 */
};

enum line_kind parse_kind(struct slice line);

/* Fills *out, whole on PARSE_OK and not to be read otherwise. */
enum parse_result parse_sample(struct parser *parser, struct slice line, struct sample *out);

/* A line and what it is; the result is of a LINE_METRIC only. */
struct parsed {
    struct slice line;
    enum line_kind kind;
    enum parse_result result;
};

/* lines_next(), parse_kind() and parse_sample() in one, for many lines: the same answers from
 * one pass over the datagram that scan_start() was given. Fills samples[0], samples[1] and so
 * on until n are filled, or a line is not a sample for the interval; returns how many. If
 * these are less than n, *stop is what ended it:
 *
 *   an event, a check, a refused line    as it says
 *   PARSE_OK of a LINE_METRIC            a sample with a time of its own: it is the next one of
 *                                        samples, behind those that count
 *   an empty line                        none is left
 *
 * A pool with room for half the datagram's bytes and one holds all its values. */
uint32_t parse_samples(struct parser *parser, struct scan *scan, struct sample *samples,
                       uint32_t n, struct parsed *stop);

/* The same for samples with a time of their own: here it is a sample for the interval that
 * ends them, and stands behind those that count. */
uint32_t parse_timed(struct parser *parser, struct scan *scan, struct sample *samples,
                     uint32_t n, struct parsed *stop);

/* What stands behind the type of a metric line, for origin_parse(). */
static inline struct slice parse_fields(struct slice line)
{
    slice_cut(&line, '|');
    slice_cut(&line, '|');
    return line;
}

/* Static strings of the tables above. */
const char *parse_result_label(enum parse_result result);
const char *parse_result_sentence(enum parse_result result);
const char *metric_type_name(enum metric_type type);
const char *metric_unit_word(enum metric_unit unit);

static inline enum metric_unit metric_type_unit(enum metric_type type)
{
#define UNIT(id, letters, name, cell, unit) [id] = unit,
    static const uint8_t units[METRIC_TYPE_COUNT] = { METRIC_TYPES(UNIT) };
#undef UNIT
    return (enum metric_unit)units[type];
}

#endif
