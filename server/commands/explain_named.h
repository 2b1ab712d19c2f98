/* server/commands/explain_named.h: what a series, an event or a check is called, and why, as
 * JSON.
 *
 *   {"mapped":{"profile":"jobs","mapping":1,"match":"job.*","name":"job","tags":["kind:a"]},
 *    "namespace":"shop.","name":"shop.job","host":"web1",
 *    "tags":[{"tag":"env:dev","from":"line"},{"tag":"kind:a","from":"mapper"}],
 *    "left_out":[{"tag":"host:web1","why":"it names the host"}],
 *    "resources":[{"type":"device","name":"sda"}]}
 *
 * The enricher decides; here is said what it has done. A tag comes from the line, the mapper,
 * or a setting: dogstatsd_tags, tags, extra_tags, env. */
#ifndef SERVER_COMMANDS_EXPLAIN_NAMED_H
#define SERVER_COMMANDS_EXPLAIN_NAMED_H

#include "config/settings.h"
#include "flush/memory/json_out.h"
#include "flush/series/enrich.h"
#include "server/commands/explain_parsed.h"

/* Writes the member "named". One that is refused has only the members that led to it. */
void explain_named_write(struct json_out *out, struct enricher *enricher,
                         const struct settings *settings, const struct explain_parsed *parsed);

#endif
