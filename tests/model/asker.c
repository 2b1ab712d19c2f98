/* Answers questions about lines that came at times of their own, for query_differential.py. On
 * standard input:
 *   L SECONDS LINE         a line of DogStatsD, at that time
 *   F SECONDS              a flush
 *   Q FROM TO QUESTION     answered by one line of JSON */
#include <stdio.h>
#include <stdlib.h>

#include "flush/rollups/evaluation.h"
#include "tests/support/pipeline.h"

static void answer(struct rollup *rollup, const char *text, int64_t from_s, int64_t to_s)
{
    char problem[512];
    enum query_state state;
    struct evaluation *evaluation =
        evaluation_new(rollup, slice_of(text), from_s, to_s, problem, sizeof problem);

    if (evaluation == NULL) {
        printf("{\"error\":\"%s\"}\n", problem);
        return;
    }
    while ((state = evaluation_step(evaluation)) == QUERY_MORE)
        ;
    struct slice json = evaluation_answer(evaluation);
    if (state == QUERY_DONE)
        fwrite(json.at, 1, json.len, stdout);
    else
        printf("{\"error\":\"%s\"}\n", evaluation_problem(evaluation));
    evaluation_free(evaluation);
}

int main(int argc, char **argv)
{
    struct pipeline *p = PIPELINE(1, strtod(argv[argc - 1], NULL), "heeler_rollups=60 3600",
                                  "heeler_lookback=86400", "heeler_rollup_max_bytes=67108864");
    char *line = NULL, *rest;
    size_t size = 0;
    ssize_t len;

    while ((len = getline(&line, &size, stdin)) > 2) {
        line[len - 1] = '\0';
        long long at = strtoll(line + 2, &rest, 10);
        if (line[0] == 'L')
            pipeline_line(p, 0, (double)at, rest + 1);
        else if (line[0] == 'F')
            pipeline_flush(p, (double)at);
        else {
            long long to_s = strtoll(rest, &rest, 10);
            answer(flusher_rollup(p->flusher), rest + 1, at, to_s);
            fflush(stdout);
        }
    }
    free(line);
    pipeline_free(p);
    return 0;
}
