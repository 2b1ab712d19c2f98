/* server/commands/explain_screen.h: what server/commands/explainer.h says of a line, as text.
 *
 *   hits:1|c|#env:dev
 *     type        c (count): added up over 10 s, and sent as a rate a second
 *     values      1
 *     tags        env:dev
 *     series      hits
 *     host        web1
 *     with tags   env:dev (line), team:shop (tags)
 *     intake      /api/v2/series: hits, rate, interval 10
 *                 {"series":[{"metric":"hits",...}]}
 *
 * Text of strangers goes through config/shown.h. */
#ifndef SERVER_COMMANDS_EXPLAIN_SCREEN_H
#define SERVER_COMMANDS_EXPLAIN_SCREEN_H

#include <jansson.h>
#include <stdio.h>

void explain_screen_print(const json_t *explained, FILE *out);

#endif
