/* Any bytes as a datagram, then through everything that protocol/ does with one.
 * Every view must lie inside the input. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "protocol/check.h"
#include "protocol/event.h"
#include "protocol/frame.h"
#include "protocol/lines.h"
#include "protocol/number.h"
#include "protocol/origin.h"
#include "protocol/parse.h"
#include "protocol/tags.h"
#include "server/receive/fingerprint.h"
#include "server/receive/sighting.h"

enum { MOST_BYTES = 65536, MOST_AT_ONCE = 5 };

static double pool[MOST_BYTES];

static void inside(struct slice part, struct slice whole)
{
    if (part.at == NULL ? part.len > 0
                        : part.at < whole.at || part.at + part.len > whole.at + whole.len)
        abort();
}

static void check_tags(struct slice section)
{
    struct tags tags = tags_of(section);
    struct slice tag;

    while (tags_next(&tags, &tag))
        inside(tag, section);
}

/* The host that is seen in a line is the one that its parts name. */
static void check_host(struct slice line, struct slice field, struct slice tags)
{
    struct slice seen = sighting_host_of_line(line);
    struct slice wanted = field.len > 0 ? field : sighting_host_of_tags(tags);

    inside(seen, line);
    if (!slice_equal(seen, wanted))
        abort();
}

static void check_origin(struct slice fields)
{
    struct origin origin;

    origin_parse(fields, &origin);
    inside(origin.container_id, fields);
    inside(origin.external_data, fields);
    inside(origin.cardinality, fields);
    inside(origin.external.container_name, fields);
    inside(origin.external.pod_uid, fields);
}

/* What number_format writes reads back as the same value. */
static void check_number(double value)
{
    char text[NUMBER_TEXT_MAX];
    size_t length = number_format(value, text);
    double back;

    if (length >= sizeof text || !number_double((struct slice){ text, length }, &back) ||
        !(back == value || (back != back && value != value)))
        abort();
}

/* The hash of the name as it stands, of a copy where other bytes stand around it, or of one
 * with another byte. Tags have the same code. */
static void check_hash(struct slice name, struct slice tags)
{
    char *copy = malloc(name.len);

    if (copy == NULL)
        abort();
    memcpy(copy, name.at, name.len);
    for (hash_step.used = 0; hash_step.used < hash_step.n; hash_step.used++) {
        if (!cpu_has(hash_step.paths[hash_step.used].needs))
            continue;
        struct slice text = { copy, name.len };
        struct fingerprint print = fingerprint_hash(name, tags, 0), other;

        other = fingerprint_hash(text, tags, 0);
        if (memcmp(&print, &other, sizeof print) != 0)
            abort();
        copy[tags.len % name.len] ^= 1;
        other = fingerprint_hash(text, tags, 0);
        copy[tags.len % name.len] ^= 1;
        if (memcmp(&print, &other, sizeof print) == 0)
            abort();
    }
    free(copy);
}

static void check_sample(struct slice line)
{
    struct parser parser = { .ignore_time = line.len % 2 == 0, .pool = pool };
    struct sample sample;

    if (parse_sample(&parser, line, &sample) != PARSE_OK) {
        if (parser.n_pooled != 0)
            abort();
        return;
    }
    inside(sample.name, line);
    inside(sample.tags, line);
    if (sample.type == METRIC_SET)
        inside(sample_member(&sample), line);
    bool plain = sample.type != METRIC_SET && sample.n_values == 1 && sample.rate == 1 &&
                 sample.time_s == 0 && isfinite(sample.values[0]);
    if (sample.plain != plain)
        abort();
    if (sample.name.len == 0 || sample.n_values == 0 || sample.n_values > line.len / 2 + 1)
        abort();
    for (size_t i = 0; sample.type != METRIC_SET && i < sample.n_values && i < 4; i++)
        check_number(sample.values[i]);
    check_tags(sample.tags);
    check_host(line, (struct slice){ 0 }, sample.tags);
    if (line.len < 1500) { /* more is slow and shows nothing else */
        check_hash(sample.name, sample.tags);
        check_hash(line, sample.name);
    }
    check_origin(parse_fields(line));
}

