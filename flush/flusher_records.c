/* Records: lines that carry a time of their own, events and service checks. The worker sends
 * them on as they came; here they are read, enriched, encoded and shown to the observers. */
#include "flush/flusher_internal.h"

#include <math.h>

#include "config/clock.h"
#include "flush/snapshots/points.h"
#include "protocol/parse.h"

/* SHED_NOTHING: this timestamped sample can be sent. Otherwise why not. */
static enum shed_reason refuse_timed(const struct sample *sample, int64_t received_s)
{
    enum cell_kind kind = cell_kind_of(sample->type);

    if (kind != CELL_COUNT && kind != CELL_GAUGE)
        return SHED_UNSUPPORTED_TIME;
    return sample->time_s > received_s + CLOCK_AHEAD_MAX_S ? SHED_REFUSED_TIME : SHED_NOTHING;
}

/* What is needed to handle one record. */
struct handling {
    struct flusher *flusher;
    struct enricher *enricher;
    struct flusher_ledger *ledger;
    int64_t received_s, now_s;
};

static void send_timed(const struct handling *handling, const struct sample *sample,
                       const struct enriched *enriched)
{
    struct flusher *flusher = handling->flusher;
    bool count = cell_kind_of(sample->type) == CELL_COUNT;
    struct identity_scratch scratch;
    struct point point = { sample->time_s, 0 };
    struct series series = {
        .id = points_identity(&scratch, enriched->name, enriched->host, enriched->tags,
                              enriched->n_tags),
        .type = count ? SERIES_RATE : SERIES_GAUGE,
        .interval_s = flusher->interval_s,
        .points = &point,
        .n_points = 1,
    };

    for (uint32_t i = 0; i < sample->n_values; i++) {
        if (!isfinite(sample->values[i])) {
            counter_add(&handling->ledger->shed[SHED_NOT_FINITE], 1);
            continue;
        }
        /* The sample rate is not applied to timestamped counters (the Agent). */
        point.value =
            count ? sample->values[i] / (double)flusher->interval_s : sample->values[i];
        encoder_timed(flusher->encoder, &series, handling->now_s);
        counter_add(&handling->ledger->folded, 1);
    }
}

static void handle_timed(const struct handling *handling, struct slice line)
{
    struct parser parser = { .pool = handling->flusher->pool };
    struct sample sample;
    struct enriched enriched;

    if (parse_sample(&parser, line, &sample) != PARSE_OK)
        return; /* cannot be, as it parsed at the worker; balance 2 would show it */
    enum shed_reason refused = refuse_timed(&sample, handling->received_s);
    if (refused == SHED_NOTHING)
        refused = enrich_metric(handling->enricher, sample.name, sample.tags,
                                cell_kind_of(sample.type), &enriched);
    if (refused != SHED_NOTHING)
        counter_add(&handling->ledger->shed[refused], sample.n_values);
    else
        send_timed(handling, &sample, &enriched);
}

static void handle_event(const struct handling *handling, struct slice line)
{
    struct event_record record;
    struct enriched enriched;

    if (event_parse(line, &record.event) != PARSE_OK)
        return;
    if (!enrich_record(handling->enricher, record.event.tags, record.event.host, &enriched)) {
        counter_add(&handling->ledger->dropped[POINT_INVALID], 1);
        return;
    }
    record.host = enriched.host;
    record.tags = enriched.tags;
    record.n_tags = enriched.n_tags;
    record.time_s = record.event.time_s != 0 ? record.event.time_s : handling->received_s;
    encoder_event(handling->flusher->encoder, &record, handling->now_s);
    observers_event(&handling->flusher->observers, &record);
}

static void handle_check(const struct handling *handling, struct slice line)
{
    struct check_record record;
    struct enriched enriched;

    if (check_parse(line, &record.check) != PARSE_OK)
        return;
    if (!enrich_record(handling->enricher, record.check.tags, record.check.host, &enriched)) {
        counter_add(&handling->ledger->dropped[POINT_INVALID], 1);
        return;
    }
    record.host = enriched.host;
    record.tags = enriched.tags;
    record.n_tags = enriched.n_tags;
    record.time_s = record.check.time_s != 0 ? record.check.time_s : handling->received_s;
    encoder_check(handling->flusher->encoder, &record, handling->now_s);
    observers_check(&handling->flusher->observers, &record);
}

void flusher_record(struct flusher *flusher, struct enricher *enricher,
                    const struct record *record, struct slice line, int64_t now_s)
{
    struct handling handling = { flusher, enricher, flusher->config.ledger, record->received_s,
                                 now_s };

    switch ((enum line_kind)record->kind) {
    case LINE_METRIC:
        handle_timed(&handling, line);
        break;
    case LINE_EVENT:
        handle_event(&handling, line);
        break;
    case LINE_CHECK:
        handle_check(&handling, line);
        break;
    case LINE_KIND_COUNT:
        break;
    }
}
