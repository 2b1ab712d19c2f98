/* flush/history/past_reader.h: history as questions see it (flush/rollups/past.h).
 *
 * What history tells of a metric's series is put among the rollups' own, a piece at a step, so
 * that whoever matches and groups knows nothing of ids of the store. A disk that does not
 * answer within PAST_PATIENCE_MS ends the question with a sentence; one about events, which may
 * be answered without it, after PAST_EVENTS_PATIENCE_MS. Who is given up after that long
 * without an answer closes the past to others until its reading is back: they do not pile up.
 *
 * On the flusher's thread. */
#ifndef FLUSH_HISTORY_PAST_READER_H
#define FLUSH_HISTORY_PAST_READER_H

#include "flush/history/history.h"
#include "flush/rollups/past.h"

enum { PAST_PATIENCE_MS = 30000, PAST_EVENTS_PATIENCE_MS = 2000 };

/* History outlives what this returns, which may be copied. */
struct past past_of(struct history *history);

#endif
