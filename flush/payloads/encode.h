/* flush/payloads/encode.h: one series, sketch, event or check in, the bytes of one payload
 * item out.
 *
 * Pure: views in, bytes appended to a growing buffer out. The layouts are those
 * of the Datadog intake; the order of fields is the Agent's, so that golden
 * bytes compare. */
#ifndef FLUSH_PAYLOADS_ENCODE_H
#define FLUSH_PAYLOADS_ENCODE_H

#include <stdint.h>

#include "flush/memory/bytes.h"
#include "flush/payloads/payload.h"
#include "flush/series/admitted.h"
#include "flush/series/series.h"

/* Origin of every series we send: product 10 (Agent), category 10 (DogStatsD). */
enum { ORIGIN_PRODUCT = 10, ORIGIN_CATEGORY = 10 };

void encode_series_v2(struct bytes *out, const struct series *series);
void encode_series_v1(struct bytes *out, const struct series *series);
void encode_sketch(struct bytes *out, const struct sketch_series *series);

/* The JSON object of one event, to stand in the list of its source type. */
void encode_event(struct bytes *out, const struct event_record *record);
void encode_check(struct bytes *out, const struct check_record *record);

/* Framing of a whole payload of that route; not for ROUTE_EVENTS. */
struct payload_frame encode_frame(enum payload_route route);

/* Framing of events and the host that sends them: a view into text, which must be
 * empty before. The events stand in a list for each source type. */
struct payload_frame encode_events_frame(struct bytes *text, struct slice hostname);

/* The opening of that list; the source type is "api" when empty. */
void encode_events_list(struct bytes *out, struct slice source_type);

#endif
