/* server/receive/ingest.h: datagrams in, cells and records out.
 *
 *   datagram -> parse_samples -> [slots fetched] -> [cell fetched] -> table_add
 *                           |-> timestamped samples -> parse_timed -> table_timed
 *                           `-> event, check -> table_record
 *
 * The heart of a worker, without its sockets and clock. Samples wait in a short
 * row between parsing and adding, so that the table's memory is fetched while
 * others are parsed: first its line of slots, some samples later the cell that
 * the slot names. ingest_settle() adds what waits and must be called before the
 * datagrams' bytes are reused. Counts are gathered privately and published
 * there too. One worker's, one thread. */
#ifndef SERVER_RECEIVE_INGEST_H
#define SERVER_RECEIVE_INGEST_H

#include "server/receive/table.h"

struct ingest_config {
    size_t buffer_size; /* the longest datagram */
    bool ignore_time;   /* dogstatsd_no_aggregation_pipeline is off */
    bool quiet;         /* refused lines are logged at level debug only */
    struct worker_ledger *ledger;
};

struct ingest;

/* The table outlives it. NULL without memory. */
struct ingest *ingest_new(const struct ingest_config *config, struct table *table);
void ingest_free(struct ingest *given);

/* need_newline: the listener's kind is in dogstatsd_eol_required. sender: named
 * when a line is refused. now_ns: monotonic; now_s: wall clock, for records. */
void ingest_datagram(struct ingest *ingest, struct slice datagram, bool need_newline,
                     const char *sender, int64_t now_ns, int64_t now_s);

/* The same for two or more at once, in less time: none of them needs a newline, and together
 * they are at most buffer_size and SCAN_WINDOW bytes. */
void ingest_datagrams(struct ingest *ingest, struct datagrams datagrams, const char *sender,
                      int64_t now_ns, int64_t now_s);

/* Lines and values since the last settling, of the last datagram too. */
void ingest_counted(const struct ingest *ingest, uint64_t *lines, uint64_t *values);

/* Adds the samples that wait and publishes the counts. */
void ingest_settle(struct ingest *ingest);

#endif
