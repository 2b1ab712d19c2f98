/* server/commands/explain_run.h: one line all the way from a datagram to the bodies of
 * requests.
 *
 *   line -> ingest -> table -> inbox -> flusher -> encoder -> outbox -> bodies
 *
 * All of it is what the server runs, made for this line and without its sockets and threads: no
 * line was before it, and the interval that it comes in is flushed at once. Time is an
 * argument. What the outcome says of refusals is read from the ledgers. */
#ifndef SERVER_COMMANDS_EXPLAIN_RUN_H
#define SERVER_COMMANDS_EXPLAIN_RUN_H

#include "config/must_check.h"
#include "config/settings.h"
#include "flush/memory/bytes.h"
#include "flush/parcels/ledger.h"

struct explain_outcome {
    enum parse_result refused;          /* PARSE_OK: the parser took it */
    uint64_t shed[SHED_REASON_COUNT];   /* values of it that reach no series, by reason */
    uint64_t dropped[POINT_DROP_COUNT]; /* points of it that reach no payload */
    struct bytes intake; /* JSON: [{"path":"/api/v2/series","body":{..}}, ..]. Owned */
};

/* Views. The path of series is that of the settings; the body is JSON in any case, which with
 * v2 stands for the same in protobuf. */
struct explain_setup {
    const struct settings *settings;
    const char *hostname;
    bool series_v2;
};

/* Changes the settings for explain_run(): bodies are JSON and not compressed, and nothing is
 * kept for questions. The setup views them then. False without memory. */
MUST_CHECK bool explain_run_settings(struct settings *settings, const char *hostname,
                                     struct explain_setup *out);

/* Fills *out, to be freed whatever the result. line: no newline in it, and no longer than
 * dogstatsd_buffer_size. now_s: the wall clock. False, with a sentence: a setting is wrong, or
 * there is no memory. */
MUST_CHECK bool explain_run(const struct explain_setup *setup, struct slice line, int64_t now_s,
                            struct explain_outcome *out, char *problem, size_t problem_size);
void explain_outcome_free(struct explain_outcome *given);

#endif
