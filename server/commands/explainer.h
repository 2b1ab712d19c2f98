/* server/commands/explainer.h: what becomes of a line, as one JSON object.
 *
 *   {"line":"hits:1|c|#env:dev","kind":"metric","sent":true,
 *    "parsed":{...},                 server/commands/explain_parsed.h
 *    "named":{...},                  server/commands/explain_named.h
 *    "aggregated":"added up over 10 s, and sent as a rate a second",
 *    "shed":[{"values":1,"code":"not_finite","reason":"..."}],
 *    "dropped":[{"points":1,"code":"filtered","reason":"..."}],
 *    "intake":[{"path":"/api/v2/series","body":{...}}]}
 *
 * A line that the parser refuses has "code", "reason" and "at" instead, as an item of heeler
 * tail: the byte at fault, from 0. "cut_at" says where a line is cut that is longer than
 * dogstatsd_buffer_size. Time is an argument. */
#ifndef SERVER_COMMANDS_EXPLAINER_H
#define SERVER_COMMANDS_EXPLAINER_H

#include "config/settings.h"
#include "flush/memory/json_out.h"

struct explainer;

/* Owned. The settings are changed (explain_run_settings()) and outlive it, as the host name
 * does. NULL, with a sentence: one of them is wrong, or there is no memory. */
struct explainer *explainer_new(struct settings *settings, const char *hostname, char *problem,
                                size_t problem_size);
void explainer_free(struct explainer *given);

enum explained {
    EXPLAINED_SENT,   /* some of it goes to the intake */
    EXPLAINED_UNSENT, /* nothing does */
    EXPLAINED_FAILED, /* with a sentence; what was written is not whole */
};

/* line: without a newline. */
enum explained explainer_line(struct explainer *explainer, struct slice line, int64_t now_s,
                              struct json_out *out, char *problem, size_t problem_size);

#endif
