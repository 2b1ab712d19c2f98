/* Records: samples that carry a time of their own, which timed.h gathers, events and service
 * checks. The latter are sent on by the worker as they came; here they are read, enriched,
 * encoded and shown to the observers. */
#include "flush/flusher_internal.h"

/* What is needed to handle one event or check. */
struct handling {
    struct flusher *flusher;
    struct enricher *enricher;
    struct flusher_ledger *ledger;
    int64_t received_s, now_s;
};

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
    record.received_s = handling->received_s;
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
    record.received_s = handling->received_s;
    encoder_check(handling->flusher->encoder, &record, handling->now_s);
    observers_check(&handling->flusher->observers, &record);
}

static void handle_line(const struct handling *handling, enum line_kind kind, struct slice line)
{
    if (kind == LINE_EVENT)
        handle_event(handling, line);
    else
        handle_check(handling, line);
}

void flusher_record(struct flusher *flusher, struct rules *rules, const struct record *record,
                    struct slice body, int64_t now_s)
{
    if (record->kind == LINE_METRIC) {
        struct timed_sample sample = chunk_timed(record, body);

        timed_add(flusher->timed, rules, &sample, now_s);
        return;
    }
    struct handling handling = { flusher, rules->enricher, flusher->config.ledger,
                                 record->time_s, now_s };

    handle_line(&handling, (enum line_kind)record->kind, body);
}
