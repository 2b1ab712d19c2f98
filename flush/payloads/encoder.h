/* flush/payloads/encoder.h: points and records into payloads.
 *
 * One encoder serves the flusher for its life. Series and sketches of a
 * snapshot, series of timestamped samples, events and service checks are encoded
 * one at a time and streamed into a payload per route; finished payloads go to the
 * outbox at once, so memory stays at one open payload a route, however many
 * series there are.
 *
 * One thread. Counts what it encodes and what it has to drop. */
#ifndef FLUSH_PAYLOADS_ENCODER_H
#define FLUSH_PAYLOADS_ENCODER_H

#include "config/settings.h"
#include "flush/parcels/ledger.h"
#include "flush/payloads/encode.h"
#include "flush/payloads/outbox.h"

struct encoder;

/* The settings, outbox and ledger outlive the encoder. NULL without memory. */
struct encoder *encoder_new(const struct settings *settings, const char *hostname,
                            struct outbox *outbox, struct flusher_ledger *ledger);
void encoder_free(struct encoder *given);

/* From now on these settings, which outlive the encoder or the next call. Posts
 * what is open of records; not amid a snapshot. */
void encoder_follow(struct encoder *encoder, const struct settings *settings, int64_t now_s);

/* A tag that every series and sketch carries from now on besides its own; empty: none.
 * A view, until the next call. */
void encoder_mark(struct encoder *encoder, struct slice tag);

/* Aggregated series and sketches; now_s dates the payload that they open. */
void encoder_series(struct encoder *encoder, const struct series *series, int64_t now_s);
void encoder_sketch(struct encoder *encoder, const struct sketch_series *sketch, int64_t now_s);

/* Posts the open payloads of both: the snapshot is complete. */
void encoder_end_snapshot(struct encoder *encoder);

/* A series of timestamped samples, of one point or more. One that is too large for a payload
 * becomes several. */
void encoder_timed(struct encoder *encoder, const struct series *series, int64_t now_s);

/* Posts the open payload of these: the batch is complete. */
void encoder_end_timed(struct encoder *encoder);

/* The views are copied. */
void encoder_event(struct encoder *encoder, const struct event_record *event, int64_t now_s);
void encoder_check(struct encoder *encoder, const struct check_record *check, int64_t now_s);

/* Posts timestamped samples, events and checks that are still open. */
void encoder_end_records(struct encoder *encoder, int64_t now_s);

/* Whether encoder_end_records has anything to do. */
bool encoder_has_records(const struct encoder *encoder);

#endif
