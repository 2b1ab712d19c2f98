/* fuzz_pipeline: any bytes as datagrams, all the way to payloads, which the decoder of
 * the tests must take. What was read is accounted for, and what was encoded is there.
 *
 * Datagrams are told apart by a byte 0x1f; the first byte chooses settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/log.h"
#include "server/receive/code_paths.h"
#include "tests/support/decode.h"
#include "tests/support/pipeline.h"

enum { BUFFER_SIZE = 8192 }; /* dogstatsd_buffer_size */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_set_level(LOG_LEVEL_OFF);
    code_paths_choose_or_exit();
    return 0;
}

static struct pipeline *open_pipeline(uint8_t how)
{
    return PIPELINE(1, 1000, how & 1 ? "use_v2_api.series=false" : "use_v2_api.series=true",
                    how & 2 ? "heeler_histogram_exact_values=2" : "histogram_percentiles=0.5",
                    how & 4 ? "histogram_copy_to_distribution=true" : "env=fuzz",
                    "heeler_max_contexts=1000", "heeler_rollup_max_bytes=0",
                    "serializer_compressor_kind=none", "statsd_metric_namespace=n");
}

static void send_datagrams(struct pipeline *pipeline, struct slice rest)
{
    struct ingest *ingest = pipeline->workers[0].ingest;

    while (rest.len > 0) {
        struct slice datagram = slice_cut(&rest, 0x1f);
        if (datagram.len > BUFFER_SIZE)
            datagram.len = BUFFER_SIZE;
        char *copy = malloc(datagram.len + 1); /* of its own, so that the sanitizer sees */

        if (copy == NULL)
            abort();
        memcpy(copy, datagram.at, datagram.len);
        ingest_datagram(ingest, (struct slice){ copy, datagram.len }, false, "fuzz",
                        pipeline->now_ns, 1000);
        ingest_settle(ingest);
        free(copy);
    }
}

static size_t items_of(json_t *decoded, enum payload_route route)
{
    json_t *events = json_object_get(decoded, "events"), *list;
    const char *source;
    size_t n = 0;

    if (route != ROUTE_EVENTS)
        return json_array_size(route == ROUTE_SERIES_V1 ? json_object_get(decoded, "series")
                                                        : decoded);
    json_object_foreach(events, source, list) n += json_array_size(list);
    return n;
}

/* jansson takes no NUL in a key, which JSON does: the source of an event may have one. */
static bool is_beyond_jansson(const struct payload *payload)
{
    return payload->route == ROUTE_EVENTS &&
           memmem(payload->bytes, payload->size, "\\u0000", 6) != NULL;
}

static void check_payloads(struct pipeline *pipeline)
{
    uint64_t points = 0, encoded = 0;
    struct payload *next;

    for (struct payload *p = outbox_take(&pipeline->outbox); p != NULL; p = next) {
        json_t *decoded = decode_body(p->route, p->bytes, p->size); /* not compressed */

        if (!is_beyond_jansson(p) &&
            (decoded == NULL || items_of(decoded, p->route) != p->items))
            abort();
        points += p->points;
        json_decref(decoded);
        next = p->next;
        outbox_settle(&pipeline->outbox, p);
    }
    for (int kind = 0; kind < POINT_KIND_COUNT; kind++)
        encoded += counter_read(&pipeline->ledger.encoded[kind]);
    if (points != encoded || counter_read(&pipeline->ledger.points_imbalance) != 0)
        abort();
}

static void check_values(const struct pipeline *pipeline)
{
    uint64_t ends = counter_read(&pipeline->ledger.folded);

    for (int reason = SHED_NOTHING + 1; reason < SHED_REASON_COUNT; reason++)
        ends += pipeline_values_shed(pipeline, (enum shed_reason)reason);
    if (pipeline_values_parsed(pipeline) != ends ||
        counter_read(&pipeline->ledger.values_imbalance) != 0 ||
        counter_read(&pipeline->ledger.lines_imbalance) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct pipeline *pipeline = open_pipeline(data[0]);

    send_datagrams(pipeline, (struct slice){ (const char *)data + 1, size - 1 });
    pipeline_flush(pipeline, 1012);
    pipeline_finish(pipeline);
    check_values(pipeline);
    check_payloads(pipeline);
    pipeline_free(pipeline);
    return 0;
}