static void check_event(struct slice line)
{
    struct event event;

    if (event_parse(line, &event) != PARSE_OK)
        return;
    inside(event.title, line);
    inside(event.text, line);
    inside(event.host, line);
    inside(event.aggregation_key, line);
    inside(event.source_type, line);
    inside(event.fields, line);
    check_tags(event.tags);
    check_origin(event.fields);
}

static void check_check(struct slice line)
{
    struct check check;

    if (check_parse(line, &check) != PARSE_OK)
        return;
    inside(check.name, line);
    inside(check.host, line);
    inside(check.message, line);
    inside(check.fields, line);
    if (check.status < 0 || check.status > 3)
        abort();
    check_tags(check.tags);
    check_host(line, check.host, check.tags);
    check_origin(check.fields);
}

static bool same_sample(const struct sample *a, const struct sample *b)
{
    return slice_equal(a->name, b->name) && slice_equal(a->tags, b->tags) &&
           a->type == b->type && a->plain == b->plain && a->n_values == b->n_values &&
           a->time_s == b->time_s && memcmp(&a->rate, &b->rate, sizeof a->rate) == 0 &&
           (a->type == METRIC_SET ||
            memcmp(a->values, b->values, a->n_values * sizeof *a->values) == 0);
}

/* One pass over the datagram, by the code path in use, answers as line by line. */
static void check_scan(struct slice datagram, bool need_newline, uint32_t at_once)
{
    static double scan_pool[MOST_BYTES];
    struct parser fast = { .pool = scan_pool }, plain = { .pool = pool };
    struct lines lines = lines_of(datagram, need_newline);
    struct parsed stop;
    struct sample samples[MOST_AT_ONCE], expected;
    struct slice line;
    struct scan scan;
    bool timed = false;

    scan_start(&scan, datagram, need_newline);
    for (;;) {
        uint32_t n =
            (timed ? parse_timed : parse_samples)(&fast, &scan, samples, at_once, &stop);
        for (uint32_t i = 0; i < n; i++)
            if (!lines_next(&lines, &line) || parse_kind(line) != LINE_METRIC ||
                parse_sample(&plain, line, &expected) != PARSE_OK ||
                (expected.time_s != 0) != timed || !same_sample(&samples[i], &expected))
                abort();
        if (n == at_once)
            continue;
        if (lines_next(&lines, &line) != (stop.line.len > 0))
            abort();
        if (stop.line.len == 0)
            break;
        if (line.at != stop.line.at || line.len != stop.line.len ||
            parse_kind(line) != stop.kind)
            abort();
        if (stop.kind != LINE_METRIC)
            continue;
        if (parse_sample(&plain, line, &expected) != stop.result)
            abort();
        if (stop.result != PARSE_OK)
            continue;
        if ((expected.time_s != 0) == timed || !same_sample(&samples[n], &expected))
            abort();
        timed = !timed;
    }
    if (lines.unterminated != (scan.unterminated.len > 0))
        abort();
}

static void check_frames(struct slice bytes)
{
    struct slice rest = bytes, payload;

    while (frame_next(&rest, 4096, &payload) == FRAME_OK)
        inside(payload, bytes);
    inside(rest, bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return fingerprint_make_secret() ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice datagram = { (const char *)data, size }, line;
    struct lines lines = lines_of(datagram, size % 3 == 0);

    if (size == 0 || size > MOST_BYTES)
        return 0;
    while (lines_next(&lines, &line)) {
        inside(line, datagram);
        switch (parse_kind(line)) {
        case LINE_EVENT:
            check_event(line);
            break;
        case LINE_CHECK:
            check_check(line);
            break;
        default:
            check_sample(line);
        }
    }
    for (scan_step.used = 0; scan_step.used < scan_step.n; scan_step.used++)
        if (cpu_has(scan_step.paths[scan_step.used].needs))
            check_scan(datagram, size % 3 == 0, 1 + (uint32_t)size % MOST_AT_ONCE);
    check_frames(datagram);
    return 0;
}
